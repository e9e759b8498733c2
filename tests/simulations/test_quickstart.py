import shutil
from pathlib import Path

import pytest

from preroll.envs.model.tables import Tables
from preroll.envs.policies.simple import random_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.quickstart import QuickstartResult, demo_catalog, run_quickstart
from preroll.simulations.training.training import train

pytestmark = pytest.mark.usefixtures("without_processes")


def test_the_catalog_is_built_once_and_again_only_where_it_does_not_verify(tmp_path: Path) -> None:
    notes: list[str] = []
    folder = demo_catalog(tmp_path, notes.append, per_category=2)
    built = folder / "manifest.json"
    first = built.stat().st_mtime_ns
    demo_catalog(tmp_path, notes.append, per_category=2)
    assert built.stat().st_mtime_ns == first
    assert notes == [f"{folder}: already exists and its hashes match; it is used again."]
    (folder / "classes.json").write_text("[]")
    demo_catalog(tmp_path, notes.append, per_category=2)
    assert not Catalog.load(folder).altered()
    assert len(notes) == 1


def test_an_agent_that_does_not_beat_random_is_named(small_catalog: Catalog) -> None:
    tables = Tables.compile("classic", small_catalog)
    evaluation = evaluate({"thompson": random_policy(tables)}, tables, sessions=300)
    assert QuickstartResult(Path(), Path(), [], evaluation).failures() == ["thompson"]


def test_the_story_ends_with_runs_pictures_and_a_comparison(small_catalog_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(small_catalog_folder, tmp_path / "catalog")
    story = run_quickstart(tmp_path, sessions=300, evaluation_sessions=2000)
    learners = {"epsilon-greedy", "thompson", "linucb", "dqn", "ppo"}
    assert {row.name for row in story.evaluation.rows} == learners | {"random", "greedy", "optimum"}
    assert {path.name for path in story.runs.iterdir()} == learners | {"random", "greedy"}
    assert all(path.stat().st_size > 10_000 for path in story.pictures)
    assert not {"epsilon-greedy", "thompson", "linucb"} & set(story.failures())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [({"sessions": 0}, "sessions=0"), ({"evaluation_sessions": 3}, "evaluation_sessions=3: at least 30")],
)
def test_wrong_numbers_are_told_before_anything_is_made(arguments: dict[str, int], line: str, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=line):
        run_quickstart(tmp_path / "out", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_what_is_not_the_quickstarts_own_is_refused_by_name_before_the_work(
    small_catalog_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_catalog_folder, tmp_path / "mine")
    (tmp_path / "curves.png").write_text("a stranger's")
    with pytest.raises(PrerollError, match=r"curves\.png: exists and is no PNG picture"):
        run_quickstart(tmp_path, sessions=300, evaluation_sessions=2000)
    (tmp_path / "curves.png").unlink()
    train("random", catalog=tmp_path / "mine", sessions=50, run=tmp_path / "runs" / "random")
    with pytest.raises(PrerollError, match="runs/random: is a run on another catalog, of your own"):
        run_quickstart(tmp_path, sessions=300, evaluation_sessions=2000)
    (tmp_path / "runs" / "random" / "notes.txt").touch()
    with pytest.raises(PrerollError, match=r"notes\.txt is no part of the run there and would be lost"):
        run_quickstart(tmp_path, sessions=300, evaluation_sessions=2000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "runs"]
