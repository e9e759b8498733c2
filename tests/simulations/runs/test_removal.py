"""Only a run is removed, whole, and nothing of anybody else."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.simulations import train
from preroll.simulations.runs import removal
from preroll.simulations.runs.removal import prepare_removal
from preroll.simulations.runs.run_files import is_run
from preroll.simulations.training import checkpoint
from preroll.simulations.training.training import prepare


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run and an unfinished one."""
    place = tmp_path_factory.mktemp("runs")
    train("thompson", sessions=60, run=place / "done")
    with pytest.raises(PrerollError):
        prepare("random", sessions=60, run=place / "stopped").run(stop=lambda: signal.SIGINT)
    return place


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    """A copy of them, beside a file of somebody else."""
    shutil.copytree(made, tmp_path / "runs")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    return tmp_path / "runs"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_goes_with_its_checkpoint_and_all_that_a_kill_left(runs: Path) -> None:
    prepare_removal(runs / "done").carry_out()
    assert names(runs) == [".stopped.preroll", "notes.txt"]
    shutil.copytree(runs / ".stopped.preroll" / "checkpoint", runs / ".stopped.preroll" / "new")
    found = prepare_removal(runs / "stopped")
    assert [path.name for path in found.folders] == ["checkpoint", "new"]
    found.carry_out()
    assert names(runs) == ["notes.txt"]


def test_the_size_is_that_of_its_files(runs: Path) -> None:
    files = [path for path in (runs / "done").rglob("*") if path.is_file()]
    found = prepare_removal(runs / "done")
    assert sorted(found.files) == sorted(files)
    assert found.size == sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("name", ["notes.txt", "agent/mine.npy", "cell.json", "deeper/still/x", "empty/", ".hidden"])
def test_a_file_of_somebody_else_is_named_and_keeps_the_run(runs: Path, name: str) -> None:
    path = runs / "done" / name
    if name.endswith("/"):
        path.mkdir()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = sorted(runs.rglob("*"))
    with pytest.raises(PrerollError, match=f"holds {path}, which preroll did not write; nothing was removed"):
        prepare_removal(runs / "done")
    assert sorted(runs.rglob("*")) == before


def test_a_file_of_somebody_else_in_a_checkpoint_keeps_it(runs: Path) -> None:
    (checkpoint.place(runs / "stopped") / "x").write_text("mine")
    with pytest.raises(PrerollError, match=r"checkpoint/x, which preroll did not write"):
        prepare_removal(runs / "stopped")


def test_what_systems_leave_goes_too(runs: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "agent/.DS_Store", "._result.json"):
        (runs / "done" / name).write_text("")
    prepare_removal(runs / "done").carry_out()
    assert not (runs / "done").exists()


def test_links_are_not_followed(runs: Path) -> None:
    outside = runs.parent / "outside"
    shutil.move(runs / "done" / "agent", outside)
    (runs / "done" / "agent").symlink_to(outside)
    (runs / "link").symlink_to(runs / "done")
    with pytest.raises(PrerollError, match="is a link; name the folder that it leads to"):
        prepare_removal(runs / "link")
    prepare_removal(runs / "done").carry_out()
    assert names(outside) == ["agent.json", "arrays.safetensors", "manifest.json"]


def test_what_is_no_run_is_refused(runs: Path) -> None:
    for name in ("empty", "genres"):
        (runs / name).mkdir()
    (runs / "genres" / "settings.yaml").write_text("task: genres")
    (runs / "genres" / "result.json").write_text("{}")
    for name in ("empty", "genres", "notes.txt", ".", "..", "nowhere", "nowhere/deeper", "done/agent"):
        with pytest.raises(PrerollError, match=r"is no run|no such run"):
            prepare_removal(runs / name)


def test_a_run_that_is_being_written_is_refused(runs: Path) -> None:
    shutil.copyfile(runs / "done" / "scenario.yaml", runs / "more.yaml")
    for name in ("done", "stopped", "new"):
        with (
            atomic.folder(runs / name, "run") as new,
            shutil.copyfile(runs / "more.yaml", new / "scenario.yaml").open(),
            pytest.raises(PrerollError, match="is being written; stop its training first"),
        ):
            prepare_removal(runs / name)
        shutil.rmtree(runs / name)


def test_a_damaged_run_can_be_removed(runs: Path) -> None:
    (runs / "done" / "result.json").write_text("[")
    (runs / "done" / "settings.yaml").unlink()
    prepare_removal(runs / "done").carry_out()
    assert not (runs / "done").exists()


def test_a_removal_that_is_cut_short_leaves_no_run_and_can_be_done_again(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, remove = len(prepare_removal(runs / "done").files), removal._remove
    for kept in range(2, whole):
        gone: list[Path] = []

        def cut(path: Path) -> None:
            if len(gone) == whole - kept:  # noqa: B023
                raise KeyboardInterrupt
            gone.append(path)  # noqa: B023
            remove(path)

        run = shutil.copytree(runs / "done", runs / f"copy{kept}")
        monkeypatch.setattr(removal, "_remove", cut)
        with pytest.raises(KeyboardInterrupt):
            prepare_removal(run).carry_out()
        assert not (run / "manifest.json").exists()
        assert is_run(run)
        monkeypatch.setattr(removal, "_remove", remove)
        prepare_removal(run).carry_out()
        assert not run.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove anything")
def test_a_file_that_cannot_be_removed_is_named(runs: Path) -> None:
    (runs / "done").chmod(0o500)
    with pytest.raises(PrerollError, match=r"result\.json: cannot be removed: Permission denied"):
        prepare_removal(runs / "done").carry_out()
    (runs / "done").chmod(0o700)


def test_a_folder_that_cannot_be_removed_is_named(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(path: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    with pytest.raises(PrerollError, match=r"done/agent: cannot be removed: Device or resource busy"):
        prepare_removal(runs / "done").carry_out()
