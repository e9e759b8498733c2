"""The object classes that can be seen in demo videos, each drawn with random shape, parts and colours.

A drawing is a small RGBA picture cut to its opaque part. One drawing function per class; all take the pen and a
generator, and every proportion that they use is drawn at random, so that no two drawings of a class are alike.
"""

import colorsys
from collections.abc import Callable

import numpy as np
from PIL import Image

from preroll.perception.pen import Color, Pen, Point

SPRITE_SIZE = 160
BLACK, WHITE = (22, 22, 26), (240, 240, 236)


def draw_object(name: str, rng: np.random.Generator, size: int = SPRITE_SIZE) -> Image.Image:
    """Draw a new object of the class ``name``.

    Args:
        name: one of `OBJECT_CLASSES`.
        rng: decides on shape, parts, colours, light and texture.
        size: side of the square to draw on [pixels].

    Returns:
        An RGBA picture of at most ``size`` × ``size`` pixels, cut to the object.

    Raises:
        KeyError: no such class.
    """
    pen = Pen(size)
    DRAWINGS[name](pen, rng)
    return _shade(pen.finish(), rng)


def _shade(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Light the object from a random side and give its surface a little texture."""
    pixels = np.asarray(image).astype(np.float32)
    height, width = pixels.shape[:2]
    tilt_x, tilt_y = rng.uniform(-0.3, 0.3, 2)
    light = 1 + tilt_x * np.linspace(-1, 1, width)[None, :] + tilt_y * np.linspace(-1, 1, height)[:, None]
    light += rng.uniform(0, 0.06) * rng.standard_normal((height, width), dtype=np.float32)
    pixels[..., :3] = np.clip(pixels[..., :3] * (light * rng.uniform(0.8, 1.12))[..., None], 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def _color(
    rng: np.random.Generator, hue: Point = (0, 1), saturation: Point = (0.35, 0.95), value: Point = (0.4, 0.95)
) -> Color:
    """Draw a colour from ranges of hue, saturation and value [each 0 to 1; hue may go beyond and wraps]."""
    red, green, blue = colorsys.hsv_to_rgb(rng.uniform(*hue) % 1, rng.uniform(*saturation), rng.uniform(*value))
    return round(red * 255), round(green * 255), round(blue * 255)


def _tone(color: Color, factor: float) -> Color:
    """Make a colour darker (factor < 1) or lighter (factor > 1)."""
    red, green, blue = (min(255, round(part * factor)) for part in color)
    return red, green, blue


def _maybe(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _cat(pen: Pen, rng: np.random.Generator) -> None:
    fur = _color(rng, (0.02, 0.13), (0.0, 0.75), (0.25, 0.95))
    dark, light = _tone(fur, 0.6), _tone(fur, 1.35)
    x, y, head = rng.uniform(0.36, 0.5), rng.uniform(0.28, 0.33), rng.uniform(0.17, 0.21)
    if _maybe(rng, 0.5):  # sitting
        pen.arc(0.68, 0.72, rng.uniform(0.14, 0.24), rng.uniform(0.12, 0.26), (200, 460), 0.05, dark)
        pen.disk(x + 0.03, 0.7, rng.uniform(0.19, 0.26), 0.27, fur)
        for foot in (-0.09, 0.1):
            pen.disk(x + foot, 0.93, 0.07, 0.045, light)
    else:  # walking
        pen.line([(0.78, 0.56), (0.9, 0.42), (rng.uniform(0.82, 0.95), rng.uniform(0.16, 0.3))], 0.05, dark)
        for leg in (0.34, 0.44, 0.7, 0.79):
            pen.line([(leg, 0.62), (leg + rng.uniform(-0.06, 0.06), 0.92)], 0.075, dark)
        pen.disk(0.58, 0.58, 0.29, rng.uniform(0.13, 0.17), fur)
    for side in (-1, 1):
        tip = (x + side * head * 0.85, y - head * rng.uniform(1.35, 1.6))
        pen.shape([(x + side * head * 0.97, y - 0.03), tip, (x + side * head * 0.15, y - head * 0.8)], fur)
        pen.shape([(x + side * head * 0.8, y - 0.07), tip, (x + side * head * 0.35, y - head * 0.7)], (214, 130, 140))
    pen.disk(x, y, head, head * rng.uniform(0.85, 0.98), fur)
    iris = _color(rng, (0.12, 0.45))
    for side in (-1, 1):
        pen.disk(x + side * head * 0.43, y - 0.02, 0.042, 0.045, iris)
        pen.disk(x + side * head * 0.43, y - 0.02, 0.014, 0.04, BLACK)
        for slope in (-0.03, 0.02):
            pen.line([(x + side * 0.05, y + 0.08), (x + side * head * 1.3, y + 0.07 + slope)], 0.009, light)
    pen.disk(x, y + 0.085, 0.08, 0.05, light)
    pen.shape([(x - 0.03, y + 0.05), (x + 0.03, y + 0.05), (x, y + 0.09)], (190, 90, 100))
    if _maybe(rng, 0.5):
        for stripe in (-0.07, 0, 0.07):
            pen.line([(x + stripe, y - head * 0.85), (x + stripe * 0.6, y - head * 0.45)], 0.022, dark)


def _yarn(pen: Pen, rng: np.random.Generator) -> None:
    wool = _color(rng, (0, 1), (0.45, 1), (0.5, 0.95))
    x, y, radius = 0.45, 0.45, rng.uniform(0.36, 0.42)
    end = rng.uniform(0.7, 0.95)
    pen.line([(x, y + radius * 0.95), (0.65, 0.9), (0.8, rng.uniform(0.78, 0.97)), (0.97, end)], 0.028, wool)
    pen.disk(x, y, radius, radius, wool)
    for turn in rng.uniform(0, np.pi, 3):
        across, along = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        tone = _tone(wool, rng.choice([0.55, 0.68, 1.4]))
        for offset in np.linspace(-0.6, 0.6, int(rng.integers(4, 7))):
            half = np.sqrt(1 - offset**2) * 0.95
            steps = np.linspace(-half, half, 9)
            bow = offset + rng.uniform(0.08, 0.2) * (1 - (steps / half) ** 2)
            strand = (steps[:, None] * along + bow[:, None] * across) * radius
            pen.line([(x + a, y + b) for a, b in strand if np.hypot(a, b) < radius], 0.018, tone)


def _fish(pen: Pen, rng: np.random.Generator) -> None:
    skin = _color(rng)
    fin = _tone(skin, rng.choice([0.6, 1.4]))
    tall = rng.uniform(0.15, 0.24)
    pen.shape(
        [(0.62, 0.5), (0.97, 0.5 - rng.uniform(0.17, 0.27)), (0.87, 0.5), (0.97, 0.5 + rng.uniform(0.17, 0.27))], fin
    )
    pen.shape([(0.3, 0.5 - tall * 0.7), (0.52, 0.5 - tall * rng.uniform(1.5, 1.9)), (0.62, 0.5 - tall * 0.5)], fin)
    pen.shape([(0.36, 0.5 + tall * 0.7), (0.5, 0.5 + tall * rng.uniform(1.3, 1.7)), (0.55, 0.5 + tall * 0.6)], fin)
    pen.disk(0.4, 0.5, 0.36, tall, skin)
    pen.disk(0.4, 0.5 + tall * 0.45, 0.24, tall * 0.45, _tone(skin, 1.25))
    if _maybe(rng, 0.6):
        for stripe in np.linspace(0.38, 0.62, int(rng.integers(2, 5))):
            reach = tall * 0.85 * np.sqrt(1 - ((stripe - 0.4) / 0.37) ** 2)
            pen.line([(stripe, 0.5 - reach), (stripe + 0.02, 0.5), (stripe, 0.5 + reach)], 0.028, _tone(fin, 0.8))
    pen.arc(0.27, 0.5, 0.05, tall * 0.7, (-80, 80), 0.016, _tone(skin, 0.6))
    pen.disk(0.17, 0.5 - tall * 0.25, 0.045, 0.045, WHITE)
    pen.disk(0.165, 0.5 - tall * 0.25, 0.022, 0.022, BLACK)


def _car(pen: Pen, rng: np.random.Generator) -> None:
    paint = _color(rng, (0, 1), (0.0, 1), (0.35, 0.95))
    glass = _color(rng, (0.5, 0.62), (0.1, 0.45), (0.3, 0.85))
    floor, waist, roof = 0.72, rng.uniform(0.48, 0.53), rng.uniform(0.26, 0.34)
    rear = rng.choice([0.04, 0.16, 0.24])  # van, hatchback, saloon
    front = rng.uniform(0.78, 0.86)
    pen.shape([(rear, waist + 0.02), (rear + 0.09, roof), (0.6, roof), (front, waist + 0.02)], paint)
    pen.shape([(rear + 0.06, waist), (rear + 0.12, roof + 0.035), (0.41, roof + 0.035), (0.41, waist)], glass)
    pen.shape([(0.45, waist), (0.45, roof + 0.035), (0.59, roof + 0.035), (front - 0.06, waist)], glass)
    pen.box(0.02, waist, 0.98, floor, paint, 0.06)
    pen.box(0.02, floor - 0.06, 0.98, floor, _tone(paint, 0.6), 0.02)
    pen.line([(0.43, waist + 0.02), (0.43, floor - 0.07)], 0.01, _tone(paint, 0.55))
    pen.box(0.46, waist + 0.04, 0.53, waist + 0.055, _tone(paint, 0.5))
    pen.box(0.92, waist + 0.03, 0.98, waist + 0.09, (250, 240, 170), 0.02)
    pen.box(0.02, waist + 0.03, 0.06, waist + 0.1, (200, 30, 30), 0.01)
    wheel, rim = rng.uniform(0.095, 0.12), _color(rng, (0, 1), (0, 0.15), (0.5, 0.95))
    for x in (rng.uniform(0.2, 0.24), rng.uniform(0.74, 0.79)):
        pen.disk(x, floor, wheel, wheel, BLACK)
        pen.disk(x, floor, wheel * 0.58, wheel * 0.58, rim)
        pen.disk(x, floor, wheel * 0.2, wheel * 0.2, _tone(rim, 0.5))


def _traffic_light(pen: Pen, rng: np.random.Generator) -> None:
    housing = _color(rng, (0.08, 0.18), (0.0, 0.8), (0.1, 0.35)) if _maybe(rng, 0.75) else (225, 180, 40)
    wide, bottom = rng.uniform(0.13, 0.17), rng.uniform(0.62, 0.78)
    pole = _color(rng, (0, 1), (0, 0.15), (0.25, 0.6))
    pen.line([(0.5, bottom - 0.02), (0.5, 0.98)], rng.uniform(0.05, 0.08), pole)
    if _maybe(rng, 0.4):
        pen.box(0.5 - wide - 0.03, 0.01, 0.5 + wide + 0.03, bottom + 0.03, WHITE, 0.04)
    pen.box(0.5 - wide, 0.03, 0.5 + wide, bottom, housing, 0.05)
    lit = int(rng.integers(3))
    step = (bottom - 0.03) / 3
    for lamp, color in enumerate([(245, 45, 35), (250, 190, 30), (40, 225, 90)]):
        y, radius = 0.03 + step * (lamp + 0.5), min(wide * 0.72, step * 0.42)
        pen.disk(0.5, y, radius * 1.15, radius * 1.15, _tone(housing, 0.55))
        pen.disk(0.5, y, radius, radius, color if lamp == lit else _tone(color, rng.uniform(0.3, 0.6)))
        if lamp == lit:
            pen.disk(0.5, y, radius * 0.5, radius * 0.5, _tone(color, 1.4))


def _road_sign(pen: Pen, rng: np.random.Generator) -> None:
    pen.line([(0.5, 0.5), (0.5, 0.98)], rng.uniform(0.04, 0.065), _color(rng, (0, 1), (0, 0.12), (0.4, 0.75)))
    sides, turn = [(3, -90.0), (3, 90.0), (4, 0.0), (8, 22.5), (40, 0.0)][int(rng.integers(5))]
    radius = 0.32 if sides > 4 else 0.36
    rim, plate = [
        ((205, 25, 30), WHITE),
        ((205, 25, 30), (205, 25, 30)),
        (BLACK, (245, 200, 30)),
        (WHITE, (25, 80, 190)),
    ][int(rng.integers(4))]
    angles = np.radians(turn + np.arange(sides) * 360 / sides)
    for size, color in ((1.0, _tone(WHITE, 0.95)), (0.94, rim), (rng.uniform(0.68, 0.76), plate)):
        pen.shape([(0.5 + size * radius * np.cos(a), 0.35 + size * radius * np.sin(a)) for a in angles], color)
    ink = BLACK if sum(plate) > 500 else WHITE
    glyph = int(rng.integers(4))
    if glyph == 0:
        pen.box(0.34, 0.31, 0.66, 0.39, ink, 0.01)
    elif glyph == 1:
        pen.line([(0.5, 0.24), (0.5, 0.38)], 0.055, ink)
        pen.disk(0.5, 0.46, 0.032, 0.032, ink)
    elif glyph == 2:
        pen.line([(0.42, 0.46), (0.42, 0.33), (0.56, 0.33)], 0.045, ink)
        pen.shape([(0.55, 0.25), (0.55, 0.41), (0.65, 0.33)], ink)
    else:
        for x in np.linspace(0.38, 0.62, 4):
            pen.box(x - 0.022, 0.29, x + 0.022, 0.41, ink, 0.005)


def _guitar(pen: Pen, rng: np.random.Generator) -> None:
    wood = _color(rng, (0.02, 0.12), (0.5, 0.95), (0.35, 0.95)) if _maybe(rng, 0.6) else _color(rng)
    neck, electric = _tone((110, 70, 40), rng.uniform(0.5, 1.3)), _maybe(rng, 0.4)
    upper, lower = rng.uniform(0.115, 0.145), rng.uniform(0.17, 0.2)
    if electric:
        for side in (-1, 1):
            tip = (0.5 + side * rng.uniform(0.14, 0.2), rng.uniform(0.4, 0.48))
            pen.shape([(0.5 + side * 0.16, 0.68), tip, (0.5, 0.56)], wood)
        pen.disk(0.5, 0.78, lower, 0.17, wood)
        pen.shape([(0.44, 0.6), (0.62, 0.6), (0.6, 0.85), (0.47, 0.9)], _tone(WHITE, 0.95))
        for y in (0.67, 0.76):
            pen.box(0.44, y, 0.56, y + 0.035, BLACK)
    else:
        for grow, color in ((0.014, _tone(wood, 0.45)), (0.0, wood)):
            pen.disk(0.5, 0.58, upper + grow, 0.115 + grow, color)
            pen.disk(0.5, 0.8, lower + grow, 0.165 + grow, color)
        pen.box(0.4, 0.6, 0.6, 0.74, wood)
        pen.disk(0.5, 0.68, 0.068, 0.068, BLACK)
        pen.box(0.42, 0.83, 0.58, 0.86, _tone(wood, 0.35))
    pen.box(0.472, 0.14, 0.528, 0.64, neck)
    for fret in np.linspace(0.2, 0.55, 7):
        pen.line([(0.474, fret), (0.526, fret)], 0.007, _tone(WHITE, 0.8))
    pen.shape([(0.455, 0.02), (0.545, 0.02), (0.528, 0.15), (0.472, 0.15)], _tone(wood, 0.6))
    for peg in (0.04, 0.075, 0.11):
        pen.line([(0.43, peg), (0.57, peg)], 0.016, _tone(WHITE, 0.8))
    for string in (0.488, 0.5, 0.512):
        pen.line([(string, 0.1), (string, 0.84)], 0.005, (225, 220, 200))


def _microphone(pen: Pen, rng: np.random.Generator) -> None:
    metal = _color(rng, (0, 1), (0, 0.2), (0.4, 0.9))
    body = _color(rng, (0, 1), (0.0, 0.7), (0.08, 0.45))
    radius = rng.uniform(0.15, 0.19)
    handle_end = rng.uniform(0.8, 0.97)
    if _maybe(rng, 0.35):  # on a stand
        handle_end = 0.6
        pen.line([(0.5, 0.5), (0.5, 0.96)], 0.03, metal)
        pen.box(0.33, 0.93, 0.67, 0.98, _tone(body, 0.8), 0.02)
    narrow = rng.uniform(0.05, 0.075)
    pen.shape([(0.38, 0.34), (0.62, 0.34), (0.5 + narrow, handle_end), (0.5 - narrow, handle_end)], body)
    pen.shape(
        [(0.41, 0.38), (0.46, 0.38), (0.5 - narrow * 0.3, handle_end), (0.5 - narrow * 0.8, handle_end)],
        _tone(body, 1.6),
    )
    pen.disk(0.5, 0.2, radius, radius * rng.uniform(0.95, 1.15), metal)
    mesh = _tone(metal, 0.55)
    for offset in np.linspace(-0.75, 0.75, 6):
        half = radius * np.sqrt(1 - offset**2) * 0.7
        shift = offset * radius * 0.7
        for direction in (-1, 1):
            start = (0.5 + shift - half * 0.7, 0.2 + direction * (shift + half * 0.7))
            pen.line([start, (0.5 + shift + half * 0.7, 0.2 + direction * (shift - half * 0.7))], 0.011, mesh)
    pen.box(0.36, 0.31, 0.64, 0.37, _tone(metal, 0.75), 0.02)


def _drum(pen: Pen, rng: np.random.Generator) -> None:
    shell = _color(rng, (0, 1), (0.4, 1), (0.35, 0.9))
    metal = _color(rng, (0.1, 0.16), (0.0, 0.5), (0.6, 0.95))
    top, bottom, tilt = rng.uniform(0.28, 0.38), rng.uniform(0.7, 0.88), rng.uniform(0.1, 0.15)
    pen.disk(0.5, bottom, 0.42, tilt, metal)
    pen.disk(0.5, bottom - 0.035, 0.41, tilt, shell)
    pen.box(0.09, top, 0.91, bottom - 0.035, shell)
    for lug in np.linspace(-0.85, 0.85, int(rng.integers(4, 7))):
        x, drop = 0.5 + 0.41 * lug, tilt * np.sqrt(1 - lug**2)
        pen.line([(x, top + drop), (x, bottom + drop - 0.03)], 0.018, metal)
    if _maybe(rng, 0.4):
        teeth = np.linspace(0.1, 0.9, 9)
        zigzag = [(x, (top + tilt * 1.25) if i % 2 else (bottom - 0.02)) for i, x in enumerate(teeth)]
        pen.line(zigzag, 0.016, WHITE)
    pen.disk(0.5, top + 0.035, 0.42, tilt, metal)
    pen.disk(0.5, top, 0.42, tilt, _tone(metal, 0.8))
    pen.disk(0.5, top, 0.39, tilt * 0.88, _color(rng, (0.05, 0.15), (0, 0.2), (0.8, 0.97)))
    if _maybe(rng, 0.6):
        stick = _color(rng, (0.06, 0.1), (0.4, 0.7), (0.6, 0.85))
        for side in (-1, 1):
            pen.line(
                [(0.5 + side * 0.08, top), (0.5 + side * rng.uniform(0.3, 0.44), rng.uniform(0.02, 0.14))], 0.03, stick
            )


def _person(pen: Pen, rng: np.random.Generator) -> None:
    skin = _color(rng, (0.04, 0.09), (0.3, 0.65), (0.35, 0.95))
    shirt, trousers = _color(rng, (0, 1), (0, 1)), _color(rng, (0, 1), (0, 0.7), (0.15, 0.7))
    hair = _color(rng, (0.02, 0.12), (0.1, 0.7), (0.08, 0.6))
    stride = rng.uniform(0.05, 0.14)
    for side in (-1, 1):
        foot = (0.5 + side * stride, 0.94)
        pen.line([(0.5 + side * 0.055, 0.58), (0.5 + side * (stride * 0.7 + 0.02), 0.77), foot], 0.09, trousers)
        pen.disk(foot[0] + 0.02, 0.955, 0.06, 0.03, BLACK)
        raised = _maybe(rng, 0.35)
        elbow = (0.5 + side * rng.uniform(0.17, 0.23), 0.34 if raised else 0.45)
        hand = (0.5 + side * rng.uniform(0.12, 0.27), rng.uniform(0.1, 0.2) if raised else rng.uniform(0.5, 0.62))
        pen.line([(0.5 + side * 0.1, 0.31), elbow, hand], 0.06, _tone(shirt, 0.82))
        pen.disk(*hand, 0.036, 0.036, skin)
    pen.shape([(0.37, 0.28), (0.63, 0.28), (0.6, 0.62), (0.4, 0.62)], shirt)
    pen.disk(0.5, 0.29, 0.13, 0.045, shirt)
    pen.box(0.465, 0.2, 0.535, 0.29, _tone(skin, 0.85))
    if _maybe(rng, 0.4):
        pen.disk(0.5, 0.17, 0.105, 0.15, hair)
    pen.disk(0.5, 0.125, 0.098, 0.11, hair)
    pen.disk(0.5, 0.15, 0.08, 0.095, skin)
    for side in (-1, 1):
        pen.disk(0.5 + side * 0.032, 0.14, 0.012, 0.012, BLACK)
    pen.arc(0.5, 0.175, 0.035, 0.022, (10, 170), 0.012, (150, 60, 60))


def _tree(pen: Pen, rng: np.random.Generator) -> None:
    bark = _color(rng, (0.05, 0.1), (0.3, 0.7), (0.2, 0.5))
    leaf = _color(rng, (0.2, 0.42) if _maybe(rng, 0.8) else (0.04, 0.14), (0.4, 0.95), (0.25, 0.75))
    pen.shape([(0.46, 0.5), (0.54, 0.5), (rng.uniform(0.55, 0.6), 0.98), (rng.uniform(0.4, 0.45), 0.98)], bark)
    if _maybe(rng, 0.4):  # conifer
        tiers = int(rng.integers(3, 5))
        for tier in reversed(range(tiers)):
            y, wide = 0.03 + tier * 0.72 / (tiers + 0.6), 0.14 + 0.24 * (tier + 1) / tiers
            edge = [(0.5 - wide, y + 0.34), (0.5, y), (0.5 + wide, y + 0.34)]
            pen.shape(edge, _tone(leaf, 0.75 + 0.1 * tier))
        return
    for branch in (-0.16, 0.15):
        pen.line([(0.5, 0.66), (0.5 + branch, 0.5)], 0.035, bark)
    for dark in (0.65, 1.0, 1.3):
        for _ in range(int(rng.integers(5, 9))):
            angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.24)
            blob = rng.uniform(0.08, 0.16) if dark < 1.2 else rng.uniform(0.03, 0.07)
            pen.disk(0.5 + reach * 1.15 * np.cos(angle), 0.33 + reach * np.sin(angle), blob, blob, _tone(leaf, dark))


def _chair(pen: Pen, rng: np.random.Generator) -> None:
    wood = _color(rng, (0.03, 0.12), (0.3, 0.9), (0.25, 0.85)) if _maybe(rng, 0.6) else _color(rng, (0, 1), (0, 0.9))
    shade, leg = _tone(wood, 0.65), rng.uniform(0.035, 0.06)
    seat, top = rng.uniform(0.52, 0.6), rng.uniform(0.03, 0.12)
    back, front = rng.uniform(0.2, 0.26), rng.uniform(0.78, 0.86)
    for x, y in ((back + 0.14, 0.88), (front - 0.02, 0.88)):
        pen.line([(x, seat), (x, y)], leg, shade)
    pen.line([(back + 0.13, top), (back + 0.13, seat)], leg, shade)
    if _maybe(rng, 0.5):
        for bar in np.linspace(top + 0.05, seat - 0.1, int(rng.integers(2, 5))):
            pen.line([(back, bar), (back + 0.13, bar - 0.03)], 0.04, wood)
            pen.line([(back + 0.13, bar - 0.03), (back + 0.3, bar)], 0.04, wood)
    else:
        pen.shape([(back, top), (back + 0.2, top - 0.02), (back + 0.2, seat), (back, seat)], wood)
    cloth = _color(rng) if _maybe(rng, 0.5) else _tone(wood, 1.2)
    pen.shape(
        [
            (back - 0.02, seat + 0.06),
            (back + 0.16, seat - 0.04),
            (front + 0.02, seat - 0.04),
            (front - 0.1, seat + 0.06),
        ],
        cloth,
    )
    pen.box(back - 0.02, seat + 0.06, front - 0.1, seat + 0.11, shade)
    pen.line([(back, top), (back, 0.97)], leg, wood)
    pen.line([(front - 0.13, seat + 0.08), (front - 0.13, 0.97)], leg, wood)


DRAWINGS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "car": _car,
    "cat": _cat,
    "chair": _chair,
    "drum": _drum,
    "fish": _fish,
    "guitar": _guitar,
    "microphone": _microphone,
    "person": _person,
    "road sign": _road_sign,
    "traffic light": _traffic_light,
    "tree": _tree,
    "yarn": _yarn,
}
OBJECT_CLASSES: tuple[str, ...] = tuple(DRAWINGS)
