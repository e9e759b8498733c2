"""Placement of objects in a frame, shared by demo videos and training pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

#: Largest rotation of an object [degrees to either side]; `UPRIGHT` for classes not named, such as cats.
LEAN = {"fish": 40.0, "guitar": 60.0, "microphone": 60.0, "yarn": 180.0}
UPRIGHT = 20.0


@dataclass(frozen=True)
class Placement:
    """Position, size and orientation of an object in a frame.

    Attributes:
        x: centre, as a share of the frame's width.
        y: centre, as a share of the frame's height.
        size: the object's longer side, as a share of the frame's shorter side.
        angle: rotation [degrees, counter-clockwise].
        flip: whether left and right are swapped.
    """

    x: float
    y: float
    size: float
    angle: float
    flip: bool


def place(
    rng: np.random.Generator, names: Sequence[str], *, sizes: tuple[float, float], lean: float = 1.0, tries: int = 10
) -> list[Placement]:
    """Draws placements of objects in a frame, with little overlap.

    Args:
        rng: source of all randomness.
        names: the objects' classes, back to front.
        sizes: smallest and largest size (see :attr:`Placement.size`).
        lean: factor on the largest rotation of each class.
        tries: candidates per object; the one that overlaps least with those already placed is chosen.

    Returns:
        One placement per object, in the order of ``names``.
    """
    placed: list[Placement] = []
    for name in names:
        size = float(rng.uniform(*sizes))
        reach = LEAN.get(name, UPRIGHT) * lean
        angle, flip = float(rng.uniform(-reach, reach)), bool(rng.random() < 0.5)
        low = min(0.42 * size, 0.5)
        candidates = rng.uniform(low, 1 - low, (tries, 2))
        crowding = [
            sum(max(0.0, 1 - np.hypot(x - other.x, y - other.y) / (0.45 * (size + other.size))) for other in placed)
            for x, y in candidates
        ]
        x, y = candidates[int(np.argmin(crowding))]
        placed.append(Placement(float(x), float(y), size, angle, flip))
    return placed


def fit_sprite(sprite: Image.Image, placement: Placement, frame: tuple[int, int]) -> Image.Image:
    """Returns an object's drawing scaled, flipped and rotated for its placement in a frame of ``frame`` pixels."""
    longer = placement.size * min(frame)
    factor = longer / max(sprite.size)
    size = max(3, round(sprite.width * factor)), max(3, round(sprite.height * factor))
    fitted = sprite.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if placement.flip:
        fitted = fitted.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return fitted.rotate(placement.angle, Image.Resampling.BILINEAR, expand=True)


def paste(image: Image.Image, sprite: Image.Image, x: float, y: float) -> None:
    """Pastes a fitted drawing with its centre at the shares (x, y) of the picture's width and height, in place."""
    image.paste(sprite, _corner(image, sprite, x, y), sprite)


def paste_mask(mask: Image.Image, sprite: Image.Image, x: float, y: float, value: int) -> None:
    """Writes ``value`` in place where :func:`paste` would put at least half of the drawing's own colour."""
    opaque = sprite.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0)
    mask.paste(value, _corner(mask, sprite, x, y), opaque)


def _corner(image: Image.Image, sprite: Image.Image, x: float, y: float) -> tuple[int, int]:
    return round(x * image.width - sprite.width / 2), round(y * image.height - sprite.height / 2)
