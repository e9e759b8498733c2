"""What an explanation says in percent, with intervals, as a table and as JSON."""

import json
import math

import numpy as np
import pytest

from preroll.envs import Explanation, Optimum, Scenario, Tables, random_policy
from preroll.envs.optimum.explanation import AD, CATEGORY, MAP, SESSION, SLOT, named
from preroll.envs.optimum.losses import Losses
from preroll.envs.rendering.policy_plot import draw_policies
from preroll.perception.catalog.catalog import Catalog
from tests.envs.tiny import three_videos, tiny

LOST = {CATEGORY: {"cats": 0.5, "dogs": 1.5}, AD: {"one": 2.0, "none": 0.0}}
HALF = {CATEGORY: {"cats": 0.75, "dogs": 0.25}, AD: {"one": 7.0, "none": 0.0}}


def test_an_interval_is_in_percent_and_ends_at_what_is_possible() -> None:
    one = Explanation(8.0, LOST, HALF, 0.1)
    assert not one.is_exact
    assert one.percent == 25
    assert one.interval(CATEGORY, "dogs") == (15.625, 21.875)
    assert one.interval(CATEGORY, "cats") == (0, 15.625)
    assert one.interval(AD, "one") == (0, 100)
    assert Explanation(8.0, LOST).interval(CATEGORY, "dogs") is None


def test_a_table_has_one_row_a_part_and_no_interval_where_it_is_exact() -> None:
    simulated, exact = Explanation(8.0, LOST, HALF, 0.1).to_frame(), Explanation(8.0, LOST).to_frame()
    assert simulated.values.tolist()[:2] == [
        ["category", "cats", 0.5, 6.25, 0, 15.625],
        ["category", "dogs", 1.5, 18.75, 15.625, 21.875],
    ]
    assert exact[["split", "part"]].equals(simulated[["split", "part"]])
    assert all(math.isnan(value) for value in exact[["low", "high"]].to_numpy().ravel())
    assert {str(exact[name].dtype) for name in ("lost", "percent", "low", "high")} == {"float64"}


def test_where_nothing_can_be_earned_nothing_is_lost(small_catalog: Catalog) -> None:
    worthless = Tables.compile(Scenario.load("classic").replace({"ads.*.*.reward": 0}), small_catalog)
    explanation = Optimum(worthless).explain(random_policy(worthless))
    assert (explanation.optimum, explanation.regret, explanation.percent) == (0, 0, 0)
    assert set(explanation.to_frame()["percent"]) == {0}


def test_json_says_whether_the_parts_are_exact() -> None:
    for one in (Explanation(8.0, LOST), Explanation(8.0, LOST, HALF, 0.1)):
        assert json.loads(json.dumps(one.to_dict())) == {"optimum": 8.0, "is_exact": one.is_exact, "lost": LOST}


def test_ads_stand_in_the_order_of_their_categories_whatever_that_of_the_scenario(small_catalog: Catalog) -> None:
    ad = {"seconds": 10, "view_probability": {"other": 0.5}, "reward": 1}
    ads = {group: {"b": ad, "a": ad} for group in ("shop", "concerts", "cars", "cats")}
    for other in ({"ads": ads}, {"ads": dict(reversed(ads.items()))}):
        tables = Tables.compile({**other, "session": {"horizon": 3, "no_ad": True}}, small_catalog)
        parts = Optimum(tables).explain(random_policy(tables)).lost
        assert list(parts[CATEGORY]) == ["cars", "cats", "concerts"]
        labels = [f"{group}.{name}" for group in ("cars", "cats", "concerts", "shop") for name in ("b", "a")]
        assert list(parts[AD]) == [*labels, "none"]
        table = [line.split()[0] for line in repr(tables).splitlines()[-9:]]
        assert table == list(parts[AD])
        legend = draw_policies(tables, {"": dict.fromkeys(tables.spec.categories, np.arange(9)[:, None])}).legends[0]
        assert [text.get_text() for text in legend.get_texts()] == list(parts[AD])


def test_lanes_have_the_parts_of_a_policy_each() -> None:
    tables = Tables.compile(tiny({"session.horizon": 6}), three_videos())
    rng = np.random.default_rng(0)
    losses = Losses(1.0, rng.random((5, 6)), rng.random((5, 3, 3)), rng.random((5, tables.n_actions)))
    by_lane = named(tables, losses)
    assert list(by_lane[SESSION]) == ["1 to 2", "3 to 4", "5", "6"]
    assert list(by_lane[SLOT]) == ["1", "2", "3", "4", "5", "6"]
    for lane in range(5):
        alone = named(tables, Losses(1.0, losses.by_slot[lane], losses.by_state[lane], losses.by_ad[lane]))
        for split, parts in alone.items():
            for part, lost in parts.items():
                assert type(lost) is float
                assert lost == pytest.approx(by_lane[split][part][lane], rel=1e-12), (split, part)
    assert by_lane[MAP]["dogs × 2"] == pytest.approx(losses.by_state[:, 1, 2])
