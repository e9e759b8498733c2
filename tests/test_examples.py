"""Every example runs as a person would run it, with a small budget, and writes what it says and nothing else."""

import os
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "examples"
LONGEST = 60  # lines that a newcomer reads in a minute
EXAMPLES = {  # name: (budget, something it prints, what it writes)
    "train_from_script": (200, "Evaluation on scenario classic", {"runs"}),
    "own_agent": (200, "always-first", set()),
    "own_agent_in_full": (200, "explore-then-commit", set()),
    "own_scenario": (200, "rich-long-ads: the optimum earns 10.34", {"rich-long-ads.yaml"}),
    "own_response": (200, "loses", {"predictions.csv", "demo-with-response", "own-response.yaml"}),
    "sb3_directly": (2048, "% of the optimum", {"monitor.csv", "best"}),  # PPO plays so many slots at the least
    "serve_onnx": (200, "the agent's ad for 10,000 observations", {"policy.onnx"}),
}
ALONE = {"sb3_directly", "train_from_script"}  # the first closes no file, and its library silences its own warnings


def test_every_example_is_run_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - ALONE))
def test_an_example_runs_without_a_warning_and_writes_where_it_was_started(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, where a warning is an error."""
    budget, line, written = EXAMPLES[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", [name, str(budget)])
    run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    told, errors = capsys.readouterr()
    assert line in told
    assert "Warning" not in errors
    assert {path.name for path in tmp_path.iterdir()} == written


@pytest.mark.parametrize("name", sorted(ALONE))
def test_an_example_is_a_program_of_its_own(name: str, tmp_path: Path) -> None:
    budget, line, written = EXAMPLES[name]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / f"{name}.py"), str(budget)],
        cwd=tmp_path, capture_output=True, text=True, timeout=900, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert line in done.stdout
    assert "Warning" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == written


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_an_example_is_short_and_says_how_to_run_it(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text("utf8")
    assert len(text.splitlines()) < LONGEST
    assert f"python examples/{name}.py [" in text
