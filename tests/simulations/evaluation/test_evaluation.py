from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.agents import Agent, make_agent
from preroll.envs import Policy, Scenario, Tables, rollout
from preroll.envs.policies.simple import fixed_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.evaluation.agent_result import UNKNOWN
from preroll.simulations.evaluation.evaluation import Evaluation, evaluate
from preroll.simulations.evaluation.stepping import play
from preroll.simulations.evaluation.table import comparison_table


@pytest.fixture(scope="module")
def fatigue(small_catalog: Catalog) -> Tables:
    return Tables.compile("fatigue", small_catalog)


@pytest.fixture(scope="module")
def short_and_long(fatigue: Tables) -> Evaluation:
    return evaluate({name: fixed_policy(fatigue, name) for name in ("short", "long")}, fatigue, sessions=20_000)


def test_random_greedy_and_the_optimum_are_always_there(short_and_long: Evaluation) -> None:
    assert [row.name for row in short_and_long.rows] == ["short", "long", "random", "greedy", "optimum"]


def test_simulated_and_exact_revenue_agree(short_and_long: Evaluation) -> None:
    """Five rows, each beyond 4.5 standard errors with probability 7e-6: false alarm below 4e-5."""
    for row in short_and_long.rows:
        assert row.exact_revenue is not None
        assert abs(row.revenue.value - row.exact_revenue) < 4.5 / 1.96 * row.revenue.half_width
        percent = row.paired_percent
        assert abs(percent.value - row.percent_of_optimum) < 4.5 / 1.96 * max(percent.half_width, 1e-9)


def test_the_optimum_is_beaten_by_nobody(short_and_long: Evaluation) -> None:
    assert short_and_long["optimum"].paired_percent.value == 100
    assert short_and_long["optimum"].regret == pytest.approx(0, abs=1e-12)
    assert all(row.regret >= -1e-12 for row in short_and_long.rows)


def test_on_the_same_dice_a_difference_is_sharper_than_two_separate_means(small_catalog: Catalog) -> None:
    tables = Tables.compile("classic", small_catalog)
    row = evaluate({"long": fixed_policy(tables, "long")}, tables, sessions=10_000)["long"]
    assert row.difference.half_width < 0.5 * row.revenue.half_width


def test_every_session_of_the_fixed_set_is_played_to_its_end(fatigue: Tables) -> None:
    result = evaluate({}, fatigue, sessions=10_000, seed=3)
    assert result.sessions == 10_000
    assert result.lanes == 1000
    row = result["random"]
    assert 0.5 < row.terminated_share < 1
    assert row.empty_share == pytest.approx(1 / 7, abs=0.01)


def test_stepping_plays_the_very_sessions_of_the_table(fatigue: Tables) -> None:
    agent = make_agent("always-long", fatigue)
    table = rollout(fatigue, agent.policy(fatigue), seed=11, lanes=40, sessions_per_lane=7)
    steps = play(fatigue, agent, seed=11, lanes=40, sessions_per_lane=7)
    for name in ("revenue", "slots", "views", "terminated", "by_ad"):
        np.testing.assert_array_equal(getattr(table, name), getattr(steps, name), err_msg=name)


