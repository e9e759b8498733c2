from pathlib import Path

import numpy as np
import pytest

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.experiment.design.spec import Random
from preroll.simulations.experiment.design.training_scenarios import randomized
from preroll.simulations.experiment.design.variation import draws
from preroll.simulations.experiment.execution.estimate import estimate
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.simulations.statistics.paired import paired
from preroll.simulations.training.run import Run
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process

LONG = "ads.*.long.view_probability"
SOAP = "ads.soap.short.view_probability"


def test_every_session_draws_one_of_the_variations_and_plays_by_its_probabilities(small_catalog: Catalog) -> None:
    base, random = Scenario.load("fatigue"), Random(draws=5, seed=3, ranges={LONG: {"scale": [0.4, 1.6]}})
    mixed = Tables.compile(randomized(base, random), small_catalog)
    assert mixed.n_segments == 5
    np.testing.assert_allclose(mixed.shares(), 0.2, rtol=1e-12)
    assert "segment" not in mixed.layout.parts
    for number, draw in enumerate(draws(random)):
        alone = Tables.compile(base.replace(draw), small_catalog)
        np.testing.assert_allclose(mixed.arrays.base[0, number], alone.arrays.base[0, 0], rtol=1e-12)
        np.testing.assert_array_equal(mixed.arrays.hazard[0, number], alone.arrays.hazard[0, 0])
    assert Tables.compile(base, small_catalog).layout == mixed.layout


def test_segments_that_a_scenario_has_are_in_every_variation() -> None:
    base = Scenario.load("hidden-users")
    mixed = randomized(base, Random(draws=3, ranges={LONG: {"scale": [0.5, 1.0]}}))
    assert [segment.name for segment in mixed.user.segments][:3] == ["patient-0", "hasty-0", "patient-1"]
    assert mixed.user.segments[1].appeal["long"] == 0.2
    with pytest.raises(PrerollError, match="draws: 9: at most 8 are allowed here"):
        randomized(base, Random(draws=9, ranges={LONG: {"scale": [0.5, 1.0]}}))


def test_one_factor_is_drawn_for_all_categories_of_an_ad(small_catalog: Catalog) -> None:
    base, random = Scenario.load("campaigns"), Random(draws=3, ranges={LONG: {"scale": [0.4, 1.6]}})
    mixed = Tables.compile(randomized(base, random), small_catalog)
    for number, draw in enumerate(draws(random)):
        alone = Tables.compile(base.replace(draw), small_catalog)
        there, here = (t.arrays.base[0, u][..., None, :] * t.arrays.match[0] for t, u in ((mixed, number), (alone, 0)))
        np.testing.assert_allclose(there, here, rtol=1e-12)
    assert set(randomized(base, random).user.segments[0].appeal) == {"soap.long", "petrol.long", "tickets.long"}


@pytest.mark.parametrize(
    ("changes", "ranges", "line"),
    [
        ({}, {"ads.soap.*.view_probability.other": [0.1, 0.2]}, "a session draws one factor on all categories"),
        ({}, {"ads.soap.short.view_probability.concerts": [0.1, 0.2]}, "a session draws one factor on all categories"),
        ({f"{SOAP}.cats": 0}, {f"{SOAP}.cats": [0.1, 0.2]}, "is 0 in the scenario; nothing scales it"),
    ],
)
def test_of_probabilities_by_category_nothing_else_can_be_drawn(
    changes: dict[str, object], ranges: dict[str, object], line: str
) -> None:
    with pytest.raises(PrerollError, match=rf"ranges: {SOAP}: {line}"):
        randomized(Scenario.load("campaigns").replace(changes), Random.model_validate({"draws": 2, "ranges": ranges}))


def test_a_category_that_nobody_views_may_stay_so() -> None:
    base = Scenario.load("campaigns").replace({"ads.soap.long.view_probability": {"cats": 0, "other": 0.2}})
    mixed = randomized(base, Random(draws=2, ranges={"ads.soap.long.view_probability": {"scale": [0.4, 0.5]}}))
    assert all(0.4 <= segment.appeal["soap.long"] <= 0.5 for segment in mixed.user.segments)


