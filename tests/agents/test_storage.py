import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.agents import AGENTS, Agent, load_agent, make_agent
from preroll.envs import Tables
from preroll.errors import PrerollError

Practice = Callable[[Agent, Tables, int], None]
SMALL: dict[str, dict[str, Any]] = {
    "ppo": {"num_envs": 8, "steps": 10, "batch": 40},
    "neural-linear": {"num_envs": 8, "train_every": 80, "buffer": 300, "batch": 32, "gradient_steps": 5},
    "dqn": {"num_envs": 8, "learning_starts": 80, "batch": 32, "buffer": 1_000},
}


@pytest.mark.parametrize("name", list(AGENTS))
def test_a_loaded_agent_decides_as_the_saved_one(
    name: str, fatigue: Tables, practice: Practice, some_observations: NDArray[np.float32], tmp_path: Path
) -> None:
    agent = make_agent(name, fatigue, seed=2, **SMALL.get(name, {"num_envs": 8}))
    practice(agent, fatigue, 25)
    agent.save(tmp_path / "agent")
    loaded = load_agent(tmp_path / "agent")
    assert type(loaded) is type(agent)
    assert (loaded.settings, loaded.steps, loaded.total_steps) == (agent.settings, 200, 200)
    assert loaded.spec.labels == agent.spec.labels
    for explore in (False, True):
        before = agent.action_probabilities(some_observations, explore=explore)
        assert np.array_equal(loaded.action_probabilities(some_observations, explore=explore), before)
        assert np.array_equal(
            loaded.act(some_observations, explore=explore), agent.act(some_observations, explore=explore)
        )


@pytest.mark.parametrize("name", [name for name, entry in AGENTS.items() if entry.family != "baseline"])
def test_an_agent_saved_for_training_goes_on_exactly_where_it_stood(
    name: str, fatigue: Tables, practice: Practice, tmp_path: Path
) -> None:
    agent = make_agent(name, fatigue, seed=2, **SMALL.get(name, {"num_envs": 8}))
    practice(agent, fatigue, 25)
    agent.save(tmp_path / "agent", training=True)
    loaded = load_agent(tmp_path / "agent")
    for each in (agent, loaded):
        practice(each, fatigue, 33)
    for key, array in agent.state_arrays(training=True).items():
        assert np.array_equal(loaded.state_arrays(training=True)[key], array), key
    assert loaded.state_scalars(training=True) == agent.state_scalars(training=True)


def test_a_folder_holds_no_pickle_and_is_replaced_as_a_whole(classic: Tables, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    make_agent("ppo", classic).save(folder)
    make_agent("thompson", classic).save(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["agent.json", "arrays.safetensors", "manifest.json"]
    assert load_agent(folder).name == "thompson"
    assert [path.name for path in tmp_path.iterdir()] == ["agent"]


@pytest.mark.parametrize("name", ["agent.json", "arrays.safetensors"])
def test_a_changed_file_is_refused_by_name(name: str, classic: Tables, tmp_path: Path) -> None:
    make_agent("thompson", classic).save(tmp_path / "agent")
    path = tmp_path / "agent" / name
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(PrerollError, match=rf"{name}: is not the file that was written"):
        load_agent(tmp_path / "agent")


def test_what_is_no_saved_agent_is_refused_in_one_line(classic: Tables, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="holds no saved agent"):
        load_agent(tmp_path)
    (tmp_path / "manifest.json").write_text("[1]")
    with pytest.raises(PrerollError, match=r"manifest\.json: has no seal"):
        load_agent(tmp_path)
    with pytest.raises(PrerollError, match=r"cannot be replaced: .*manifest\.json: has no seal"):
        make_agent("thompson", classic).save(tmp_path)
    make_agent("thompson", classic).save(tmp_path / "agent")
    (tmp_path / "agent" / "arrays.safetensors").unlink()
    with pytest.raises(PrerollError, match=r"arrays\.safetensors: cannot be read"):
        load_agent(tmp_path / "agent")


def test_view_probabilities_are_not_among_what_an_agent_takes_along(classic: Tables, tmp_path: Path) -> None:
    make_agent("thompson", classic).save(tmp_path / "agent")
    about = json.loads((tmp_path / "agent" / "agent.json").read_text())
    assert "view_probability" not in json.dumps(about)
