"""Scenarios and catalogs in which sessions are rebuilt: every preset, and every mechanism alone and with others."""

from typing import Any

import numpy as np

from preroll.envs.scenario.scenario import Scenario, preset_names
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import bare, make_catalog
from tests.envs.every_mechanism import EVERYTHING
from tests.envs.tiny import ALL_SHOWN, TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny

ALONE = {"observe.content": False, "observe.progress": False, "observe.category": "none"}
MANY = 16_400  # videos whose records are touched before they are read
#: Nobody abandons in the first tenth, half of those who do in one moment, and nobody between a quarter and 0.6.
CURVE = [[0, 0], [0.1, 0], [0.25, 0.3], [0.25, 0.8], [0.6, 0.8], [0.95, 1], [1, 1]]
#: Factors and shares whose products and sums depend on their order.
THREE_SEGMENTS: list[dict[str, Any]] = [
    {"name": "one", "share": 0.1, "appeal": {"cats.short": 1.1, "short": 0.7, "cats": 1.3}, "leave": 0.3},
    {"name": "two", "share": 0.2, "appeal": {"dogs.long": 0.9, "long": 1.7, "dogs": 0.7}},
    {"name": "three", "share": 0.7, "appeal": {"cats": 0.3}, "leave": 1.7},
]
PHASES: list[dict[str, Any]] = [
    {"from_session": 2, "set": {"user.segments": [{**s, "share": 1 / 3} for s in THREE_SEGMENTS]}},
    {"from_session": 3, "set": {"recommender.jump": 0.9, "user.repeat": 3, "recall_weight": 0}},
    {"from_session": 4, "set": {"recommender.jump": 0.05, "recommender.rank_decay": 0.3, "user.mismatch": 0.9}},
]
ALL_AT_ONCE: dict[str, Any] = {
    "session.horizon": 6,
    "session.slots": ["pre", "mid", "post"],
    "user.position": {"mid": 1.3, "post": 0.7},
    "user.fatigue.wear": [0.9, 0.7, 0.3],
    "user.leave.hazard": {"none": [0.01, 0.02], "short": [0.1, 0.02], "long": [0.07, 0.03]},
    "user.segments": THREE_SEGMENTS,
    "user.abandonment": CURVE,
    "recall_weight": 0.7,
    "recommender.rank_decay": 0.7,
    "recommender.neighbors": 7,
    "observe.category": "predicted",
    "drift": PHASES,
    **ALL_SHOWN,
}


#: Ads of advertisers, some with probabilities by category, and one of a category.
BY_CATEGORY: dict[str, Any] = {
    "soap": {
        "short": {"seconds": 10, "view_probability": {"cats": 0.7, "other": 0.3}, "reward": 1},
        "long": {"seconds": 30, "view_probability": {"dogs": 0.1, "cats": 0.9}, "reward": 3},
    },
    "cats": {"short": {"seconds": 15, "view_probability": 0.6, "reward": 2}},
    "dogs": {"long": {"seconds": 15, "view_probability": {"other": 0.4}, "reward": 2}},
}
OTHERS: list[dict[str, Any]] = [
    {"from_session": 2, "set": {"ads.*.*.view_probability.other": 0.2}},
    {"from_session": 3, "set": {"ads.*.*.view_probability": {"scale": 0.7}, "user.mismatch": 0.9}},
    {"from_session": 4, "set": {"ads.soap.short.view_probability": {"dogs": 0.6, "other": 0.1}}},
]


#: Ads whose probabilities the catalog holds.
OWN_RESPONSE: dict[str, Any] = {
    "response": "catalog",
    "ads": {
        "soap": {"long": {"seconds": 30, "reward": 3}},
        "cats": {"short": {"seconds": 10, "reward": 1}},
        "dogs": {"long": {"seconds": 15, "reward": 2}},
    },
}
DEARER: list[dict[str, Any]] = [
    {"from_session": 2, "set": {"ads.*.long.reward": {"scale": 0.5}}},
    {"from_session": 3, "set": {"user.mismatch": 0.9, "user.position.pre": 1.8}},
]


