"""What a page says of differences, on results that are made up: no cell is run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from preroll.palette import PAPER
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.report import charts, heat_maps, tables
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline
from tests.simulations.conftest import MakeFile, load

OPTIMUM = 10.0
NOISE = np.array([-1.0, -1, 0, 1, 1])
MakeMaterial = Callable[..., Material]


@pytest.fixture
def made_up(make_file: MakeFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeMaterial:
    """Makes a page's data from revenue by seed, by agent, one mapping a point; optimum 10, two keys vary."""
    monkeypatch.setattr(heat_maps, "always_values", lambda *_: {})

    def make(*points: Mapping[str, Sequence[float]]) -> Material:
        agents = list(dict.fromkeys(agent for point in points for agent in point))
        varied = [0.1 * (i + 1) for i in range(len(points))]
        plan = load(make_file(vary={"user.mismatch": varied, "session.horizon": [5]}, agents=agents, seeds=5))
        names = list(dict.fromkeys(cell.point for cell in plan.cells))
        evaluations = {
            (name, agent): {seed: evaluation(value) for seed, value in enumerate(values)}
            for name, point in zip(names, points, strict=True)
            for agent, values in point.items()
        }
        states = {
            cell.id: CellState.DONE if cell.seed in evaluations.get((cell.point, cell.label), {}) else CellState.MISSING
            for cell in plan.cells
        }
        material = Material(Store(tmp_path), plan, states)
        material.__dict__.update(_evaluations=evaluations, other_versions={})
        return material

    return make


def evaluation(revenue: float) -> dict[str, float]:
    return {
        "revenue": revenue,
        "optimum": OPTIMUM,
        "percent_of_optimum": 100 * revenue / OPTIMUM,
        "regret": OPTIMUM - revenue,
        "view_rate": 0.5,
        "share.short": 1 - revenue / OPTIMUM,
        "share.long": revenue / OPTIMUM,
        "empty_share": 0.0,
        "session_length": 5.0,
        "terminated_share": 0.0,
    }


def around(mean: float, scale: float, shift: int = 0) -> list[float]:
    return [float(value) for value in mean + scale * np.roll(NOISE, shift)]


@pytest.fixture
def four_points(made_up: MakeMaterial) -> Material:
    """Thompson sampling is ahead clearly, hardly, and by runs of which the other has one; then everything is equal."""
    return made_up(
        {"thompson": around(9, 0.1), "linucb": around(8, 0.1, 2)},
        {"thompson": around(9, 0.5), "linucb": around(8.9, 0.5, 2)},
        {"thompson": around(9, 0.1), "linucb": [5.0]},
        {"thompson": around(9, 0.1), "linucb": around(9, 0.1)},
    )


def test_the_best_learner_has_a_colour_where_it_is_decided_alone(four_points: Material) -> None:
    best, _ = heat_maps.heat_maps(four_points, *four_points.plan.keys.keys())
    cells = [cell for _, (cell,) in best.lines]
    assert cells[0][0] == "thompson"
    assert cells[0][1] != PAPER
    assert cells[1:] == [(heat_maps.UNDECIDED, PAPER)] * 3


def test_of_three_learners_those_that_are_left_stand_without_a_colour(made_up: MakeMaterial) -> None:
    material = made_up({"thompson": around(9, 0.5), "linucb": around(8.9, 0.5, 2), "ucb1": around(2, 0.1, 1)})
    best, _ = heat_maps.heat_maps(material, *material.plan.keys.keys())
    assert best.lines[0][1] == [("thompson or linucb", PAPER)]


def test_with_one_seed_nothing_is_decided(made_up: MakeMaterial) -> None:
    material = made_up({"thompson": [9.0], "linucb": [1.0]})
    best, _ = heat_maps.heat_maps(material, *material.plan.keys.keys())
    assert best.lines[0][1] == [(heat_maps.UNDECIDED, PAPER)]
    assert not any("comparisons" in sentence for sentence in headline(material))


