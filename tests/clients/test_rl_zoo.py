"""RL Zoo: training and playing by its command lines, as docs/clients.md shows them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.clients.conftest import needs
from tests.clients.plain import play
from tests.conftest import ROOT

pytestmark = needs("rl_zoo3")
PAGE = (ROOT / "docs" / "clients.md").read_text("utf8")
TRAIN, ENJOY = re.findall(r"^python (-m rl_zoo3.*)$", PAGE, re.MULTILINE)
(HYPERPARAMETERS,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def run(folder: Path, command: str) -> str:
    program = [sys.executable, "-W", "ignore", *shlex.split(command)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_it_plays_is_the_plain_loop_with_its_policy(tmp_path: Path) -> None:
    from stable_baselines3 import PPO

    (tmp_path / "small.yml").write_text(HYPERPARAMETERS)
    run(tmp_path, TRAIN)
    told = run(tmp_path, ENJOY)
    model = PPO.load(tmp_path / "logs" / "ppo" / "preroll-Session-v0_1" / "preroll-Session-v0.zip", device="cpu")
    sessions = play(5, 100, lambda observation: int(model.predict(observation, deterministic=True)[0]))
    revenues = [float(number) for number in re.findall(r"Episode Reward: ([\d.]+)", told)]
    lengths = [int(number) for number in re.findall(r"Episode Length (\d+)", told)]
    assert len(revenues) >= 5
    assert revenues == [session.revenue for session in sessions][: len(revenues)]
    assert lengths == [len(session.rewards) for session in sessions][: len(lengths)]
