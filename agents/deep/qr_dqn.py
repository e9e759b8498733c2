"""QR-DQN of sb3-contrib, in the loop and with the replay buffer of our DQN."""

from typing import Any

import numpy as np
import torch
from pydantic import Field

from preroll.agents.deep.dqn import DQNAgent, DQNSettings
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

    def _q_values(self, observations: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.model.quantile_net(observations).double().mean(dim=1)
        return values

    def export_graph(self, graph: OnnxGraph) -> None:
        """Adds the layers of the network and the mean of the quantiles."""
        shape = np.array([-1, self.settings.quantiles, self.spec.n_actions])
        value = add_layers(graph, self.model.quantile_net.quantile_net)
        quantiles = graph.node("Reshape", value, graph.constant(shape))
        graph.output_scores(graph.node("ReduceMean", quantiles, axes=[1], keepdims=0))
