"""What simple policies are worth, and the properties that the presets promise on the demo catalog."""

from copy import copy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.optimum.policy_plot import ad_colors, draw_best_ads
from preroll.envs.optimum.policy_summary import best_ads
from preroll.envs.optimum.reference_values import as_predicted, reference_values
from preroll.envs.optimum.restricted import best_fixed, best_open_loop
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import by_category_policy
from preroll.envs.scenario.template import scenario_for
from preroll.perception.catalog.catalog import Catalog


@pytest.fixture(scope="module")
def fatigue() -> Tables:
    return Tables.compile("fatigue", "demo")


def test_on_fatigue_greedy_and_fixed_policies_and_plans_fall_short_as_designed(fatigue: Tables) -> None:
    rows = {row.name: row for row in reference_values(fatigue)}
    assert rows["greedy"].share <= 0.75
    assert 0.84 <= rows["best fixed per category"].share <= 0.93
    assert rows["best open-loop plan"].share <= 0.95
    best = rows["optimum"]
    assert best.empty_share >= 0.15
    assert min(best.shares.values()) * (1 - best.empty_share) >= 0.15  # of all slots
    assert 12 <= rows["optimum"].slots <= 25


def test_on_classic_nothing_beats_greedy() -> None:
    rows = {row.name: row for row in reference_values(Tables.compile("classic", "demo"))}
    assert rows["greedy"].share == pytest.approx(1.0, rel=1e-12)
    assert rows["always long"].share == pytest.approx(1.0, rel=1e-12)
    assert rows["random"].share == pytest.approx(0.57, abs=0.005)


def test_the_better_informed_a_policy_the_more_it_earns(fatigue: Tables) -> None:
    exact = Optimum(fatigue)
    fixed, plan = best_fixed(exact), best_open_loop(exact)
    assert fixed.proven
    assert fixed.value <= plan.value <= exact.value
    assert exact.value_of(plan.policy) == pytest.approx(plan.value, rel=1e-12)


def test_where_there_is_too_much_to_look_at_the_best_found_is_the_best_there_is_here_too(
    fatigue: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven = best_fixed(Optimum(fatigue))
    monkeypatch.setattr("preroll.envs.optimum.restricted.EVALUATED", 0)
    monkeypatch.setattr("preroll.envs.optimum.reference_values.LARGEST_PLAN", 0)
    rows = {row.name: row for row in reference_values(fatigue)}
    assert rows["best fixed per category"].note == "best found"
    assert rows["best fixed per category"].value == pytest.approx(proven.value, rel=1e-12)
    assert "best open-loop plan" not in rows


def test_the_best_fixed_policy_is_the_best_of_all(small_catalog: Catalog) -> None:
    tables = Tables.compile(Scenario.load("fatigue").replace({"session.horizon": 5}), small_catalog)
    exact = Optimum(tables)
    everything = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3)
    values = [exact.value_of(by_category_policy(tables, ads)) for ads in everything]
    assert best_fixed(exact).value == max(values)


def test_predictions_that_are_true_lose_nothing_and_wrong_ones_lose(small_catalog: Catalog) -> None:
    perfect = np.eye(3)[small_catalog.category]
    shuffled = np.roll(perfect, 1, axis=0)
    for probabilities, loses in ((perfect, False), (shuffled, True)):
        catalog = Catalog.from_arrays(
            categories=small_catalog.categories,
            category=small_catalog.category,
            neighbors=small_catalog.neighbors,
            importance=small_catalog.importance,
            classes=small_catalog.classes,
            category_probabilities=probabilities,
        )
        tables = Tables.compile("classic", catalog)
        believed = Optimum(as_predicted(tables)).policy
        share = Optimum(tables).value_of(believed) / Optimum(tables).value
        assert (share < 0.9) == loses


def test_greedy_on_predictions_loses_sixty_percent_of_every_wrong_slot(small_catalog: Catalog) -> None:
    """With everything predicted wrong, every ad meets m = .4: greedy earns .4 of the optimum on a flat table."""
    flat = {"ads.*.short.view_probability": 0.8, "ads.*.long.view_probability": 0.4, "ads.*.long.reward": 2}
    catalog = Catalog.from_arrays(
        categories=small_catalog.categories,
        category=small_catalog.category,
        neighbors=small_catalog.neighbors,
        importance=small_catalog.importance,
        classes=small_catalog.classes,
        category_probabilities=np.eye(3)[(small_catalog.category + 1) % 3],
    )
    scenario = Scenario.load("classic").replace({**flat, "observe.category": "predicted"})
    tables = Tables.compile(scenario, catalog)
    exact = Optimum(tables)
    assert exact.value_of(greedy_policy(tables)) / exact.value == pytest.approx(0.4)


def test_the_best_ads_of_fatigue_leave_slots_empty_for_the_tired(fatigue: Tables) -> None:
    none = fatigue.n_actions - 1
    for ads in best_ads(Optimum(fatigue)).values():
        assert ads[0, 0] != none
        assert ads[10, 1] == none


def test_a_category_without_videos_has_no_best_ad(small_catalog: Catalog) -> None:
    wider = copy(small_catalog)
    wider.categories = (*small_catalog.categories, "zebras")
    assert list(best_ads(Optimum(Tables.compile("classic", wider)))) == list(small_catalog.categories)


@pytest.mark.parametrize("n", [1, 7, 8, 40])
def test_every_ad_of_the_picture_has_a_color_of_its_own(n: int) -> None:
    assert len(set(ad_colors([*map(str, range(n)), "none"]))) == n + 1


def test_many_categories_are_drawn_in_lines_below_each_other(tmp_path: Path) -> None:
    n = 7
    catalog = Catalog.from_arrays(
        categories=[f"kind-{k}" for k in range(n)],
        category=np.arange(n),
        neighbors=np.full((n, 10), -1),
        importance=np.eye(n),
        classes=[f"object-{k}" for k in range(n)],
    )
    draw_best_ads(Tables.compile(scenario_for(catalog, "fatigue"), catalog), tmp_path / "best.png")
    with Image.open(tmp_path / "best.png") as picture:
        assert 1 < picture.width / picture.height < 4