@pytest.mark.parametrize("ranges", [{"user.mismatch": [0, 1]}, {"ads.cats.long.reward": {"scale": [1, 2]}}])
def test_what_a_session_cannot_draw_is_said(ranges: dict[str, object]) -> None:
    with pytest.raises(PrerollError, match="a session draws view probabilities alone"):
        randomized(Scenario.load("classic"), Random.model_validate({"draws": 2, "ranges": ranges}))


def robust(make_file: MakeFile, **changes: object) -> Path:
    """Long ads are viewed less than the scenario says; what is evaluated lies between what was trained on."""
    return make_file(
        vary={LONG: {"scale": [0.4, 0.6, 0.9]}},
        train={
            "usual": "scenario",
            "robust": {"draws": 16, "ranges": {LONG: {"scale": [0.3, 1.0]}}},
        },
        **{"agents": [{"thompson": {"num_envs": 16}}], "seeds": 5, "sessions": 200, **changes},
    )


def test_an_agent_trained_on_many_draws_earns_more_where_it_was_not_trained(
    make_file: MakeFile, tmp_path: Path
) -> None:
    """Exact values, averaged over three points that neither has met, paired by seed: p < 0.01."""
    store, path = Store(tmp_path / "out"), robust(make_file)
    run_plan(load(path), path.read_text(), store, in_this_process)
    table = results(store)
    by_seed = table.groupby(["label", "seed"])["percent_of_optimum"].mean().unstack()
    ours, theirs = (by_seed.loc[f"thompson-num_envs=16@{name}"].to_numpy() for name in ("robust", "usual"))
    told = paired(ours, theirs)
    assert told.difference.low > 0
    assert told.p < 0.01
    # Each training was done once and told again at the other points, as it would have come out.
    cells = [cell for cell in load(path).cells if cell.label.endswith("@robust") and cell.seed == 0]
    runs = [Run.load(store.folder(cell)) for cell in cells]
    assert len({cell.fingerprint for cell in cells}) == 3
    assert len({str(run.result["cost"]) for run in runs}) == 1
    assert all(run.curve == runs[0].curve for run in runs)
    alone = Store(tmp_path / "alone")
    last = load(path).cells.index(cells[-1])
    plan = load(path)
    run_plan(type(plan)(plan.name, "", plan.keys, plan.cells[last : last + 1]), "", alone, in_this_process)
    assert Run.load(alone.folder(cells[-1])).curve == runs[-1].curve


def test_what_learns_nothing_has_one_form(make_file: MakeFile) -> None:
    plan = load(robust(make_file, agents=["random", "optimum", "thompson"]))
    assert {cell.label for cell in plan.cells} == {"random", "optimum", "thompson@usual", "thompson@robust"}
    assert {cell.trained_on for cell in plan.cells if cell.agent == "random"} == {"point"}


def test_what_is_trained_once_is_estimated_once_and_done_first(make_file: MakeFile, tmp_path: Path) -> None:
    plan, store = load(robust(make_file, seeds=1)), Store(tmp_path / "out")
    seconds = estimate(store, plan.cells, store.states(plan)).seconds
    first, *others = (seconds[cell.id] for cell in plan.cells if cell.label.endswith("@robust"))
    assert first > max(others)


def test_agents_of_the_scenario_must_be_able_to_play_every_point(make_file: MakeFile) -> None:
    with pytest.raises(PrerollError, match="agents of the scenario cannot play every point"):
        load(make_file(vary={"observe.category": [True, "none"]}, train={"usual": "scenario"}))
    with pytest.raises(PrerollError, match=r"train.robust: ranges: a session draws view probabilities alone"):
        load(make_file(train={"robust": {"draws": 2, "ranges": {"user.mismatch": [0, 1]}}}))
