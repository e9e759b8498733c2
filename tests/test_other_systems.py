"""What other systems than Linux lack: everything imports, and the main commands run, without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: Takes from Python what Windows lacks, wherever preroll's own files ask for it: libraries have their own ways.
ELSEWHERE = """
import importlib.abc, os, signal, subprocess, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

import {libraries}  # what they ask for they get
sys.meta_path.insert(0, Blocked())
for name in ("fcntl", "resource"):
    sys.modules.pop(name, None)
for module, names in (
    (os, "killpg O_DIRECTORY sched_getaffinity geteuid getuid sysconf"), (signal, "SIGKILL SIGHUP SIGXFSZ")
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
begin = subprocess.Popen.__init__
def without_sessions(self, *arguments, **named):
    assert not named.get("start_new_session"), "start_new_session is for POSIX alone"
    begin(self, *arguments, **named)
subprocess.Popen.__init__ = without_sessions
"""
#: Imports every module of the package.
ALL = """
import importlib
from benchmarks.architecture import modules
from pathlib import Path
for name in sorted(modules(Path({root!r}))):
    if name.startswith("preroll") and name != "preroll.__main__":
        importlib.import_module(name)
print("all")
"""
#: Gives the command line what a list says, one after the other.
COMMANDS = """
import sys
from preroll.commands.cli import main
for command in {}:
    sys.argv = ["preroll", *command]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, (command, ended.code)
print("all")
"""
EXPERIMENT = "scenario: classic\nagents: [thompson]\nseeds: 1\nsessions: 200\nevaluate: {sessions: 1000}\n"


#: What training and experiments load, what catalogs do, and what anything does.
TRAINING = "numba, matplotlib.pyplot"
CATALOGS = "onnxruntime, av"
ANYTHING = f"torch, stable_baselines3, pandas, pyarrow.parquet, {TRAINING}, {CATALOGS}"


def elsewhere(folder: Path, program: str, libraries: str = ANYTHING) -> "subprocess.CompletedProcess[str]":
    """Runs a program on such a system; the workers that it starts are on it too."""
    (folder / "sitecustomize.py").write_text("import elsewhere\n")
    (folder / "elsewhere.py").write_text(ELSEWHERE.replace("{libraries}", libraries))
    path = os.pathsep.join((str(folder), str(ROOT), *filter(None, sys.path)))
    environment = {**os.environ, "PYTHONPATH": path}
    ran = [sys.executable, "-c", program]
    return subprocess.run(ran, cwd=folder, env=environment, capture_output=True, text=True)


def preroll(folder: Path, libraries: str, *commands: str) -> None:
    """Gives the commands one after the other, in one process, so that modules are loaded once."""
    done = elsewhere(folder, COMMANDS.format([command.split() for command in commands]), libraries)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all"), done.stderr


def test_everything_imports(tmp_path: Path) -> None:
    done = elsewhere(tmp_path, ALL.format(root=str(ROOT)))
    assert (done.stdout, done.returncode) == ("all\n", 0), done.stderr


@pytest.mark.compiled
def test_an_agent_is_trained_and_compared_and_an_experiment_run(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(EXPERIMENT)
    preroll(
        tmp_path,
        TRAINING,
        "train thompson --sessions 200 --run run",
        "evaluate run --sessions 1000",
        "experiment run small.yaml --out results --workers 1",
    )
    assert (tmp_path / "run" / "result.json").is_file()
    assert list((tmp_path / "results").rglob("result.json"))


def test_a_catalog_is_built(tmp_path: Path) -> None:
    preroll(
        tmp_path,
        CATALOGS,
        "catalog demo-videos videos --per-category 4 --workers 1",
        "catalog build videos --out catalog --workers 1",
    )
    assert (tmp_path / "catalog" / "manifest.json").is_file()
