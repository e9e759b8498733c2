"""Conversion of functions of observations to policy tables, by evaluation at every observation of a session."""

import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from preroll.console.given import shortened
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.policies.given_tables import no_probabilities
from preroll.envs.policies.policy import Policy
from preroll.errors import NoTableError, PrerollError
from preroll.system.memory import COMPILED, require

LARGEST_TABLE = 50_000_000  # probabilities that are asked for
LARGEST_MEMORY = 4 * 2**30  # bytes of a table, in which states that look alike stand one by one


class Tabular(Protocol):
    """What has a policy table: every agent of :mod:`preroll.agents` whose choice is a function of the observation."""

    def policy(self, tables: TablesSource) -> Policy:
        """Returns its policy, exploration off, as a table."""


class TellsProbabilities(Protocol):
    """An object that tells the probabilities of its actions."""

    def action_probabilities(self, observations: Any, /) -> Any:
        """Returns float64 [n, A] for observations float32 [n, d]."""


ActionProbabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]


class Kept(Protocol):
    """A training that was read from a folder: :class:`preroll.simulations.Run`."""

    def load_agent(self) -> Tabular:
        """Returns the trained agent."""


class Trained(Protocol):
    """What a training ended with: :class:`preroll.simulations.TrainingResult`."""

    @property
    def agent(self) -> Tabular:
        """The trained agent."""


#: Whatever has a table, or of which one can be made.
PolicySource = Policy | Tabular | Kept | Trained | TellsProbabilities | ActionProbabilities


def tabulate(tables: TablesSource, action_probabilities: PolicySource) -> Policy:
    """Evaluates a function of observations at every observation that a session can show, as a policy table.

    Args:
        tables: a compiled scenario, or one to compile: see :meth:`Tables.of`.
        action_probabilities: maps observations float32 [n, d] to action probabilities [n, A]; must be memoryless. Or an
            agent, a run or the result of a training, or an object with such a method; a policy is returned unchanged.

    Returns:
        The policy, whose exact value :meth:`Optimum.value_of` computes.

    Raises:
        NoTableError: If there are too many observations or states for a table; step through sessions instead.
        PrerollError: If what the function returns are no probabilities of every action.
        MemoryShortError: If this machine has no memory for it, whatever another one would do.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import Optimum, Tables, tabulate
        >>> tables = Tables.compile("classic", "demo")
        >>> policy = tabulate(tables, lambda observations: np.full((len(observations), 6), 1 / 6))
        >>> round(Optimum(tables).value_of(policy), 3)
        10.198
    """
    if isinstance(action_probabilities, Policy):
        return action_probabilities
    tables, given = Tables.of(tables), _opened(action_probabilities)
    if inspect.ismethod(own := getattr(given, "policy", None)):  # that of other libraries is a network
        made: Policy = own(tables)
        return made
    ask = _asked(given)
    grid = _DistinctObservations(tables)
    if grid.size * tables.n_actions > LARGEST_TABLE:
        raise NoTableError(f"policy table: {grid.size:,} distinct observations are too many; evaluate by stepping")
    n_segments, _, _, n_levels, _ = grid.shape
    shape = (n_segments, len(grid.slot), len(grid.video_row), n_levels, len(grid.last), tables.n_actions)
    if 8 * math.prod(shape) > LARGEST_MEMORY:
        raise NoTableError(f"policy table: {math.prod(shape):,} probabilities are too many; evaluate by stepping")
    require("the table of a policy", COMPILED.plus(8 * math.prod(shape)))
    table = np.empty(shape)
    for (segment, slot), observations in zip(np.ndindex(grid.shape[:2]), grid, strict=True):
        told = np.asarray(ask(observations), dtype=np.float64)
        if wrong := no_probabilities(told, (len(observations), tables.n_actions)):
            raise PrerollError(f"policy table: action_probabilities returned {wrong}")
        block = told.reshape((*grid.shape[2:], -1))
        table[segment, grid.slot == slot] = block[grid.video_row][:, :, grid.last]
    return Policy(probabilities=table[None])


