"""The folder of what is kept between runs, and the line where nothing can be kept."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preroll.cache import cache_folder, say_not_kept
from preroll.jit import config

#: Compiles a function of each kind, and prints a result of it and whether it was found on disk.
PROGRAM = """
import numpy as np
from preroll.jit import allocating, compiled
@compiled
def three(x):
    return x + 3
@allocating()
def zeros(n):
    return np.zeros(n).sum()
print(three(1), zeros(2), sum(three.stats.cache_hits.values()) + sum(zeros.stats.cache_hits.values()))
"""
LINE = "note: compiled code is not kept: "


def beside(folder: Path) -> Path:
    """Writes the program where Numba itself has no place for machine code: files stand wherever it would keep some."""
    (folder / "__pycache__").touch()
    (folder / "file").touch()
    (folder / "program.py").write_text(PROGRAM)
    return folder / "program.py"


def run(folder: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """Runs the program in a process of its own."""
    ran = [sys.executable, str(beside(folder))]
    environment = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(folder / "file"), "PYTHONDONTWRITEBYTECODE": "1", **changes}
    return subprocess.run(ran, cwd=folder, env=environment, capture_output=True, text=True, check=True)


Here = Callable[[], tuple[str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs the program in this process, with functions that are new every time: what it wrote to stdout and stderr."""
    place = beside(tmp_path)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr("preroll.cache._told", set())
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    for name in ("XDG_CACHE_HOME", "PREROLL_CACHE", "PREROLL_CACHE_SILENT"):
        monkeypatch.delenv(name, raising=False)

    def ran() -> tuple[str, str]:
        exec(compile(PROGRAM, str(place), "exec"), {"__name__": "program"})
        return tuple(capsys.readouterr())  # type: ignore[return-value]

    return ran


def test_nothing_is_named_where_the_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREROLL_CACHE", raising=False)
    assert cache_folder("compiled") is None
    monkeypatch.setenv("PREROLL_CACHE", str(tmp_path))
    assert cache_folder("compiled") == tmp_path / "compiled"


@pytest.mark.compiled
def test_machine_code_is_kept_in_the_named_folder(tmp_path: Path) -> None:
    kept = {"PREROLL_CACHE": str(tmp_path / "kept")}
    first, second = run(tmp_path, **kept), run(tmp_path, **kept)
    assert (first.stdout, second.stdout) == ("4 0.0 0\n", "4 0.0 2\n")
    assert first.stderr + second.stderr == ""
    assert list((tmp_path / "kept" / "compiled").rglob("*.nbc"))


@pytest.mark.compiled
def test_the_variable_of_numba_wins(tmp_path: Path) -> None:
    run(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "numba"), PREROLL_CACHE=str(tmp_path / "kept"))
    assert list((tmp_path / "numba").rglob("*.nbc"))
    assert not (tmp_path / "kept").exists()


@pytest.mark.compiled
@pytest.mark.parametrize("named", ["file", "file/below", None, "/dev/full", ""])
def test_without_a_place_all_works_and_one_line_says_so(
    named: str | None, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if named is not None:
        monkeypatch.setenv("PREROLL_CACHE", named)
    told, errors = here()
    assert told == "4 0.0 0\n"
    (line,) = errors.splitlines()
    assert line.startswith(LINE)
    assert line.endswith("; set PREROLL_CACHE to a folder that can be written")


@pytest.mark.compiled
def test_without_a_home_no_folder_is_named_after_it(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user without an entry among the users, as in a container: ``~`` stays what it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert here()[0] == "4 0.0 0\n"
    assert not (tmp_path / "~").exists()


@pytest.mark.compiled
@pytest.mark.parametrize("kind", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("length", [0, 40])
def test_what_is_cut_off_is_compiled_again(
    kind: str, length: int, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREROLL_CACHE", str(tmp_path / "kept"))
    assert here() == ("4 0.0 0\n", "")
    for file in (tmp_path / "kept").rglob(kind):
        file.write_bytes(file.read_bytes()[:length])
    assert (here(), here()) == (("4 0.0 0\n", ""), ("4 0.0 2\n", ""))


@pytest.mark.compiled
def test_a_disk_that_fills_up_ends_no_work(tmp_path: Path) -> None:
    """No file may grow beyond 1,000 bytes, which is as a full disk to Python."""
    limited = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    (tmp_path / "full.py").write_text(limited + PROGRAM)
    environment = {**os.environ, "PREROLL_CACHE": str(tmp_path / "kept")}
    environment.pop("NUMBA_CACHE_DIR", None)
    ran = [sys.executable, "full.py"]
    done = subprocess.run(ran, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "4 0.0 0\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(LINE)


def test_the_line_is_said_once_and_by_no_worker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("preroll.cache._told", set())
    monkeypatch.setenv("PREROLL_CACHE_SILENT", "1")
    say_not_kept("compiled code", "no space")
    assert capsys.readouterr().err == ""
    monkeypatch.delenv("PREROLL_CACHE_SILENT")
    for why in ("no space", "no folder"):
        say_not_kept("compiled code", why)
    line = "note: compiled code is not kept: no space; set PREROLL_CACHE to a folder that can be written\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("home", ["home", "file"])
def test_onnxruntime_keeps_nothing_in_the_home_and_says_nothing_of_it(tmp_path: Path, home: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "file").touch()
    others = ("XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY")
    environment = {key: value for key, value in os.environ.items() if key not in others}
    done = subprocess.run(
        [sys.executable, "-c", "import preroll.perception.onnx_models.session"],
        env={**environment, "HOME": str(tmp_path / home)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout + done.stderr == ""
    assert list((tmp_path / "home").iterdir()) == []