def partly_labeled(n_videos: int) -> Catalog:
    """Two categories, of which a third of the videos has none, and videos with 0 … 10 neighbours."""
    rng, video = np.random.default_rng(1), np.arange(n_videos)
    near = (video[:, None] + 1 + np.arange(10)) % n_videos
    return Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=np.where(video % 3 == 2, -1, video % 2),
        neighbors=np.where(np.arange(10) < (video % 11)[:, None], near, -1),
        importance=rng.random((n_videos, 2)),
        classes=("cat", "dog"),
        category_probabilities=rng.dirichlet(np.ones(2), n_videos),
        memorability=rng.random(n_videos),
        memorability_quantile=rng.permutation(n_videos) / n_videos,
        response=rng.random((n_videos, 3)),
        response_ads=("cats.short", "dogs.long", "soap.long"),
    )


def own_response(n_videos: int) -> tuple[Scenario, Catalog]:
    """The preset ``fatigue``, where every pair of a video and an ad has a probability of its own."""
    videos, preset = make_catalog(n_videos), Scenario.load("fatigue")
    plain: dict[str, Any] = {**preset.model_dump(mode="json"), "response": "catalog"}
    for ads in plain["ads"].values():
        for ad in ads.values():
            del ad["view_probability"]
    catalog = bare(
        videos,
        response=np.random.default_rng(3).beta(2, 3, (n_videos, len(preset.ads))),
        response_ads=sorted(ad.label for ad in preset.ads),
    )
    return Scenario.load(plain).replace({"user.position": {"pre": 1.0}}), catalog


def without_labels(catalog: Catalog) -> Catalog:
    """The same videos, of which nobody knows the category."""
    return Catalog.from_arrays(
        categories=catalog.categories,
        category=np.full(catalog.n_videos, -1),
        neighbors=catalog.neighbors,
        importance=catalog.importance,
        classes=catalog.classes,
        category_probabilities=catalog.category_probabilities,
    )


WORLDS: dict[str, tuple[Scenario, Catalog]] = {
    **{name: (Scenario.load(name), Catalog.load("demo")) for name in preset_names()},
    "everything": (EVERYTHING, make_catalog()),
    "all at once": (tiny(ALL_AT_ONCE), partly_labeled(37)),
    "by category": (tiny({**ALL_AT_ONCE, "ads": BY_CATEGORY, "drift": OTHERS}), partly_labeled(37)),
    "own response": (
        tiny({**ALL_AT_ONCE, "user.position": {"pre": 1.0, "mid": 1.3}, **OWN_RESPONSE, "drift": DEARER}),
        partly_labeled(37),
    ),
    "tiny": (tiny({**TWO_SLOTS, **TWO_SEGMENTS, **ALL_SHOWN}), three_videos()),
    "no jumps": (tiny({"session.horizon": 6, "recommender.jump": 0}), three_videos()),
    "jumps": (tiny({"session.horizon": 6, "recommender.jump": 1, "user.leave.hazard": {}}), three_videos()),
    "predicted": (Scenario.load("classic").replace({"observe.category": "predicted"}), make_catalog(12)),
    "eleven videos": (Scenario.load("fatigue"), make_catalog(11)),
    "one ad": (
        Scenario.load("classic").replace({"observe.content": False, "observe.progress": False}),
        make_catalog(),
    ),
    **{
        f"{part} alone": (tiny({**ALONE, f"observe.{part}": True}), three_videos())
        for part in ("progress", "last_ad", "last_view", "fatigue", "memorability")
    },
    "many videos": (
        tiny({"session.horizon": 5}),
        Catalog.from_arrays(
            categories=("cats", "dogs"),
            category=np.arange(MANY) % 2,
            neighbors=(np.arange(MANY)[:, None] + np.arange(1, 11)) % MANY,
            importance=np.zeros((MANY, 1)),
            classes=("cat",),
        ),
    ),
}
