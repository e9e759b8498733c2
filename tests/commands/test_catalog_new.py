"""`preroll catalog new`: a catalog of own categories from names or a list, and a scenario for it."""

import shlex
from pathlib import Path

import pytest

from preroll.perception import Catalog
from tests.conftest import Run


def test_names_after_the_option_are_categories(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("catalog", "new", tmp_path / "mine", "--categories", "cooking", "travel", "slow food")
    catalog = Catalog.load(tmp_path / "mine")
    assert (status, catalog.categories, catalog.n_videos) == (0, ("cooking", "slow food", "travel"), 300)
    command = "preroll catalog new DIR --categories cooking travel 'slow food' --videos 300 --content 0.3 --seed 0"
    assert catalog.manifest["command"] == command
    assert "Category from planted content" in out
    assert f"preroll scenario new --catalog {tmp_path / 'mine'}" in out
    assert catalog.sha256 == Catalog.synthetic(["cooking", "travel", "slow food"]).save(tmp_path / "same").sha256


@pytest.mark.usefixtures("here")
def test_the_next_steps_that_commands_print_work_as_they_stand(run: Run) -> None:
    told = run("catalog", "new", "my own", "--categories", "cooking", "travel", "--videos", "20")[1]
    for begin in ("Next: ", "Check it: "):
        (step,) = (line.removeprefix(begin) for line in told.splitlines() if line.startswith(begin))
        status, told, errors = run(*shlex.split(step)[1:])
        assert (status, errors) == (0, "")
    assert told.startswith("mine.yaml is valid: ")


def test_sizes_stand_behind_names(run: Run, tmp_path: Path) -> None:
    assert run("catalog", "new", tmp_path / "mine", "--categories", "a=3", "b=5", "--seed", "7")[0] == 0
    catalog = Catalog.load(tmp_path / "mine")
    assert catalog.sha256 == Catalog.synthetic({"a": 3, "b": 5}, seed=7).save(tmp_path / "same").sha256


def test_a_list_of_videos_is_a_catalog(run: Run, tmp_path: Path) -> None:
    (tmp_path / "videos.csv").write_text("video,category,tags\nv1,cooking,pan;fire\nv2,travel,sea\n", "utf8")
    assert run("catalog", "new", tmp_path / "mine", "--csv", tmp_path / "videos.csv", "--content", "0.9")[0] == 0
    catalog = Catalog.load(tmp_path / "mine")
    assert catalog.videos()["path"].tolist() == ["v1", "v2"]
    assert catalog.manifest["command"] == "preroll catalog new DIR --csv videos.csv --content 0.9 --seed 0"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--categories: name at least one"),
        (("--categories", "a", "--csv", "x.csv"), "--csv x.csv: has the categories of its videos; leave out a"),
        (("--csv", "x.csv", "--videos", "3"), "--csv x.csv: has one video a line"),
        (("--categories", "a=3", "b"), "--categories b: give all numbers of videos"),
        (("--categories", "a=3", "a=4"), "--categories a=4: a is named twice"),
        (("--categories", "a=3", "--videos", "9"), "--videos 9: the categories have numbers"),
        (("--categories", "a", "--content", "2"), "content: 2.0: should lie in"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    status, out, err = run("catalog", "new", tmp_path / "mine", *arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert not list(tmp_path.iterdir())


def test_a_catalog_that_is_there_is_replaced_on_request_alone(run: Run, tmp_path: Path) -> None:
    given = ("catalog", "new", tmp_path / "mine", "--categories", "a", "b", "--videos")
    assert run(*given, "20")[0] == 0
    status, _, err = run(*given, "30")
    assert status == 2
    assert "--replace" in err
    assert Catalog.load(tmp_path / "mine").n_videos == 20
    assert run(*given, "30", "--replace")[0] == 0
    assert Catalog.load(tmp_path / "mine").n_videos == 30