def test_an_agent_without_a_table_is_evaluated_by_stepping(fatigue: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = make_agent("always-short", fatigue)
    tabulated = evaluate({"a": agent}, fatigue, sessions=1000)["a"]
    monkeypatch.setattr("preroll.envs.policies.tabulate.LARGEST_TABLE", 10)
    stepped = evaluate({"a": agent}, fatigue, sessions=1000)["a"]
    assert stepped.exact_revenue is None
    assert stepped.revenue == tabulated.revenue
    assert stepped.regret == pytest.approx(-stepped.difference.value, rel=1e-12)


def test_without_exact_values_an_agent_is_asked_for_its_ads_alone(
    fatigue: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The references and oracles, which are tables, have theirs; the ads, and so the sessions, are the same."""
    players = {"a": make_agent("always-short", fatigue), "b": make_agent("fixed", fatigue)}
    exact = evaluate(players, fatigue, sessions=1000)
    monkeypatch.setattr("preroll.envs.policies.tabulate.tabulate", lambda *_: pytest.fail("asked for a table"))
    simulated = evaluate(players, fatigue, sessions=1000, exact=False)
    assert [row.name for row in simulated.rows if row.exact_revenue is None] == ["a"]
    assert [row.revenue for row in simulated.rows] == [row.revenue for row in exact.rows]
    row = simulated["a"]
    assert row.percent_of_optimum == pytest.approx(row.paired_percent.value, rel=1e-12)
    alone = evaluate_agent("a", players["a"], fatigue, sessions=1000, seed=0, exact=False)
    assert alone == replace(row, above_random=UNKNOWN)


@pytest.mark.parametrize("unit", [2.0**-30, 1.0])
def test_the_table_ranks_by_the_share_of_the_optimum_whatever_the_unit_of_money(
    unit: float, small_catalog: Catalog
) -> None:
    money = Scenario.load("fatigue").replace({"ads.*.*.reward": {"scale": unit}})
    evaluation = evaluate({}, Tables.compile(money, small_catalog), sessions=300)
    assert [row[0] for row in comparison_table(evaluation)[1]] == ["optimum", "greedy", "random"]


def test_with_drift_lanes_are_long_enough_to_meet_every_phase(small_catalog: Catalog) -> None:
    plain = Scenario.load("classic").model_dump(mode="json")
    plain["drift"] = [{"from_session": 100, "set": {"ads.*.*.reward": {"scale": 3}}}]
    tables = Tables.compile(plain, small_catalog)
    result = evaluate({}, tables, sessions=8000)
    assert result.sessions >= 200 * result.lanes
    row = result["random"]
    assert row.exact_revenue is not None
    assert abs(row.revenue.value - row.exact_revenue) < 4.5 / 1.96 * row.revenue.half_width


def test_an_agent_of_another_scenario_is_refused(fatigue: Tables, small_catalog: Catalog) -> None:
    classic = Tables.compile("classic", small_catalog)
    with pytest.raises(PrerollError, match="agent a: was trained with other ads"):
        evaluate({"a": make_agent("thompson", classic)}, fatigue)


def test_names_of_references_and_tiny_samples_are_refused(fatigue: Tables) -> None:
    with pytest.raises(PrerollError, match="'greedy': the name is kept"):
        evaluate({"greedy": Policy(ads=np.zeros(1, np.int16))}, fatigue)
    with pytest.raises(PrerollError, match="sessions: 29: an interval needs at least 30"):
        evaluate({}, fatigue, sessions=29)


def test_intervals_cover_the_exact_value(small_catalog: Catalog) -> None:
    """Of 200 intervals at 95 %, 176 to 199 cover with probability 0.9999 (binomial)."""
    tables = Tables.compile("classic", small_catalog)
    covered = 0
    for seed in range(200):
        row = evaluate({}, tables, sessions=300, seed=seed)["random"]
        assert row.exact_revenue is not None
        covered += row.revenue.low <= row.exact_revenue <= row.revenue.high
    assert 176 <= covered <= 199


def test_exploration_is_off(fatigue: Tables) -> None:
    class Explorer(Agent):
        name = "explorer"

        def act(self, observations: NDArray[np.float32], *, explore: bool = True) -> NDArray[np.int64]:
            return np.full(len(observations), 6 if explore else 0)

        def action_probabilities(
            self, observations: NDArray[np.float32], *, explore: bool = False
        ) -> NDArray[np.float64]:
            return np.eye(7)[self.act(observations, explore=explore)]

    base = make_agent("random", fatigue)
    row = evaluate({"a": Explorer(base.spec, base.settings)}, fatigue, sessions=300)["a"]
    assert row.empty_share == 0
