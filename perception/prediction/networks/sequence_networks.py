"""Networks from the embeddings of a video's frames to one logit per class.

Inputs are ``frames`` float32 [n, T, D], not normalised, and ``mask`` float32 [n, T], 1 for a frame and 0 for padding;
outputs are logits [n, K]. Padding is masked everywhere, so the content of padded rows is ignored.
"""

import torch
from torch import Tensor, nn

from preroll.perception.prediction.framework.settings import GenreModel
from preroll.perception.prediction.networks.lstm import states
from preroll.perception.prediction.networks.output_layer import output_layer

# Score of masked frames; finite, as a softmax over −inf alone is NaN.
_FAR = -1e9


class Units(nn.Module):
    """Normalisation layer: unit vectors, centred and scaled by statistics of the training videos; 0 where masked.

    CLIP embeddings lie in a narrow cone: before centring, all of them resemble each other.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, center: Tensor, scale: Tensor) -> None:
        """Stores ``center`` [D] and the scalar ``scale`` of unit vectors."""
        super().__init__()
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Normalises the frames, float32 [n, T, D]."""
        units = frames / frames.norm(dim=2, keepdim=True).clamp_min(1e-6)
        scaled: Tensor = ((units - self.center) * self.scale).masked_fill(mask[:, :, None] == 0, 0.0)
        return scaled


class MeanNetwork(nn.Module):
    """Masked mean over time → one hidden layer (``mean-mlp``) or none (``logistic``) → logits [n, K]."""

    def __init__(self, units: Units, bias: Tensor, hidden: int | None, dropout: float) -> None:
        """Builds the layers."""
        super().__init__()
        features = len(units.center)
        self.units = units
        middle = [] if hidden is None else [nn.Linear(features, hidden), nn.ReLU()]
        self.layers = nn.Sequential(*middle, nn.Dropout(dropout), output_layer(hidden or features, bias))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Computes the logits [n, K]."""
        total = self.units(frames, mask).sum(1)
        scores: Tensor = self.layers(total / mask.sum(1, keepdim=True).clamp_min(1))
        return scores


class AttentionNetwork(nn.Module):
    """Masked gated attention over frames → logits [n, K].

    a_t = softmax over frames of w·(tanh(V h_t) ⊙ σ(U h_t)); Ilse, Tomczak & Welling, "Attention-based deep multiple
    instance learning" (2018).
    """

    def __init__(self, units: Units, bias: Tensor, hidden: int, dropout: float) -> None:
        """Builds the layers."""
        super().__init__()
        self.units = units
        self.hidden = nn.Sequential(nn.Linear(len(units.center), hidden), nn.ReLU(), nn.Dropout(dropout))
        self.what, self.whether = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.weight = nn.Linear(hidden, 1)
        self.output = output_layer(hidden, bias)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Computes the logits [n, K]."""
        hidden = self.hidden(self.units(frames, mask))
        attention = self.weight(torch.tanh(self.what(hidden)) * torch.sigmoid(self.whether(hidden)))
        shares = attention.masked_fill(mask[:, :, None] == 0, _FAR).softmax(1)
        scores: Tensor = self.output((shares * hidden).sum(1))
        return scores


class BiLstmNetwork(nn.Module):
    """Forward and backward LSTM over the frames → masked maximum over time → logits [n, K].

    The backward LSTM reads each video reversed within its own length; otherwise it would read the padding first.
    """

    def __init__(self, units: Units, bias: Tensor, hidden: int, dropout: float) -> None:
        """Builds the layers."""
        super().__init__()
        self.units = units
        self.forwards = nn.LSTM(len(units.center), hidden, batch_first=True)
        self.backwards = nn.LSTM(len(units.center), hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = output_layer(2 * hidden, bias)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Computes the logits [n, K]."""
        inputs = self.units(frames, mask)
        place = torch.arange(inputs.shape[1], device=inputs.device)[None, :]
        # Index of the last frame + 1, not the sum of the mask: masked rows may lie between frames.
        length = (place * (mask > 0) + (mask > 0)).amax(1, keepdim=True)
        mirrored = torch.where(place < length, length - 1 - place, place)
        ahead = states(self.forwards, inputs)
        back = states(self.backwards, _taken(inputs, mirrored))
        both = torch.cat((ahead, _taken(back, mirrored)), 2)
        best = both.masked_fill(mask[:, :, None] == 0, _FAR).amax(1)
        scores: Tensor = self.output(self.dropout(best))
        return scores


def _taken(values: Tensor, place: Tensor) -> Tensor:
    return torch.gather(values, 1, place[:, :, None].expand(-1, -1, values.shape[2]))


def make_sequence_network(settings: GenreModel, units: Units, bias: Tensor) -> nn.Module:
    """Builds the network selected by the settings, with the output biases ``bias`` float32 [K]."""
    if settings.name == "bilstm":
        return BiLstmNetwork(units, bias, settings.units, settings.dropout)
    if settings.name == "attention":
        return AttentionNetwork(units, bias, settings.units, settings.dropout)
    return MeanNetwork(units, bias, settings.units if settings.name == "mean-mlp" else None, settings.dropout)
