"""Scenarios and a catalog so small that everything that can happen in a session can be written out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog

SHORT = {"seconds": 10, "view_probability": 0.8, "reward": 1.0}
LONG = {"seconds": 30, "view_probability": 0.5, "reward": 2.0}

TWO_SLOTS: dict[str, Any] = {"session.slots": ["pre", "mid"], "user.position": {"mid": 1.4}}
TWO_SEGMENTS: dict[str, Any] = {
    "user.segments": [
        {"name": "patient", "share": 0.7, "appeal": {"long": 1.3, "cats.short": 0.9}},
        {"name": "hasty", "share": 0.3, "appeal": {"long": 0.4, "cats": 1.1}, "leave": 1.5},
    ]
}
#: What a scenario can show of the state, all of it.
ALL_SHOWN: dict[str, Any] = {
    f"observe.{name}": True for name in ("fatigue", "last_ad", "last_view", "position", "segment", "memorability")
}


def tiny(changes: dict[str, Any] | None = None) -> Scenario:
    """Two videos long, two ads or none, and everything that makes the future depend on the past."""
    base: dict[str, Any] = {
        "name": "tiny",
        "session": {"horizon": 2, "no_ad": True},
        "ads": {"cats": {"short": SHORT}, "dogs": {"long": LONG}},
        "user": {
            "mismatch": 0.5,
            "repeat": 0.5,
            "fatigue": {"levels": 3, "gain": {"short": [0, 1], "long": [0, 2]}, "wear": [1, 0.5, 0.25]},
            "leave": {"hazard": {"short": [0.3, 0.1], "long": [0.5, 0.4]}, "fatigue": [0, 0.1, 0.2]},
        },
        "recommender": {"jump": 0.25, "rank_decay": 0.5},
    }
    return Scenario.load(base).replace(changes or {})


def three_videos(category: tuple[int, int, int] = (0, 1, 0), probabilities: Any = None) -> Catalog:
    """A video with two neighbours, one with a single neighbour and one with none; cats, dogs and cats."""
    given: NDArray[np.float64] | None = None if probabilities is None else np.array(probabilities)
    return Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=np.array(category),
        neighbors=np.array([[1, 2] + [-1] * 8, [0] + [-1] * 9, [-1] * 10]),
        importance=np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.25]]),
        classes=("cat", "dog"),
        category_probabilities=given,
        memorability=np.array([0.2504, 0.75, 0.5]),
        memorability_quantile=np.array([0.0, 2 / 3, 1 / 3]),
    )
