"""What a page says of differences, on results that are made up: no cell is run."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from preroll.palette import FAINT, PAPER
from preroll.simulations.evaluation.evaluation import REFERENCES
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.summary import percent_bars
from preroll.simulations.report import charts, heat_maps, tables
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline
from preroll.simulations.training.curves import Curve
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
    assert alone.startswith("thompson earns more than linucb (paired t test: with normal scores a false difference")
    assert "one family" not in alone
    *_, alike = headline(made_up(equal))
    assert re.match(r"Between (thompson and linucb|linucb and thompson) no difference is shown \(paired", alike)
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

    def record(draw: Callable[[Axes], None], *_: object, **__: object) -> str:
        found.append(Figure().add_subplot())
        draw(found[-1])
        return ""

    monkeypatch.setattr(charts, "svg", record)
    return found


def test_no_bar_is_drawn_beyond_0_and_100_percent(near_the_ends: Material, drawn: list[Axes]) -> None:
    (point,) = near_the_ends.points
    charts.percent_by_point(near_the_ends, point)
    charts.over_key(near_the_ends, "user.mismatch", "share.long", "long", factor=100)
    for axes, across in zip(drawn, (0, 1), strict=True):
        ends = vertices(axes)[:, across]
        assert ends.max() == 100
        assert ends.min() >= 0
    assert len(drawn[0].collections) == 2


def test_a_learning_curve_lies_in_its_band_also_where_chance_puts_it_above_100_percent(
    near_the_ends: Material, drawn: list[Axes], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_seed = ([60.0, 101.0], [70.0, 104.0], [80.0, 101.0])
    curves = [Curve([500, 1000], {"session/percent_of_optimum": list(values)}) for values in by_seed]
    monkeypatch.setattr(Material, "curves", lambda *_: curves)
    charts.learning_curves(near_the_ends, next(iter(near_the_ends.points)))
    ends, (line, *_) = vertices(drawn[0]), drawn[0].lines
    assert np.asarray(line.get_ydata())[-1] == pytest.approx(102)
    assert ends[:, 1].max() > 105  # Student's interval of 101, 104 and 101
    for x, y in np.asarray(line.get_xydata()):
        low, high = (side(ends[ends[:, 0] == x][:, 1]) for side in (np.min, np.max))
        assert high - y == pytest.approx(y - low)
        assert high > y


def vertices(axes: Axes) -> NDArray[np.float64]:
    """Where bands and error bars end, float64 [n, 2]."""
    return np.concatenate([np.asarray(path.vertices) for one in axes.collections for path in one.get_paths()])


def test_an_agent_has_one_color_in_the_charts_of_a_page_and_in_the_bars_of_the_outcome(small_store: Store) -> None:
    material = Material.of(small_store)
    for bars in percent_bars(small_store, material.plan, material.states).values():
        for bar in bars:
            assert bar.color == charts.style(material, bar.name)["color"]
            assert (bar.color == FAINT) is (bar.name in REFERENCES)
