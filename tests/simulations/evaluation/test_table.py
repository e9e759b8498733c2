import re
from dataclasses import replace

import pytest

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.evaluation import Evaluation, evaluate
from preroll.simulations.evaluation.table import COLUMNS, LEGEND, SLOTS, comparison_table, footnote
from preroll.simulations.statistics.intervals import Mean


@pytest.fixture(scope="module", params=["classic", "fatigue"])
def evaluation(request: pytest.FixtureRequest, small_catalog: Catalog) -> Evaluation:
    return evaluate({}, Tables.compile(request.param, small_catalog), sessions=300)


def test_the_optimum_stands_first_and_random_last(evaluation: Evaluation) -> None:
    _, rows = comparison_table(evaluation)
    assert [row[0] for row in rows] == ["optimum", "greedy", "random"]


def test_empty_slots_have_a_column_only_where_there_are_some(evaluation: Evaluation) -> None:
    titles, rows = comparison_table(evaluation)
    assert ("empty" in titles) == (evaluation.scenario == "fatigue")
    assert all(len(row) == len(titles) for row in rows)


def test_a_narrow_table_leaves_out_what_is_extra(evaluation: Evaluation) -> None:
    wide, narrow = (comparison_table(evaluation, extra=extra)[0] for extra in (True, False))
    assert [title for title in wide if title not in narrow] == [
        column.title for column in (*COLUMNS, SLOTS) if column.extra
    ]


def test_the_optimum_has_no_regret_and_no_minus_before_it(evaluation: Evaluation) -> None:
    titles, rows = comparison_table(evaluation)
    best = dict(zip(titles, rows[0], strict=True))
    assert best["regret"] == "0.000"
    assert best["% of optimum"] == "100.00"


def test_the_footnote_says_how_many_sessions_and_what_the_optimum_is(evaluation: Evaluation) -> None:
    assert "300 sessions of each agent" in footnote(evaluation)
    assert f"{evaluation.rows[0].optimum:.3f} is the exact optimum" in footnote(evaluation)


def test_no_interval_is_beyond_what_is_possible(evaluation: Evaluation) -> None:
    """Of a simulated optimum about every second interval would be, and of nearly optimal agents many."""
    best = evaluation["optimum"]
    near = replace(best, exact_revenue=None, revenue=Mean(best.optimum - 0.5, 1.0), difference=Mean(-0.5, 1.0))
    titles, (row,) = comparison_table(replace(evaluation, rows=(near,)))
    shown = dict(zip(titles, row, strict=True))
    assert shown["revenue"].endswith(f", {best.optimum:.2f}]")
    assert shown["% of optimum"].endswith(", 100.00]")
    assert shown["less optimum, paired"] == "−0.500 [−1.500, 0.000]"
    assert "in brackets is cut at what is possible" in LEGEND


def test_the_footnote_says_what_the_optimum_knows_and_agents_do_not_see(small_catalog: Catalog) -> None:
    evaluation = evaluate({}, Tables.compile("hidden-users", small_catalog), sessions=100)
    assert "is the optimum (it knows the hidden segment: a bound)." in footnote(evaluation)


def test_amounts_have_digits_by_their_size_and_separated_thousands() -> None:
    large = Scenario.load("classic").replace({"ads.*.*.reward": {"scale": 5000}})
    head, rows = comparison_table(evaluate({}, Tables.compile(large, "demo"), sessions=1000))
    first, random = rows[0], dict(zip(head, rows[-1], strict=True))
    assert re.fullmatch(r"\d\d,\d{3} ± [\d,]+", random["revenue"])
    assert re.fullmatch(r"\d\d,\d{3}", random["exact"])
    assert first[head.index("regret")] == "0"
