"""Recurrent PPO: the lean PPO with a recurrent layer, for users whose segment shows only over time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.deep.lean_ppo import LeanPPO, LeanPPOSettings
from preroll.agents.deep.networks.actor_critic import ActorCritic
from preroll.agents.deep.networks.flat_adam import FlatAdam
from preroll.agents.deep.networks.minibatches import Rows
from preroll.agents.deep.ppo_step import Pull
from preroll.agents.deep.rng_isolation import one_thread
from preroll.agents.deep.settings import MOST
from preroll.agents.deep.torch_state import to_tensor
from preroll.agents.selection import sample_actions
from preroll.agents.settings import MOST_SESSIONS
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import uniform_over_best
from preroll.errors import NoTableError

if TYPE_CHECKING:
    from preroll.envs.model.tables import TablesSource
    from preroll.envs.policies.policy import Policy


class RecurrentPPOSettings(LeanPPOSettings):
    """Settings of recurrent PPO; the defaults were measured on `hidden-users`."""

    recurrent_units: int = Field(default=32, ge=1, le=4096, description="units of the recurrent layer (measured)")
    num_envs: int = Field(default=128, ge=1, le=65536, description="parallel sessions while training (measured)")
    steps: int = Field(
        default=20, ge=1, description="steps of every lane between two trainings, also the reach of learning in time"
    )
    batch: int = Field(default=640, ge=2, description="transitions per gradient step, of whole lanes (measured)")
    learning_rate: float = Field(
        default=4e-3, gt=0, le=MOST, description="Adam's learning rate at the start (measured)"
    )
    sessions: int = Field(
        default=20_000,
        ge=1,
        le=MOST_SESSIONS,
        description="sessions after which training on `hidden-users` has settled (measured)",
    )


class RecurrentActorCritic(ActorCritic):
    """:class:`ActorCritic` whose last layer is a gated recurrent unit (Cho et al. 2014).

    Args:
        n_inputs: d, size of an observation.
        n_actions: A.
        settings: layers, and the number H of recurrent units.
    """

    def __init__(self, n_inputs: int, n_actions: int, settings: RecurrentPPOSettings) -> None:
        super().__init__(n_inputs, n_actions, settings.hidden, settings.activation, features=settings.recurrent_units)
        self.gru = torch.nn.GRUCell(settings.hidden[-1] if settings.hidden else n_inputs, settings.recurrent_units)

    def flatten(self, **settings: float) -> FlatAdam:
        """Lays the parameters side by side, and returns the optimiser that does so."""
        return FlatAdam(self.parameters(), (), **settings)

    def unroll(self, observations: torch.Tensor, state: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Computes the recurrent state after each of the observations.

        Args:
            observations: (T, n, d).
            state: (n, H), state before the first observation.
            kept: (T, n, 1), 1 if the session continued with an observation, 0 if it began with it.

        Returns:
            (T, n, H).
        """
        states = []
        for row, go_on in zip(self.body(observations), kept, strict=True):
            state = self.gru(row, state * go_on)
            states.append(state)
        return torch.stack(states)


