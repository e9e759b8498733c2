"""Any object, or function, that chooses ads: trained and evaluated as an agent, without a base class."""

import inspect
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from preroll.agents.agent import Agent
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.model.tables import TablesSource
from preroll.envs.policies.given_tables import no_probabilities
from preroll.envs.policies.policy import Policy
from preroll.errors import NoTableError, PrerollError


class Acts(Protocol):
    """What is trained and evaluated beside agents: an object with this method."""

    def act(self, observations: Any, /) -> Any:
        """Returns the number of an ad, int (n,), for each row of observations, float32 (n, d)."""


#: The same as a function alone.
Function = Callable[[NDArray[np.float32]], Any]

#: Methods of an object, of which it has the first at least, and what they are called with.
METHODS = {
    "act": "observations",
    "update": "transitions",
    "end_sessions": "done",
    "action_probabilities": "observations",
}


class OwnAgent(Agent):
    """An object of the user's own as an agent.

    The object has ``act(observations)``; or it is a function, which is that. Where it has them, these are called too:
    ``update(transitions)`` after each slot of a training; ``end_sessions(done)``, with the lanes whose session is over,
    before the first slot all of them; and ``action_probabilities(observations)``, by which its exact value is known and
    it plays in an evaluation, as :func:`preroll.simulations.evaluate` says. An ``act`` with the argument ``explore`` is
    told whether it is training. All arrays are copies, which it may keep.

    Args:
        player: the object or function.
        spec: what it plays.
        settings: number of lanes and of sessions.
        name: how messages call it; by default by its attribute ``name``, else by its class.

    Raises:
        PrerollError: it cannot act.
    """

    def __init__(
        self, player: Any, spec: SessionSpec, settings: AgentSettings | None = None, *, name: str = ""
    ) -> None:
        super().__init__(spec, settings or AgentSettings())
        self.name = name or name_of(player)
        self.player, self._act = player, getattr(player, "act", player)
        self._told_explore = "explore" in _parameters(self._act)
        if wrong := _wrong(player, self._act, explore=self._told_explore):
            raise PrerollError(f"agent {self.name}: {wrong}")
        self._lanes = 0

    @property
    def remembers(self) -> bool:
        """Whether the object has ``end_sessions``."""
        return hasattr(self.player, "end_sessions")

    @property
    def can_learn(self) -> bool:
        """True: an object that is trained is meant to learn."""
        return True

    def unlearned(self) -> str:
        """Returns that the object has no ``update``, where it has none."""
        return "" if hasattr(self.player, "update") else "it has no update(transitions)"

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Returns the object's ads.

        Raises:
            PrerollError: they are no numbers of ads, one for each row.
        """
        n, n_actions = len(observations), self.spec.n_actions
        if n != self._lanes:
            self.end_sessions(np.ones(n, np.bool_))
        told = self._act(observations.copy(), **({"explore": explore} if self._told_explore else {}))
        if isinstance(told, tuple) and len(told) == 2 and not np.isscalar(told[1]):  # of stable-baselines3's predict
            if told[1] is not None:
                raise PrerollError(f"agent {self.name}: act returned (ads, state): give the model, whose state is kept")
            told = told[0]
        ads = np.asarray(told)
        if ads.shape != (n,) or ads.dtype.kind not in "iu" or not ((ads >= 0) & (ads < n_actions)).all():
            found = f", {ads.min()} to {ads.max()}" if ads.size and ads.dtype.kind in "iu" else ""
            raise PrerollError(
                f"agent {self.name}: act returned {ads.dtype} {ads.shape}{found}: an ad from 0 to {n_actions - 1} for "
                f"each of the {n} rows, int ({n},), is expected"
            )
        return ads.astype(np.int64)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the object's probabilities.

        Raises:
            PrerollError: it tells none, or what it tells are no probabilities of every ad for each row.
        """
        shape = len(observations), self.spec.n_actions
        if not hasattr(self.player, "action_probabilities"):
            raise NoTableError(
                f"agent {self.name}: has no action_probabilities(observations), which returns float64 {shape}"
            )
        told = np.asarray(self.player.action_probabilities(observations.copy()), np.float64)
        if wrong := no_probabilities(told, shape):
            raise PrerollError(f"agent {self.name}: action_probabilities returned {wrong}")
        return told

    def policy(self, tables: TablesSource) -> Policy:
        """Returns the object's policy as a table.

        Raises:
            NoTableError: it remembers the session, or tells no probabilities.
            PrerollError: what it tells are no probabilities.
        """
        if self.remembers:
            raise NoTableError(f"agent {self.name}: what it shows depends on the whole session: its policy is no table")
        return super().policy(tables)

    def end_sessions(self, done: NDArray[np.bool_]) -> None:
        """Calls that of the object, if it has it, with the lanes whose session is over."""
        self._lanes = len(done)
        if self.remembers:
            self.player.end_sessions(done.copy())

    def _learn(self, transitions: Transitions) -> None:
        if hasattr(self.player, "update"):
            self.player.update(deepcopy(transitions))
        if self.remembers:  # what remembers never learns late: see Feedback.check
            self.end_sessions(transitions.ended)


def name_of(player: Any) -> str:
    """Returns how messages call an object: by its attribute ``name``, or that of its function or class."""
    named = getattr(player, "name", None) or getattr(player, "__name__", None)
    return named if isinstance(named, str) else type(player).__name__


def _wrong(player: Any, act: Any, *, explore: bool) -> str:
    """Returns why an object cannot act or learn, in words; empty if it can."""
    if isinstance(player, type):
        return f"is the class {player.__name__}: an object of it is expected, which has act(observations)"
    if isinstance(player, str | Path):
        told = "is a name: make_agent(name, scenario) makes an agent, load_agent(folder) reads one"
        return f"{str(player)!r} {told}"
    if act is player and not callable(act):
        told = "has no act(observations), which returns the number of an ad for each row"
        return f"{told}; it is of {type(player).__name__}"
    for method, given in METHODS.items():
        call = act if method == "act" else getattr(player, method, None)
        if call is None and not hasattr(player, method):
            continue
        if not callable(call):
            return f"{method} is {call!r}: a method is expected, or no attribute of this name"
        if misfit := _misfit(call, explore=explore and method == "act"):
            return f"{method}: is called as {method}({given}): {misfit}"
    return ""


def _misfit(call: Callable[..., Any], *, explore: bool) -> str:
    """Returns why a method cannot be called with one argument, as Python says it; empty if it can, or tells nothing."""
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):  # compiled functions tell none
        return ""
    try:
        signature.bind(None, **({"explore": True} if explore else {}))
    except TypeError as error:
        return f"{error}; its own are {signature}"
    return ""


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # compiled functions tell none
        return ()
