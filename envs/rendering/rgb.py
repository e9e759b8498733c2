"""Rendering of a session as an RGB image: a timeline of videos, ads, fatigue and revenue.

From top to bottom: the category of each slot's video; the ad shown (its category as hue, its length as
shade and height, filled if viewed); the fatigue after each slot; the revenue so far. All frames have the same size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import floor, log10

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.rendering.timeline import Timeline
from preroll.palette import FAINT, GRID, INK, NO_AD, PAPER, category_color

WIDTH, HEIGHT = 640, 360  # pixels
LEFT, RIGHT = 62, 586  # left and right edge of the columns
COLUMNS = 60  # slots in view; longer sessions scroll
VIDEOS = (62, 82)  # top and bottom of each band
ADS, ADS_RESTED = (96, 176), (96, 232)  # the second without fatigue in the scenario, whose band it includes
FATIGUE = (190, 232)
REVENUE = (246, 316)
LEGEND = 340


@cache
def _font(size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    return ImageFont.load_default(size)


@dataclass(frozen=True)
class _Canvas:
    """A drawing whose columns are slots."""

    pen: ImageDraw.ImageDraw
    timeline: Timeline
    first: int
    n_columns: int

    def left(self, column: float) -> int:
        """Returns the left edge of a column, in pixels."""
        return round(LEFT + (RIGHT - LEFT) * column / self.n_columns)

    def text(self, x: float, y: float, text: str, *, size: int = 11, anchor: str = "lm", fill: str = FAINT) -> None:
        """Writes one line of text; ``anchor`` as in Pillow: l, m or r, then a, m or s."""
        self.pen.text((x, y), text, fill=fill, font=_font(size), anchor=anchor)

    def shown(self) -> Iterator[tuple[int, int]]:
        """Returns an iterator over (column, index of the slot) of the played slots in view."""
        return enumerate(range(self.first, len(self.timeline.slots)))


def draw(timeline: Timeline) -> NDArray[np.uint8]:
    """Draws the session so far, uint8 [360, 640, 3]."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    n_columns = min(timeline.tables.n_slots, COLUMNS)
    first = max(0, len(timeline.slots) + (not timeline.over) - n_columns)
    canvas = _Canvas(ImageDraw.Draw(image), timeline, first, n_columns)
    _header(canvas)
    _videos(canvas)
    tires = timeline.tables.n_levels > 1
    _ads(canvas, *(ADS if tires else ADS_RESTED))
    if tires:
        _fatigue(canvas, *FATIGUE)
    _revenue(canvas, *REVENUE)
    _slot_numbers(canvas)
    _legend(canvas)
    return np.array(image)


def _header(canvas: _Canvas) -> None:
    """Draws scenario, session, slot and revenue, and below them the last slot as a sentence."""
    timeline = canvas.timeline
    spec = timeline.tables.spec
    title = f"{spec.name}, session {timeline.session}"
    canvas.text(12, 18, title, size=17, fill=INK)
    place = f"slot {len(timeline.slots)} of {spec.n_slots}   revenue {timeline.revenue:.2f}"
    canvas.text(WIDTH - 12, 18, place, size=15, anchor="rm", fill=INK)
    canvas.text(12, 41, _told(timeline), size=12)


def _told(timeline: Timeline) -> str:
    """Describes the slot just played as a sentence."""
    if not timeline.slots:
        category = timeline.category_name(int(timeline.tables.category[timeline.video]))
        return f"begins with video {timeline.video} ({category})"
    slot = timeline.slots[-1]
    end = "; the user left" if slot.terminated else "; horizon reached" if timeline.over else ""
    where = f"video {slot.video} ({timeline.category_name(slot.category)})"
    if slot.ad == len(timeline.tables.ads):
        return f"{where}: no ad{end}"
    label = timeline.tables.spec.labels[slot.ad]
    response = "viewed" if slot.viewed else "not viewed"
    return f"{where}: {label}, P(view) {slot.view_probability:.2f}, {response}{end}"


def _videos(canvas: _Canvas) -> None:
    """Draws a field in the colour of its category for every video; the next video is framed."""
    top, bottom = VIDEOS
    canvas.text(12, (top + bottom) / 2, "video")
    timeline = canvas.timeline
    for column, index in canvas.shown():
        box = (canvas.left(column), top, canvas.left(column + 1) - 2, bottom)
        canvas.pen.rectangle(box, fill=category_color(timeline.slots[index].category))
    if not timeline.over:
        column = len(timeline.slots) - canvas.first
        box = (canvas.left(column), top - 3, canvas.left(column + 1) - 2, bottom + 3)
        category = int(timeline.tables.category[timeline.video])
        canvas.pen.rectangle(box, fill=category_color(category), outline=INK, width=2)


