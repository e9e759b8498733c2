"""DQN of stable-baselines3 with n-step returns, trained on many lanes."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import NStepReplayBuffer

from preroll.agents.deep.networks.flat_adam import flattened
from preroll.agents.deep.networks.perceptron import Perceptron
from preroll.agents.deep.replay import Replayed, replay
from preroll.agents.deep.rng_isolation import one_thread
from preroll.agents.deep.sb3_agent import DeepAgent
from preroll.agents.deep.settings import MOMENTS, MOST, DeepSettings
from preroll.agents.deep.torch_state import add_layers, to_tensor
from preroll.agents.finite import finite
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import sample_actions
from preroll.agents.settings import MOST_SESSIONS, Overruled
from preroll.agents.transitions import Transitions
from preroll.envs.policies.simple import uniform_over_best


class DQNSettings(DeepSettings):
    """Settings of DQN; the defaults were measured on `fatigue`: 0.957 to 0.981 of the optimum in four runs."""

    falling: ClassVar[Mapping[str, str]] = {**DeepSettings.falling, "epsilon": "final_epsilon"}

    num_envs: int = Field(default=512, ge=1, le=65536, description="parallel sessions while training (measured)")
    sessions: int = Field(
        default=60_000, ge=1, le=MOST_SESSIONS, description="sessions after which training on `fatigue` has settled"
    )
    final_learning_rate: float = Field(
        default=2e-5, gt=0, le=MOST, description="Adam's learning rate at the end (measured)"
    )
    buffer: int = Field(default=200_000, ge=1, description="transitions kept for replay (measured)")
    batch: int = Field(default=1024, ge=1, description="transitions per gradient step (measured)")
    updates_per_step: float = Field(
        default=2.0,
        gt=0,
        description="transitions replayed for each one collected, at any number of lanes (measured)",
    )
    learning_starts: int = Field(
        default=10_000, ge=0, description="transitions collected before the first gradient step"
    )
    n_step: int = Field(default=5, ge=1, le=1000, description="rewards added before bootstrapping (measured)")
    gamma: float = Field(default=0.99, gt=0, le=1, description="discount (Mnih et al. 2015)")
    target_every: int = Field(default=50, ge=1, description="gradient steps between two copies to the target network")
    epsilon: float = Field(default=1.0, ge=0, le=1, description="share of random ads at the start (Mnih et al. 2015)")
    final_epsilon: float = Field(
        default=0.02, ge=0, le=1, description="… and when exploration_share of training is over"
    )
    exploration_share: Annotated[float, Overruled("final_epsilon", lambda s: s.epsilon == s.final_epsilon)] = Field(
        default=0.5, gt=0, le=1, description="share of the training in which epsilon falls"
    )
    max_gradient: float = Field(default=10.0, gt=0, description="largest norm of the gradient (stable-baselines3)")


class DQNAgent(DeepAgent):
    """DQN with the Q-network, n-step replay buffer and ``train`` of stable-baselines3, and a loop of its own.

    Rewards are divided by the largest ad reward, because stable-baselines3 minimises the Huber loss, whose minimiser is
    the mean only while errors stay below 1: on raw rewards it prefers small certain ones. Every lane explores
    independently.

    Metrics: ``loss``, ``epsilon``, ``learning_rate``, ``gradient_steps`` so far, ``replay_size``.
    """

    name = "dqn"
    Settings = DQNSettings
    settings: DQNSettings
    model: Any  # a DQN, or a class with the same structure, such as QRDQN
    algorithm: ClassVar[Any] = DQN
    network: ClassVar[str] = "q_net"  # attribute of the model; the target network's has the suffix _target

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        layers, target = (getattr(getattr(self.model, self.network + ours), self.network) for ours in ("", "_target"))
        self._online = Perceptron(layers[:-1], layers[-1], gradient=self.optimizer.gradient)
        self._copied = flattened(list(target.parameters()))
        self._target = Perceptron(target[:-1], target[-1])
        self._owed = 0.0  # gradient steps earned by collected transitions but not yet made; fractions carry over

    def _make_model(self) -> Any:
        s = self.settings
        return self.algorithm(
            "MlpPolicy",
            env=None,
            learning_rate=self.learning_rate,
            buffer_size=1,  # a placeholder: _allocate makes the real buffer once the number of lanes is known
            batch_size=s.batch,
            gamma=s.gamma,
            n_steps=s.n_step,
            exploration_fraction=s.exploration_share,
            exploration_initial_eps=s.epsilon,
            exploration_final_eps=s.final_epsilon,
            max_grad_norm=s.max_gradient,
            policy_kwargs=self._network_settings(),
            device="cpu",
            seed=None,  # a seed would make stable-baselines3 seed the global generators
            _init_setup_model=False,
        )

    def _network_settings(self) -> dict[str, Any]:
        """Returns the keyword arguments of the network."""
        return {"net_arch": list(self.settings.hidden), "activation_fn": self.activation}

    @property
    def epsilon(self) -> float:
        """Current share of random ads."""
        return float(self.model.exploration_schedule(1.0 - self.progress))

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Chooses the largest Q-value; with ``explore``, any ad with probability epsilon."""
        return sample_actions(self.action_probabilities(observations, explore=explore), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the exact probabilities: (1 − ε) for the largest Q-value, plus ε/A for every ad.

        ε is 0 without ``explore``.
        """
        with one_thread(), torch.inference_mode():
            values = (
                self._q_values(self._online.outputs(to_tensor(observations, self.settings.place))[-1]).T.cpu().numpy()
            )
        best = uniform_over_best(finite("Q-values", values))
        epsilon = self.epsilon if explore else 0.0
        mixed: NDArray[np.float64] = (1 - epsilon) * best + epsilon / self.spec.n_actions
        return mixed

    def _q_values(self, outputs: torch.Tensor) -> torch.Tensor:
        """Computes the expected return (A, n) of every ad from what the network returns."""
        return outputs

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the layers of the Q-network."""
        graph.output_scores(add_layers(graph, self.model.q_net.q_net))

    def _allocate(self, lanes: int) -> None:
        model = self.model
        model.n_envs = lanes
        model.replay_buffer = NStepReplayBuffer(
            max(self.settings.buffer, lanes),  # transitions; the buffer divides them by the number of lanes
            model.observation_space,
            model.action_space,
            device="cpu",
            n_envs=lanes,
            n_steps=self.settings.n_step,
            gamma=self.settings.gamma,
        )

    def _learn(self, transitions: Transitions) -> None:
        self._store(transitions)
        if self._gathered(self.steps + len(transitions)) < self.settings.learning_starts:
            return
        self._owed += len(transitions) * self.settings.updates_per_step / self.settings.batch
        s = self.settings
        self.optimizer.param_groups[0]["lr"] = s.learning_rate_at(self.progress)
        with self.own_globals, torch.inference_mode():
            while self._owed >= 1:
                self._owed -= 1
                self._descend(Replayed(*(one.to(s.place) for one in replay(self._buffer(), s.batch))))
                self.model._n_updates += 1
                if self.model._n_updates % s.target_every == 0:
                    self._copied.copy_(self.optimizer.flat)

    def _descend(self, rows: Replayed) -> None:
        """Makes one step of Adam on a minibatch: that of ``train`` of stable-baselines3, without its graph."""
        outputs = self._online.outputs(rows.observations)
        loss, pull = self._loss(outputs[-1], self._target.outputs(rows.following)[-1], rows)
        self._online.differentiate(outputs, pull)
        self.optimizer.step()
        self.model.logger.record("train/loss", float(loss))

    def _loss(self, values: torch.Tensor, following: torch.Tensor, rows: Replayed) -> tuple[torch.Tensor, torch.Tensor]:
        """Computes the Huber loss and its derivative with respect to ``values``.

        Args:
            values: (A, n), what the network returns for the observations.
            following: (A, n), what the target network returns for those that follow.
            rows: the minibatch.
        """
        error = values.gather(0, rows.actions) - (rows.returns + rows.factors * following.amax(dim=0))
        slope = error.clamp(-1, 1)
        loss = (slope * (error - 0.5 * slope)).mean()
        return loss, torch.zeros_like(values).scatter_(0, rows.actions, slope / error.numel())

    def _gathered(self, steps: int) -> int:
        """Returns how many of ``steps`` transitions the replay buffer has held, which a loaded agent begins empty."""
        buffer = self._buffer()
        return steps if buffer.full else min(steps, int(buffer.pos) * int(buffer.n_envs))

    def _store(self, transitions: Transitions) -> None:
        """Writes one row of the replay buffer, as its ``add`` does but without a dictionary per lane."""
        buffer = self._buffer()
        row = buffer.pos
        buffer.observations[row] = transitions.observations
        buffer.next_observations[row] = transitions.next_observations
        buffer.actions[row] = transitions.actions[:, None]
        buffer.rewards[row] = transitions.rewards / self.scale
        buffer.dones[row] = transitions.ended
        # "done" ends an n-step return; together with "timeout" the return is bootstrapped from the next observation
        buffer.timeouts[row] = transitions.ended & ~self._ended(transitions)
        buffer.pos = (row + 1) % buffer.buffer_size
        buffer.full |= buffer.pos == 0

    def metrics(self) -> dict[str, float]:
        """Returns the metrics listed in the docstring of the class."""
        buffer = self._buffer()
        return {
            "epsilon": self.epsilon,
            "learning_rate": self.learning_rate(1 - self.progress),
            "gradient_steps": float(self.model._n_updates),
            "replay_size": float(buffer.size() * buffer.n_envs),
            **self._logged({"loss": "train/loss"}),
        }

    def unlearned(self) -> str:
        """Returns what the first gradient step waits for; empty after it."""
        if self.model._n_updates:
            return ""
        starts, gathered = self.settings.learning_starts, self._gathered(self.steps)
        if gathered < starts:
            return f"no gradient step was made: {gathered:,} transitions are fewer than learning_starts ({starts:,})"
        return f"no gradient step was made: updates_per_step is {self.settings.updates_per_step:g} per transition"

    def missing(self) -> str:
        """Returns that the replay buffer is filled again before learning goes on."""
        first = min(self.settings.learning_starts, self.settings.buffer)
        return f"the replay buffer starts empty: learning goes on once it holds {first:,} transitions; {MOMENTS}"

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the counters of model and buffer and the fraction of a gradient step that is owed."""
        scalars = super().state_scalars(training=training)
        return {**scalars, "owed": self._owed} if training else scalars

    def load_state(self, arrays: dict[str, NDArray[Any]], scalars: dict[str, Any]) -> None:
        """Restores networks, buffer and counters."""
        super().load_state(arrays, scalars)
        self._owed = float(scalars.get("owed", 0.0))

    def _buffer(self) -> Any:
        return self.model.replay_buffer  # before the first update it is stable-baselines3's, and empty

    def _buffer_arrays(self) -> tuple[str, ...]:
        return "observations", "next_observations", "actions", "rewards", "dones", "timeouts"