def test_the_headline_says_the_points_and_what_a_family_of_the_whole_page_would_show(made_up: MakeMaterial) -> None:
    """Student's t of a pair is 3, so that p = .04 counts at its point, and 3 · .04 does not over three points."""
    noise = NOISE / NOISE.std(ddof=1)
    ahead = {"thompson": [9.0] * 5, "linucb": (9 - 0.1 * (noise + 3 / np.sqrt(5))).tolist()}
    equal = {"thompson": around(9, 0.1), "linucb": around(9, 0.1, 2)}
    *_, alone = headline(made_up(ahead))
    assert (
        "Of 1 comparison of two learners, all pairs of every point, 1 shows a difference; no difference shown for 0 ("
        in alone
    )
    assert "The page has 1 point." in alone
    assert "one family" not in alone
    *_, told = headline(made_up(ahead, equal, equal))
    assert (
        "Of 3 comparisons of two learners, all pairs of every point, 1 shows a difference; no difference shown for 2 ("
        in told
    )
    assert "The page has 3 points. With all pairs of the page as one family 0 of 3 would show a difference." in told


def test_the_table_of_pairs_has_every_pair_of_a_point_and_both_families(four_points: Material) -> None:
    table = tables.verdicts_table(four_points)
    assert [row[1][0] for row in table.rows] == ["thompson − linucb"] * 3
    assert [row[2][0] for row in table.rows] == ["thompson earns more", "no difference shown", "no difference shown"]
    for row in table.rows:
        assert float(row[4][1]) <= float(row[5][1])
    assert tables.verdicts_note(four_points) == ""


def test_of_very_many_pairs_the_clearest_are_listed(four_points: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_PAIRS", 1)
    assert [row[2][0] for row in tables.verdicts_table(four_points).rows] == ["thompson earns more"]
    assert tables.verdicts_note(four_points) == "The 1 of 3 pairs with the smallest p values are listed."


@pytest.fixture
def near_the_ends(made_up: MakeMaterial) -> Material:
    """Student's intervals reach above 100 % and below 0."""
    return made_up({"thompson": [10.0, 10, 10, 10, 7], "linucb": [0.0, 0, 0, 0, 3]})


def test_no_interval_of_a_table_or_sentence_is_beyond_what_is_possible(near_the_ends: Material) -> None:
    rows = tables.agents_table(near_the_ends).rows
    assert [row[3][0] for row in rows] == ["9.400 [7.734, 10.000]", "0.600 [0.000, 2.266]"]
    assert [row[4][0] for row in rows] == ["94.00 [77.34, 100.00]", "6.00 [0.00, 22.66]"]
    assert any("thompson 94.0 [77.3, 100.0] %; linucb 6.0 [0.0, 22.7] %" in one for one in headline(near_the_ends))
    (pair,) = tables.verdicts_table(near_the_ends).rows
    assert pair[3][0] == "8.800 [5.468, 10.000]"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of the charts that are drawn."""
    found: list[Axes] = []

    def record(draw: Callable[[Axes], None], *_: object) -> str:
        found.append(Figure().add_subplot())
        draw(found[-1])
        return ""

    monkeypatch.setattr(charts, "svg", record)
    return found


def test_no_bar_and_no_band_is_drawn_beyond_0_and_100_percent(
    near_the_ends: Material, drawn: list[Axes], monkeypatch: pytest.MonkeyPatch
) -> None:
    curves = [
        SimpleNamespace(sessions=[1, 10], values={"session/percent_of_optimum": [value, value]})
        for value in (99, 90, 100)
    ]
    monkeypatch.setattr(Material, "curves", lambda *_: curves)
    (point,) = near_the_ends.points
    charts.percent_by_point(near_the_ends, point)
    charts.over_key(near_the_ends, "user.mismatch", "share.long", "long", factor=100)
    charts.learning_curves(near_the_ends, point)
    for axes, across in zip(drawn, (0, 1, 1), strict=True):
        paths = [path for one in axes.collections for path in one.get_paths()]
        ends = np.concatenate([np.asarray(path.vertices)[:, across] for path in paths])
        assert ends.max() == 100
        assert ends.min() >= 0
    assert len(drawn[0].collections) == 2
