import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.training.run import Run
from preroll.simulations.training.training import train
from tests.resealed import reseal


@pytest.fixture(scope="module")
def place(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog and a run on it."""
    place = tmp_path_factory.mktemp("place")
    shutil.copytree(small_catalog_folder, place / "catalog")
    train("thompson", catalog=place / "catalog", sessions=120, seed=7, run=place / "runs" / "t", scenario="fatigue")
    return place


def test_a_run_tells_what_it_was_and_gives_its_agent_back(place: Path) -> None:
    run = Run.load(place / "runs" / "t")
    assert (run.name, run.settings.agent, run.settings.seed, run.settings.sessions) == ("t", "thompson", 7, 120)
    assert run.scenario.name == "fatigue"
    assert run.curve.sessions == [50, 100, 120]
    tables = Tables.compile(run.scenario, run.load_catalog())
    again = train("thompson", catalog=place / "catalog", sessions=120, seed=7, scenario="fatigue").agent
    table = run.load_agent().policy(tables).probabilities
    assert table is not None
    np.testing.assert_array_equal(table, again.policy(tables).probabilities)


def test_a_run_holds_no_pickle_and_no_absolute_path(place: Path) -> None:
    run = place / "runs" / "t"
    kinds = {path.suffix for path in run.rglob("*") if path.is_file()}
    assert kinds == {".yaml", ".json", ".safetensors", ".preroll"}
    texts = [path.read_text() for path in run.rglob("*") if path.suffix in (".yaml", ".json")]
    assert not any(str(place) in text for text in texts)


def test_catalog_and_runs_may_be_moved_together(place: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(place, tmp_path / "moved")
    assert Run.load(moved / "runs" / "t").load_catalog().path.is_relative_to(moved)


def test_a_run_behind_a_link_finds_its_catalog_from_both_of_its_names(place: Path, tmp_path: Path) -> None:
    (tmp_path / "disk" / "deep" / "run").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "disk" / "deep" / "run")
    (tmp_path / "catalog").symlink_to(place / "catalog")  # may later lead to another one
    train("random", catalog=tmp_path / "catalog", sessions=50, run=tmp_path / "runs" / "link")
    for name in ("runs/link", "disk/deep/run"):
        assert Run.load(tmp_path / name).load_catalog().path == tmp_path / "catalog"


def test_a_changed_catalog_is_noticed(place: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(place, tmp_path / "moved")
    reseal(moved / "catalog", command="another that makes the same")
    Run.load(moved / "runs" / "t").load_catalog()
    importance = moved / "catalog" / "importance.npy"
    np.save(importance, np.load(importance) / 2)
    reseal(moved / "catalog")
    with pytest.raises(PrerollError, match=r"catalog.sha256: the catalog .* has changed"):
        Run.load(moved / "runs" / "t").load_catalog()


def test_a_training_that_fails_leaves_nothing(small_catalog: Catalog, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("random", catalog=small_catalog, sessions=100, run=tmp_path / "run", advance=stop)
    assert not list(tmp_path.iterdir())


def test_while_it_trains_its_curves_stand_in_a_hidden_sibling(small_catalog: Catalog, tmp_path: Path) -> None:
    seen: set[str] = set()
    look = lambda _: seen.update(p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*tfevents*"))  # noqa: E731
    train("random", catalog=small_catalog, sessions=200, run=tmp_path / "run", advance=look)
    assert len(seen) == 1
    assert seen.pop().startswith(".run.")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_is_no_run_is_said_so(place: Path, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="no such folder"):
        Run.load(tmp_path / "none")
    with pytest.raises(PrerollError, match=r"no manifest\.json, so it is no complete run"):
        Run.load(tmp_path)
    broken = shutil.copytree(place / "runs" / "t", tmp_path / "broken")
    (broken / "result.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(PrerollError, match=r"result\.json: is not the file that was written"):
        Run.load(broken)
    reseal(broken)
    with pytest.raises(PrerollError, match="format must be 2"):
        Run.load(broken)
    for text in ("", "{", "[]", "{}", "null", "[" * 100_000):
        (broken / "result.json").write_text(text)
        reseal(broken)
        with pytest.raises(PrerollError, match=r"result\.json: (is no JSON that was written here|format must be 2)"):
            Run.load(broken)
