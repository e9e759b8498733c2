"""Colours of the drawings: random ones from ranges of hue, and tones of one colour."""

import colorsys

import numpy as np

from preroll.perception.demo.pen import Color, Point

BLACK, WHITE = (22, 22, 26), (240, 240, 236)


def random_color(
    rng: np.random.Generator, hue: Point = (0, 1), saturation: Point = (0.35, 0.95), value: Point = (0.4, 0.95)
) -> Color:
    """Draws a colour from ranges of hue, saturation and value [each 0 to 1; hue may exceed them and wraps]."""
    red, green, blue = colorsys.hsv_to_rgb(rng.uniform(*hue) % 1, rng.uniform(*saturation), rng.uniform(*value))
    return round(red * 255), round(green * 255), round(blue * 255)


def tone(color: Color, factor: float) -> Color:
    """Returns a darker (factor < 1) or lighter (factor > 1) version of a colour."""
    red, green, blue = (min(255, round(part * factor)) for part in color)
    return red, green, blue


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Draws True with the given probability."""
    return bool(rng.random() < probability)