def _ads(canvas: _Canvas, top: int, bottom: int) -> None:
    """Draws a bar for every ad, with its length as height; filled if it was viewed, outlined otherwise."""
    ads = canvas.timeline.tables.ads
    longest = max(ad.seconds for ad in ads)
    canvas.text(12, (top + bottom) / 2 - 7, "ad")
    canvas.text(12, (top + bottom) / 2 + 7, "length")
    _grid(canvas, top, bottom, f"{longest:g} s")
    colors = ad_colors(canvas.timeline.tables.spec)
    for column, index in canvas.shown():
        slot = canvas.timeline.slots[index]
        left, right = canvas.left(column), canvas.left(column + 1) - 2
        if slot.ad == len(ads):  # no ad
            canvas.pen.rectangle((left, bottom - 3, right, bottom), fill=colors[slot.ad])
            continue
        height = max(6, round((bottom - top) * ads[slot.ad].seconds / longest))
        own = colors[slot.ad]
        box = (left, bottom - height, right, bottom)
        canvas.pen.rectangle(box, fill=own if slot.viewed else PAPER, outline=own, width=2)


def _fatigue(canvas: _Canvas, top: int, bottom: int) -> None:
    """Draws the fatigue after each slot as a filled step line."""
    highest = canvas.timeline.tables.n_levels - 1
    canvas.text(12, (top + bottom) / 2, "fatigue")
    _grid(canvas, top, bottom, str(highest))
    line: list[tuple[float, float]] = []
    for column, index in canvas.shown():
        height = bottom - (bottom - top) * canvas.timeline.slots[index].fatigue / highest
        left, right = canvas.left(column), canvas.left(column + 1)
        canvas.pen.rectangle((left, height, right - 1, bottom), fill=NO_AD)
        line += [(left, height), (right, height)]
    if line:
        canvas.pen.line(line, fill=INK, width=2)


def _revenue(canvas: _Canvas, top: int, bottom: int) -> None:
    """Draws the revenue so far as a step line labelled with its value."""
    timeline = canvas.timeline
    scale = _round_up(max(timeline.revenue, 4 * timeline.tables.spec.reward_unit))
    canvas.text(12, (top + bottom) / 2, "revenue")
    _grid(canvas, top, bottom, f"{scale:g}")
    before = timeline.slots[canvas.first - 1].revenue if canvas.first else 0.0
    line: list[tuple[float, float]] = [(LEFT, bottom - (bottom - top) * before / scale)]
    for column, index in canvas.shown():
        height = bottom - (bottom - top) * timeline.slots[index].revenue / scale
        line += [(canvas.left(column), height), (canvas.left(column + 1), height)]
    if len(line) > 1:
        canvas.pen.line(line, fill=INK, width=2)
        x, y = line[-1]
        if x <= RIGHT - 60:
            canvas.text(x + 5, y, f"{timeline.revenue:.2f}", size=12, fill=INK)
        else:  # no room to the right of the line
            above = y > top + 16
            canvas.text(x - 4, y - 9 if above else y + 11, f"{timeline.revenue:.2f}", anchor="rm", size=12, fill=INK)


def _grid(canvas: _Canvas, top: int, bottom: int, largest: str) -> None:
    """Draws the top and bottom lines of a band, with their values on the right."""
    for y in (top, bottom):
        canvas.pen.line((LEFT, y, RIGHT, y), fill=GRID)
    canvas.text(RIGHT + 6, top, largest)
    canvas.text(RIGHT + 6, bottom, "0")


def _slot_numbers(canvas: _Canvas) -> None:
    """Draws slot numbers below the columns, counted from 1: the first, and every fifth or tenth."""
    every = 5 if canvas.n_columns <= 40 else 10
    for column in range(canvas.n_columns):
        number = canvas.first + column + 1
        if number == 1 or number % every == 0:
            middle = (canvas.left(column) + canvas.left(column + 1)) / 2 - 1
            canvas.text(middle, REVENUE[1] + 9, str(number), anchor="mm", size=10)


def _legend(canvas: _Canvas) -> None:
    """Draws the colours of the categories, as many as fit, and the key of filled and hollow bars."""
    x = 12.0
    names = canvas.timeline.tables.spec.categories
    for category, name in enumerate(names):
        needed = 24 + _font(12).getlength(name)
        if x + needed > WIDTH - 190:
            canvas.text(x, LEGEND + 5, f"… {len(names) - category} more")
            break
        canvas.pen.rectangle((x, LEGEND, x + 10, LEGEND + 10), fill=category_color(category))
        canvas.text(x + 15, LEGEND + 5, name, size=12, fill=INK)
        x += needed + 6
    for x, fill, word in ((WIDTH - 160, FAINT, "viewed"), (WIDTH - 90, PAPER, "not viewed")):
        canvas.pen.rectangle((x, LEGEND, x + 10, LEGEND + 10), fill=fill, outline=FAINT, width=2)
        canvas.text(x + 15, LEGEND + 5, word, size=12, fill=INK)


def _round_up(value: float) -> float:
    """Rounds up to the next 1, 2 or 5 times a power of ten.

    Examples:
        >>> [_round_up(x) for x in (0.03, 7, 12, 20, 21)]
        [0.05, 10.0, 20.0, 20.0, 50.0]
    """
    power = 10.0 ** floor(log10(value))
    return next(float(f"{step * power:g}") for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))
