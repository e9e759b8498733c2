"""Base class of DQN, QR-DQN and PPO: a model of stable-baselines3, driven by our loop instead of its ``learn``."""

from abc import abstractmethod
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger

from preroll.agents.agent import Agent, Arrays
from preroll.agents.deep.networks.flat_adam import FlatAdam
from preroll.agents.deep.rng_isolation import OwnGlobals
from preroll.agents.deep.settings import DeepSettings
from preroll.agents.deep.torch_state import load_module, load_optimizer, module_arrays, optimizer_arrays
from preroll.agents.finite import numbers
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec


class DeepAgent(Agent):
    """Base class of agents that hold a model of stable-baselines3.

    It maintains what the model's ``learn`` would maintain: progress, schedules and counters. Rewards are divided by the
    largest ad reward. Networks run in one thread, and all random numbers come from this agent's generators.
    """

    settings: DeepSettings
    model: BaseAlgorithm

    def __init__(self, spec: SessionSpec, settings: DeepSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.scale = spec.reward_unit
        self.own_globals = OwnGlobals(seed)
        self.buffer_envs = 0
        with self.own_globals:
            # The spaces stand in for an environment: with env=None the model cannot read them from one.
            self.model = self._make_model()
            self.model.observation_space = gym.spaces.Box(0.0, 1.0, (spec.layout.size,), np.float32)
            self.model.action_space = gym.spaces.Discrete(spec.n_actions)
            self.model.n_envs = 1
            self.model._setup_model()
        self.model.set_logger(Logger(folder=None, output_formats=[]))  # otherwise set by `learn`
        self.model.policy.to(settings.place)  # the model itself, which holds the buffers, stays on the CPU
        adam = self.model.policy.optimizer
        self.optimizer = FlatAdam(
            adam.param_groups[0]["params"],
            lr=settings.learning_rate,
            eps=adam.defaults["eps"],
            max_gradient=settings.max_gradient,  # type: ignore[attr-defined]  # each has it, with its own default
        )
        self.model.policy.optimizer = self.optimizer  # type: ignore[assignment]

    @abstractmethod
    def _make_model(self) -> BaseAlgorithm:
        """Creates the model without networks: ``env=None, _init_setup_model=False, seed=None``."""

    @abstractmethod
    def _allocate(self, lanes: int) -> None:
        """Creates an empty buffer for ``lanes`` lanes."""

    @property
    def activation(self) -> type[torch.nn.Module]:
        """Class of the layers between the linear ones."""
        return torch.nn.Tanh if self.settings.activation == "tanh" else torch.nn.ReLU

    def learning_rate(self, progress_remaining: float) -> float:
        """Returns the learning rate when the share ``progress_remaining`` (1 to 0) of the training is left."""
        return self.settings.learning_rate_at(1.0 - progress_remaining)

    def update(self, transitions: Transitions) -> None:
        """Learns from one step of every lane.

        The buffer is allocated for the number of lanes of the first call; another number replaces it by an empty one.
        """
        if len(transitions) != self.buffer_envs:
            self._allocate(len(transitions))
            self.buffer_envs = len(transitions)
        self.model.num_timesteps = self.steps
        self.model._current_progress_remaining = 1.0 - self.progress
        super().update(transitions)

    def _ended(self, transitions: Transitions) -> NDArray[np.bool_]:
        """Returns where the return ends, bool (n,), as set by ``bootstrap_at_horizon``."""
        return transitions.terminated if self.settings.bootstrap_at_horizon else transitions.ended

    def _logged(self, names: dict[str, str]) -> dict[str, float]:
        """Returns the model's own logged values under our names, as far as they exist."""
        values = self.model.logger.name_to_value
        return {ours: float(values[theirs]) for ours, theirs in names.items() if theirs in values}

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns the networks' weights; with ``training``, also optimiser, buffer and generators."""
        arrays = module_arrays(self.model.policy, "policy")
        if training:
            arrays |= optimizer_arrays(self.model.policy.optimizer, "optimiser")
            arrays |= {f"globals/{name}": array for name, array in self.own_globals.state_arrays().items()}
            if self.buffer_envs:
                buffer = self._buffer()
                arrays |= {f"buffer/{name}": getattr(buffer, name) for name in self._buffer_arrays()}
        return arrays

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the counters of model and buffer and the last logged values, if ``training``."""
        if not training:
            return {}
        buffer = self._buffer()
        return {
            "num_envs": self.buffer_envs,
            "n_updates": int(self.model._n_updates),
            "buffer": {"pos": int(buffer.pos), "full": bool(buffer.full)},
            "logged": {name: float(value) for name, value in self.model.logger.name_to_value.items()},
        }

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores the networks and, if it was saved, the training state."""
        load_module(self.model.policy, arrays, "policy")
        if not scalars:
            return
        load_optimizer(self.model.policy.optimizer, arrays, "optimiser")
        named = {name.removeprefix("globals/"): array for name, array in arrays.items() if name.startswith("globals/")}
        self.own_globals.load_state(named)
        self.model._n_updates = scalars["n_updates"]
        self.model.logger.name_to_value.update(numbers(scalars["logged"]))
        if scalars["num_envs"]:
            self._allocate(scalars["num_envs"])
            self.buffer_envs = scalars["num_envs"]
            buffer = self._buffer()
            for name in self._buffer_arrays():
                getattr(buffer, name)[...] = arrays[f"buffer/{name}"]
            buffer.pos, buffer.full = scalars["buffer"]["pos"], scalars["buffer"]["full"]

    @abstractmethod
    def _buffer(self) -> Any:
        """Returns the buffer of transitions."""

    @abstractmethod
    def _buffer_arrays(self) -> tuple[str, ...]:
        """Returns the names of the buffer's arrays from which training resumes."""
