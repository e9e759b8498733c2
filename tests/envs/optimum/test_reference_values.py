"""What simple policies are worth, and the properties that the presets promise on the demo catalog."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Optimum, Policy, Scenario, Tables
from preroll.envs.optimum.reference_values import _policies, _row, as_predicted, reference_values
from preroll.envs.optimum.restricted import best_fixed, best_open_loop
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import by_category_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import bare
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.tiny import TWO_SEGMENTS, three_videos, tiny


@pytest.fixture(scope="module")
def fatigue() -> Tables:
    return Tables.compile("fatigue", "demo")


@pytest.mark.compiled
def test_on_fatigue_greedy_and_fixed_policies_and_plans_fall_short_as_designed(fatigue: Tables) -> None:
    rows = {row.name: row for row in reference_values(fatigue)}
    assert rows["greedy"].share <= 0.75
    assert 0.84 <= rows["best fixed per category"].share <= 0.93
    assert rows["best open-loop plan"].share <= 0.95
    best = rows["optimum"]
    assert best.empty_share >= 0.15
    assert min(best.shares.values()) * (1 - best.empty_share) >= 0.15  # of all slots
    assert 12 <= rows["optimum"].slots <= 25


@pytest.mark.compiled
def test_on_classic_nothing_beats_greedy() -> None:
    rows = {row.name: row for row in reference_values(Tables.compile("classic", "demo"))}
    assert rows["greedy"].share == pytest.approx(1.0, rel=1e-12)
    assert rows["always long"].share == pytest.approx(1.0, rel=1e-12)
    assert rows["random"].share == pytest.approx(0.57, abs=0.005)


@pytest.mark.compiled
def test_the_better_informed_a_policy_the_more_it_earns(fatigue: Tables) -> None:
    exact = Optimum(fatigue)
    fixed, plan = best_fixed(exact), best_open_loop(exact)
    assert fixed.proven
    assert fixed.value <= plan.value <= exact.value
    assert exact.value_of(plan.policy) == pytest.approx(plan.value, rel=1e-12)


@pytest.mark.compiled
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


@pytest.mark.compiled
def test_the_best_fixed_policy_is_the_best_of_all(small_catalog: Catalog) -> None:
    tables = Tables.compile(Scenario.load("fatigue").replace({"session.horizon": 5}), small_catalog)
    exact = Optimum(tables)
    everything = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3)
    values = [exact.value_of(by_category_policy(tables, ads)) for ads in everything]
    assert best_fixed(exact).value == max(values)


@pytest.mark.compiled
def test_predictions_that_are_true_lose_nothing_and_wrong_ones_lose(small_catalog: Catalog) -> None:
    perfect = np.eye(3)[small_catalog.category]
    shuffled = np.roll(perfect, 1, axis=0)
    for probabilities, loses in ((perfect, False), (shuffled, True)):
        catalog = bare(small_catalog, category_probabilities=probabilities)
        tables = Tables.compile("classic", catalog)
        believed = Optimum(as_predicted(tables)).policy
        share = Optimum(tables).value_of(believed) / Optimum(tables).value
        assert (share < 0.9) == loses


@pytest.mark.compiled
def test_greedy_on_predictions_loses_sixty_percent_of_every_wrong_slot(small_catalog: Catalog) -> None:
    """With everything predicted wrong, every ad meets m = .4: greedy earns .4 of the optimum on a flat table."""
    flat = {"ads.*.short.view_probability": 0.8, "ads.*.long.view_probability": 0.4, "ads.*.long.reward": 2}
    catalog = bare(small_catalog, category_probabilities=np.eye(3)[(small_catalog.category + 1) % 3])
    scenario = Scenario.load("classic").replace({**flat, "observe.category": "predicted"})
    tables = Tables.compile(scenario, catalog)
    exact = Optimum(tables)
    assert exact.value_of(greedy_policy(tables)) / exact.value == pytest.approx(0.4)


def test_rows_of_a_tiny_scenario_are_brute_force_s() -> None:
    """Value, share of the optimum, slots, lengths of the ads shown and empty slots of every reference policy."""
    scenario = tiny({**TWO_SEGMENTS, "recall_weight": 1.0})
    catalog = three_videos((0, 1, 0), [[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    tables, plain = Tables.compile(scenario, catalog), PlainModel(scenario, catalog)
    best = plain.revenue(lambda _, values: max(values))
    rows = reference_values(tables)
    assert [row.name for row in rows] == [
        "optimum",
        "optimum on predicted categories",
        "greedy",
        "best fixed per category",
        "best open-loop plan",
        "random",
    ]  # no length class has an ad of every category
    assert [row.note for row in rows] == [
        "knows the hidden segment: a bound",
        "perception's category taken for true",
        "knows the tables, looks one slot ahead",
        "",
        "by slot and category; best found",
        "",
    ]
    policies = dict(
        zip((row.name for row in rows), (policy for _, policy, _ in _policies(Optimum(tables))), strict=True)
    )
    for row in rows:
        full = policies[row.name].on(tables)
        table = full.probabilities if full.ads is None else np.eye(3)[full.ads]
        assert table is not None

        def weighed(at: Moment, values: list[float], table: NDArray[np.float64] = table) -> float:
            return float(table[(0, *at)] @ values)

        value = plain.revenue(weighed)
        shown = plain.shown(lambda at, table=table: np.asarray(table[(0, *at)]))  # type: ignore[misc]
        by_ad = shown.sum(axis=(0, 1))
        assert row.value == pytest.approx(value, abs=1e-12)
        assert row.share == pytest.approx(value / best, abs=1e-12)
        assert row.slots == pytest.approx(shown.sum(), abs=1e-12)
        assert row.empty_share == pytest.approx(by_ad[2] / shown.sum(), abs=1e-12)
        assert row.shares == {
            "short": pytest.approx(by_ad[0] / by_ad[:2].sum()),
            "long": pytest.approx(by_ad[1] / by_ad[:2].sum()),
        }
    assert rows[0].value == pytest.approx(best, abs=1e-12)


def test_the_optimum_of_a_tiny_guess_is_that_of_the_guessed_categories() -> None:
    probabilities = [[0.1, 0.9], [0.2, 0.8], [0.9, 0.1]]  # dogs, dogs, cats
    tables = Tables.compile(tiny({"observe.segment": False}), three_videos((0, 1, 0), probabilities))
    guessed = Tables.compile(tiny(), three_videos((1, 1, 0)))
    (row,) = (row for row in reference_values(tables) if row.name == "optimum on predicted categories")
    assert row.value == pytest.approx(Optimum(tables).value_of(Optimum(guessed).policy), abs=1e-12)
    assert as_predicted(tables).category.tolist() == [1, 1, 0]
    with pytest.raises(PrerollError, match="no category probabilities"):
        as_predicted(guessed)
    with pytest.raises(PrerollError, match="videos without a true category"):
        as_predicted(Tables.compile(tiny(), three_videos((0, -1, 0), probabilities)))


def test_where_a_tiny_catalog_has_unlabeled_videos_no_row_goes_by_category() -> None:
    catalog = three_videos((0, -1, 0), [[1, 0], [0.5, 0.5], [1, 0]])
    rows = reference_values(Tables.compile(tiny({"observe.segment": False}), catalog))
    assert [row.name for row in rows] == ["optimum", "greedy", "random"]


def test_where_a_tiny_session_earns_nothing_every_policy_is_optimal() -> None:
    nothing = {"ads.cats.short.reward": 0, "ads.dogs.long.reward": 0, "user.fatigue.gain": {}}
    rows = {row.name: row for row in reference_values(Tables.compile(tiny(nothing), three_videos()))}
    assert {row.share for row in rows.values()} == {1.0}
    assert rows["random"].empty_share == pytest.approx(1 / 3)
    empty = Policy(ads=np.full(1, 2))
    assert _row(Optimum(Tables.compile(tiny(), three_videos())), "none", empty, "").shares == {"short": 0, "long": 0}


def test_where_a_tiny_session_earns_little_a_share_is_one_of_it() -> None:
    little = {"ads.*.*.reward": {"scale": 0.01}}
    few, many = (
        {row.name: row.share for row in reference_values(Tables.compile(tiny(changes), three_videos()))}
        for changes in (little, {})
    )
    assert few == {name: pytest.approx(share) for name, share in many.items()}
    assert few["random"] < 0.9


def test_a_tiny_phase_of_drift_has_its_own_rows() -> None:
    drift = [{"from_session": 3, "set": {"ads.*.*.reward": {"scale": 3}}}]
    tables = Tables.compile(tiny({"drift": drift}), three_videos())
    first, second = ({row.name: row.value for row in reference_values(tables, phase)} for phase in (0, 1))
    assert second == {name: pytest.approx(3 * value) for name, value in first.items()}
    assert "best open-loop plan" in first


@pytest.mark.parametrize(
    ("limit", "size", "row"),
    [
        ("LARGEST_PLAN", 18, "best open-loop plan"),  # 3 videos, 3 levels and 2 slots are 18 states
        ("LARGEST_SEARCH", 18 * 3 * 12, "best open-loop plan"),  # with 3 actions, from 3 + 1 + 8 plans
        ("LARGEST_FIXED", 18 * 3 * 2, "best fixed per category"),  # in 2 categories
    ],
)
def test_the_limits_of_the_searches_are_kept(limit: str, size: int, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables.compile(tiny(), three_videos())
    for most, searched in ((size, True), (size - 1, False)):
        monkeypatch.setattr(f"preroll.envs.optimum.reference_values.{limit}", most)
        assert (row in {row.name for row in reference_values(tables)}) == searched