def _opened(given: Any) -> Any:
    """Returns the agent of a run or of the result of a training, and all else unchanged."""
    if inspect.ismethod(load := getattr(given, "load_agent", None)):
        return load()
    trained = getattr(given, "agent", None)
    return trained if inspect.ismethod(getattr(trained, "policy", None)) else given


def _asked(given: Any) -> ActionProbabilities:
    """Returns the function that is asked for probabilities.

    Raises:
        NoTableError: there is none, or the object remembers the session.
    """
    ask: ActionProbabilities = getattr(given, "action_probabilities", given)
    if not callable(ask) or isinstance(given, type):
        model = "; evaluate(model, scenario) plays a model of stable-baselines3" if hasattr(given, "predict") else ""
        raise NoTableError(
            f"policy: {shortened(given)}: a policy table is expected, or what has one: an agent (load_agent reads that "
            "of a folder, OnnxAgent.from_file that of a file), a run, the result of a training, or an object with "
            f"action_probabilities(observations){model}"
        )
    if hasattr(given, "end_sessions"):
        raise NoTableError(f"policy: {shortened(given)}: what it shows depends on the whole session: it is no table")
    return ask


class _DistinctObservations:
    """Every distinct observation of a scenario, in blocks with the axes segment · slot · video · fatigue · last.

    Attributes:
        shape: number of distinct observations along each axis; ``size`` is their product.
        slot, video_row, last: place along its axis of every slot, video and last outcome of a policy table.
    """

    def __init__(self, tables: Tables) -> None:
        parts = tables.layout.parts
        self.tables = tables
        slots, self.slot = _distinct(_slot_parts(tables))
        self.rows, self.video_row = _distinct(tables.arrays.rows)
        lasts, self.last = _distinct(_last_parts(tables))
        self._slots, self._lasts = slots, lasts
        n_segments = tables.n_segments if "segment" in parts else 1
        n_levels = tables.n_levels if "fatigue" in parts else 1
        self.shape = (n_segments, len(slots), len(self.rows), n_levels, len(lasts))
        self.size = int(np.prod(self.shape))

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yields one block of observations [n, d] per segment and slot, in the order of the axes."""
        parts, (n_segments, _, _, n_levels, n_last) = self.tables.layout.parts, self.shape
        for segment in range(n_segments):
            for slot in self._slots:
                block = np.repeat(self.rows, n_levels * n_last, axis=0).reshape((*self.shape[2:], -1))
                block += slot
                block += self._lasts
                if "segment" in parts:
                    block[..., parts["segment"].start + segment] = 1.0
                if "fatigue" in parts:
                    for level in range(n_levels):
                        block[:, level, :, parts["fatigue"].start + level] = 1.0
                yield block.reshape(-1, block.shape[-1])


def _distinct(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns the distinct rows of [n, d], and the number of each row among them, int64 [n]; [1] if all are equal."""
    found, number = np.unique(rows, axis=0, return_inverse=True)
    return found, number.astype(np.int64)[: None if len(found) > 1 else 1]


def _slot_parts(tables: Tables) -> NDArray[np.float32]:
    """Returns what an observation shows of every slot, float32 [T, d], and 0 in its other parts."""
    parts, rows = tables.layout.parts, np.zeros((tables.n_slots, tables.layout.size), dtype=np.float32)
    slots = np.arange(tables.n_slots)
    if "progress" in parts:
        rows[:, parts["progress"].start] = slots / tables.n_slots
    if "position" in parts:
        rows[slots, parts["position"].start + slots % len(tables.scenario.session.slots)] = 1.0
    return rows


def _last_parts(tables: Tables) -> NDArray[np.float32]:
    """Returns what an observation shows of every last outcome, float32 [2A + 1, d], and 0 in its other parts."""
    parts, n_ads = tables.layout.parts, tables.n_actions
    rows = np.zeros((2 * n_ads + 1, tables.layout.size), dtype=np.float32)
    if "last_ad" in parts:
        rows[np.arange(2 * n_ads), parts["last_ad"].start + np.arange(2 * n_ads) % n_ads] = 1.0
    if "last_view" in parts:
        rows[n_ads : 2 * n_ads, parts["last_view"].start] = 1.0
    return rows
