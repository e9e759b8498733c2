"""Networks compute where they are told to; this file stands in for a GPU, and none was tried."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from preroll.agents import make_agent
from preroll.agents.deep.settings import DeepSettings
from preroll.envs import Tables
from preroll.errors import PrerollError
from preroll.simulations import train
from preroll.simulations.runs.continuation import prepare_continuation
from preroll.simulations.training.run import Run

DEEP = ("dqn", "qr-dqn", "ppo", "lean-ppo", "recurrent-ppo")
SMALL: Mapping[str, Any] = {"num_envs": 8, "hidden": (8,)}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch says that it sees a GPU, and what is sent there stays on the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(DeepSettings, "place", torch.device("cpu"))


@pytest.mark.parametrize("name", DEEP)
def test_where_torch_sees_no_gpu_one_line_says_so(name: str, fatigue: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PrerollError, match=rf"^agent {name}: device: cuda: torch sees no GPU here; allowed: cpu$"):
        make_agent(name, fatigue, device="cuda")


def test_other_devices_and_other_agents_are_refused(fatigue: Tables) -> None:
    with pytest.raises(PrerollError, match="device"):
        make_agent("ppo", fatigue, device="mps")
    with pytest.raises(PrerollError, match="device"):
        make_agent("thompson", fatigue, device="cpu")


def test_the_cpu_is_told_nowhere(fatigue: Tables) -> None:
    """Runs and fingerprints of experiments are those of before there was a choice."""
    assert "device" not in make_agent("ppo", fatigue, device="cpu").settings.model_dump(mode="json")


@pytest.mark.usefixtures("gpu")
def test_a_run_names_its_gpu_decides_without_one_and_does_not_learn_on(
    small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    train(
        "lean-ppo", scenario="fatigue", catalog=small_catalog_folder, sessions=20, run=run,
        settings={**SMALL, "steps": 10, "device": "cuda"},
    )  # fmt: skip
    assert json.loads((run / "result.json").read_text())["device"] == "cuda"
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    agent = Run.load(run).load_agent()
    assert agent.settings.model_dump()["device"] == "cuda"
    assert np.isfinite(agent.action_probabilities(np.zeros((2, agent.spec.layout.size), np.float32))).all()
    with pytest.raises(PrerollError, match="torch sees no GPU"):
        prepare_continuation(run, 20)


@pytest.mark.parametrize("name", DEEP)
def test_what_goes_to_the_networks_goes_to_their_device(
    name: str, fatigue: Tables, practice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each agent asks for the place of its networks when it is made, acts and learns."""
    asked: list[str] = []

    def place(_: DeepSettings) -> torch.device:
        asked.append("place")
        return torch.device("cpu")

    monkeypatch.setattr(DeepSettings, "place", property(place))
    replay = {"learning_starts": 8, "batch": 8} if "dqn" in name else {"steps": 4}
    agent = make_agent(name, fatigue, **SMALL, **replay)
    made = len(asked)
    agent.act(fatigue.arrays.rows[:8])
    acted = len(asked)
    practice(agent, fatigue, 8)
    assert 0 < made < acted < len(asked)
    assert not agent.unlearned()
