"""Base class of all agents."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from preroll.agents import storage
from preroll.agents.finite import check_arrays, nulled
from preroll.agents.fit import check_fit
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.console.given import seed_of, shortened
from preroll.envs.model.observation import SessionSpec
from preroll.errors import NotFiniteError, PrerollError
from preroll.shown.card import Card, shown
from preroll.shown.shown import Shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from preroll.envs.model.tables import Tables, TablesSource
    from preroll.envs.policies.policy import Policy

Arrays = dict[str, NDArray[Any]]


class Agent(Shown, ABC):
    """Base class of all agents.

    A subclass implements :meth:`act`, :meth:`action_probabilities` and, if it learns, ``_learn``. What it has learned
    is saved and restored through :meth:`state_arrays`, :meth:`state_scalars` and :meth:`load_state`, so that a loaded
    agent decides as the saved one did. It can be exported to ONNX if it implements :meth:`export_graph`.

    All randomness comes from generators that the agent owns: it neither changes nor depends on any global generator.

    Attributes:
        name: name in the registry.
        spec: what the agent may know of the environment: observation layout, ads and rewards, but no probabilities.
        needs_tables: whether the agent requires the true tables, and not only what can be observed.
        needs_propensities: whether it learns from the propensities of its choices where feedback is late: its policy
            has changed by then, so that they cannot be computed again.
        settings: frozen settings.
        seed: seed of the agent's generators.
        rng: the agent's own generator.
        steps: number of transitions learned from so far.
        total_steps: total number of training transitions, for schedules; 0 until :meth:`start_training`.
        waiting: number of transitions that were played and have not reached the agent; 0 unless feedback is late.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(4, scenario="classic", catalog="demo")
        >>> agent = make_agent("thompson", envs, seed=1)
        >>> observations, infos = envs.reset(seed=1)
        >>> actions, propensities = agent.act_with_propensities(observations)
        >>> actions.shape, propensities.shape, agent.action_probabilities(observations).shape
        ((4,), (4,), (4, 6))
    """

    name: str
    Settings: ClassVar[type[AgentSettings]] = AgentSettings
    needs_tables: ClassVar[bool] = False
    needs_propensities: ClassVar[bool] = False

    def __init__(self, spec: SessionSpec, settings: AgentSettings, *, seed: int = 0) -> None:
        if not isinstance(spec, SessionSpec):
            raise PrerollError(
                f"{type(self).__name__}: {shortened(spec)}: a SessionSpec is expected; make_agent(name, scenario) "
                "makes an agent, load_agent reads one of a folder, OnnxAgent.from_file one of a file"
            )
        self.spec = spec
        self.settings = settings
        self.seed = seed_of(seed)
        self.rng = np.random.default_rng(self.seed)
        self.steps = 0
        self.total_steps = 0
        self.waiting = 0

    @classmethod
    def from_tables(cls, tables: "Tables", settings: AgentSettings, *, seed: int = 0) -> Self:
        """Creates the agent for ``tables``, which only agents with ``needs_tables`` read."""
        return cls(tables.spec, settings, seed=seed)

    @property
    def num_envs(self) -> int:
        """Recommended number of parallel sessions during training."""
        return self.settings.num_envs

    @property
    def progress(self) -> float:
        """Fraction of the training that was played, in [0, 1]; 0 if no total is set."""
        return min((self.steps + self.waiting) / self.total_steps, 1.0) if self.total_steps else 0.0

    @property
    def can_learn(self) -> bool:
        """Whether the agent learns; baselines only play."""
        return type(self)._learn is not Agent._learn

    @property
    def remembers(self) -> bool:
        """Whether its choice depends on the session so far, of which :meth:`end_sessions` tells the end."""
        return type(self).end_sessions is not Agent.end_sessions

    def start_training(self, total_steps: int) -> None:
        """Sets the total number of training transitions, over which schedules are annealed.

        Args:
            total_steps: number of transitions of the whole training, which the schedules (learning rate, epsilon) span.
        """
        self.total_steps = int(total_steps)

    @abstractmethod
    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses one action per observation, breaking ties at random.

        Args:
            observations: float32 (n, d), one row per lane.
            explore: whether to explore, as in training.

        Returns:
            int64 (n,), the action of each row.
        """

    @abstractmethod
    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the probability of each action for each observation.

        Args:
            observations: float32 (n, d), one row per lane.
            explore: whether :meth:`act` is called with exploration.

        Returns:
            float64 (n, A).
        """

    def act_with_propensities(
        self, observations: NDArray[np.float32], *, explore: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Chooses as :meth:`act` does and also returns the propensity of each choice.

        Args:
            observations: float32 (n, d), one row per lane.
            explore: whether to explore, as in training.

        Returns:
            actions: int64 (n,).
            propensities: float64 (n,), the probability with which each action was chosen.
        """
        actions = self.act(observations, explore=explore)
        probabilities = self.action_probabilities(observations, explore=explore)
        return actions, probabilities[np.arange(len(actions)), actions]

    def end_sessions(self, done: NDArray[np.bool_]) -> None:
        """Resets the session state of the environments in ``done``.

        It is needed only when :meth:`update` is not called, or is called later.

        Args:
            done: bool (n,), the lanes whose session has ended. Before the first :meth:`act` it must mark all lanes.
        """

    def memory(self) -> NDArray[np.float32] | None:
        """Returns what the agent remembers of every lane's session, float32 (n, H); None where it remembers nothing.

        Where feedback is late, :attr:`Transitions.memory_before` and its kin bring it back to :meth:`update`, which
        then leaves the present memory alone.
        """
        return None

    def update(self, transitions: Transitions) -> None:
        """Learns from one step of every lane and advances ``steps``."""
        self._learn(transitions)
        self.steps += len(transitions)

    def _learn(self, transitions: Transitions) -> None:
        """Updates what the agent has learned; baselines do nothing."""

    def policy(self, tables: "TablesSource") -> "Policy":
        """Returns the agent's policy, exploration off, as a table over all observable states.

        The default calls :meth:`action_probabilities` at each of them, so that the exact value of the agent is known.
        """
        from preroll.envs.model.tables import Tables
        from preroll.envs.policies.tabulate import tabulate

        tables = Tables.of(tables)
        check_fit(self.name, self.spec, tables.spec)
        return tabulate(tables, self.action_probabilities)

    def to_frame(
        self, tables: "TablesSource", *, phase: int | None = None, segment: int | None = None
    ) -> "pd.DataFrame":
        """Returns the ads that the agent shows most: :meth:`Policy.to_frame` of :meth:`policy`."""
        return self.policy(tables).to_frame(tables, phase=phase, segment=segment)

    def plot(
        self,
        tables: "TablesSource",
        ax: "Axes | None" = None,
        *,
        phase: int | None = None,
        segment: int | None = None,
    ) -> "Axes":
        """Draws the ads that the agent shows most: :meth:`Policy.plot` of :meth:`policy`.

        Args:
            tables: the scenario on the catalog.
            ax: the axes to draw on; new ones by default.
            phase: phase of drift; the first one by default, if the agent sees it.
            segment: segment of the user; the first one by default, if the agent sees it.
        """
        return self.policy(tables).plot(tables, ax, phase=phase, segment=segment)

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds to ``graph`` what the agent computes with exploration off, from the observation to its outputs.

        The last call is that of :meth:`OnnxGraph.output_scores` or :meth:`OnnxGraph.output_probabilities`. The default
        refuses; it serves agents whose choice is no function of the observation.

        Raises:
            PrerollError: the agent cannot be exported; the message says why.
        """
        if self.remembers:
            why = "its choice depends on the whole session"
        elif self.needs_tables:
            why = "its choice is read from the catalog's true tables"
        else:
            why = f"{type(self).__name__} does not implement export_graph"
        raise PrerollError(f"agent {self.name}: cannot be exported: {why}")

    def metrics(self) -> dict[str, float]:
        """Returns learning metrics for TensorBoard, NaN where not defined; each agent's docstring explains its own."""
        return {}

    def unlearned(self) -> str:
        """Returns why the training at hand has taught the agent nothing so far; empty where it has, or never does.

        A loaded agent does not know whether an earlier training did: what it counts by is not saved.
        """
        return ""

    def missing(self) -> str:
        """Returns what a saved agent lacks to train on, and how it gets it again; empty where it lacks nothing.

        That is what :meth:`state_arrays` adds with ``training``, which a finished run does not keep.
        """
        return ""

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the arrays that decisions depend on.

        Args:
            training: whether to add the arrays from which training resumes (buffers …).

        Returns:
            Arrays by name.
        """
        return {}

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the JSON-serialisable numbers and strings that belong to :meth:`state_arrays`; NaN is saved as null.

        Args:
            training: whether to add those from which training resumes.

        Returns:
            Values by name.
        """
        return {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the state returned by :meth:`state_arrays` and :meth:`state_scalars`."""

    def _card(self) -> Card:
        spec = self.spec
        trained = f"{self.steps:,} transitions" if self.steps else "nothing yet"
        measured = {name: x for name, x in self.metrics().items() if x}  # what a loaded agent counts by begins at 0
        facts = {
            "scenario": spec.name,
            **({"was trained on": trained} if self.can_learn else {"learns": "no, it only plays"}),
            "sees": f"{spec.layout.size:,} numbers: {', '.join(spec.layout.parts)}",
            "shows": ", ".join(f"{spec.labels[ad]} ({ad})" for ad in spec.listed),
            **({"measures": ", ".join(f"{name} {shown(x)}" for name, x in measured.items())} if measured else {}),
        }
        rows = list(self.settings.model_dump(mode="json").items())
        return Card(f"Agent {self.name}", facts, ("setting", "value"), rows)

    def save(self, folder: str | Path, *, training: bool = False) -> None:
        """Writes the agent to ``folder`` (see :mod:`preroll.agents.storage`), replacing an existing folder atomically.

        Args:
            folder: the folder to write.
            training: whether to save also what is needed to resume training exactly where it stopped.

        Raises:
            NotFiniteError: an array holds NaN or infinity; nothing is written.
        """
        arrays = self.state_arrays(training=training)
        try:
            check_arrays(arrays)
        except NotFiniteError as error:
            raise NotFiniteError(f"agent {self.name}: {error}; nothing was written") from None
        about = {
            "name": self.name,
            "settings": self.settings.model_dump(mode="json"),
            "spec": self.spec.to_dict(),
            "seed": self.seed,
            "steps": self.steps,
            "total_steps": self.total_steps,
            "generator": self.rng.bit_generator.state,
            "training": training,
            "scalars": nulled(self.state_scalars(training=training)),
        }
        storage.write(Path(folder), about, arrays)
