from pathlib import Path

import pytest

from preroll.console.spoken import to_command_line
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.run_folder import check_target, versions


@pytest.fixture(autouse=True)
def asked_by_a_command() -> None:
    to_command_line()


@pytest.mark.parametrize("option", ["--run", "run:"])
def test_only_a_run_is_replaced_and_only_when_asked(option: str, tmp_path: Path) -> None:
    """Both for the option of a command and for the key of a file."""
    run = tmp_path / "run"
    check_target(run, option)
    run.mkdir()
    check_target(run, option)
    (run / ".DS_Store").touch()
    check_target(run, option)
    with atomic.folder(run, "run") as folder:
        (folder / "result.json").touch()
    with pytest.raises(PrerollError, match=rf"^{option} {run}: the run exists; .* --replace$"):
        check_target(run, option)
    check_target(run, option, replace=True)
    with pytest.raises(PrerollError, match=f"^{option} {run}: cannot be replaced: .* is no prediction;"):
        check_target(run, option, kind="prediction", replace=True)


@pytest.mark.parametrize("stranger", ["diary.txt", "agent/diary.txt", "empty folder/"])
def test_what_is_not_of_the_run_is_named_and_never_replaced(stranger: str, tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    with atomic.folder(run, "run") as folder:
        atomic.write_text(folder / "agent" / "agent.json", "{}")
    for place in (run, other):
        put = place / stranger
        put.parent.mkdir(parents=True, exist_ok=True)
        put.mkdir() if stranger.endswith("/") else put.touch()
    with pytest.raises(PrerollError, match=f"^--run {run}: {stranger.rstrip('/')} is no part of the run there and"):
        check_target(run, replace=True)
    for replace in (False, True):
        with pytest.raises(PrerollError, match=rf"^--run {other}: .*holds {stranger.rstrip('/')}, and is no run"):
            check_target(other, replace=replace)


@pytest.mark.parametrize("below", ["run", "runs/mine"])
def test_a_run_is_not_made_below_a_file(below: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PrerollError, match=f"--run {file / below}: cannot be made there: {file} is no folder"):
        check_target(file / below)


def test_a_file_is_no_place_for_a_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PrerollError, match=rf"^--run {file}: is a file; a folder is needed$"):
        check_target(file, replace=True)


def test_versions_begin_with_that_of_python() -> None:
    assert list(versions(("numpy", "preroll"))) == ["python", "numpy", "preroll"]
