"""The object classes of the demo videos, each drawn with random shape, parts and colours.

A drawing is a small RGBA picture cropped to its opaque part. Each class has one drawing function of a pen and a
generator; no two drawings of a class are alike.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from preroll.perception.demo import drawings_home, drawings_stage, drawings_street
from preroll.perception.demo.pen import Pen

SPRITE_SIZE = 160

DRAWINGS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "car": drawings_street.car,
    "cat": drawings_home.cat,
    "chair": drawings_home.chair,
    "drum": drawings_stage.drum,
    "fish": drawings_home.fish,
    "guitar": drawings_stage.guitar,
    "microphone": drawings_stage.microphone,
    "person": drawings_stage.person,
    "road sign": drawings_street.road_sign,
    "traffic light": drawings_street.traffic_light,
    "tree": drawings_street.tree,
    "yarn": drawings_home.yarn,
}
OBJECT_CLASSES: tuple[str, ...] = tuple(DRAWINGS)


def draw_object(name: str, rng: np.random.Generator, size: int = SPRITE_SIZE) -> Image.Image:
    """Draws a new object of the class ``name``.

    Args:
        name: one of :data:`OBJECT_CLASSES`.
        rng: source of shape, parts, colours, light and texture.
        size: side of the square to draw on [pixels].

    Returns:
        An RGBA picture of at most ``size`` × ``size`` pixels, cropped to the object.

    Raises:
        KeyError: if there is no such class.
    """
    pen = Pen(size)
    DRAWINGS[name](pen, rng)
    return _shade(pen.finish(), rng)


def _shade(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lights the object from a random side and adds a slight texture to its surface."""
    pixels = np.asarray(image).astype(np.float32)
    height, width = pixels.shape[:2]
    tilt_x, tilt_y = rng.uniform(-0.3, 0.3, 2)
    light = 1 + tilt_x * np.linspace(-1, 1, width)[None, :] + tilt_y * np.linspace(-1, 1, height)[:, None]
    light += rng.uniform(0, 0.06) * rng.standard_normal((height, width), dtype=np.float32)
    pixels[..., :3] = np.clip(pixels[..., :3] * (light * rng.uniform(0.8, 1.12))[..., None], 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))
