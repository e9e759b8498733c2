"""What cannot be written is refused before the first line about the work."""

import subprocess
import sys
from pathlib import Path

import pytest

from preroll.files import work_folder
from preroll.simulations import train
from tests.commands.conftest import Run

#: A command line for every way to write a folder with a bar of progress; OUT is the folder.
COMMANDS = (
    "train random --sessions 64 --run OUT",
    "train --continue run --sessions 64 --run OUT",
    "tune thompson --trials 1 --sessions 64 --out OUT",
    "catalog demo-videos OUT --per-category 1",
    "quickstart --out OUT",
    "experiment run experiment.yaml --out OUT",
)
#: Holds the lock of a folder until its stdin ends.
HOLD = """
import sys
from pathlib import Path
from preroll.files import atomic
with getattr(atomic, sys.argv[2])(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def world(here: None, tmp_path: Path) -> None:
    train("random", sessions=64, run="run")
    (tmp_path / "experiment.yaml").write_text("scenario: classic\nagents: [random]\nseeds: 1\nsessions: 64\n")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_takes_no_folder_is_all_that_is_told(command: str, run: Run) -> None:
    status, out, told = run(*command.replace("OUT", "/proc/preroll").split())
    assert (status, out) == (2, "")
    assert told.startswith("error: ")
    assert told.count("\n") == 1, told


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("command", COMMANDS)
def test_another_writer_is_all_that_is_told(command: str, run: Run) -> None:
    how = "writing" if "--run" in command else "writing_within"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "mine", how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        status, out, told = run(*command.replace("OUT", "mine").split())
        other.communicate("")
    assert (status, out) == (2, "")
    assert f"process {other.pid} is writing it now" in told
    assert told.count("\n") == 1, told
    assert not work_folder.beside(Path("mine")).exists()
