"""Memorability: what an agent sees of it, and the second reward for a viewed ad that is remembered."""

from typing import Any

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.optimum.reference_values import as_predicted
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import fixed_policy, random_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import bare

SHOWN = {"observe.memorability": True}


def compiled(catalog: Catalog, changes: dict[str, Any], base: str = "classic") -> Tables:
    return Tables.compile(Scenario.load(base).replace(changes), catalog)


def test_revenue_is_a_line_in_the_weight(small_catalog: Catalog) -> None:
    """Revenue + weight · (expected sum of the memorabilities of the videos whose ad was viewed)."""
    values = []
    for weight in (0.0, 1.0, 3.0):
        tables = compiled(small_catalog, {"recall_weight": weight}, "fatigue")
        values.append(Optimum(tables).value_of(fixed_policy(tables, "short")))
    assert values[2] - values[0] == pytest.approx(3 * (values[1] - values[0]))
    assert values[1] > values[0]


def test_where_every_video_is_remembered_equally_the_weight_is_a_raise_of_every_ad(small_catalog: Catalog) -> None:
    level = bare(small_catalog, memorability=np.full(small_catalog.n_videos, 0.5))
    raised: dict[str, Any] = {"ads.*.short.reward": 1.5, "ads.cats.long.reward": 3.5}
    raised |= {f"ads.{name}.long.reward": 2.5 for name in ("cars", "concerts")}
    by_weight, by_reward = compiled(level, {"recall_weight": 1.0}), compiled(level, raised)
    np.testing.assert_array_equal(by_weight.arrays.reward, by_reward.arrays.reward)
    assert Optimum(by_weight).value == Optimum(by_reward).value


def test_the_agent_sees_the_quantile_of_the_video(small_catalog: Catalog) -> None:
    tables = compiled(small_catalog, SHOWN)
    part = tables.layout.parts["memorability"]
    assert part.size == 1
    np.testing.assert_array_equal(tables.arrays.rows[:, part.start], small_catalog.memorability_quantile)


def test_greedy_uses_what_it_sees_of_memorability(small_catalog: Catalog) -> None:
    """On classic nothing is worth waiting for: greedy that sees all is the optimum."""
    seeing = compiled(small_catalog, {"recall_weight": 20.0, **SHOWN})
    blind = compiled(small_catalog, {"recall_weight": 20.0})
    best = Optimum(seeing).value
    assert Optimum(seeing).value_of(greedy_policy(seeing)) == pytest.approx(best, rel=1e-12)
    assert Optimum(blind).value == best
    assert Optimum(blind).value_of(random_policy(blind)) < Optimum(blind).value_of(greedy_policy(blind)) <= best


def test_a_guess_of_the_category_changes_nothing_about_memorability(small_catalog: Catalog) -> None:
    tables = compiled(small_catalog, {"recall_weight": 2.0})
    np.testing.assert_array_equal(
        as_predicted(tables).arrays.reward[0][as_predicted(tables).kind], tables.arrays.reward[0][tables.kind]
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"recall_weight": 1.0}, "recall_weight: needs true memorability"),
        ({"observe.memorability": True}, "observe.memorability: true needs predicted memorability"),
        ({"recall_weight": -1.0}, "recall_weight: -1.0: should be "),
    ],
)
def test_what_the_catalog_lacks_is_named(changes: dict[str, Any], line: str, unmeasured: Catalog) -> None:
    with pytest.raises(PrerollError, match=line):
        compiled(unmeasured, changes)


@pytest.fixture
def unmeasured(small_catalog: Catalog) -> Catalog:
    """The small catalog without memorability."""
    return bare(small_catalog)
