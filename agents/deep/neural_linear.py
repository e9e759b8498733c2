"""NeuralLinear: Thompson sampling with linear models on the features of a trained network."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from preroll.agents.agent import Arrays
from preroll.agents.contextual.lints import LinTS, LinTSSettings
from preroll.agents.contextual.ridge_update import absorb
from preroll.agents.deep.rng_isolation import OwnGlobals, one_thread
from preroll.agents.deep.settings import MOMENTS, MOST
from preroll.agents.deep.torch_state import add_layers, load_module, load_optimizer, module_arrays, optimizer_arrays
from preroll.agents.finite import numbers
from preroll.agents.onnx_graph import OnnxGraph
from preroll.agents.transitions import Transitions
from preroll.envs.model.observation import SessionSpec


class NeuralLinearSettings(LinTSSettings):
    """Settings of NeuralLinear: the network and its training schedule."""

    hidden: int = Field(default=50, ge=1, le=4096, description="units of the first layer (Riquelme et al. 2018: 50)")
    features: int = Field(default=16, ge=1, le=512, description="units of the last layer, which the linear models see")
    learning_rate: float = Field(default=3e-3, gt=0, le=MOST, description="Adam's (measured on `classic`)")
    train_every: int = Field(default=6_400, ge=1, description="transitions between two trainings of the network")
    gradient_steps: int = Field(default=100, ge=1, description="of a training (Riquelme et al. 2018: 100)")
    batch: int = Field(default=512, ge=1, description="transitions per gradient step (Riquelme et al. 2018: 512)")
    buffer: int = Field(
        default=20_000, ge=1, le=10_000_000, description="transitions kept, from which the linear models are rebuilt"
    )


class NeuralLinear(LinTS):
    """LinTS whose x is the last hidden layer of a network that was trained to predict y for the ad that was shown.

    Riquelme, Tucker & Snoek 2018: x = (relu(V·relu(U·observation)), 1); the network learns by squared error on the
    stored transitions, every ``train_every`` of them, after which A and b are recomputed from these, because x has
    changed its meaning. Between trainings it is LinTS.

    Metrics: ``width``, as LinTS; ``loss``, the mean squared error of the last training's last quarter;
    ``trainings``.
    """

    name = "neural-linear"
    Settings = NeuralLinearSettings
    settings: NeuralLinearSettings

    def __init__(self, spec: SessionSpec, settings: NeuralLinearSettings, *, seed: int = 0) -> None:
        super().__init__(spec, settings, seed=seed)
        self.own_globals = OwnGlobals(seed)
        with self.own_globals:
            self.body = torch.nn.Sequential(
                torch.nn.Linear(spec.layout.size, settings.hidden), torch.nn.ReLU(),
                torch.nn.Linear(settings.hidden, settings.features), torch.nn.ReLU(),
            )  # fmt: skip
            self.head = torch.nn.Linear(settings.features, spec.n_actions)
        self.network = torch.nn.ModuleList([self.body, self.head])
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=settings.learning_rate)
        self._start(settings.features + 1)
        # ring buffer of transitions: `_kept` counts all that were ever stored, `_since` those since the last training
        self._seen = np.zeros((settings.buffer, spec.layout.size), dtype=np.float32)
        self._actions = np.zeros(settings.buffer, dtype=np.int64)
        self._targets = np.zeros(settings.buffer)
        self._kept, self._since, self._trainings, self._loss = 0, 0, 0, math.nan

    def features(self, observations: NDArray[np.float32]) -> NDArray[np.floating]:
        """Returns x, float64 (n, features + 1): the last hidden layer and a 1."""
        with one_thread(), torch.no_grad():
            hidden = self.body(torch.from_numpy(np.ascontiguousarray(observations))).numpy()
        return np.concatenate([hidden, np.ones((len(hidden), 1))], axis=1, dtype=np.float64)

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the layers of the network and the predictions of the regressions on them, times what they pay."""
        weights = self.weights * self.pay[:, None]
        product = graph.node("MatMul", add_layers(graph, self.body), graph.constant(weights[:, :-1].T))
        graph.output_scores(graph.node("Add", product, graph.constant(weights[:, -1])))

    def _learn(self, transitions: Transitions) -> None:
        super()._learn(transitions)
        places = (self._kept + np.arange(len(transitions))) % self.settings.buffer
        self._seen[places], self._actions[places] = transitions.observations, transitions.actions
        self._targets[places] = self.learned(transitions)
        self._kept += len(transitions)
        self._since += len(transitions)
        if self._filled(self.steps + len(transitions)) and self._since >= self.settings.train_every:
            self._since = 0
            self._train()

    def _filled(self, steps: int) -> bool:
        """Returns whether the buffer, which a loaded agent begins empty, holds as much as it did before."""
        return self._kept >= min(steps - self._kept, self.settings.buffer)

    def _train(self) -> None:
        """Trains the network and recomputes the regressions."""
        n = min(self._kept, self.settings.buffer)
        seen, actions = torch.from_numpy(self._seen[:n]), torch.from_numpy(self._actions[:n])
        targets = torch.from_numpy(self._targets[:n].astype(np.float32))
        losses = []
        with one_thread():
            for _ in range(self.settings.gradient_steps):
                rows = torch.from_numpy(self.rng.integers(n, size=self.settings.batch))
                predicted = self.head(self.body(seen[rows])).gather(1, actions[rows, None])[:, 0]
                loss = torch.nn.functional.mse_loss(predicted, targets[rows])
                self.optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimizer.step()
                losses.append(loss.item())
        self._loss = float(np.mean(losses[-max(1, len(losses) // 4) :]))
        self._trainings += 1
        self._start(self.settings.features + 1)
        features = self.features(self._seen[:n])
        absorb(self.inverses, self.moments, self.weights, features, self._actions[:n], self._targets[:n])

    def metrics(self) -> dict[str, float]:
        """Returns ``width``, ``loss`` of the last training, if there was one, and ``trainings``."""
        loss = {"loss": self._loss} if self._trainings else {}
        return {**super().metrics(), **loss, "trainings": float(self._trainings)}

    def unlearned(self) -> str:
        """Returns what the network's first training waits for; empty after it."""
        if self._trainings:
            return ""
        every, before = self.settings.train_every, self.steps - self._kept
        least = f"train_every ({every:,})" if self._kept < every else f"those before ({before:,})"
        return f"its network was not trained: {self._kept:,} transitions are fewer than {least}"

    def missing(self) -> str:
        """Returns that the buffer is filled again before the network is trained again."""
        first = f"{min(max(self.steps, self.settings.train_every), self.settings.buffer):,}"
        return f"the buffer starts empty: the network is trained on once it holds {first} transitions; {MOMENTS}"

    def state_arrays(self, *, training: bool = False) -> Arrays:
        """Returns regressions and network; with ``training``, also optimiser and stored transitions."""
        arrays = super().state_arrays(training=training) | module_arrays(self.network, "network")
        if training:
            arrays |= optimizer_arrays(self.optimizer, "optimiser")
            arrays |= {"seen": self._seen, "actions": self._actions, "targets": self._targets}
        return arrays

    def state_scalars(self, *, training: bool = False) -> dict[str, Any]:
        """Returns the counters of stored transitions and trainings, and the metrics, if ``training``."""
        scalars = {"kept": self._kept, "since": self._since, "trainings": self._trainings, "loss": self._loss}
        return {**super().state_scalars(training=True), **scalars} if training else {}

    def load_state(self, arrays: Arrays, scalars: dict[str, Any]) -> None:
        """Restores regressions and network and, if it was saved, the training state."""
        super().load_state(arrays, scalars)
        load_module(self.network, arrays, "network")
        if scalars:
            load_optimizer(self.optimizer, arrays, "optimiser")
            self._seen, self._actions = arrays["seen"].copy(), arrays["actions"].copy()
            self._targets = arrays["targets"].copy()
            self._kept, self._since = scalars["kept"], scalars["since"]
            self._trainings, self._loss = scalars["trainings"], numbers(scalars)["loss"]
