"""What simple policies are worth, and the properties that the presets promise on the demo catalog."""

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.optimum.reference_values import as_predicted, reference_values
from preroll.envs.optimum.restricted import best_fixed, best_open_loop
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import by_category_policy
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
