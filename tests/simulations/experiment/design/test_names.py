"""Points and agents are known by whole values; names are short where that is enough, and stay once given."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preroll.errors import PrerollError
from preroll.simulations.experiment.design.names import distinct, whole
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import CellState, Store
from tests.conftest import make_catalog, write_catalog
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process

NEAR, NEARER = 0.90000001, 0.900000001
SMALL: dict[str, Any] = {"agents": ["random"], "seeds": 1, "sessions": 20, "evaluate": {"sessions": 60}}


def experiment(**changes: Any) -> Experiment:
    return Experiment.model_validate({"name": "near", **SMALL, **changes})


def names_of(plan: Plan) -> dict[Any, str]:
    return {cell.values["user.mismatch"]: cell.point for cell in plan.cells}


def test_close_values_have_names_of_their_own_and_the_first_has_the_short_one() -> None:
    assert names_of(Plan.of(experiment(vary={"user.mismatch": [NEAR]}))) == {NEAR: "mismatch=0.9"}
    found = names_of(Plan.of(experiment(vary={"user.mismatch": [NEAR, 0.9, NEARER, 0.25]})))
    assert re.fullmatch("mismatch=0.9-[0-9a-f]{16}", found.pop(0.9))  # it has no more digits
    assert found == {NEAR: "mismatch=0.9", NEARER: "mismatch=0.900000001", 0.25: "mismatch=0.25"}


@pytest.mark.parametrize("values", [[0.5, 0.5], [1, 1.0], [{"scale": 2}, {"scale": 2.0}]])
def test_only_equal_values_are_the_same_point(values: list[Any]) -> None:
    with pytest.raises(PrerollError, match=r"two points have the same values: recommender.jump: ") as error:
        Plan.of(experiment(vary={"recommender.jump": values}))
    assert "\n" not in str(error.value)


def test_agents_of_close_settings_differ_and_equal_ones_do_not() -> None:
    agents = [{"thompson": {"prior_views": value}} for value in (2.0000001, 2.0000002)]
    plan = Plan.of(experiment(agents=agents))
    assert [cell.label for cell in plan.cells] == ["thompson-prior_views=2", "thompson-prior_views=2.0000002"]
    with pytest.raises(PrerollError, match="agents: thompson-prior_views=2 occurs twice"):
        Plan.of(experiment(agents=[{"thompson": {"prior_views": 2}}, {"thompson": {"prior_views": 2.0}}]))


def test_two_catalogs_may_have_folders_of_the_same_name(tmp_path: Path) -> None:
    folders = [write_catalog(make_catalog(n), tmp_path / str(n) / "videos") for n in (12, 15)]
    plan = Plan.of(experiment(vary={"catalog": [str(folder) for folder in folders]}))
    assert [cell.point for cell in plan.cells] == [
        "catalog=videos", f"catalog=videos-{plan.cells[1].catalog_sha256[:8]}"
    ]  # fmt: skip
    moved = replace(plan.cells[0], values={"catalog": "elsewhere/videos"})
    assert replace(plan, cells=(moved,)).names.items() <= plan.names.items()


def test_names_that_hashes_cut_short_do_not_run_out() -> None:
    assert distinct({"a": ["x", "y"], "b": ["x", "y"], "c": ["z"]}, {"d": "z", "c": "w"}) == {
        "a": "x",
        "b": "y",
        "c": "w",
    }
    assert whole({"a": True}) != whole({"a": 1}) == whole({"a": 1.0})


def test_a_name_once_given_stays_whatever_comes_before_it(make_file: MakeFile, tmp_path: Path) -> None:
    store = Store(tmp_path / "out")

    def run(*values: float) -> int:
        path = make_file(vary={"user.mismatch": list(values)}, **SMALL)
        return run_plan(load(path), path.read_text(), store, in_this_process).done

    assert run(0.9) == 1
    assert run(NEAR, 0.9) == 1
    assert names_of(store.read_plan()) == {NEAR: "mismatch=0.90000001", 0.9: "mismatch=0.9"}
    assert run(NEAR) == 0  # the name of 0.9 is not free now
    assert run(NEARER, NEAR, 0.9) == 1
    plan = store.read_plan()
    assert names_of(plan)[0.9] == "mismatch=0.9"
    assert set(store.states(plan).values()) == {CellState.DONE}


def test_a_finished_experiment_keeps_its_cells_where_draws_are_added(make_file: MakeFile, tmp_path: Path) -> None:
    store = Store(tmp_path / "out")

    def run(draws: int) -> int:
        random = {"draws": draws, "ranges": {"user.mismatch": [0.9, 0.900002]}}  # three values of six digits
        path = make_file(vary={}, random=random, **SMALL)
        return run_plan(load(path), path.read_text(), store, in_this_process).done

    assert [run(4), run(4), run(7)] == [4, 0, 3]
    assert len({cell.id for cell in store.read_plan().cells}) == 7
