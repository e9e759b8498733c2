"""One agent has one result, whether it is evaluated alone or beside others."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from preroll.agents import make_agent
from preroll.envs import Scenario, Tables
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.evaluation.agent_result import UNKNOWN
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.evaluation.table import comparison_table
from preroll.simulations.statistics.intervals import Mean


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


def test_what_is_printed_is_what_the_frame_holds(fatigue: Tables) -> None:
    """A bug once: the table printed what was paired, and the frame held another number under the same name."""
    players = {"exact": make_agent("always-short", fatigue), "remembers": make_agent("always-long", fatigue)}
    for exact in (True, False):
        evaluation = evaluate(players, fatigue, sessions=300, seed=3, exact=exact)
        column = comparison_table(evaluation)[0].index("% of optimum")
        printed = {row[0]: row[column] for row in comparison_table(evaluation)[1]}
        for row in pd.DataFrame(evaluation).to_dict("records"):
            assert printed[row["agent"]].startswith(f"{row['percent_of_optimum']:.2f}")
            assert f"% of optimum  {printed[row['agent']]}" in repr(evaluation[row["agent"]])
            assert (" " in printed[row["agent"]]) == (row["percent_of_optimum_low"] < row["percent_of_optimum_high"])


def test_the_intervals_of_a_frame_have_their_whole_width_and_those_of_texts_end_at_what_is_possible() -> None:
    """A bug once: frames were cut as texts are, and no standard error could be told from them."""
    near, beyond = Mean(-0.1, 0.5), Mean(0.2, 0.5)
    for difference in (near, beyond):
        result = replace(evaluate({}, "fatigue", sessions=30)["random"], exact_revenue=None, optimum=10.0,
                         expected_revenue=10.0 + difference.value, difference=difference)  # fmt: skip
        row = result.to_row()
        for name in ("percent_of_optimum", "paired_percent"):
            ends = row[f"{name}_low"], row[name], row[f"{name}_high"]
            assert ends == pytest.approx([100 + 10 * (difference.value + half) for half in (-0.5, 0, 0.5)])
        assert row["difference_high"] - row["difference_low"] == pytest.approx(1.0)
        assert row["revenue_high"] - row["revenue_low"] == pytest.approx(2 * result.revenue.half_width)
        assert result.percent_interval[1] == pytest.approx(max(100, row["percent_of_optimum"]))
        assert result.percent_text.endswith("]")


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
    assert {row[2] for row in comparison_table(evaluation)[1]} == {"100.00"}
