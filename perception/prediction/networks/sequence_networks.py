"""Networks from the embeddings of a video's frames to a score per class; padding is masked in all of them.

They take ``frames`` float32 [n, T, D] as they are on disk and ``mask`` float32 [n, T], 1 for a frame and 0 for padding,
and give logits [n, K]. What stands in padded rows does not matter.
"""

import torch
from torch import Tensor, nn

from preroll.perception.prediction.framework.settings import GenreModel
from preroll.perception.prediction.networks.lstm import states
from preroll.perception.prediction.networks.output_layer import output_layer

_FAR = -1e9


class Units(nn.Module):
    """Frames → unit vectors, centred and scaled by what the training videos showed; 0 where masked.

    Embeddings of CLIP lie in a narrow cone: before they are centred, all resemble each other.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, center: Tensor, scale: Tensor) -> None:
        """Keep ``center`` [D] and ``scale`` [] of unit vectors."""
        super().__init__()
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Normalise."""
        units = frames / frames.norm(dim=2, keepdim=True).clamp_min(1e-6)
        scaled: Tensor = ((units - self.center) * self.scale).masked_fill(mask[:, :, None] == 0, 0.0)
        return scaled


class MeanNetwork(nn.Module):
    """Masked mean over time → one hidden layer (``mean-mlp``) or none (``logistic``) → logits."""

    def __init__(self, units: Units, bias: Tensor, hidden: int | None, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        features = len(units.center)
        self.units = units
        middle = [] if hidden is None else [nn.Linear(features, hidden), nn.ReLU()]
        self.layers = nn.Sequential(*middle, nn.Dropout(dropout), output_layer(hidden or features, bias))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Score every class."""
        total = self.units(frames, mask).sum(1)
        scores: Tensor = self.layers(total / mask.sum(1, keepdim=True).clamp_min(1))
        return scores


class AttentionNetwork(nn.Module):
    """Masked gated attention over frames → logits.

    a_t = softmax over frames of w·(tanh(V h_t) ⊙ σ(U h_t)); Ilse, Tomczak & Welling, "Attention-based deep multiple
    instance learning" (2018).
    """

    def __init__(self, units: Units, bias: Tensor, hidden: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.units = units
        self.hidden = nn.Sequential(nn.Linear(len(units.center), hidden), nn.ReLU(), nn.Dropout(dropout))
        self.what, self.whether = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.weight = nn.Linear(hidden, 1)
        self.output = output_layer(hidden, bias)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Score every class."""
        hidden = self.hidden(self.units(frames, mask))
        attention = self.weight(torch.tanh(self.what(hidden)) * torch.sigmoid(self.whether(hidden)))
        shares = attention.masked_fill(mask[:, :, None] == 0, _FAR).softmax(1)
        scores: Tensor = self.output((shares * hidden).sum(1))
        return scores


class BiLstmNetwork(nn.Module):
    """LSTMs forwards and backwards over the frames → masked maximum over time → logits.

    The backward one reads each video reversed within its own length, for otherwise it would read the padding first.
    """

    def __init__(self, units: Units, bias: Tensor, hidden: int, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self.units = units
        self.forwards = nn.LSTM(len(units.center), hidden, batch_first=True)
        self.backwards = nn.LSTM(len(units.center), hidden, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.output = output_layer(2 * hidden, bias)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Score every class."""
        inputs = self.units(frames, mask)
        place = torch.arange(inputs.shape[1], device=inputs.device)[None, :]
        # Up to the last frame: a masked row may stand between frames.
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
    """The network that the settings name."""
    if settings.name == "bilstm":
        return BiLstmNetwork(units, bias, settings.units, settings.dropout)
    if settings.name == "attention":
        return AttentionNetwork(units, bias, settings.units, settings.dropout)
    return MeanNetwork(units, bias, settings.units if settings.name == "mean-mlp" else None, settings.dropout)
