"""Errors of writing: the file that the user knows, the reason, and what goes on."""

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from preroll.console.write_errors import as_os_error, known_name, status, told, writes
from preroll.errors import PrerollError
from tests.child_processes import full_disk
from tests.conftest import Run


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), errno.EDQUOT),
        (OSError("1000 requested and 0 written"), errno.ENOSPC),
        (OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"), errno.ENOSPC),
        (RuntimeError("I/O error: Read-only file system (os error 30)"), errno.EROFS),
        (RuntimeError("[enforce fail at inline_container.cc:595] . File too large"), errno.EFBIG),
        (RuntimeError("shapes do not fit"), None),
        (ValueError("No space left on device"), None),
    ],
)
def test_an_error_that_hides_its_number_is_known(error: Exception, number: int | None) -> None:
    found = as_os_error(error)
    assert (found and found.errno) == number


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("runs/.r.preroll/new/agent/arrays.safetensors", "runs/r/agent/arrays.safetensors"),
        ("runs/.r.preroll/.checkpoint.preroll/new/loop.json", "runs/r/checkpoint/loop.json"),
        (".loop.json.preroll/new", "loop.json"),
        ("/data/out/.hidden/file.part", "/data/out/.hidden/file.part"),
    ],
)
def test_a_temporary_name_is_told_as_the_name_that_the_user_knows(path: str, name: str) -> None:
    assert known_name(path) == name


def test_the_target_stands_in_where_the_error_names_no_file() -> None:
    for error in (OSError(errno.ENOSPC, "No space left on device"), RuntimeError("(os error 28)")):
        with pytest.raises(OSError, match="No space") as caught, writes("runs/r", "go on with the same command"):
            raise error
        assert told(caught.value) == "runs/r: No space left on device"
        assert caught.value.__notes__ == ["go on with the same command"]
        assert status(caught.value) == 1
    with pytest.raises(OSError, match="Permission") as caught, writes("runs/r"):
        raise PermissionError(errno.EACCES, "Permission denied", "other")
    assert (told(caught.value), status(caught.value)) == ("other: Permission denied", 2)
    with pytest.raises(PrerollError, match=r"^a: File too large; give it again$"), writes("runs/r", "give it again"):
        raise PrerollError("a: File too large", status=1)
    with pytest.raises(PrerollError, match=r"^agent 'x': unknown$"), writes("runs/r", "give it again"):
        raise PrerollError("agent 'x': unknown")
    with pytest.raises(ZeroDivisionError), writes("runs/r"):
        1 // 0  # noqa: B018


def test_of_a_copy_the_file_that_was_written_is_named() -> None:
    copied = OSError(errno.ENOSPC, "No space left on device", "catalog/a.npy", None, "out/.c.preroll/new/a.npy")
    assert told(copied) == "out/c/a.npy: No space left on device"


@pytest.mark.parametrize("size", [0, 700, 2000])
def test_a_full_disk_ends_a_training_in_one_line_that_names_the_run(
    size: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with full_disk(size):
        status, _, errors = run("train", "thompson", "--sessions", "300", "--run", "runs/r")
    assert status == 1
    assert "Traceback" not in errors
    line = errors.splitlines()[-1]
    assert line.startswith(("error: runs/r", "error: --run runs/r", f"error: {tmp_path}/runs/r")), line
    assert "File too large" in line or "No space left" in line
    assert not (tmp_path / "runs" / "r").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_device_that_takes_no_more_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.pkl").write_bytes(pickle.dumps({"a": 1}))
    command = [sys.executable, "-m", "preroll", "predict", "convert", "data.pkl", "/dev/full"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (1, "error: /dev/full: No space left on device\n")


def test_an_impression_log_that_does_not_fit_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("train", "random", "--sessions", "60", "--run", "r")[0] == 0
    with full_disk(2000):
        status, _, errors = run("impressions", "r", "log.parquet", "--sessions", "500")
    assert status == 1
    assert "log.parquet" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert sorted(os.listdir(tmp_path)) == ["r"]
