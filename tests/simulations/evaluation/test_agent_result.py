"""One agent has one result, whether it is evaluated alone or beside others."""

import math
from dataclasses import replace

import pytest

from preroll.agents import make_agent
from preroll.envs import Scenario, Tables
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.evaluation.agent_result import UNKNOWN
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.evaluation.table import comparison_table


@pytest.fixture(scope="module")
def fatigue(small_catalog: Catalog) -> Tables:
    return Tables.compile("fatigue", small_catalog)


def test_alone_an_agent_has_the_result_that_it_has_beside_others(fatigue: Tables) -> None:
    agent = make_agent("always-long", fatigue)
    alone = evaluate_agent("a", agent, fatigue, sessions=1000, seed=3)
    beside = evaluate({"a": agent}, fatigue, sessions=1000, seed=3)["a"]
    assert math.isnan(alone.difference.value)  # nobody else played
    assert alone == replace(beside, difference=UNKNOWN, above_random=UNKNOWN)


def test_an_agent_without_a_table_is_compared_with_the_optimum_on_the_same_sessions(fatigue: Tables) -> None:
    settings = {"num_envs": 8, "steps": 5, "batch": 40, "recurrent_units": 8}
    agent = make_agent("recurrent-ppo", fatigue, seed=1, **settings)
    alone = evaluate_agent("a", agent, fatigue, sessions=300, seed=3)
    beside = evaluate({"a": agent}, fatigue, sessions=300, seed=3)["a"]
    assert alone.exact_revenue is None
    assert alone == replace(beside, above_random=UNKNOWN)
    assert alone.percent_of_optimum == pytest.approx(alone.paired_percent.value)


def test_the_columns_of_tidy_tables_keep_their_names(fatigue: Tables) -> None:
    """Those of a table that somebody has written a program for."""
    result = evaluate_agent("a", make_agent("random", fatigue), fatigue, sessions=300, seed=0)
    assert list(result.to_dict()) == [
        "evaluation_sessions", "evaluation_lanes", "revenue", "revenue_half_width", "exact_revenue", "optimum",
        "optimum_is_bound", "optimum_note", "percent_of_optimum", "regret", "view_rate", "empty_share",
        "session_length", "terminated_share", "share.short", "share.long",
    ]  # fmt: skip


def test_where_nothing_can_be_earned_everybody_earns_all_of_it(small_catalog: Catalog) -> None:
    """A bug once: `evaluate` divided by an optimum of 0."""
    worthless = Scenario.load("classic").replace({"ads.*.*.reward": 0})
    evaluation = evaluate({}, Tables.compile(worthless, small_catalog), sessions=100)
    assert {row.paired_percent.value for row in evaluation.rows} == {100.0}
    assert {row.percent_of_optimum for row in evaluation.rows} == {100.0}
    assert {row[2] for row in comparison_table(evaluation)[1]} == {"100.00 ± 0.00"}
