"""Many points are drawn, checked and counted without being made one by one."""

from typing import Any

import pytest

from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design import checks
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.design.spec import Experiment, Random
from preroll.simulations.experiment.design.variation import draws, number_of_points, points


def experiment(**changes: Any) -> Experiment:
    return Experiment.model_validate({"name": "many", "agents": ["random"], "seeds": 1, **changes})


@pytest.mark.parametrize(("ends", "seed"), [([0, 1], 0), ([0, 1], 4), ([0.9, 0.91], 0)])
def test_a_thousand_draws_are_a_thousand_points(ends: list[float], seed: int) -> None:
    plan = Plan.of(experiment(random={"draws": 1000, "seed": seed, "ranges": {"user.mismatch": ends}}))
    assert len({cell.id for cell in plan.cells}) == len({cell.values["user.mismatch"] for cell in plan.cells}) == 1000


def test_a_draw_has_six_digits_unless_an_earlier_one_has_them_or_they_leave_the_range() -> None:
    drawn = [draw["user.mismatch"] for draw in draws(Random(draws=500, ranges={"user.mismatch": [0.9, 0.9001]}))]
    short = [float(f"{value:.6g}") for value in drawn]
    assert [value == rounded for value, rounded in zip(drawn, short, strict=True)] == [
        rounded not in short[:number] for number, rounded in enumerate(short)
    ]
    narrow = draws(Random(draws=50, ranges={"user.mismatch": [0.12345671, 0.12345672]}))
    assert all(0.12345671 <= draw["user.mismatch"] <= 0.12345672 for draw in narrow)


@pytest.mark.parametrize(
    ("vary", "line"),
    [
        ({"user.mismatch": [0.1, 0.2, 1.5, 0.3]}, "user.mismatch: 1.5: should be"),
        ({"user.mismatch": [0.1, 0.2, float("nan"), 0.3]}, "user.mismatch: nan"),
        ({"user.mismatch": [0.1, 0.2, "much", 0.3]}, "user.mismatch: 'much'"),
        ({"user.mismatch": {"scale": [0.1, 0.2, 3, 0.3]}}, r"user.mismatch: 1\.2\d*: should be"),
        ({"session.horizon": {"scale": [0.5, 1, 1.26, 2]}}, "session.horizon: 50.4"),
        ({"session.horizon": [2, 3, 4.5, 6]}, "session.horizon: 4.5"),
    ],
)
def test_of_many_points_the_one_that_is_invalid_is_found(vary: dict[str, Any], line: str) -> None:
    many = {"recommender.jump": [number / 10 for number in range(10)]}
    with pytest.raises(PrerollError, match=line):
        points(experiment(scenario="fatigue", vary=many | vary))


def test_points_that_are_valid_together_alone_are_allowed() -> None:
    """Ends of the ranges that never meet are no reason to refuse."""
    segments = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]
    shares = [number / 20 for number in range(20)]
    rows = {"user.segments.0.share": shares, "user.segments.1.share": [1 - share for share in shares]}
    assert len(points(experiment(set={"user.segments": segments}, zip=rows))) == 20


def test_valid_numbers_are_checked_at_their_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    replace = Scenario.replace

    def counted(self: Scenario, changes: Any) -> Scenario:
        made.append(changes)
        return replace(self, changes)

    monkeypatch.setattr(Scenario, "replace", counted)
    ranges = {"user.mismatch": [0.2, 0.4], "ads.*.long.view_probability": {"scale": [0.5, 1]}}
    plan = Plan.of(experiment(random={"draws": 1000, "ranges": ranges}, vary={"observe.content": [True, False]}))
    assert len(plan.cells) == 2000
    assert len(made) <= 2 * 2**2 + 2  # and a point of each kind on the catalog


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"random": {"draws": 100_000, "ranges": {"user.mismatch": [0, 1]}}, "seeds": 2}, "200,000"),
        ({"vary": {f"user.{number}": [0, 1] for number in range(5000)}}, r"over 10\^15"),
        ({"seeds": 50_000, "agents": ["random", "greedy", "optimum"]}, "150,000"),
        ({"seeds": 60_000, "agents": ["thompson"], "train": {"here": "point", "usual": "scenario"}}, "120,000"),
    ],
)
def test_too_many_cells_are_refused_before_any_is_made(
    changes: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preroll.simulations.experiment.design.plan.points", lambda _: pytest.fail("points were made"))
    line = rf"^experiment many: {told} cells \(points × agents × seeds\); at most 100,000 are allowed$"
    with pytest.raises(PrerollError, match=line):
        Plan.of(experiment(**changes))


def test_cells_are_counted_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = experiment(
        vary={"user.mismatch": [0.1, 0.2]},
        zip={"user.repeat": [0.5, 0.6, 0.7], "recommender.jump": [0, 0.5, 1]},
        random={"draws": 2, "ranges": {"recommender.rank_decay": [0.5, 1]}},
        seeds=2,
    )
    assert number_of_points(asked) == len(points(asked)) == 12
    assert len(Plan.of(asked).cells) == 24
    monkeypatch.setattr(checks, "MOST_CELLS", 23)
    with pytest.raises(PrerollError, match="24 cells"):
        Plan.of(asked)
