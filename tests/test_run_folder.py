from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.run_folder import RESULT, check_target, versions


@pytest.mark.parametrize("option", ["--run", "run:"])
def test_only_a_run_is_replaced_and_only_when_asked(option: str, tmp_path: Path) -> None:
    """Both for the option of a command and for the key of a file."""
    run, other = tmp_path / "run", tmp_path / "other"
    check_target(run, option)
    run.mkdir()
    check_target(run, option)
    (run / RESULT).touch()
    with pytest.raises(PrerollError, match=rf"^{option} {run}: the run exists; .* --replace$"):
        check_target(run, option)
    check_target(run, option, replace=True)
    other.mkdir()
    (other / "diary.txt").touch()
    for replace in (False, True):
        with pytest.raises(PrerollError, match=rf"^{option} {other}: the folder exists and is not a run"):
            check_target(other, option, replace=replace)


@pytest.mark.parametrize("below", ["run", "runs/mine"])
def test_a_run_is_not_made_below_a_file(below: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PrerollError, match=f"--run {file / below}: cannot be made there: {file} is no folder"):
        check_target(file / below)


def test_a_file_is_no_place_for_a_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(PrerollError, match="is no folder"):
        check_target(file, replace=True)


def test_versions_begin_with_that_of_python() -> None:
    assert list(versions(("numpy", "preroll"))) == ["python", "numpy", "preroll"]
