"""Completion: what a shell offers at TAB, asked of a real bash, without Python."""

import shutil
import subprocess
from pathlib import Path

import pytest

from preroll.agents.registry import AGENTS
from preroll.envs.scenario.scenario import preset_names
from tests.commands.conftest import Run

BASH = shutil.which("bash")
ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(({number} - 1))
PATH=
_preroll
[ -z "${{COMPREPLY[0]}}" ] || printf "%s\\n" "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def script(run: Run, tmp_path: Path) -> Path:
    status, told, _ = run("completion", "bash")
    assert status == 0
    (tmp_path / "completion.sh").write_text(told)
    return tmp_path / "completion.sh"


def offered(script: Path, *words: str) -> list[str]:
    """What bash offers for the last word; no program can be started meanwhile."""
    assert BASH
    quoted = " ".join(f"'{word}'" for word in ("preroll", *words))
    code = ASK.format(script=script, words=quoted, number=len(words) + 1)
    done = subprocess.run([BASH, "-c", code], capture_output=True, text=True, cwd=script.parent, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(BASH is None, reason="needs bash")
def test_commands_options_and_names_are_completed(script: Path) -> None:
    for folder in ("runs/ppo", "runs/thompson", "runs/.dqn.preroll", "catalog"):
        (script.parent / folder).mkdir(parents=True)
    (script.parent / "mine.yaml").touch()
    assert offered(script, "tra") == ["train"]
    assert offered(script, "catalog", "sho") == ["show"]
    assert offered(script, "train", "") == list(AGENTS)
    assert offered(script, "train", "thompson", "--cont") == ["--continue"]
    assert {word[:2] for word in offered(script, "train", "ppo", "")} == {"--"}
    assert offered(script, "train", "--seed", "1", "") == list(AGENTS)
    assert offered(script, "completion", "") == ["bash", "zsh"]
    assert offered(script, "optimum", "-s", "") == [*preset_names(), "mine.yaml"]
    assert sorted(offered(script, "catalog", "show", "")) == ["catalog/", "demo", "runs/"]
    assert sorted(offered(script, "evaluate", "")) == ["runs/ppo/", "runs/thompson/"]
    assert offered(script, "evaluate", "runs/ppo/", "runs/t") == ["runs/thompson/"]
    assert offered(script, "train", "--resume", "ru") == ["runs/dqn"]
    assert offered(script, "train", "--resume", "runs/d") == ["runs/dqn"]
    assert offered(script, "compare", "classic", "fat") == ["fatigue"]
    assert offered(script, "export", "runs/ppo", "--no") == []


@pytest.mark.skipif(BASH is None, reason="needs bash")
def test_values_are_completed_behind_an_equals_sign_and_names_may_hold_spaces(script: Path) -> None:
    for folder in ("runs/my run", "my videos", "catalog"):
        (script.parent / folder).mkdir(parents=True)
    assert offered(script, "train", "ppo", "--device", "c") == ["cpu", "cuda"]
    assert offered(script, "train", "ppo", "--set", "num_e") == ["num_envs="]
    assert offered(script, "optimum", "--set", "user.mis") == ["user.mismatch="]
    assert offered(script, "optimum", "--scenario", "=") == preset_names()  # as bash splits it
    assert offered(script, "optimum", "--scenario", "=", "fat") == ["fatigue"]
    assert offered(script, "optimum", "--scenario=fat") == ["--scenario=fatigue"]  # as zsh leaves it
    assert offered(script, "evaluate", "runs/m") == ["runs/my run/"]
    assert offered(script, "optimum", "-c", "my") == ["my videos/"]


def test_zsh_runs_the_script_of_bash(run: Run) -> None:
    _, bash, _ = run("completion", "bash")
    _, zsh, _ = run("completion", "zsh")
    assert "bashcompinit" in zsh
    assert zsh.endswith(bash.partition("\n")[2])