class RecurrentPPO(LeanPPO):
    """Lean PPO with a memory of the session: a gated recurrent unit between the layers and the policy.

    The recurrent state is kept in the agent, one row per lane. :meth:`act` writes it; where a session ended it is
    reset, by :meth:`update` in training and by :meth:`end_sessions` elsewhere. Backpropagation reaches through all
    ``steps`` of a lane; a state from before them is treated as a constant. Decisions depend on the whole session, so
    the policy is not a table: its value is estimated by simulation. Where feedback is late, the states before and after
    an observation come back with it, and :meth:`update` leaves those of now alone.

    Metrics: ``policy_loss``, ``value_loss``, ``entropy`` [nat], ``approx_kl``, ``clip_fraction`` of the last training,
    ``learning_rate``.
    """

    name = "recurrent-ppo"
    Settings = RecurrentPPOSettings
    settings: RecurrentPPOSettings
    network: RecurrentActorCritic

    def __init__(self, spec: SessionSpec, settings: RecurrentPPOSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self._state = np.zeros((0, settings.recurrent_units), np.float32)
        self._after = self._state  # after the slot that is being learned

    def _make_network(self) -> RecurrentActorCritic:
        return RecurrentActorCritic(self.spec.layout.size, self.spec.n_actions, self.settings)

    def _allocate(self, lanes: int) -> None:
        super()._allocate(lanes)
        self._first = np.zeros((lanes, self.settings.recurrent_units), np.float32)

    def end_sessions(self, done: NDArray[np.bool_]) -> None:
        """Resets the recurrent state of the lanes in ``done``, bool (n,), whose sessions ended.

        If n differs from the number of lanes so far, the state of all lanes is reset.
        """
        if len(done) != len(self._state):
            self._state = np.zeros((len(done), self.settings.recurrent_units), np.float32)
        self._state[done] = 0.0

    def memory(self) -> NDArray[np.float32]:
        """Returns the recurrent state of every lane, float32 (n, H)."""
        return self._state

    def _remember(self, observations: NDArray[np.float32]) -> torch.Tensor:
        """Computes the recurrent state (n, H) after the observations (n, d), without storing it."""
        if len(observations) != len(self._state):
            self.end_sessions(np.ones(len(observations), np.bool_))
        with one_thread(), torch.no_grad():
            rows = self.network.body(to_tensor(observations, self.settings.place))
            state: torch.Tensor = self.network.gru(rows, self._units(self._state))
        return state

    def _probabilities(self, state: torch.Tensor, explore: bool) -> NDArray[np.float64]:
        with one_thread(), torch.no_grad():
            probabilities: NDArray[np.float64] = torch.softmax(self.network.policy(state).double(), dim=1).cpu().numpy()
        return probabilities if explore else uniform_over_best(probabilities)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities for the next observations of the lanes; the recurrent state does not advance.

        If the number of rows differs from the number of lanes so far, the state is reset: the rows are taken as the
        first observations of as many new sessions.
        """
        return self._probabilities(self._remember(observations), explore)

    def act_with_propensities(
        self, observations: NDArray[np.float32], *, explore: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Chooses as :meth:`act` does and also returns the propensity of each choice.

        Returns:
            actions: int64 (n,).
            propensities: float64 (n,), the probability with which each action was chosen.
        """
        state = self._remember(observations)
        probabilities = self._probabilities(state, explore)
        self._state = state.cpu().numpy()
        actions = sample_actions(probabilities, self.rng)
        return actions, probabilities[np.arange(len(actions)), actions]

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from the policy; without ``explore``, chooses the most probable ad.

        Row i must be the next observation of lane i.
        """
        return self.act_with_propensities(observations, explore=explore)[0]

    def policy(self, tables: "TablesSource") -> "Policy":
        """Raises an error: the policy is not a function of the current observation.

        Raises:
            NoTableError: always.
        """
        raise NoTableError(f"agent {self.name}: what it shows depends on the whole session: its policy is no table")

    export_graph = Agent.export_graph  # refuses: what LeanPPO exports has no memory

    def _learn(self, transitions: Transitions) -> None:
        after = transitions.memory_after
        self._after = self._state if after is None else after
        super()._learn(transitions)
        if after is not None:
            return
        self.end_sessions(transitions.ended)
        if self._collected == 0:  # the next slot is the first of a new collection
            self._first = self._state.copy()

    def _begin(self, first: Transitions) -> None:
        if first.memory_before is not None:
            self._first = first.memory_before.copy()

    def _values(self, observations: NDArray[np.float32], lanes: NDArray[np.bool_]) -> NDArray[np.float32]:
        with one_thread(), torch.no_grad():
            state = self.network.gru(
                self.network.body(to_tensor(observations, self.settings.place)), self._units(self._after[lanes])
            )
            values: NDArray[np.float32] = self.network.value(state)[:, 0].cpu().numpy()
        return values

    def _units(self, collected: NDArray[Any]) -> torch.Tensor:
        """Returns (steps, n, …): a unit is a whole lane."""
        return torch.from_numpy(collected).to(self.settings.place)

    def _inputs(self) -> Rows:
        """Returns observations, states before the first of them, and 0 where a session began with one of them."""
        # row 0 stays 1: `_first` was already reset where a session began there
        kept = np.ones((*self.ended.shape, 1), np.float32)
        kept[1:, :, 0] = ~self.ended[:-1]
        return {**super()._inputs(), "first": self._units(self._first)[None], "kept": self._units(kept)}

    def _forward(self, inputs: Rows) -> tuple[torch.Tensor, Pull]:
        states = self.network.unroll(inputs["observations"].contiguous(), inputs["first"][0], inputs["kept"])
        outputs = torch.cat([self.network.policy(states), self.network.value(states)], dim=2).flatten(0, 1).T

        def pull(derivative: torch.Tensor) -> None:
            found = torch.autograd.grad(outputs, self.optimizer.placed, derivative)
            torch.cat([gradient.flatten() for gradient in found], out=self.optimizer.gradient)

        return outputs.detach(), pull

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the weights; with ``training``, also what :class:`LeanPPO` adds and the recurrent state."""
        arrays = super().state_arrays(training=training)
        return {**arrays, "state/now": self._state, "state/first": self._first} if training else arrays

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the network and, if it was saved, the training state."""
        super().load_state(arrays, scalars)
        if scalars:
            self._state, self._first = arrays["state/now"].copy(), arrays["state/first"].copy()
