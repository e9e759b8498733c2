"""From frames to the input of a network, as its card says."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from preroll.perception.onnx_models.card_fields import AxisOrder, Channels, Mean, NumberType, Scale
from preroll.perception.video.resize import Pixels

# Shares of red, green and blue in the luma of ITU-R BT.601.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class SaysInput(Protocol):
    """Protocol of the cards of all networks, as far as they describe the input."""

    @property
    def channels(self) -> Channels:
        """Order of the colour channels, or gray."""

    @property
    def mean(self) -> Mean:
        """Subtracted from each channel."""

    @property
    def scale(self) -> Scale:
        """Factor of each channel, applied afterwards."""

    @property
    def dtype(self) -> NumberType:
        """Number type."""

    @property
    def layout(self) -> AxisOrder:
        """Order of the axes."""


def network_input(frames: list[Pixels], card: SaysInput) -> NDArray[Any]:
    """Converts RGB frames to the network's input: channels, normalisation, number type and layout.

    Args:
        frames: arrays uint8 [height, width, 3] of one size.
        card: the network's card.

    Returns:
        Array [n, c, height, width] or [n, height, width, c], as the card's ``layout`` and ``dtype`` say; c is 1 for
        gray and else 3.
    """
    pixels: NDArray[Any] = np.stack(frames)
    if card.channels == "BGR":
        pixels = pixels[..., ::-1]
    elif card.channels == "gray":
        pixels = np.rint(pixels @ _LUMA)[..., None]
    if card.dtype != "uint8":
        mean, scale = (np.array(one[: pixels.shape[3]], np.float32) for one in (card.mean, card.scale))
        pixels = (pixels.astype(np.float32) - mean) * scale
    if card.layout == "NCHW":
        pixels = pixels.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(pixels, dtype=card.dtype)
