"""Networks from one feature vector to one logit per class, all with a normalised input and an output bias."""

import torch
from torch import Tensor, nn

from preroll.perception.prediction.framework.settings import TagModel
from preroll.perception.prediction.networks.output_layer import output_layer


class Linear(nn.Module):
    """Normalised features [n, D] → logits [n, K], one logistic regression per class."""

    def __init__(self, features: int, bias: Tensor, dropout: float = 0.0) -> None:
        """Builds the layers."""
        super().__init__()
        self.input = nn.Sequential(nn.BatchNorm1d(features), nn.Dropout(dropout))
        self.output = output_layer(features, bias)

    def forward(self, features: Tensor) -> Tensor:
        """Computes the logits [n, K]."""
        scores: Tensor = self.output(self.input(features))
        return scores


class Mlp(nn.Module):
    """Features [n, D] → two hidden layers of ReLU units (2000 and 3200 by default) → logits [n, K]."""

    def __init__(self, features: int, bias: Tensor, dropout: float, units: tuple[int, int]) -> None:
        """Builds the layers."""
        super().__init__()
        first, second = units
        self.hidden = nn.Sequential(
            nn.BatchNorm1d(features),
            nn.Linear(features, first),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.output = output_layer(second, bias)

    def forward(self, features: Tensor) -> Tensor:
        """Computes the logits [n, K]."""
        scores: Tensor = self.output(self.hidden(features))
        return scores


class Gated(nn.Module):
    """Features [n, D] → BatchNorm, dropout → hidden units h → context gating h · σ(W h) → logits [n, K].

    Context gating is from Miech, Laptev & Sivic, "Learnable pooling with context gating for video classification"
    (2017): each unit is weighted by a gate in (0, 1) computed from all units.
    """

    def __init__(self, features: int, bias: Tensor, dropout: tuple[float, float], units: int) -> None:
        """Builds the layers; ``dropout`` has the rates of the input and of the gated units."""
        super().__init__()
        self.input = nn.Sequential(nn.BatchNorm1d(features), nn.Dropout(dropout[0]))
        self.hidden = nn.Sequential(nn.Linear(features, units, bias=False), nn.BatchNorm1d(units), nn.ReLU())
        self.gate = nn.Sequential(nn.Linear(units, units, bias=False), nn.BatchNorm1d(units), nn.Sigmoid())
        self.dropout = nn.Dropout(dropout[1])
        self.output = output_layer(units, bias)

    def forward(self, features: Tensor) -> Tensor:
        """Computes the logits [n, K]."""
        hidden = self.hidden(self.input(features))
        scores: Tensor = self.output(self.dropout(hidden * self.gate(hidden)))
        return scores


class MixtureOfExperts(nn.Module):
    """Features [n, D] → for each class a mixture of logistic experts and a "no" expert → logits [n, K].

    p(class) = Σ over experts e of g_e · σ(z_e), where the gates g are a softmax over the experts and one more whose
    probability is always 0 (Jordan & Jacobs 1994; the video-level baseline of YouTube-8M).
    """

    def __init__(self, features: int, bias: Tensor, dropout: float, experts: int) -> None:
        """Builds the layers."""
        super().__init__()
        self.classes, self.experts = len(bias), experts
        self.input = nn.Sequential(nn.BatchNorm1d(features), nn.Dropout(dropout))
        self.gates = nn.Linear(features, self.classes * (experts + 1))
        self.scores = output_layer(features, bias.repeat_interleave(experts))
        nn.init.zeros_(self.gates.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Computes the log-odds [n, K] of each class's mixture."""
        inputs = self.input(features)
        gates = self.gates(inputs).unflatten(1, (self.classes, self.experts + 1)).log_softmax(2)
        scores = self.scores(inputs).unflatten(1, (self.classes, self.experts))
        # log p(class) and log(1 − p(class)), both computed in log space so that neither underflows.
        log_yes = torch.logsumexp(gates[..., 1:] + nn.functional.logsigmoid(scores), 2)
        no = torch.cat((gates[..., :1], gates[..., 1:] + nn.functional.logsigmoid(-scores)), 2)
        return log_yes - torch.logsumexp(no, 2)


def make_vector_network(settings: TagModel, features: int, bias: Tensor) -> nn.Module:
    """Builds the network selected by the settings.

    Args:
        settings: architecture and sizes.
        features: D, the number of features.
        bias: float32 [K], initial biases of the output layer.
    """
    if settings.name == "linear":
        return Linear(features, bias, settings.input_dropout)
    if settings.name == "mlp":
        return Mlp(features, bias, settings.dropout, settings.hidden)
    if settings.name == "gated":
        return Gated(features, bias, (settings.input_dropout, settings.dropout), settings.units)
    return MixtureOfExperts(features, bias, settings.input_dropout, settings.experts)
