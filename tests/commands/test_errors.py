"""The command line as a user meets it: one line on stderr, the exit status, nothing left behind."""

import signal
import subprocess
import sys
import time
from glob import glob
from pathlib import Path

import pytest

from tests.commands.conftest import Run

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "thomson"], "agent 'thomson': unknown; agents are random, "),
        (["train", "random", "--scenario", "clasic"], "scenario 'clasic': no such preset or file; presets are classic"),
        (
            ["train", "random", "--catalog", "none"],
            "catalog none: no such folder; make one with `preroll catalog build",
        ),
        (["train", "random", "--sessions", "0"], "sessions: 0: at least 1 is needed"),
        (["train", "random", "--set", "user.mismatch=2"], "scenario classic: user.mismatch: 2: should be in [0, 1]"),
        (["train", "thompson", "--set", "prior=2"], "agent thompson: unknown setting 'prior'; settings are num_envs, "),
        (["train", "random", "--run", "."], "--run .: the folder exists and is not a run; choose another folder"),
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
        (["evaluate"], "Missing argument 'RUN...'"),
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["train", "random", "--seed", "x"], "Invalid value for '--seed': Input should be a valid integer"),
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


def test_a_command_alone_shows_its_help(run: Run) -> None:
    status, told, errors = run("scenario")
    assert status == 2
    assert "show" in told + errors


@pytest.mark.parametrize("command", ["train", "evaluate", "quickstart", "scenario check", "scenario show"])
def test_help_shows_an_example(run: Run, command: str) -> None:
    status, told, _ = run(*command.split(), "--help")
    assert status == 0
    assert f"preroll {command}" in told.split("Example:")[1]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_training_with_one_line_that_says_how_to_go_on_and_no_run(
    number: int, status: int, tmp_path: Path
) -> None:
    # A minute's work or more; the checkpoint grows with the number of sessions, so that it is not any number.
    command = [sys.executable, "-m", "preroll", "train", "random", "--sessions", "2000000", "--run", "runs/r"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        deadline = time.monotonic() + 600
        while not glob("runs/.r.*/events*", root_dir=tmp_path) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        _, told = process.communicate(timeout=600)
    assert process.returncode == status
    line = told.splitlines()[-1]
    assert line.startswith(f"error: stopped by {signal.Signals(number).name} after ")
    assert line.endswith("resume with `preroll train --resume runs/r`")
    assert "Traceback" not in told
    assert not (tmp_path / "runs" / "r").exists()


def test_commands_without_a_network_load_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from preroll.commands.cli import app\n"
        "r = CliRunner().invoke(app, ['train', 'thompson', '--sessions', '60', '--run', 'r'], catch_exceptions=False)\n"
        "r = CliRunner().invoke(app, ['evaluate', 'r', '--sessions', '60'], catch_exceptions=False)\n"
        "print(r.exit_code, [m for m in ('torch', 'onnxruntime', 'av', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "0 []"
