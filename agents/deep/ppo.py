"""PPO of stable-baselines3, trained on many lanes."""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.utils import explained_variance

from preroll.agents.agent import Arrays
from preroll.agents.deep.networks.minibatches import Rows, shuffled
from preroll.agents.deep.networks.perceptron import Perceptron
from preroll.agents.deep.networks.ppo_gradient import Terms, ppo_metrics
from preroll.agents.deep.ppo_step import Pull, descend, judge, normalized
from preroll.agents.deep.rng_isolation import one_thread
from preroll.agents.deep.sb3_agent import DeepAgent
from preroll.agents.deep.settings import MOMENTS, PPOSettings, first_training
from preroll.agents.deep.torch_state import add_layers, to_tensor
from preroll.agents.finite import finite
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import sample_actions
from preroll.agents.transitions import Transitions
from preroll.envs.policies.simple import uniform_over_best


class PPOAgent(DeepAgent):
    """PPO with the policy and rollout buffer of stable-baselines3, the steps of its ``train``, and a loop of its own.

    Values and log-probabilities are computed when the buffer is full, in one pass: the policy has not changed since the
    first of its steps. Where feedback is late it has, and the probabilities are those of the choices. With exploration
    the action is drawn from the policy; without it the most probable ad is shown.

    Metrics: ``loss``, ``policy_loss``, ``value_loss``, ``entropy`` [nat], ``approx_kl``, ``clip_fraction``,
    ``explained_variance`` of the last training, ``learning_rate``.
    """

    name = "ppo"
    Settings = PPOSettings
    settings: PPOSettings
    model: PPO
    needs_propensities = True

    def _make_model(self) -> PPO:
        s = self.settings
        return PPO(
            "MlpPolicy",
            env=None,  # type: ignore[arg-type]
            learning_rate=self.learning_rate,
            n_steps=s.steps,
            batch_size=s.batch,
            n_epochs=s.epochs,
            gamma=s.gamma,
            gae_lambda=s.gae_lambda,
            clip_range=s.clip,
            ent_coef=s.entropy,
            vf_coef=s.value_weight,
            max_grad_norm=s.max_gradient,
            policy_kwargs={"net_arch": {"pi": list(s.hidden), "vf": list(s.hidden)}, "activation_fn": self.activation},
            device="cpu",
            seed=None,  # a seed would make stable-baselines3 seed the global generators
            _init_setup_model=False,
        )

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        policy, gradient = self.model.policy, self.optimizer.gradient
        self._actor = Perceptron(
            policy.mlp_extractor.policy_net, cast(torch.nn.Linear, policy.action_net), gradient=gradient
        )
        self._critic = Perceptron(policy.mlp_extractor.value_net, policy.value_net, gradient=gradient)

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from the policy; without ``explore``, chooses the most probable ad."""
        return sample_actions(self.action_probabilities(observations, explore=explore), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the policy's exact probabilities; without ``explore``, 1 for the most probable ad."""
        with one_thread(), torch.inference_mode():
            logits = self._actor.outputs(to_tensor(observations, self.settings.place))[-1].double()
            probabilities: NDArray[np.float64] = torch.softmax(logits, dim=0).T.cpu().numpy()
        return probabilities if explore else uniform_over_best(probabilities)

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the layers of the policy, to its logits."""
        policy = self.model.policy
        graph.output_scores(add_layers(graph, (*policy.mlp_extractor.policy_net, policy.action_net)))

    def _allocate(self, lanes: int) -> None:
        model = self.model
        model.n_envs = lanes
        model.rollout_buffer = RolloutBuffer(
            self.settings.steps,
            model.observation_space,
            model.action_space,
            device="cpu",
            gamma=model.gamma,
            gae_lambda=model.gae_lambda,
            n_envs=lanes,
        )
        self._starts = np.ones(lanes, dtype=np.float32)
        self._propensities = np.zeros((self.settings.steps, lanes))  # 0 where none was told: nothing has changed

    def _learn(self, transitions: Transitions) -> None:
        buffer = self.model.rollout_buffer
        row = buffer.pos
        buffer.observations[row] = transitions.observations
        buffer.actions[row] = transitions.actions[:, None]
        buffer.rewards[row] = transitions.rewards / self.scale
        buffer.episode_starts[row] = self._starts
        self._propensities[row] = 0.0 if transitions.propensities is None else transitions.propensities
        if self.settings.bootstrap_at_horizon and transitions.truncated.any():
            # the value beyond the horizon is added to the reward, because advantages stop at every end
            cut = transitions.truncated & ~transitions.terminated
            buffer.rewards[row, cut] += self.settings.gamma * self._values(transitions.next_observations[cut])
        buffer.pos += 1
        self._starts = transitions.ended.astype(np.float32)
        if buffer.pos == buffer.buffer_size:
            buffer.full = True
            self._train(transitions)

    def _train(self, last: Transitions) -> None:
        """Trains on a full buffer, whose last step is ``last``, and empties it."""
        s, buffer = self.settings, self.model.rollout_buffer
        self.optimizer.param_groups[0]["lr"] = s.learning_rate_at(self.progress)
        with self.own_globals, torch.inference_mode():
            rows = self._collect(last)
            count = rows["actions"].shape[1]
            cuts = tuple(range(s.batch, count, s.batch))
            # from the generator that stable-baselines3 uses
            orders = (np.random.permutation(count) for _ in range(s.epochs))  # noqa: NPY002
            steps = [
                descend({**batch, "advantages": normalized(batch["advantages"])}, self._forward, self.optimizer, s)
                for batch in shuffled(rows, orders, cuts)
            ]
        self.model._n_updates += s.epochs
        self._log(steps)
        buffer.reset()

    def _collect(self, last: Transitions) -> Rows:
        """Returns what is learned from, lane by lane: by name (1, n, …)."""
        buffer = self.model.rollout_buffer
        rows = {"observations": self._by_lane(buffer.observations), "actions": self._by_lane(buffer.actions)[:, :, 0]}
        before, values = judge(rows, self._forward)
        buffer.values[:] = finite("values", values.cpu().numpy()).reshape(buffer.values.T.shape).T
        buffer.log_probs[:] = finite("logits", before.cpu().numpy()).reshape(buffer.log_probs.T.shape).T
        acted = self._propensities > 0
        buffer.log_probs[acted] = np.log(self._propensities[acted])
        following = finite("values", self._values(last.next_observations))
        buffer.compute_returns_and_advantage(torch.from_numpy(following), last.ended)
        rest = {"before": buffer.log_probs, "advantages": buffer.advantages, "returns": buffer.returns}
        return rows | {name: self._by_lane(array) for name, array in rest.items()}

    def _by_lane(self, array: NDArray[Any]) -> torch.Tensor:
        """Returns (steps, lanes, …) as (1, lanes · steps, …), in the order of stable-baselines3."""
        return torch.from_numpy(RolloutBuffer.swap_and_flatten(array))[None].to(self.settings.place)

    def _forward(self, rows: Rows) -> tuple[torch.Tensor, Pull]:
        """Computes the logits and below them the values, and returns what writes the gradient."""
        actor, critic = (net.outputs(rows["observations"][0]) for net in (self._actor, self._critic))

        def pull(derivative: torch.Tensor) -> None:
            self._actor.differentiate(actor, derivative[:-1])
            self._critic.differentiate(critic, derivative[-1:])

        return torch.cat([actor[-1], critic[-1]]), pull

    def _values(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        with one_thread(), torch.inference_mode():
            values: NDArray[np.float32] = (
                self._critic.outputs(to_tensor(observations, self.settings.place))[-1][0].cpu().numpy()
            )
        return values

    def _log(self, steps: list[Terms]) -> None:
        """Logs what ``train`` of stable-baselines3 would log of its gradient ``steps``."""
        s, buffer = self.settings, self.model.rollout_buffer
        whole, last = ppo_metrics(steps, s.clip), ppo_metrics(steps[-1:], s.clip)
        logged = {
            "entropy_loss": -whole["entropy"],
            "policy_gradient_loss": whole["policy_loss"],
            "value_loss": whole["value_loss"],
            "approx_kl": ppo_metrics(steps[-(len(steps) // s.epochs) :], s.clip)["approx_kl"],  # of the last pass
            "clip_fraction": whole["clip_fraction"],
            "loss": last["policy_loss"] - s.entropy * last["entropy"] + s.value_weight * last["value_loss"],
            "explained_variance": explained_variance(buffer.values.ravel(), buffer.returns.ravel()),
        }
        for name, value in logged.items():
            self.model.logger.record(f"train/{name}", value)

    def metrics(self) -> dict[str, float]:
        """Returns the metrics listed in the docstring of the class.

        Before the first training only the learning rate is returned.
        """
        names = {
            "loss": "train/loss",
            "policy_loss": "train/policy_gradient_loss",
            "value_loss": "train/value_loss",
            "approx_kl": "train/approx_kl",
            "clip_fraction": "train/clip_fraction",
            "explained_variance": "train/explained_variance",
        }
        metrics = {"learning_rate": self.learning_rate(1 - self.progress), **self._logged(names)}
        entropy = self._logged({"entropy": "train/entropy_loss"})
        # the entropy loss of stable-baselines3 is the negative entropy
        return metrics | {name: -value for name, value in entropy.items()}

    def unlearned(self) -> str:
        """Returns how far the agent is from its first training; empty after it."""
        return "" if self.model._n_updates else first_training(self.model.rollout_buffer.pos, self.settings.steps)

    def missing(self) -> str:
        """Returns that transitions are collected anew."""
        return f"the batch of transitions starts empty; {MOMENTS}"

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the networks' weights; with ``training``, also the arrays from which training resumes."""
        arrays = super().state_arrays(training=training)
        if not (training and self.buffer_envs):
            return arrays
        late = {"propensities": self._propensities} if self._propensities.any() else {}
        return {**arrays, "starts": self._starts, **late}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores networks, buffer and counters."""
        super().load_state(arrays, scalars)
        if "starts" in arrays:
            self._starts = arrays["starts"].copy()
        if "propensities" in arrays:
            self._propensities[:] = arrays["propensities"]

    def _buffer(self) -> RolloutBuffer:
        return self.model.rollout_buffer

    def _buffer_arrays(self) -> tuple[str, ...]:
        return "observations", "actions", "rewards", "episode_starts"
