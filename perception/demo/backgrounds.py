"""Random backgrounds: rooms, streets, stages, meadows and plain colours."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from preroll.perception.demo.pen import Color


def draw_background(rng: np.random.Generator, size: tuple[int, int], kind: str) -> Image.Image:
    """Draws a background.

    Args:
        rng: source of colours and details.
        size: width and height [pixels].
        kind: one of :data:`BACKGROUNDS`.

    Returns:
        An RGB picture.
    """
    image = BACKGROUNDS[kind](rng, size)
    _clutter(rng, image)
    return _with_texture(rng, image)


def _shade(rng: np.random.Generator, low: float, high: float, colorful: float = 60.0) -> Color:
    """Draws a colour whose components are scattered around one brightness."""
    parts = np.clip(rng.uniform(low, high) + rng.uniform(-colorful, colorful, 3), 0, 255).astype(int)
    return int(parts[0]), int(parts[1]), int(parts[2])


def _gradient(size: tuple[int, int], above: Color, below: Color) -> Image.Image:
    column = np.linspace(above, below, 16).astype(np.uint8)[:, None, :]
    return Image.fromarray(column).resize(size, Image.Resampling.BILINEAR)


def _with_texture(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Blends in coarse random spots of light and shadow."""
    cells = int(rng.integers(3, 24))
    spots: NDArray[np.uint8] = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    if rng.random() < 0.6:
        spots[:] = spots[..., :1]
    smooth = Image.fromarray(spots).resize(image.size, Image.Resampling.BICUBIC)
    return Image.blend(image, smooth, float(rng.uniform(0.03, 0.25)))


def _clutter(rng: np.random.Generator, image: Image.Image) -> None:
    """Draws plain shapes that are not objects, so that a detector cannot rely on round or elongated shapes alone."""
    draw, (width, height) = ImageDraw.Draw(image), image.size
    for _ in range(int(rng.integers(0, 6))):
        color = _shade(rng, 20, 235, 90)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        a, b = rng.uniform(0.02, 0.2, 2) * min(width, height)
        form = int(rng.integers(5))
        if form == 0:
            draw.ellipse([x - a, y - b, x + a, y + b], fill=color)
        elif form == 1:
            draw.ellipse([x - a, y - a, x + a, y + a], outline=color, width=max(1, int(a / 4)))
        elif form == 2:
            draw.rectangle([x - a, y - b, x + a, y + b], fill=color)
        elif form == 3:
            draw.polygon([(x + float(u) * a, y + float(v) * b) for u, v in rng.uniform(-1.4, 1.4, (4, 2))], fill=color)
        else:
            ends = [(x, y), (x + float(rng.uniform(-4, 4)) * a, y + float(rng.uniform(-4, 4)) * b)]
            draw.line(ends, fill=color, width=int(rng.integers(1, 6)))


def _room(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, _shade(rng, 110, 230), _shade(rng, 90, 210))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.5:
        stripe, step = _shade(rng, 100, 230), int(rng.integers(10, 40))
        for left in range(0, width, step):
            draw.rectangle([left, 0, left + step // 3, height], fill=stripe)
    floor = float(rng.uniform(0.6, 0.9)) * height
    draw.rectangle([0, floor, width, height], fill=_shade(rng, 50, 180))
    draw.line([(0, floor), (width, floor)], fill=_shade(rng, 180, 240, 20), width=3)
    if rng.random() < 0.6:
        x, y = rng.uniform(0, 0.75) * width, rng.uniform(0, 0.3) * height
        wide, tall = rng.uniform(0.15, 0.35) * width, rng.uniform(0.15, 0.35) * height
        draw.rectangle([x, y, x + wide, y + tall], fill=_shade(rng, 90, 240), outline=_shade(rng, 40, 220), width=4)
    return image


def _street(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, _shade(rng, 90, 220), _shade(rng, 140, 240))
    draw = ImageDraw.Draw(image)
    road = float(rng.uniform(0.6, 0.85)) * height
    x = 0.0
    while x < width:
        wide, top = float(rng.uniform(0.12, 0.35)) * width, float(rng.uniform(0.05, 0.5)) * height
        draw.rectangle([x, top, x + wide, road], fill=_shade(rng, 60, 200))
        glass, step = _shade(rng, 40, 240), max(6, int(wide / rng.integers(3, 6)))
        for left in range(int(x) + 3, int(x + wide) - step // 2, step):
            for upper in range(int(top) + 4, int(road) - step // 2, step):
                draw.rectangle([left, upper, left + step // 2, upper + step // 2], fill=glass)
        x += wide
    draw.rectangle([0, road, width, height], fill=_shade(rng, 50, 120, 15))
    middle, dash = (road + height) / 2, width // 8
    for left in range(0, width, 2 * dash):
        draw.rectangle([left, middle - 2, left + dash, middle + 2], fill=(230, 230, 220))
    return image


def _stage(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, _shade(rng, 10, 70, 30), _shade(rng, 20, 110, 40))
    draw = ImageDraw.Draw(image, "RGBA")
    for _ in range(int(rng.integers(1, 5))):
        top, foot, wide = rng.uniform(0, width), rng.uniform(0, width), rng.uniform(0.08, 0.2) * width
        beam = (*_shade(rng, 120, 230, 110), int(rng.integers(40, 130)))
        draw.polygon([(top - 3, 0), (top + 3, 0), (foot + wide, height), (foot - wide, height)], fill=beam)
    draw.rectangle([0, height * float(rng.uniform(0.75, 0.92)), width, height], fill=_shade(rng, 15, 80, 20))
    if rng.random() < 0.5:
        radius = height * float(rng.uniform(0.03, 0.07))
        for x in np.arange(0, width, 2.4 * radius):
            y = height - rng.uniform(0, 1.5) * radius
            draw.ellipse([x, y - radius, x + 2 * radius, y + radius], fill=(12, 10, 16))
    return image


def _meadow(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, (110, 160, int(rng.integers(180, 255))), _shade(rng, 180, 240, 30))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 5))):
        x, top, wide = rng.uniform(0, width), rng.uniform(0.35, 0.8) * height, rng.uniform(0.4, 1.0) * width
        green = int(rng.integers(80, 200))
        hill = (int(rng.uniform(0.3, 1.0) * green), green, int(rng.uniform(0.2, 0.6) * green))
        draw.ellipse([x - wide, top, x + wide, top + 2 * height], fill=hill)
    return image


def _plain(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return _gradient(size, _shade(rng, 10, 245, 90), _shade(rng, 10, 245, 90))


BACKGROUNDS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Image.Image]] = {
    "meadow": _meadow,
    "plain": _plain,
    "room": _room,
    "stage": _stage,
    "street": _street,
}
