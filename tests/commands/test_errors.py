"""The command line as a user meets it: one line on stderr, the exit status, nothing left behind."""

import io
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from glob import glob
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import typer

import preroll
from preroll.commands import cli
from preroll.console import signals
from preroll.errors import FAULT
from preroll.simulations.experiment.execution import runner
from preroll.simulations.training import checkpoint
from preroll.simulations.training.prepared_training import Training
from tests.commands.conftest import Run
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["train", "thomson"],
            "agent 'thomson': unknown; did you mean thompson or window-thompson? Agents are ",
        ),
        (
            ["train", "random", "--scenario", "clasic"],
            "scenario 'clasic': no such preset or file; did you mean classic? Presets are campaigns, classic",
        ),
        (
            ["train", "random", "--catalog", "none"],
            "catalog none: no such folder; make one with `preroll catalog build",
        ),
        (["train", "random", "--set", "user.mismatch=2"], "scenario classic: user.mismatch: 2: should be in [0, 1]"),
        (
            ["train", "thompson", "--set", "prior=2"],
            "agent thompson: unknown setting 'prior'; did you mean prior_views",
        ),
        (
            ["train", "random", "--run", "."],
            "--run .: the folder holds bad.yaml, and is no run of preroll; choose another",
        ),
        (["train", "random", "--run", "bad.yaml/run"], "--run bad.yaml/run: cannot be made there: /"),
        (["evaluate", "none"], "run none: no such folder; make one with `preroll train AGENT --run none`"),
        (["scenario", "check", "bad.yaml"], "bad.yaml: ads.cats.long.view_probability: 1.3: should be in [0, 1]"),
        (["quickstart", "--out", "bad.yaml"], "--out bad.yaml: is a file; a folder is needed"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(run: Run, arguments: list[str], line: str, tmp_path: Path) -> None:
    ad = "{seconds: 30, view_probability: 1.3, reward: 3}"
    (tmp_path / "bad.yaml").write_text(f"ads: {{cats: {{long: {ad}}}}}")
    status, told, errors = run(*arguments)
    assert (status, told) == (2, "")
    assert errors.startswith(f"error: {line}")
    assert errors.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "random", "--nope"], "No such option: --nope"),
        (["train", "random", "--sesions", "3"], "No such option: --sesions; did you mean --sessions? (see"),
        (["train", "random", "--seed", "-1"], "Invalid value for '--seed': -1: must be a whole number from 0"),
        (["train", "thompson", "--device", "gpu"], "--device gpu: agent thompson has no network to compute there;"),
        (["completion"], "Missing argument 'bash|zsh'. Choose from: bash, zsh (see `preroll completion --help`)"),
        (["completion", "fish"], "Invalid value for 'bash|zsh': 'fish' is not one of 'bash', 'zsh' (see"),
        (["evaluate"], "Missing argument 'RUN...'"),
        (["trian"], "No such command 'trian'; did you mean train?"),
        (
            ["train", "random", "--sessions", "0"],
            "Invalid value for '--sessions': 0: must be a whole number from 1 to 1e9, such",
        ),
        (["train", "random", "--seed", "x"], "Invalid value for '--seed': x: must be a whole number from 0"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(run: Run, arguments: list[str], line: str) -> None:
    status, told, errors = run(*arguments)
    assert (status, told) == (2, "")
    assert errors.startswith(f"error: {line}")
    assert errors.count("\n") == 1


def test_a_shell_is_told_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "preroll", "evaluate", "none"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    told = "error: run none: no such folder; make one with `preroll train AGENT --run none`\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_preroll_alone_shows_its_help_which_is_what_was_asked_for(run: Run) -> None:
    status, told, errors = run()
    assert (status, errors) == (0, "")
    assert "quickstart" in told
    assert run("-h") == run("--help")


@pytest.mark.parametrize("group", ["agent", "catalog", "detector", "experiment", "predict", "runs", "scenario"])
def test_a_group_alone_shows_its_help_which_is_what_was_asked_for(run: Run, group: str) -> None:
    status, told, errors = run(group)
    assert (status, errors) == (0, "")
    assert "Commands" in told
    assert run(group, "-h") == run(group, "--help")


def test_the_statuses_that_the_documents_list_are_those_of_errors() -> None:
    table = (ROOT / "docs" / "reliability.md").read_text("utf8").partition("## Exit statuses")[2].partition("##")[0]
    listed = {int(number) for number in re.findall(r"\d+", " ".join(re.findall(r"^\| ([\d, ]+) \|", table, re.M)))}
    assert listed == {0, 1, 2, FAULT, *(128 + number for number in signals.STOPPING)}


@pytest.mark.parametrize("command", ["train", "evaluate", "quickstart", "scenario check", "scenario show"])
def test_help_shows_an_example(run: Run, command: str) -> None:
    status, told, _ = run(*command.split(), "--help")
    assert status == 0
    assert f"preroll {command}" in told.split("Example:")[1]


def test_a_signal_ends_a_training_with_one_line_that_says_how_to_go_on_and_no_run(tmp_path: Path) -> None:
    """Before its first checkpoint; after it, by either signal: in the tests of resuming."""
    number, status = signal.SIGTERM, 143
    # A minute's work or more; the checkpoint grows with the number of sessions, so that it is not any number.
    command = [sys.executable, "-m", "preroll", "train", "random", "--sessions", "2000000", "--run", "runs/r"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        deadline = time.monotonic() + 600
        while not glob("runs/.r.*/new/events*", root_dir=tmp_path) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        _, told = process.communicate(timeout=600)
    assert process.returncode == status
    line = told.splitlines()[-1]
    assert line.startswith(f"stopped by {signals.told(number)} after ")
    assert line.endswith("go on with `preroll train --resume runs/r`")
    assert "Traceback" not in told
    assert not (tmp_path / "runs" / "r").exists()


def deeper() -> None:
    deeper()


class Strange(BaseException):
    """What a library in Rust raises where it panics is no Exception either."""


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (lambda: int(float("inf")), "OverflowError: cannot convert float infinity to integer"),
        (lambda: deeper(), "RecursionError: maximum recursion depth exceeded"),
        (lambda: 1 // 0, "ZeroDivisionError: integer division or modulo by zero"),
        (lambda: np.empty(3)[5], "IndexError: index 5 is out of bounds"),
        (lambda: next(iter(())), "StopIteration;"),
        (lambda: (_ for _ in ()).throw(EOFError("no data\nleft")), "EOFError: no data left;"),
        (lambda: (_ for _ in ()).throw(Strange("panic")), "Strange: panic;"),
        (lambda: (_ for _ in ()).throw(ValueError("a " * 9999)), "ValueError: a a a "),
    ],
    ids=lambda value: value.split(":")[0].rstrip(";") if isinstance(value, str) else "",
)
def test_a_fault_of_preroll_is_one_line_after_what_was_printed(
    run: Run, wrong: Any, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command() -> None:
        typer.echo("what was finished")
        wrong()

    app = typer.Typer()
    app.command()(command)
    monkeypatch.setattr(cli, "app", app)
    status, told, errors = run()
    assert (status, told) == (FAULT, "what was finished\n")
    errors = errors.removeprefix("\n")  # typer's, about an EOFError
    assert errors.startswith(f"error: this is a fault of preroll {preroll.__version__}: {line}")
    assert errors.endswith("; PREROLL_DETAILS=1 shows the details; please report them where you got preroll\n")
    assert errors.count("\n") == 1
    assert len(errors) < 500
    monkeypatch.setenv("PREROLL_DETAILS", "1")
    status, told, details = run()
    assert (status, told) == (FAULT, "what was finished\n")
    assert details.removeprefix("\n").startswith("Traceback (most recent call last):\n")
    assert details.endswith(f"\n{errors}")


def test_more_than_any_machine_can_hold_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    status, told, errors = run("train", "dqn", "--set", f"buffer={10**17}", "--run", "runs/r")
    assert (status, told) == (1, "")
    assert errors.splitlines()[-1].startswith("error: not enough memory (")
    assert list((tmp_path / "runs").iterdir()) == []


def test_more_sessions_than_any_machine_can_hold_are_no_fault_of_preroll(run: Run, tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text(f"{{agents: [random], sessions: {10**24}}}")
    for arguments in (
        ("train", "random", "--sessions", 10**24),
        ("experiment", "run", "e.yaml", "--out", "e"),
        ("quickstart", "--evaluation-sessions", 10**24),
    ):
        status, _, errors = run(*arguments)
        assert status == 2, arguments
        assert f"{10**24}" in errors
        assert re.search(r"1e9|1e\+09|1,000,000,000", errors), errors


def test_more_memory_than_there_is_is_no_fault(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Training, "run", lambda *_, **__: np.empty(2**50))
    status, _, errors = run("train", "random", "--run", "r")
    assert (status, errors.count("\n")) == (1, 2)
    assert "error: not enough memory (Unable to allocate 8.00 PiB for an array with shape" in errors
    assert errors.endswith("; make the work smaller\n")


def test_a_fault_says_how_to_go_on(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(training: Training, *_: Any, **__: Any) -> NoReturn:
        checkpoint.place(Path("runs/r")).mkdir(parents=True)
        raise RuntimeError

    def fail_too(*_: Any, **__: Any) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(Training, "run", fail)
    monkeypatch.setattr(runner, "run_experiment", fail_too)
    status, _, errors = run("train", "random", "--run", "runs/r")
    assert status == FAULT
    assert ": RuntimeError; go on with `preroll train --resume runs/r`; " in errors
    (tmp_path / "e.yaml").write_text("{agents: [random], seeds: 1}")
    status, _, errors = run("experiment", "run", "e.yaml", "--out", "e")
    assert status == FAULT
    assert ": ZeroDivisionError; cells that are done are kept; go on with the same command; " in errors


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "größer -> ? \\udcff × ..."),
        ("utf-8", "größer → 猫 \\udcff × …"),
        ("ascii", "grosser -> ? \\udcff x ..."),
        ("cp1252", "größer -> ? \\udcff × …"),
    ],
)
def test_text_that_the_terminal_lacks_is_written_with_what_it_has(
    encoding: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer takes a terminal of ASCII for one of UTF-8 that lacks its settings."""
    app, streams = typer.Typer(), {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ("stdout", "stderr")}

    @app.command()
    def command() -> None:
        typer.echo("größer → 猫 \udcff × …")
        raise preroll.PrerollError("größer → 猫 \udcff × …")

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["preroll"])
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    with pytest.raises(SystemExit):
        cli.main()
    for stream, beginning in zip(streams.values(), ("", "error: "), strict=True):
        stream.seek(0)
        assert stream.buffer.read().decode(encoding) == f"{beginning}{text}\n"


OUTPUTS = ("whole", "full", "closed")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("streams", list(product(OUTPUTS, OUTPUTS))[1:], ids=" ".join)
def test_output_that_fails_is_no_error_of_a_training(
    streams: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of stdout, stderr or both; in processes of their own: below."""
    monkeypatch.setattr(sys, "argv", ["preroll", "train", "random", "--sessions", "60", "--run", "r"])
    with ExitStack() as opened:
        for name, kind in zip(("stdout", "stderr"), streams, strict=True):
            place = {"whole": tmp_path / name, "full": Path("/dev/full"), "closed": None}[kind]
            monkeypatch.setattr(sys, name, place and place.open("w"))
            opened.callback(closed, getattr(sys, name))
        with pytest.raises(SystemExit) as caught:
            cli.main()
    assert not caught.value.code
    assert (tmp_path / "r" / "result.json").exists()


def closed(stream: io.TextIOWrapper | None) -> None:
    """Closes what may not take what is left to be written."""
    with suppress(OSError):
        if stream is not None:
            stream.close()


SHELLS = Path("/dev/full").exists() and Path("/bin/sh").exists()


def in_a_shell(line: str, here: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line of a shell, in which ``preroll`` is the command line."""
    if not SHELLS:
        pytest.skip("needs /bin/sh and /dev/full")
    line = line.replace("preroll", f"{sys.executable} -m preroll")
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, cwd=here, check=False)


@pytest.mark.parametrize(
    ("command", "status", "errors"),
    [
        ("preroll scenario list > /dev/full", 1, "error: the output is not complete: No space left on device\n"),
        ("preroll --help > /dev/full", 1, "error: the output is not complete: No space left on device\n"),
        ("preroll scenario list > /dev/full 2> /dev/full", 1, ""),
        ("preroll scenario list >&-", 0, ""),
        ("preroll scenario list >&- 2>&-", 0, ""),
        ("preroll scenario show none 2> /dev/full", 2, ""),
        ("preroll scenario show none 2>&-", 2, ""),
        ("{ preroll scenario list; echo $? >&2; } | true", 0, "0\n"),
        ("{ preroll scenario show none 2>&1; echo $? >&2; } | true", 0, "2\n"),
    ],
)
def test_only_a_product_that_was_cut_is_an_error_of_output(
    command: str, status: int, errors: str, tmp_path: Path
) -> None:
    """A reader that has seen enough is none, nor is an output that somebody closed."""
    done = in_a_shell(command, tmp_path)
    assert (done.returncode, done.stderr) == (status, errors)


@pytest.mark.parametrize("where", ["> /dev/full 2> /dev/full", "<&- >&- 2>&-"])
def test_output_that_fails_ends_no_training(where: str, tmp_path: Path) -> None:
    done = in_a_shell(f"preroll train random --sessions 60 --run r {where}", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "r" / "result.json").exists()


def test_what_is_printed_with_a_closed_output_reaches_no_file_that_is_written(run: Run, tmp_path: Path) -> None:
    assert in_a_shell("preroll train random --sessions 60 --run r >&- 2>&-", tmp_path).returncode == 0
    assert run("evaluate", "r", "--sessions", "60")[0] == 0


@pytest.mark.parametrize("name", ["\x1b[31mred", "bell\x07", "\x9b31m", "\u202egnp", "two\nlines", "\u2028", "\x7f"])
def test_a_name_never_reaches_a_terminal_raw(run: Run, name: str, tmp_path: Path) -> None:
    ads = {category: {"long": {"seconds": 30, "view_probability": 1.3, "reward": 3}} for category in ("cats", name)}
    (tmp_path / "odd.yaml").write_text(json.dumps({"ads": ads}))
    for arguments in (("evaluate", name), ("train", name), ("scenario", "check", "odd.yaml"), ("train", "--" + name)):
        status, told, errors = run(*arguments)
        assert status == 2, errors
        assert told == ""
        assert errors.count("\n") == 1, errors
        assert errors[:-1].isprintable()


def test_commands_without_a_network_load_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from preroll.commands.cli import app\n"
        "r = CliRunner().invoke(app, ['train', 'thompson', '--sessions', '60', '--run', 'r'], catch_exceptions=False)\n"
        "r = CliRunner().invoke(app, ['evaluate', 'r', '--sessions', '60'], catch_exceptions=False)\n"
        "print(r.exit_code, [m for m in ('torch', 'onnxruntime', 'av', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "0 []"


def test_the_command_line_itself_loads_no_slow_library() -> None:
    slow = ("numba", "scipy", "pandas", "torch", "matplotlib")
    code = f"import sys, preroll.commands.cli; print([m for m in {slow} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
