"""Whatever chooses ads is evaluated in the form in which people have it, and is the same player in each."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from preroll.agents import PrerollVecEnv, export_onnx, make_agent
from preroll.envs import Policy, Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations import evaluate, train
from preroll.simulations.evaluation.players import Player


@pytest.fixture(scope="module")
def classic(small_catalog: Catalog) -> Tables:
    return Tables.compile("classic", small_catalog)


def test_one_policy_is_the_same_in_every_form(small_catalog: Catalog, classic: Tables, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "always-long"
    agent = train("always-long", catalog=small_catalog, sessions=10, run=run).agent
    agent.save(tmp_path / "agent")
    export_onnx(agent, tmp_path / "policy.onnx")
    forms: dict[str, Player] = {
        "agent": agent,
        "table": agent.policy(classic),
        "run": run,
        "run as text": str(run),
        "folder of an agent": tmp_path / "agent",
        "file": tmp_path / "policy.onnx",
        "file as text": str(tmp_path / "policy.onnx"),
        "object": SimpleNamespace(act=agent.act),
        "function": lambda seen: agent.action_probabilities(seen).argmax(axis=1),
    }
    evaluation = evaluate(forms, classic, sessions=300)
    assert [row.name for row in evaluation.rows][:-3] == list(forms)
    assert {evaluation[name].revenue for name in forms} == {evaluation["agent"].revenue}
    exact = {name: evaluation[name].exact_revenue for name in forms}
    assert {name for name, value in exact.items() if value is None} == {"object", "function"}
    assert len({value for value in exact.values() if value is not None}) == 1


def test_a_player_alone_has_the_name_that_it_is_known_by(classic: Tables, tmp_path: Path) -> None:
    agent = make_agent("always-long", classic)
    agent.save(tmp_path / "saved")

    def first(observations: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.zeros(len(observations), np.int64)

    players: list[Player] = [agent, tmp_path / "saved", str(tmp_path / "saved"), first, agent.policy(classic)]
    names = [evaluate(player, classic, sessions=30).rows[0].name for player in players]
    assert names == ["always-long", "saved", "saved", "first", "Policy"]


def test_a_model_of_stable_baselines3_is_evaluated_as_it_predicts(small_catalog: Catalog, classic: Tables) -> None:
    from stable_baselines3 import PPO

    model = PPO("MlpPolicy", PrerollVecEnv(8, catalog=small_catalog), n_steps=8, batch_size=64, seed=1, device="cpu")
    chosen = evaluate(
        {"model": model, "function": lambda seen: model.predict(seen, deterministic=True)[0]}, classic, sessions=300
    )
    assert chosen["model"].revenue == chosen["function"].revenue
    assert chosen["model"].exact_revenue is not None
    with pytest.raises(PrerollError, match=r"agent ppo: was trained with other observations: \(\d+,\); scenario"):
        evaluate({"ppo": model}, Tables.compile("fatigue", small_catalog))


class Counts:
    """A recurrent model, as far as it is used: its state is the number of slots of the session."""

    observation_space: Any
    action_space = spaces.Discrete(6)

    def __init__(self, tables: Tables) -> None:
        self.observation_space = spaces.Box(0, 1, (tables.layout.size,))

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[NDArray[np.int64], Any]:
        count = np.zeros(len(observation), np.int64) if state is None else state[0] + 1
        count = count if episode_start is None else np.where(episode_start, 0, count)
        return np.minimum(count, 5), (count,)


def test_what_remembers_is_told_of_every_new_session(classic: Tables) -> None:
    """A count of slots is the plan that shows one ad after the other; no session begins where another stopped."""
    plan = np.minimum(np.arange(classic.n_slots), 5)
    counts = Counts(classic)
    evaluation = evaluate({"plan": Policy(ads=plan[:, None, None, None]), "model": counts}, classic, sessions=300)
    assert evaluation["model"].revenue == evaluation["plan"].revenue
    assert evaluation["model"].exact_revenue is None
    assert evaluate({"again": counts}, classic, sessions=300)["again"].revenue == evaluation["plan"].revenue


@pytest.mark.parametrize(
    ("player", "message"),
    [
        ("runs/none", r"runs.none.manifest.json: cannot be read: .*runs.none holds no saved agent"),
        (__file__, r"test_players.py: is no ONNX model"),
        (3, r"agent mine: is of int: an object with act\(observations\)"),
        (dict, r"agent mine: is the class dict: an object"),
        (lambda seen: seen, r"agent mine: act returned float32 \(30, \d+\): an ad from 0 to 5"),
    ],
)
def test_what_is_no_player_is_said_by_its_name(player: Any, message: str, classic: Tables) -> None:
    with pytest.raises(PrerollError, match=message):
        evaluate({"mine": player}, classic, sessions=30)


def test_an_agent_in_a_file_is_checked_as_one_in_memory(small_catalog: Catalog, tmp_path: Path) -> None:
    agent = make_agent("thompson", Tables.compile("classic", small_catalog))
    agent.save(tmp_path / "agent")
    with pytest.raises(PrerollError, match="agent mine: was trained with other ads"):
        evaluate({"mine": str(tmp_path / "agent")}, Tables.compile("fatigue", small_catalog))
