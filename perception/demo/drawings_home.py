"""Drawings of objects in a home; every proportion is random."""

import numpy as np

from preroll.perception.demo.colors import BLACK, WHITE, chance, random_color, tone
from preroll.perception.demo.pen import Pen


def cat(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a cat."""
    fur = random_color(rng, (0.02, 0.13), (0.0, 0.75), (0.25, 0.95))
    dark, light = tone(fur, 0.6), tone(fur, 1.35)
    x, y, head = rng.uniform(0.36, 0.5), rng.uniform(0.28, 0.33), rng.uniform(0.17, 0.21)
    if chance(rng, 0.5):  # sitting
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
    iris = random_color(rng, (0.12, 0.45))
    for side in (-1, 1):
        pen.disk(x + side * head * 0.43, y - 0.02, 0.042, 0.045, iris)
        pen.disk(x + side * head * 0.43, y - 0.02, 0.014, 0.04, BLACK)
        for slope in (-0.03, 0.02):
            pen.line([(x + side * 0.05, y + 0.08), (x + side * head * 1.3, y + 0.07 + slope)], 0.009, light)
    pen.disk(x, y + 0.085, 0.08, 0.05, light)
    pen.shape([(x - 0.03, y + 0.05), (x + 0.03, y + 0.05), (x, y + 0.09)], (190, 90, 100))
    if chance(rng, 0.5):
        for stripe in (-0.07, 0, 0.07):
            pen.line([(x + stripe, y - head * 0.85), (x + stripe * 0.6, y - head * 0.45)], 0.022, dark)


def chair(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a chair."""
    wood = (
        random_color(rng, (0.03, 0.12), (0.3, 0.9), (0.25, 0.85))
        if chance(rng, 0.6)
        else random_color(rng, (0, 1), (0, 0.9))
    )
    shade, leg = tone(wood, 0.65), rng.uniform(0.035, 0.06)
    seat, top = rng.uniform(0.52, 0.6), rng.uniform(0.03, 0.12)
    back, front = rng.uniform(0.2, 0.26), rng.uniform(0.78, 0.86)
    for x, y in ((back + 0.14, 0.88), (front - 0.02, 0.88)):
        pen.line([(x, seat), (x, y)], leg, shade)
    pen.line([(back + 0.13, top), (back + 0.13, seat)], leg, shade)
    if chance(rng, 0.5):
        for bar in np.linspace(top + 0.05, seat - 0.1, int(rng.integers(2, 5))):
            pen.line([(back, bar), (back + 0.13, bar - 0.03)], 0.04, wood)
            pen.line([(back + 0.13, bar - 0.03), (back + 0.3, bar)], 0.04, wood)
    else:
        pen.shape([(back, top), (back + 0.2, top - 0.02), (back + 0.2, seat), (back, seat)], wood)
    cloth = random_color(rng) if chance(rng, 0.5) else tone(wood, 1.2)
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


def fish(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a fish."""
    skin = random_color(rng)
    fin = tone(skin, rng.choice([0.6, 1.4]))
    tall = rng.uniform(0.15, 0.24)
    pen.shape(
        [(0.62, 0.5), (0.97, 0.5 - rng.uniform(0.17, 0.27)), (0.87, 0.5), (0.97, 0.5 + rng.uniform(0.17, 0.27))], fin
    )
    pen.shape([(0.3, 0.5 - tall * 0.7), (0.52, 0.5 - tall * rng.uniform(1.5, 1.9)), (0.62, 0.5 - tall * 0.5)], fin)
    pen.shape([(0.36, 0.5 + tall * 0.7), (0.5, 0.5 + tall * rng.uniform(1.3, 1.7)), (0.55, 0.5 + tall * 0.6)], fin)
    pen.disk(0.4, 0.5, 0.36, tall, skin)
    pen.disk(0.4, 0.5 + tall * 0.45, 0.24, tall * 0.45, tone(skin, 1.25))
    if chance(rng, 0.6):
        for stripe in np.linspace(0.38, 0.62, int(rng.integers(2, 5))):
            reach = tall * 0.85 * np.sqrt(1 - ((stripe - 0.4) / 0.37) ** 2)
            pen.line([(stripe, 0.5 - reach), (stripe + 0.02, 0.5), (stripe, 0.5 + reach)], 0.028, tone(fin, 0.8))
    pen.arc(0.27, 0.5, 0.05, tall * 0.7, (-80, 80), 0.016, tone(skin, 0.6))
    pen.disk(0.17, 0.5 - tall * 0.25, 0.045, 0.045, WHITE)
    pen.disk(0.165, 0.5 - tall * 0.25, 0.022, 0.022, BLACK)


def yarn(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a ball of yarn with its loose end."""
    wool = random_color(rng, (0, 1), (0.45, 1), (0.5, 0.95))
    x, y, radius = 0.45, 0.45, rng.uniform(0.36, 0.42)
    end = rng.uniform(0.7, 0.95)
    pen.line([(x, y + radius * 0.95), (0.65, 0.9), (0.8, rng.uniform(0.78, 0.97)), (0.97, end)], 0.028, wool)
    pen.disk(x, y, radius, radius, wool)
    for turn in rng.uniform(0, np.pi, 3):
        across, along = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        strand_color = tone(wool, rng.choice([0.55, 0.68, 1.4]))
        for offset in np.linspace(-0.6, 0.6, int(rng.integers(4, 7))):
            half = np.sqrt(1 - offset**2) * 0.95
            steps = np.linspace(-half, half, 9)
            bow = offset + rng.uniform(0.08, 0.2) * (1 - (steps / half) ** 2)
            strand = (steps[:, None] * along + bow[:, None] * across) * radius
            pen.line([(x + a, y + b) for a, b in strand if np.hypot(a, b) < radius], 0.018, strand_color)
