"""Signals that ask to stop: saved work, saves under way, signals ignored from the start, and modules that load."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preroll.commands import cli
from preroll.console import signals
from preroll.console.signals import Stopped
from preroll.files import atomic

PREROLL = [sys.executable, "-m", "preroll"]


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """Signals stop the test itself, and mean what they did before afterwards."""
    before = {number: signal.getsignal(number) for number in signals.STOPPING}
    signals.listen()
    yield
    signals.finished()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", signals.STOPPING)
def test_a_signal_stops_once_and_does_not_interrupt_what_tidies_up(number: int) -> None:
    tidy = False
    with pytest.raises(Stopped) as caught:  # noqa: PT012
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            signal.raise_signal(signal.SIGTERM)
            tidy = True
    assert (caught.value.number, tidy) == (number, True)


def test_a_signal_waits_for_a_save_and_stops_behind_it() -> None:
    saved = False
    with pytest.raises(Stopped), signals.saving():  # noqa: PT012
        with signals.saving():
            signal.raise_signal(signal.SIGTERM)
        saved = True
    assert saved


def test_work_that_asks_stops_by_itself_and_a_third_signal_stops_it_outside_of_a_save() -> None:
    with pytest.raises(Stopped) as caught, signals.polled() as stop:  # noqa: PT012
        assert stop() == 0
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert stop() == signal.SIGTERM
        with signals.saving():
            signal.raise_signal(signal.SIGINT)
            saved = True
    assert (caught.value.number, saved) == (signal.SIGTERM, True)


def test_after_work_that_was_done_before_it_asked_a_signal_stops_what_follows() -> None:
    with signals.polled():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGINT)


def test_a_signal_after_the_end_changes_nothing() -> None:
    signals.finished()
    for number in signals.STOPPING:
        signal.raise_signal(number)
    assert signals.is_finished()


def test_while_the_end_is_told_no_signal_stops_it_though_nothing_was_finished() -> None:
    signals.over()
    for number in signals.STOPPING:
        signal.raise_signal(number)
    assert not signals.is_finished()


WHILE_PYTHON_ENDS = """
import os, sys
from preroll.commands import cli
from preroll.console import signals

class Last:
    def __del__(self, kill=os.kill, process=os.getpid(), number=int(sys.argv[1]), write=os.write):
        kill(process, number)
        write(1, b"ended")

signals.listen()
last = sys.modules["last"] = Last()  # goes with the modules, after Python took its handlers of signals away
signals.over()
sys.exit(3)
"""


@pytest.mark.parametrize("number", signals.STOPPING)
def test_a_signal_while_python_takes_its_modules_down_does_not_change_the_status(number: int) -> None:
    command = [sys.executable, "-c", WHILE_PYTHON_ENDS, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "ended", "")


def test_a_handler_that_a_library_puts_in_place_is_replaced_and_one_that_ignores_stays() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with signals.unchanged():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signals.listen()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_without_the_command_line_signals_are_their_callers() -> None:
    before = [signal.signal(number, signal.SIG_DFL) for number in signals.STOPPING]
    with signals.polled() as stop:
        assert [signal.getsignal(number) for number in signals.STOPPING] == [signal.SIG_DFL] * len(before)
        assert stop() == 0


def started(tmp_path: Path, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*PREROLL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, **options
    )


def await_training(process: "subprocess.Popen[str]", folder: Path) -> None:
    """Waits until a training plays sessions."""
    while not list(folder.rglob("events*")) and process.poll() is None:
        time.sleep(0.02)


def ignoring(*numbers: int) -> Any:
    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return ignore


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_lost_connection_saves_and_so_do_two_signals_at_once(tmp_path: Path) -> None:
    with started(tmp_path, "train", "random", "--sessions", "2000000", "--run", "r") as process:
        await_training(process, tmp_path)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGHUP)
        _, told = process.communicate()
    assert process.returncode == 128 + signal.SIGHUP
    assert told.splitlines()[-1].startswith("stopped by SIGHUP after ")
    assert told.splitlines()[-1].endswith("; go on with `preroll train --resume r`")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_what_was_ignored_at_the_start_is_ignored_to_the_end(tmp_path: Path) -> None:
    """As nohup and a script's ``&`` start it, with workers too."""
    (tmp_path / "e.yaml").write_text("{agents: [random, greedy], seeds: 1, sessions: 500, evaluate: {sessions: 300}}")
    quiet = ignoring(signal.SIGHUP, signal.SIGINT)
    for arguments in (
        ("train", "random", "--sessions", "2000", "--run", "r"),
        ("experiment", "run", "e.yaml", "--out", "e", "--workers", "2"),
    ):
        with started(tmp_path, *arguments, preexec_fn=quiet, start_new_session=True) as process:
            while process.poll() is None:
                os.killpg(process.pid, signal.SIGHUP)
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.1)
            _, told = process.communicate()
        assert process.returncode == 0, told
        assert "Traceback" not in told


def interrupted(tmp_path: Path, module: str, *arguments: str) -> tuple[int, str, str]:
    """Runs a command that gets a Ctrl-C while it imports ``module``."""
    code = (
        f"import runpy, signal, sys; sys.argv = ['/usr/bin/preroll', *{arguments!r}]\n"
        "class Importing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Importing())\n"
        "from preroll.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("module", ["gymnasium", "numpy", "typer", "rich"])
def test_a_signal_while_modules_load_is_no_traceback(module: str, tmp_path: Path) -> None:
    stopped = interrupted(tmp_path, module, "agent", "list")
    assert stopped == (130, "", "stopped by Ctrl-C; nothing was started\n")


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("train --resume r1", "; go on with `preroll train --resume r1`"),
        ("experiment run e.yaml --out e", "; cells that are done are kept; go on with the same command"),
        ("tune thompson --out t", "; trials that ended are kept; go on with the same command"),
        ("evaluate r1", ""),
        ("explain r1", ""),
        ("check-env", ""),
    ],
)
def test_a_command_says_what_it_keeps_from_its_first_moment_and_nothing_where_it_writes_nothing(
    command: str, kept: str, tmp_path: Path
) -> None:
    stopped = interrupted(tmp_path, "preroll.envs.model.tables", *command.split())
    assert stopped == (130, "", f"stopped by Ctrl-C{kept}\n")


def test_a_signal_while_something_is_written_is_marked_so(tmp_path: Path) -> None:
    with pytest.raises(Stopped) as caught, atomic.writing(tmp_path / "a.png"):
        signal.raise_signal(signal.SIGINT)
    nothing = "nothing half-written is left; begin again with the same command"
    assert cli._stopped_line(caught.value) == (f"stopped by Ctrl-C; {nothing}", 130)
    assert not any(tmp_path.iterdir())


def test_a_program_that_imports_preroll_keeps_its_handlers() -> None:
    code = "import signal, preroll; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
