"""The interface of everyone who chooses ads."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from preroll.agents import storage
from preroll.agents.settings import AgentSettings
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec

if TYPE_CHECKING:
    from preroll.envs.model.tables import Tables
    from preroll.envs.policies.policy import Policy

Arrays = dict[str, NDArray[Any]]


class Agent(ABC):
    """Chooses an ad for each lane and learns from what happened.

    A subclass gives :meth:`act`, :meth:`action_probabilities` and, if it learns, ``_learn``; what it has learned goes
    through :meth:`state_arrays`, :meth:`state_scalars` and :meth:`load_state`, so that a saved agent decides as before.

    All its randomness comes from generators it owns: no global generator changes, or is changed by, what it does.

    Attributes:
        name: its name in the registry.
        spec: what it may know of the environment.
        needs_tables: whether it must know the true tables, and not only what can be observed.
        settings: its settings, frozen.
        seed: seed of its generators.
        rng: its own generator.
        steps: transitions learned from so far.
        total_steps: transitions of the whole training, for schedules; 0 until :meth:`start_training`.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[AgentSettings]] = AgentSettings
    needs_tables: ClassVar[bool] = False

    def __init__(self, spec: SessionSpec, settings: AgentSettings, *, seed: int = 0) -> None:
        self.spec = spec
        self.settings = settings
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.steps = 0
        self.total_steps = 0

    @classmethod
    def from_tables(cls, tables: "Tables", settings: AgentSettings, *, seed: int = 0) -> Self:
        """Makes the agent for ``tables``; only those with ``needs_tables`` look into them."""
        return cls(tables.spec, settings, seed=seed)

    @property
    def num_envs(self) -> int:
        """Number of lanes that it likes to train with."""
        return self.settings.num_envs

    @property
    def progress(self) -> float:
        """Share of the training that is over, 0 to 1; 0 where no total was given."""
        return min(self.steps / self.total_steps, 1.0) if self.total_steps else 0.0

    def start_training(self, total_steps: int) -> None:
        """Tells how many transitions the whole training will bring: schedules (learning rate, epsilon) span them."""
        self.total_steps = int(total_steps)

    @abstractmethod
    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses an ad int64 (n,) for each row of ``observations`` (n, d), ties broken at random."""

    @abstractmethod
    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Gives the probability (n, A) of each action for each row of ``observations`` (n, d)."""

    def act_with_propensities(
        self, observations: NDArray[np.float32], *, explore: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Chooses as :meth:`act` does and gives, beside the ads, the propensity (n,) of each choice."""
        actions = self.act(observations, explore=explore)
        probabilities = self.action_probabilities(observations, explore=explore)
        return actions, probabilities[np.arange(len(actions)), actions]

    def end_sessions(self, done: NDArray[np.bool_]) -> None:  # noqa: B027  (most agents remember nothing of a session)
        """Tells the agent, where no :meth:`update` does, of which lanes the session is over: bool (n,).

        An agent with a memory of the session begins it anew there. All lanes are told of before the first :meth:`act`.
        """

    def update(self, transitions: Transitions) -> None:
        """Learns from one step of every lane."""
        self._learn(transitions)
        self.steps += len(transitions)

    def _learn(self, transitions: Transitions) -> None:  # noqa: B027  (learning nothing is allowed)
        """Changes what the agent knows; baselines learn nothing."""

    def policy(self, tables: "Tables") -> "Policy":
        """Gives the agent's choices, exploration off, at every observable state as a table.

        The default asks :meth:`action_probabilities` at each of them, so that the exact value of the agent is known.
        """
        from preroll.envs.policies.tabulate import tabulate

        return tabulate(tables, self.action_probabilities)

    def metrics(self) -> dict[str, float]:
        """Gives numbers about learning for TensorBoard; each agent's docstring explains its own."""
        return {}

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Gives the arrays that decisions depend on; with ``training`` also what learning goes on from (buffers …)."""
        return {}

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Gives the plain numbers and texts that belong to :meth:`state_arrays`, as JSON knows them."""
        return {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:  # noqa: B027  (as is having nothing to restore)
        """Takes back what :meth:`state_arrays` and :meth:`state_scalars` gave."""

    def save(self, folder: str | Path, *, training: bool = False) -> None:
        """Writes the agent to ``folder`` (see :mod:`preroll.agents.storage`), replacing what is there at once.

        Args:
            folder: the folder to write.
            training: also save what is needed to go on learning exactly where this agent stands.
        """
        about = {
            "name": self.name,
            "settings": self.settings.model_dump(mode="json"),
            "spec": self.spec.to_dict(),
            "seed": self.seed,
            "steps": self.steps,
            "total_steps": self.total_steps,
            "generator": self.rng.bit_generator.state,
            "training": training,
            "scalars": self.state_scalars(training=training),
        }
        storage.write(Path(folder), about, self.state_arrays(training=training))
