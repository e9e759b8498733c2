"""Policy map: the most frequent ad of a policy by category and fatigue level."""

import io

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy

# Okabe & Ito 2008, distinguishable with any colour vision; a slot without an ad is grey.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
EMPTY = "#DDDDDD"
_CELL, _LEFT, _TOP = (118, 44), 110, 30  # pixels


def policy_map(tables: Tables, policy: Policy) -> NDArray[np.int64]:
    """Returns the ad that is shown to most videos of a category, by fatigue level.

    The map is for the middle of a session, after an ad that was not viewed or, if the policy does not depend on the
    last ad, after any; in the first phase of drift and for the first segment.

    Args:
        tables: the scenario on the catalog.
        policy: a policy table.

    Returns:
        Index of the ad, int64 [K, F], for K categories and F fatigue levels.
    """
    full = policy.on(tables)
    middle = tables.n_slots // 2
    if full.ads is not None:
        shares = np.eye(tables.n_actions)[full.ads[0, 0, middle, :, :, 0]]
    else:
        assert full.probabilities is not None
        shares = full.probabilities[0, 0, middle, :, :, 0]
    category = np.asarray(tables.catalog.category)
    by_category = [shares[category == k].mean(axis=0) for k in range(len(tables.catalog.categories))]
    return np.asarray(np.stack(by_category).argmax(axis=-1))


def color_of(label: str, labels: tuple[str, ...]) -> str:
    """Returns the colour of an ad, which is the same on every map of a scenario."""
    return EMPTY if label == "none" else COLORS[labels.index(label) % len(COLORS)]


def picture(tables: Tables, chosen: NDArray[np.int64]) -> tuple[bytes, int, int]:
    """Draws a map as PNG, with Pillow, which takes a hundredth of matplotlib's time.

    Args:
        tables: the tables of the map.
        chosen: map returned by :func:`policy_map`.

    Returns:
        Content of the PNG file, width and height in pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    labels, (rows, columns) = tables.spec.labels, chosen.shape
    width, height = _LEFT + columns * _CELL[0], _TOP + rows * _CELL[1]
    image = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for level in range(columns):
        title = f"fatigue {level}" if columns > 1 else "any user"
        draw.text((_LEFT + (level + 0.5) * _CELL[0], _TOP / 2), title, "black", font, anchor="mm")
    for k, name in enumerate(tables.catalog.categories):
        top = _TOP + k * _CELL[1]
        draw.text((_LEFT - 8, top + _CELL[1] / 2), name[:14], "black", font, anchor="rm")
        for level in range(columns):
            label = labels[chosen[k, level]]
            left = _LEFT + level * _CELL[0]
            fill = color_of(label, labels)
            draw.rectangle((left + 1, top + 1, left + _CELL[0] - 2, top + _CELL[1] - 2), fill)
            ink = "white" if fill in ("#0072B2", "#009E73", "#D55E00") else "black"
            draw.text((left + _CELL[0] / 2, top + _CELL[1] / 2), label[:16], ink, font, anchor="mm")
    memory = io.BytesIO()
    image.save(memory, "PNG")
    return memory.getvalue(), width, height
