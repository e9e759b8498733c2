"""QR-DQN of sb3-contrib, in the loop and with the replay buffer of our DQN."""

from typing import Any

import numpy as np
import torch
from pydantic import Field

from preroll.agents.deep.dqn import DQNAgent, DQNSettings
from preroll.agents.deep.replay import Replayed
from preroll.agents.deep.torch_state import add_layers
from preroll.agents.onnx_graph import OnnxGraph
from preroll.errors import PrerollError

try:
    from sb3_contrib import QRDQN
except ImportError:
    raise PrerollError("agent qr-dqn: needs sb3-contrib: pip install 'preroll[contrib]'") from None


class QRDQNSettings(DQNSettings):
    """Settings of QR-DQN; those shared with DQN keep their defaults."""

    quantiles: int = Field(
        default=25, ge=1, le=1000, description="quantiles of every return (Dabney et al. 2018: 200 for Atari)"
    )


class QRDQNAgent(DQNAgent):
    """QR-DQN: quantiles of every ad's return by quantile regression (Dabney et al. 2018); the largest mean is shown.

    Everything else is as in our DQN: n-step replay, scaled rewards, lanes that explore independently.

    Metrics: ``loss``, ``epsilon``, ``learning_rate``, ``gradient_steps`` so far, ``replay_size``.
    """

    name = "qr-dqn"
    Settings = QRDQNSettings
    settings: QRDQNSettings
    algorithm = QRDQN
    network = "quantile_net"

    def _network_settings(self) -> dict[str, Any]:
        return {**super()._network_settings(), "n_quantiles": self.settings.quantiles}

    def _q_values(self, outputs: torch.Tensor) -> torch.Tensor:
        return self._by_ad(outputs).double().mean(dim=0)

    def _by_ad(self, outputs: torch.Tensor) -> torch.Tensor:
        """Returns what the network returns as quantiles (quantiles, A, n)."""
        return outputs.reshape(self.settings.quantiles, self.spec.n_actions, -1)

    def _loss(self, values: torch.Tensor, following: torch.Tensor, rows: Replayed) -> tuple[torch.Tensor, torch.Tensor]:
        """Computes the quantile Huber loss and its derivative: the sum over the quantiles, the mean over targets."""
        quantiles, ahead = self._by_ad(values), self._by_ad(following)
        count = len(quantiles)
        best = ahead.mean(dim=0).argmax(dim=0).expand(count, 1, -1)
        target = rows.returns + rows.factors * ahead.gather(1, best)[:, 0]
        actions = rows.actions.expand(count, 1, -1)
        error = quantiles.gather(1, actions) - target  # of every quantile from every target, (quantiles, quantiles, n)
        level = (torch.arange(count, device=error.device)[:, None, None] + 0.5) / count
        slope = error.clamp(-1, 1)
        weight = torch.where(error > 0, 1 - level, level)
        loss = (weight * slope * (error - 0.5 * slope)).mean() * count
        pull = (weight * slope).mean(dim=1, keepdim=True) / error.shape[-1]
        return loss, torch.zeros_like(quantiles).scatter_(1, actions, pull).reshape(values.shape)

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the layers of the network and the mean of the quantiles."""
        shape = np.array([-1, self.settings.quantiles, self.spec.n_actions])
        value = add_layers(graph, self.model.quantile_net.quantile_net)
        quantiles = graph.node("Reshape", value, graph.constant(shape))
        graph.output_scores(graph.node("ReduceMean", quantiles, axes=[1], keepdims=0))
