"""Lean PPO in plain torch for many lanes: only what proximal policy optimisation needs."""

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Agent, Arrays
from preroll.agents.deep.networks.actor_critic import ActorCritic
from preroll.agents.deep.networks.minibatches import Rows, batches, shuffled
from preroll.agents.deep.networks.ppo_gradient import ppo_metrics
from preroll.agents.deep.ppo_step import Pull, descend, judge, normalized
from preroll.agents.deep.rng_isolation import OwnGlobals, one_thread
from preroll.agents.deep.settings import MOMENTS, Layers, PPOSettings, first_training
from preroll.agents.deep.torch_state import (
    add_layers,
    load_module,
    load_optimizer,
    module_arrays,
    optimizer_arrays,
    to_tensor,
)
from preroll.agents.finite import finite, numbers
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.selection import sample_actions
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import uniform_over_best

#: Arrays of collected transitions that are saved.
ROWS = ("observations", "actions", "rewards", "ended")


class LeanPPOSettings(PPOSettings):
    """Settings of the lean PPO; the defaults were measured on `fatigue`."""

    hidden: Layers = Field(default=(64,), description="units of the layers that policy and value share")


class LeanPPO(Agent):
    """Proximal policy optimisation (Schulman et al. 2017) with generalised advantages (2016), on batches of lanes.

    ``steps`` slots of every lane are collected; then ``epochs`` passes in minibatches minimise

        −mean(min(r·Â, clip(r, 1 ± clip)·Â)) − entropy·H + value_weight·(V − R)²,   r = π(a|s) / π_old(a|s)

    with Adam, where Â is normalised over all collected transitions, and rewards are divided by the largest ad reward.
    Values and old probabilities are computed once collection is complete, in one pass: the policy has not changed since
    its start. Where feedback is late it has, and π_old are the propensities of the choices.

    Metrics: ``policy_loss``, ``value_loss``, ``entropy`` [nat], ``approx_kl``, ``clip_fraction`` of the last training,
    ``learning_rate``.
    """

    name = "lean-ppo"
    Settings = LeanPPOSettings
    settings: LeanPPOSettings
    needs_propensities = True

    def __init__(self, spec: SessionSpec, settings: LeanPPOSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.scale = spec.reward_unit
        with OwnGlobals(seed):
            self.network = self._make_network().to(settings.place)
        self.optimizer = self.network.flatten(lr=settings.learning_rate, eps=1e-5, max_gradient=settings.max_gradient)
        self._collected = 0
        self._losses: dict[str, float] = {}
        self._allocate(0)

    def _make_network(self) -> ActorCritic:
        s = self.settings
        return ActorCritic(self.spec.layout.size, self.spec.n_actions, s.hidden, s.activation)

    def _allocate(self, lanes: int) -> None:
        """Allocates the arrays of collected transitions of ``lanes`` lanes, (steps, lanes, …)."""
        shape = (self.settings.steps, lanes)
        self.observations = np.empty((*shape, self.spec.layout.size), np.float32)
        self.actions = np.empty(shape, np.int64)
        self.rewards = np.empty(shape, np.float32)
        self.ended = np.empty(shape, np.bool_)
        self.propensities = np.zeros(shape)  # 0 where none was told, so that the policy has not changed

    def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
        """Draws from the policy; without ``explore``, chooses the most probable ad."""
        return sample_actions(self.action_probabilities(observations, explore=explore), self.rng)

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the policy's exact probabilities; without ``explore``, 1 for the most probable ad."""
        with one_thread(), torch.inference_mode():
            logits = self.network(to_tensor(observations, self.settings.place))[-1][:-1].double()
            probabilities: NDArray[np.float64] = torch.softmax(logits, dim=0).T.cpu().numpy()
        return probabilities if explore else uniform_over_best(probabilities)

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the layers of the policy, to its logits."""
        graph.output_scores(add_layers(graph, (*self.network.body, self.network.policy)))

    def _learn(self, transitions: Transitions) -> None:
        if len(transitions) != self.actions.shape[1]:
            self._allocate(len(transitions))
            self._collected = 0
        row = self._collected
        if row == 0:
            self._begin(transitions)
        self.observations[row] = transitions.observations
        self.actions[row] = transitions.actions
        self.rewards[row] = transitions.rewards / self.scale
        self.ended[row] = transitions.ended
        self.propensities[row] = 0.0 if transitions.propensities is None else transitions.propensities
        if self.settings.bootstrap_at_horizon and transitions.truncated.any():
            # the value beyond the horizon is added to the reward, because `gae` stops at every end
            cut = transitions.truncated & ~transitions.terminated
            self.rewards[row, cut] += self.settings.gamma * self._values(transitions.next_observations[cut], cut)
        self._collected += 1
        if self._collected == self.settings.steps:
            self._collected = 0
            with one_thread():
                self._train(transitions)

    def _begin(self, first: Transitions) -> None:
        """Begins a new collection, of which ``first`` is the first slot of every lane."""

    def _values(self, observations: NDArray[np.float32], lanes: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Computes the values of ``observations`` (k, d), those of the lanes marked in ``lanes`` (n,)."""
        with one_thread(), torch.no_grad():
            values: NDArray[np.float32] = (
                self.network(to_tensor(observations, self.settings.place))[-1][-1].cpu().numpy()
            )
        return values

    def _units(self, collected: NDArray[Any]) -> torch.Tensor:
        """Reshapes (steps, n, …) so that minibatches are drawn from the second axis.

        Here all transitions lie side by side, (1, steps · n, …): a unit is one transition.
        """
        return torch.from_numpy(collected).reshape(1, -1, *collected.shape[2:]).to(self.settings.place)

    def _inputs(self) -> Rows:
        """Returns what the network sees of all transitions: by name (1 or steps, units, …)."""
        return {"observations": self._units(self.observations)}

    def _forward(self, inputs: Rows) -> tuple[torch.Tensor, Pull]:
        """Computes the outputs of the network for all N transitions of the ``inputs``.

        Returns:
            The logits and below them the values, (A + 1, N), and what writes the gradient, given their derivative.
        """
        outputs = self.network(inputs["observations"][0])
        return outputs[-1], partial(self.network.perceptron.differentiate, outputs)

    def _train(self, last: Transitions) -> None:
        """Trains on all collected transitions; ``last`` is the last slot of every lane."""
        s = self.settings
        self.optimizer.param_groups[0]["lr"] = s.learning_rate_at(self.progress)
        count = self._units(self.actions).shape[1]
        parts = min(count, max(1, round(self.actions.size / s.batch)))
        orders = (self.rng.permutation(count) for _ in range(s.epochs))
        steps = [
            descend(rows, self._forward, self.optimizer, s) for rows in shuffled(self._collect(last), orders, parts)
        ]
        self._losses = ppo_metrics(steps, s.clip)

    @torch.no_grad()
    def _collect(self, last: Transitions) -> Rows:
        """Returns what is learned from: by name (1 or steps, units, …), of which minibatches draw units."""
        s = self.settings
        rows = {**self._inputs(), "actions": self._units(self.actions)}
        passes = max(1, rows["actions"].shape[1] // s.batch)  # all at once would not fit in the cache
        judged = [judge(batch, self._forward) for batch in batches(rows, passes)]
        now, values = (torch.cat(column, dim=1) for column in zip(*judged, strict=True))
        acted = self._units(self.propensities)
        advantages = gae(
            self.rewards,
            finite("values", values.cpu().numpy()).reshape(self.rewards.shape),
            self.ended,
            finite("values", self._values(last.next_observations, np.ones(len(last), np.bool_))),
            s.gamma,
            s.gae_lambda,
        )
        raised = self._units(advantages)  # before normalisation: returns = advantages + values
        return {
            **rows,
            "before": torch.where(acted > 0, acted.log().float(), now),
            "returns": raised + values,
            "advantages": normalized(raised),
        }

    def metrics(self) -> dict[str, float]:
        """Returns the metrics listed in the docstring of the class.

        Before the first training only the learning rate is returned.
        """
        return {"learning_rate": self.settings.learning_rate_at(self.progress), **self._losses}

    def unlearned(self) -> str:
        """Returns how far the agent is from its first training; empty after it."""
        return "" if self._losses else first_training(self._collected, self.settings.steps)

    def missing(self) -> str:
        """Returns that transitions are collected anew."""
        return f"the batch of transitions starts empty; {MOMENTS}"

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the weights; with ``training``, also the optimiser and the transitions collected so far."""
        arrays = module_arrays(self.network, "network")
        if training:
            arrays |= optimizer_arrays(self.optimizer, "optimiser")
            arrays |= {f"collected/{name}": getattr(self, name)[: self._collected] for name in self._rows()}
        return arrays

    def _rows(self) -> tuple[str, ...]:
        """Returns the names of the arrays of collected transitions that are saved: propensities only where told."""
        return (*ROWS, "propensities") if self.propensities[: self._collected].any() else ROWS

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the number of lanes and the metrics of the last training, if ``training``."""
        return {"num_envs": self.actions.shape[1], "losses": self._losses} if training else {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the network and, if it was saved, the training state."""
        load_module(self.network, arrays, "network")
        if not scalars:
            return
        load_optimizer(self.optimizer, arrays, "optimiser")
        self._losses = numbers(scalars["losses"])
        self._allocate(scalars["num_envs"])
        for name in (*ROWS, "propensities"):
            if name in ROWS or f"collected/{name}" in arrays:
                self._collected = len(arrays[f"collected/{name}"])
                getattr(self, name)[: self._collected] = arrays[f"collected/{name}"]


def gae(
    rewards: NDArray[np.float32],
    values: NDArray[np.float32],
    ended: NDArray[np.bool_],
    following: NDArray[np.float32],
    gamma: float,
    gae_lambda: float,
) -> NDArray[np.float32]:
    """Computes generalised advantages: Â_t = δ_t + γλ·Â_{t+1} within a session, δ_t = r_t + γ·V_{t+1} − V_t.

    Args:
        rewards: (T, n).
        values: (T, n), of the observations in which the ads were chosen.
        ended: bool (T, n), whether the session ended with the slot.
        following: (n,), values of the observations after the last slot.
        gamma: discount.
        gae_lambda: 0 relies on the values, 1 on the rewards.

    Returns:
        float32 (T, n).
    """
    advantages = np.empty_like(rewards)
    ahead = np.zeros_like(following)
    goes_on = ~ended
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * following * goes_on[t] - values[t]
        ahead = delta + gamma * gae_lambda * goes_on[t] * ahead
        advantages[t], following = ahead, values[t]
    return advantages
