"""The number of torch's threads is a property of the machine: a training does not depend on it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from preroll.agents import AGENTS, Agent, make_agent
from preroll.agents.deep.networks.perceptron import Perceptron
from preroll.envs import Scenario, Tables
from preroll.simulations import train

DQN = {"learning_starts": 64, "batch": 64}
SMALL = {"dqn": DQN, "qr-dqn": DQN, "neural-linear": {"train_every": 64, "gradient_steps": 4}}


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_starts_and_learns_the_same_bits_in_one_and_in_two_threads(
    name: str, fatigue: Tables, practice: Callable[[Agent, Tables, int], None], threads: Callable[[int], None]
) -> None:
    started, trained = [], []
    for n in (1, 2):
        threads(n)
        agent = make_agent(name, fatigue, seed=3, num_envs=16, **SMALL.get(name, {}))
        started.append(agent.state_arrays(training=True))
        steps = getattr(agent.settings, "steps", 20)
        practice(agent, fatigue, steps)
        trained.append(agent.state_arrays(training=True))
        assert torch.get_num_threads() == n
    for one, two in (started, trained):
        assert one.keys() == two.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], two[key], err_msg=key)


@pytest.mark.parametrize(
    "name", [name for name, entry in AGENTS.items() if entry.path.startswith("preroll.agents.deep")]
)
def test_whatever_a_network_computes_it_computes_in_one_thread(
    name: str,
    fatigue: Tables,
    practice: Callable[[Agent, Tables, int], None],
    threads: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also the values beyond the horizon, from which some agents bootstrap."""
    threads(2)
    tables = Tables.compile(Scenario.load("fatigue").replace({"session.horizon": 4}), fatigue.catalog)
    beyond = {"bootstrap_at_horizon": True} if name != "neural-linear" else {}
    agent = make_agent(name, tables, num_envs=16, **SMALL.get(name, {"steps": 8}), **beyond)
    seen: set[int] = set()

    def note(*_: Any) -> None:
        seen.add(torch.get_num_threads())

    outputs = Perceptron.outputs
    monkeypatch.setattr(Perceptron, "outputs", lambda *inputs: note() or outputs(*inputs))  # type: ignore[func-returns-value]
    hook = torch.nn.modules.module.register_module_forward_pre_hook(note)
    try:
        practice(agent, tables, 10)
        agent.action_probabilities(tables.arrays.rows)
    finally:
        hook.remove()
    assert seen == {1}


def test_a_run_names_its_threads_and_is_the_same_in_one_and_in_two(
    fatigue: Tables, tmp_path: Path, threads: Callable[[int], None]
) -> None:
    saved = []
    for n in (1, 2):
        threads(n)
        train(
            "lean-ppo", scenario=fatigue.scenario, catalog=fatigue.catalog, sessions=20, run=tmp_path / str(n),
            settings={"num_envs": 8, "steps": 10},
        )  # fmt: skip
        assert json.loads((tmp_path / str(n) / "result.json").read_text())["threads"] == n
        saved.append((tmp_path / str(n) / "agent" / "arrays.safetensors").read_bytes())
    assert saved[0] == saved[1]
