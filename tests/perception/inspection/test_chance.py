"""Exact tests of categories and neighbours: they see what is planted, and rarely what is not there."""

import numpy as np
import pytest
from scipy.stats import binom

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.chance import ALPHA, categories_beat_chance, neighbors_beat_chance
from preroll.terminal.catalog_summary import quality_told
from tests.conftest import make_catalog


def dealt(seed: int, n: int = 60) -> Catalog:
    """A catalog whose categories were dealt at random: neither probabilities nor neighbours know them."""
    rng = np.random.default_rng(seed)
    neighbors = np.argsort(rng.random((n, n)) + np.eye(n) * 9, axis=1)[:, :10]
    return Catalog.from_arrays(
        categories=("a", "b"),
        category=rng.integers(0, 2, n),
        neighbors=neighbors,
        importance=rng.random((n, 3)),
        classes=("x", "y", "z"),
        category_probabilities=rng.dirichlet((1, 1), n),
    )


def test_what_is_planted_is_seen() -> None:
    catalog = make_catalog(60)
    assert categories_beat_chance(catalog)
    assert neighbors_beat_chance(catalog)
    assert categories_beat_chance(Catalog.load("demo"))
    assert neighbors_beat_chance(Catalog.load("demo"))


def test_all_right_of_four_videos_is_not_called_no_better_than_chance() -> None:
    """A bug once: `100.0 % right … no better than chance`. The test has nothing to say of so few videos."""
    told = quality_told(Catalog.synthetic(["a", "b"], 4, content=1))
    assert "100.0 % right" in told[0]
    assert told[0].endswith("always the likeliest category 50.0 % right: the difference may be chance.")
    assert told[1].endswith("33.3 %; by chance 33.3 %: no better than chance.")


@pytest.mark.parametrize("judge", [categories_beat_chance, neighbors_beat_chance])
def test_false_alarms_are_as_rare_as_promised(judge: object) -> None:
    """With a true rate of 5 %, more than 22 of 200 come once in 10,000 times."""
    assert callable(judge)
    alarms = sum(bool(judge(dealt(seed))) for seed in range(200))
    assert binom.sf(22, 200, ALPHA) < 1e-3
    assert alarms <= 22


def test_always_guessing_the_largest_is_no_better_than_chance() -> None:
    catalog = Catalog.from_arrays(
        categories=("a", "b"),
        category=[0] * 20 + [1] * 10,
        neighbors=np.full((30, 10), -1),
        importance=np.zeros((30, 1)),
        classes=("x",),
        category_probabilities=np.tile([0.9, 0.1], (30, 1)),
    )
    assert categories_beat_chance(catalog) is False
    assert neighbors_beat_chance(catalog) is None


def test_pieces_of_one_clip_count_once() -> None:
    """Ninety pieces of three clips resemble their clip, which tells nothing of the categories."""
    groups = np.repeat(np.arange(6), 15)
    category = (groups % 2).astype(np.int64)
    rng = np.random.default_rng(0)
    near = np.stack([rng.permutation(np.flatnonzero((groups != g) & (category == g % 2)))[:10] for g in groups])
    right = np.eye(2)[category]
    catalog = Catalog.from_arrays(
        categories=("a", "b"),
        category=category,
        neighbors=near,
        importance=rng.random((90, 2)),
        classes=("x", "y"),
        category_probabilities=right,
    )
    assert neighbors_beat_chance(catalog)
    assert categories_beat_chance(catalog)
    catalog.manifest["group_by"] = "name"
    catalog.__dict__["groups"] = groups
    assert neighbors_beat_chance(catalog) is False  # of 20 ways to deal two categories to six clips this is one of two
    assert categories_beat_chance(catalog)  # six of six, by guessing one in 64


def test_nothing_measured_is_nothing_said() -> None:
    catalog = Catalog.from_arrays(
        categories=("a",),
        category=[0, 0],
        neighbors=np.full((2, 10), -1),
        importance=np.zeros((2, 1)),
        classes=("x",),
    )
    assert categories_beat_chance(catalog) is None
