"""Drawings of people and objects on a stage; every proportion is random."""

import numpy as np

from preroll.perception.demo.colors import BLACK, WHITE, chance, random_color, tone
from preroll.perception.demo.pen import Pen


def drum(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a drum."""
    shell = random_color(rng, (0, 1), (0.4, 1), (0.35, 0.9))
    metal = random_color(rng, (0.1, 0.16), (0.0, 0.5), (0.6, 0.95))
    top, bottom, tilt = rng.uniform(0.28, 0.38), rng.uniform(0.7, 0.88), rng.uniform(0.1, 0.15)
    pen.disk(0.5, bottom, 0.42, tilt, metal)
    pen.disk(0.5, bottom - 0.035, 0.41, tilt, shell)
    pen.box(0.09, top, 0.91, bottom - 0.035, shell)
    for lug in np.linspace(-0.85, 0.85, int(rng.integers(4, 7))):
        x, drop = 0.5 + 0.41 * lug, tilt * np.sqrt(1 - lug**2)
        pen.line([(x, top + drop), (x, bottom + drop - 0.03)], 0.018, metal)
    if chance(rng, 0.4):
        teeth = np.linspace(0.1, 0.9, 9)
        zigzag = [(x, (top + tilt * 1.25) if i % 2 else (bottom - 0.02)) for i, x in enumerate(teeth)]
        pen.line(zigzag, 0.016, WHITE)
    pen.disk(0.5, top + 0.035, 0.42, tilt, metal)
    pen.disk(0.5, top, 0.42, tilt, tone(metal, 0.8))
    pen.disk(0.5, top, 0.39, tilt * 0.88, random_color(rng, (0.05, 0.15), (0, 0.2), (0.8, 0.97)))
    if chance(rng, 0.6):
        stick = random_color(rng, (0.06, 0.1), (0.4, 0.7), (0.6, 0.85))
        for side in (-1, 1):
            pen.line(
                [(0.5 + side * 0.08, top), (0.5 + side * rng.uniform(0.3, 0.44), rng.uniform(0.02, 0.14))], 0.03, stick
            )


def guitar(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a guitar."""
    wood = random_color(rng, (0.02, 0.12), (0.5, 0.95), (0.35, 0.95)) if chance(rng, 0.6) else random_color(rng)
    neck, electric = tone((110, 70, 40), rng.uniform(0.5, 1.3)), chance(rng, 0.4)
    upper, lower = rng.uniform(0.115, 0.145), rng.uniform(0.17, 0.2)
    if electric:
        for side in (-1, 1):
            tip = (0.5 + side * rng.uniform(0.14, 0.2), rng.uniform(0.4, 0.48))
            pen.shape([(0.5 + side * 0.16, 0.68), tip, (0.5, 0.56)], wood)
        pen.disk(0.5, 0.78, lower, 0.17, wood)
        pen.shape([(0.44, 0.6), (0.62, 0.6), (0.6, 0.85), (0.47, 0.9)], tone(WHITE, 0.95))
        for y in (0.67, 0.76):
            pen.box(0.44, y, 0.56, y + 0.035, BLACK)
    else:
        for grow, color in ((0.014, tone(wood, 0.45)), (0.0, wood)):
            pen.disk(0.5, 0.58, upper + grow, 0.115 + grow, color)
            pen.disk(0.5, 0.8, lower + grow, 0.165 + grow, color)
        pen.box(0.4, 0.6, 0.6, 0.74, wood)
        pen.disk(0.5, 0.68, 0.068, 0.068, BLACK)
        pen.box(0.42, 0.83, 0.58, 0.86, tone(wood, 0.35))
    pen.box(0.472, 0.14, 0.528, 0.64, neck)
    for fret in np.linspace(0.2, 0.55, 7):
        pen.line([(0.474, fret), (0.526, fret)], 0.007, tone(WHITE, 0.8))
    pen.shape([(0.455, 0.02), (0.545, 0.02), (0.528, 0.15), (0.472, 0.15)], tone(wood, 0.6))
    for peg in (0.04, 0.075, 0.11):
        pen.line([(0.43, peg), (0.57, peg)], 0.016, tone(WHITE, 0.8))
    for string in (0.488, 0.5, 0.512):
        pen.line([(string, 0.1), (string, 0.84)], 0.005, (225, 220, 200))


def microphone(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a microphone."""
    metal = random_color(rng, (0, 1), (0, 0.2), (0.4, 0.9))
    body = random_color(rng, (0, 1), (0.0, 0.7), (0.08, 0.45))
    radius = rng.uniform(0.15, 0.19)
    handle_end = rng.uniform(0.8, 0.97)
    if chance(rng, 0.35):  # on a stand
        handle_end = 0.6
        pen.line([(0.5, 0.5), (0.5, 0.96)], 0.03, metal)
        pen.box(0.33, 0.93, 0.67, 0.98, tone(body, 0.8), 0.02)
    narrow = rng.uniform(0.05, 0.075)
    pen.shape([(0.38, 0.34), (0.62, 0.34), (0.5 + narrow, handle_end), (0.5 - narrow, handle_end)], body)
    pen.shape(
        [(0.41, 0.38), (0.46, 0.38), (0.5 - narrow * 0.3, handle_end), (0.5 - narrow * 0.8, handle_end)],
        tone(body, 1.6),
    )
    pen.disk(0.5, 0.2, radius, radius * rng.uniform(0.95, 1.15), metal)
    mesh = tone(metal, 0.55)
    for offset in np.linspace(-0.75, 0.75, 6):
        half = radius * np.sqrt(1 - offset**2) * 0.7
        shift = offset * radius * 0.7
        for direction in (-1, 1):
            start = (0.5 + shift - half * 0.7, 0.2 + direction * (shift + half * 0.7))
            pen.line([start, (0.5 + shift + half * 0.7, 0.2 + direction * (shift - half * 0.7))], 0.011, mesh)
    pen.box(0.36, 0.31, 0.64, 0.37, tone(metal, 0.75), 0.02)


def person(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a person."""
    skin = random_color(rng, (0.04, 0.09), (0.3, 0.65), (0.35, 0.95))
    shirt, trousers = random_color(rng, (0, 1), (0, 1)), random_color(rng, (0, 1), (0, 0.7), (0.15, 0.7))
    hair = random_color(rng, (0.02, 0.12), (0.1, 0.7), (0.08, 0.6))
    stride = rng.uniform(0.05, 0.14)
    for side in (-1, 1):
        foot = (0.5 + side * stride, 0.94)
        pen.line([(0.5 + side * 0.055, 0.58), (0.5 + side * (stride * 0.7 + 0.02), 0.77), foot], 0.09, trousers)
        pen.disk(foot[0] + 0.02, 0.955, 0.06, 0.03, BLACK)
        raised = chance(rng, 0.35)
        elbow = (0.5 + side * rng.uniform(0.17, 0.23), 0.34 if raised else 0.45)
        hand = (0.5 + side * rng.uniform(0.12, 0.27), rng.uniform(0.1, 0.2) if raised else rng.uniform(0.5, 0.62))
        pen.line([(0.5 + side * 0.1, 0.31), elbow, hand], 0.06, tone(shirt, 0.82))
        pen.disk(*hand, 0.036, 0.036, skin)
    pen.shape([(0.37, 0.28), (0.63, 0.28), (0.6, 0.62), (0.4, 0.62)], shirt)
    pen.disk(0.5, 0.29, 0.13, 0.045, shirt)
    pen.box(0.465, 0.2, 0.535, 0.29, tone(skin, 0.85))
    if chance(rng, 0.4):
        pen.disk(0.5, 0.17, 0.105, 0.15, hair)
    pen.disk(0.5, 0.125, 0.098, 0.11, hair)
    pen.disk(0.5, 0.15, 0.08, 0.095, skin)
    for side in (-1, 1):
        pen.disk(0.5 + side * 0.032, 0.14, 0.012, 0.012, BLACK)
    pen.arc(0.5, 0.175, 0.035, 0.022, (10, 170), 0.012, (150, 60, 60))
