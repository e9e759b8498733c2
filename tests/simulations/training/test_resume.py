"""A training that was stopped and resumed ends bit for bit as one that never was."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from preroll.agents import load_agent, make_agent
from preroll.commands.cli import app
from preroll.console import signals
from preroll.envs import Scenario, Tables
from preroll.errors import PrerollError
from preroll.simulations.training import checkpoint, provenance
from preroll.simulations.training.run import Run
from preroll.simulations.training.training import fit, prepare, prepare_resume, resume
from tests.resealed import reseal

SETTINGS: dict[str, dict[str, Any]] = {
    "thompson": {"num_envs": 16},
    "window-ucb": {"num_envs": 16, "window": 50},
    "epsilon-greedy": {"num_envs": 16},
    "exp3": {"num_envs": 16},
    "lints": {"num_envs": 16},
    "logistic-thompson": {"num_envs": 16},
    "neural-linear": {"num_envs": 16, "train_every": 400, "batch": 32, "gradient_steps": 5},
    "dqn": {"num_envs": 16, "learning_starts": 160, "batch": 64, "buffer": 3_000, "target_every": 7},
    "qr-dqn": {"num_envs": 16, "learning_starts": 160, "batch": 64, "buffer": 3_000, "quantiles": 5},
    "ppo": {"num_envs": 16, "steps": 13, "batch": 104, "bootstrap_at_horizon": True},
    "lean-ppo": {"num_envs": 16, "steps": 13, "batch": 104, "bootstrap_at_horizon": True},
    "recurrent-ppo": {"num_envs": 16, "steps": 13, "batch": 104, "bootstrap_at_horizon": True, "recurrent_units": 8},
}
COMPARED = ("agent/agent.json", "agent/arrays.safetensors", "settings.yaml", "scenario.yaml")


def same(first: Path, second: Path) -> None:
    """Agent, settings and curve of two runs are equal, byte for byte."""
    for name in COMPARED:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    curves = [json.loads((run / "result.json").read_text())["curve"] for run in (first, second)]
    assert curves[0] == curves[1]


def test_what_another_process_finished_after_the_checkpoint_was_read_stays(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for agent, mine in (("thompson", "random"), ("random", "random")):
        with pytest.raises(PrerollError, match="go on with"):
            prepare("random", sessions=60, run=run, replace=True).run(stop=lambda: signal.SIGINT)
        read = prepare_resume(run)
        if agent == mine:
            resume(run)
        else:
            prepare(agent, sessions=60, run=run, replace=True).run()
        before = {path: path.stat().st_ino for path in run.rglob("*")}
        with pytest.raises(PrerollError, match="another process went on with it after its checkpoint was read"):
            read.run()
        assert {path: path.stat().st_ino for path in run.rglob("*")} == before
        assert Run.load(run).settings.agent == agent
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("name", list(SETTINGS))
def test_stopped_several_times_it_ends_as_if_never_stopped(name: str, tmp_path: Path) -> None:
    def begin(run: Path) -> Any:
        return prepare(name, scenario="fatigue", sessions=150, seed=3, run=run, settings=SETTINGS[name])

    begin(tmp_path / "straight").run()
    rng = np.random.default_rng(len(name))
    training, run = begin(tmp_path / "stopped"), tmp_path / "stopped"
    for _ in range(3):
        steps_left = int(rng.integers(1, 60))

        def stop() -> int:
            nonlocal steps_left
            steps_left -= 1
            return 0 if steps_left else signal.SIGTERM

        with pytest.raises(PrerollError, match=f"go on with `preroll train --resume {run}`") as error:
            training.run(stop=stop)
        assert error.value.status == 143
        assert [path.name for path in tmp_path.iterdir() if "stopped" in path.name] == [".stopped.preroll"]
        training = prepare_resume(run)
    training.run()
    same(tmp_path / "straight", run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped", "straight"]


#: Loads modules once; for every line of its input a child gives the command there, and saves twenty times a second.
READY = """
import os, sys, torch, stable_baselines3
import preroll.commands.train as command
from preroll.commands.cli import main
from preroll.simulations.training.training import train
command.SAVE_EVERY = 0.05
train("thompson", sessions=1)
for line in sys.stdin:
    folder, *words = line.split()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.dup2(os.open("../errors", os.O_WRONLY | os.O_CREAT), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the parent answers there
        sys.argv = ["preroll", "train", *words]
        try:
            main()
        except SystemExit as ended:
            sys.stderr.flush()
            os._exit(ended.code or 0)  # taking torch apart would take seconds
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture(scope="module")
def ready() -> Iterator["subprocess.Popen[str]"]:
    """A process whose children are trainings by the command line; none outlives the tests, whatever they find."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", READY], text=True, start_new_session=True, **pipes) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def begun(ready: "subprocess.Popen[str]", folder: Path, *words: str) -> int:
    """Begins a training there; returns its process id."""
    assert ready.stdin is not None
    ready.stdin.write(" ".join((str(folder), *words)) + "\n")
    ready.stdin.flush()
    return answer(ready)


def answer(ready: "subprocess.Popen[str]") -> int:
    assert ready.stdout is not None
    return int(ready.stdout.readline())


def test_killed_at_random_moments_it_ends_as_if_never_killed(ready: "subprocess.Popen[str]", tmp_path: Path) -> None:
    settings = {"num_envs": 16, "learning_starts": 160, "batch": 64, "buffer": 2000}
    prepare("dqn", sessions=350, settings=settings, run=tmp_path / "straight").run()
    (here := tmp_path / "here").mkdir()
    rng = np.random.default_rng(1)
    saved = checkpoint.place(here / "killed") / "loop.json"
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    arguments = ["dqn", "--sessions", "350", *changes, "--run", "killed"]
    for _ in range(2):
        before = saved.read_bytes() if saved.exists() else b""
        process = begun(ready, here, *arguments)
        with suppress(ProcessLookupError):  # it came to its end
            while not (saved.exists() and saved.read_bytes() != before):
                os.kill(process, 0)
                time.sleep(0.01)
            time.sleep(float(rng.uniform(0.0, 0.3)))
            os.kill(process, signal.SIGKILL)
        if (ended := answer(ready)) == 0:  # before it was killed
            break
        assert ended == -signal.SIGKILL
        arguments = ["--resume", "killed"]
    if not (here / "killed").exists():
        resume(here / "killed")
    same(tmp_path / "straight", here / "killed")


@pytest.mark.parametrize(("number", "agent"), [(signal.SIGINT, "ppo"), (signal.SIGTERM, "thompson")])
def test_a_signal_saves_says_how_to_go_on_and_gives_its_status(
    number: int, agent: str, ready: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    (here := tmp_path / "here").mkdir()
    process = begun(ready, here, agent, "--sessions", "1000000", "--run", "run")
    while not checkpoint.place(here / "run").exists():
        os.kill(process, 0)  # it is alive
        time.sleep(0.05)
    os.kill(process, number)
    assert answer(ready) == 128 + number
    told = (tmp_path / "errors").read_text()
    line = told.splitlines()[-1]
    assert line.startswith(f"stopped by {signals.told(number)} after ")
    assert line.endswith("go on with `preroll train --resume run`")
    assert "Traceback" not in told
    assert [path.name for path in here.iterdir()] == [".run.preroll"]


def test_an_unfinished_training_is_not_started_over_unasked(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(PrerollError, match="stopped by Ctrl-C after 0 of 50 sessions"):
        prepare("random", sessions=50, run=run).run(stop=lambda: signal.SIGINT)
    with pytest.raises(PrerollError, match=f"holds an unfinished training; go on with `preroll train --resume {run}`"):
        prepare("random", sessions=50, run=run)
    prepare("random", sessions=50, run=run, replace=True).run()
    assert Run.load(run).name == "run"
    with pytest.raises(PrerollError, match="is finished; train it on with `preroll train --continue"):
        prepare_resume(run)


def test_going_on_elsewhere_says_what_is_not_as_it_was(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(PrerollError, match="go on with"):
        prepare("thompson", sessions=50, run=run).run(stop=lambda: signal.SIGINT)
    assert checkpoint.differences(run) == []
    path = checkpoint.place(run) / "loop.json"
    about = json.loads(path.read_text())
    assert {"python", "numpy", "torch", "threads"} <= set(about["surroundings"])
    about["surroundings"] |= {"torch": "1.0", "threads": "99"}
    path.write_text(json.dumps(about))
    reseal(path.parent)
    result = CliRunner().invoke(app, ["train", "--resume", str(run)])
    assert result.exit_code == 0
    assert re.search(r"note: it may not end bit for bit .*: torch \S+, was 1\.0; threads \S+, was 99", result.output)


def test_a_run_that_was_resumed_elsewhere_tells_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, here = tmp_path / "run", provenance.provenance()
    monkeypatch.setattr(provenance, "machine", lambda: "elsewhere")
    monkeypatch.setattr(provenance, "versions", lambda _: {**here["versions"], "torch": "1.0"})
    with pytest.raises(PrerollError, match="go on with"):
        prepare("thompson", sessions=50, run=run).run(stop=lambda: signal.SIGINT)
    monkeypatch.undo()
    resume(run)
    told = Run.load(run).result
    assert told["versions"] == {**here["versions"], "torch": f"1.0 + {here['versions']['torch']}"}
    assert told["machine"] == f"elsewhere + {here['machine']}"
    assert told["git"] == here["git"]


@pytest.mark.parametrize(
    "changes",
    [
        {"curve": 3},
        {"time_curve": 3},
        {"provenance": 3},
        {"ledger": {"ended": "x"}},
        {"surroundings": 3},
        {"seconds": None},
    ],
)
def test_a_changed_checkpoint_is_refused_in_one_line(changes: dict[str, Any], tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(PrerollError, match="go on with"):
        prepare("thompson", sessions=50, run=run).run(stop=lambda: signal.SIGINT)
    path = checkpoint.place(run) / "loop.json"
    whole = path.read_text()
    tensors = path.with_suffix(".safetensors").read_bytes()
    for content, arrays in (
        (json.dumps({**json.loads(whole), **changes}), tensors),
        (whole[:100], tensors),
        ("[]", tensors),
        (whole, tensors[:100]),
    ):
        path.write_text(content)
        path.with_suffix(".safetensors").write_bytes(arrays)
        reseal(path.parent)
        with pytest.raises(
            PrerollError, match=r"checkpoint(: its loop\.json .* are not what|/loop\.json: is no JSON that)"
        ) as error:
            prepare_resume(run)
        assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_format_is_refused_in_one_line(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(PrerollError, match="go on with"):
        prepare("thompson", sessions=50, run=run).run(stop=lambda: signal.SIGINT)
    path = checkpoint.place(run) / "loop.json"
    about = json.loads(path.read_text())
    about.pop("format")  # as in those that were written before they had one
    path.write_text(json.dumps(about))
    reseal(path.parent)
    with pytest.raises(PrerollError, match=r"loop\.json: format None is unknown; this version reads 4$"):
        prepare_resume(run)


def test_a_changed_state_of_the_environment_is_refused_in_one_line(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(PrerollError, match="go on with"):
        prepare("thompson", sessions=50, run=run).run(stop=lambda: signal.SIGINT)
    path = checkpoint.place(run) / "loop.safetensors"
    arrays = load_file(path)
    for name, value in {"state": arrays["envs/state"] + 10**6, "keys": arrays["envs/keys"][:, 1:].copy()}.items():
        save_file({**arrays, f"envs/{name}": value}, path)
        reseal(path.parent)
        with pytest.raises(PrerollError, match=rf"what a stopped training leaves: PrerollError: {name}: "):
            prepare_resume(run)


def test_what_stable_baselines3_logged_is_kept_even_if_it_is_no_number(tmp_path: Path) -> None:
    """A bug once: NaN, here of the explained variance of constant returns, ended the training at its checkpoint."""
    scenario = Scenario.load("classic").replace({"ads.*.*.reward": 0, "session.horizon": 1})
    tables = Tables.compile(scenario, "demo")
    agent = make_agent("ppo", tables, seed=1, **SETTINGS["ppo"] | {"bootstrap_at_horizon": False})
    fit(agent, tables, sessions=300, seed=1)
    assert math.isnan(agent.metrics()["explained_variance"])
    agent.save(tmp_path / "agent", training=True)
    np.testing.assert_equal(load_agent(tmp_path / "agent").metrics(), agent.metrics())
