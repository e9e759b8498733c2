"""Drawings of objects in a street; every proportion is random."""

import numpy as np

from preroll.perception.demo.colors import BLACK, WHITE, chance, random_color, tone
from preroll.perception.demo.pen import Pen


def car(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a car."""
    paint = random_color(rng, (0, 1), (0.0, 1), (0.35, 0.95))
    glass = random_color(rng, (0.5, 0.62), (0.1, 0.45), (0.3, 0.85))
    floor, waist, roof = 0.72, rng.uniform(0.48, 0.53), rng.uniform(0.26, 0.34)
    rear = rng.choice([0.04, 0.16, 0.24])  # van, hatchback, saloon
    front = rng.uniform(0.78, 0.86)
    pen.shape([(rear, waist + 0.02), (rear + 0.09, roof), (0.6, roof), (front, waist + 0.02)], paint)
    pen.shape([(rear + 0.06, waist), (rear + 0.12, roof + 0.035), (0.41, roof + 0.035), (0.41, waist)], glass)
    pen.shape([(0.45, waist), (0.45, roof + 0.035), (0.59, roof + 0.035), (front - 0.06, waist)], glass)
    pen.box(0.02, waist, 0.98, floor, paint, 0.06)
    pen.box(0.02, floor - 0.06, 0.98, floor, tone(paint, 0.6), 0.02)
    pen.line([(0.43, waist + 0.02), (0.43, floor - 0.07)], 0.01, tone(paint, 0.55))
    pen.box(0.46, waist + 0.04, 0.53, waist + 0.055, tone(paint, 0.5))
    pen.box(0.92, waist + 0.03, 0.98, waist + 0.09, (250, 240, 170), 0.02)
    pen.box(0.02, waist + 0.03, 0.06, waist + 0.1, (200, 30, 30), 0.01)
    wheel, rim = rng.uniform(0.095, 0.12), random_color(rng, (0, 1), (0, 0.15), (0.5, 0.95))
    for x in (rng.uniform(0.2, 0.24), rng.uniform(0.74, 0.79)):
        pen.disk(x, floor, wheel, wheel, BLACK)
        pen.disk(x, floor, wheel * 0.58, wheel * 0.58, rim)
        pen.disk(x, floor, wheel * 0.2, wheel * 0.2, tone(rim, 0.5))


def road_sign(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a road sign."""
    pen.line([(0.5, 0.5), (0.5, 0.98)], rng.uniform(0.04, 0.065), random_color(rng, (0, 1), (0, 0.12), (0.4, 0.75)))
    sides, turn = [(3, -90.0), (3, 90.0), (4, 0.0), (8, 22.5), (40, 0.0)][int(rng.integers(5))]
    radius = 0.32 if sides > 4 else 0.36
    rim, plate = [
        ((205, 25, 30), WHITE),
        ((205, 25, 30), (205, 25, 30)),
        (BLACK, (245, 200, 30)),
        (WHITE, (25, 80, 190)),
    ][int(rng.integers(4))]
    angles = np.radians(turn + np.arange(sides) * 360 / sides)
    for size, color in ((1.0, tone(WHITE, 0.95)), (0.94, rim), (rng.uniform(0.68, 0.76), plate)):
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


def traffic_light(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a traffic light."""
    housing = random_color(rng, (0.08, 0.18), (0.0, 0.8), (0.1, 0.35)) if chance(rng, 0.75) else (225, 180, 40)
    wide, bottom = rng.uniform(0.13, 0.17), rng.uniform(0.62, 0.78)
    pole = random_color(rng, (0, 1), (0, 0.15), (0.25, 0.6))
    pen.line([(0.5, bottom - 0.02), (0.5, 0.98)], rng.uniform(0.05, 0.08), pole)
    if chance(rng, 0.4):
        pen.box(0.5 - wide - 0.03, 0.01, 0.5 + wide + 0.03, bottom + 0.03, WHITE, 0.04)
    pen.box(0.5 - wide, 0.03, 0.5 + wide, bottom, housing, 0.05)
    lit = int(rng.integers(3))
    step = (bottom - 0.03) / 3
    for lamp, color in enumerate([(245, 45, 35), (250, 190, 30), (40, 225, 90)]):
        y, radius = 0.03 + step * (lamp + 0.5), min(wide * 0.72, step * 0.42)
        pen.disk(0.5, y, radius * 1.15, radius * 1.15, tone(housing, 0.55))
        pen.disk(0.5, y, radius, radius, color if lamp == lit else tone(color, rng.uniform(0.3, 0.6)))
        if lamp == lit:
            pen.disk(0.5, y, radius * 0.5, radius * 0.5, tone(color, 1.4))


def tree(pen: Pen, rng: np.random.Generator) -> None:
    """Draws a tree."""
    bark = random_color(rng, (0.05, 0.1), (0.3, 0.7), (0.2, 0.5))
    leaf = random_color(rng, (0.2, 0.42) if chance(rng, 0.8) else (0.04, 0.14), (0.4, 0.95), (0.25, 0.75))
    pen.shape([(0.46, 0.5), (0.54, 0.5), (rng.uniform(0.55, 0.6), 0.98), (rng.uniform(0.4, 0.45), 0.98)], bark)
    if chance(rng, 0.4):  # conifer
        tiers = int(rng.integers(3, 5))
        for tier in reversed(range(tiers)):
            y, wide = 0.03 + tier * 0.72 / (tiers + 0.6), 0.14 + 0.24 * (tier + 1) / tiers
            edge = [(0.5 - wide, y + 0.34), (0.5, y), (0.5 + wide, y + 0.34)]
            pen.shape(edge, tone(leaf, 0.75 + 0.1 * tier))
        return
    for branch in (-0.16, 0.15):
        pen.line([(0.5, 0.66), (0.5 + branch, 0.5)], 0.035, bark)
    for dark in (0.65, 1.0, 1.3):
        for _ in range(int(rng.integers(5, 9))):
            angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.24)
            blob = rng.uniform(0.08, 0.16) if dark < 1.2 else rng.uniform(0.03, 0.07)
            pen.disk(0.5 + reach * 1.15 * np.cos(angle), 0.33 + reach * np.sin(angle), blob, blob, tone(leaf, dark))
