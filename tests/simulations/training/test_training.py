from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from preroll.agents import Transitions, make_agent
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.training.run import Run
from preroll.simulations.training.training import fit, prepare, train


@pytest.fixture(scope="module")
def tables(small_catalog: Catalog) -> Tables:
    return Tables.compile("classic", small_catalog)


@pytest.fixture(scope="module")
def fatigue(small_catalog: Catalog) -> Tables:
    return Tables.compile("fatigue", small_catalog)


@pytest.mark.parametrize("name", ["thompson", "linucb"])
def test_bandits_find_the_best_ads_of_classic(name: str, small_catalog: Catalog) -> None:
    result = train(name, catalog=small_catalog, sessions=1000, seed=1)
    exact = evaluate({name: result.agent}, result.tables, sessions=1000)[name].exact_revenue
    assert exact is not None
    assert exact >= 0.97 * result.optimum


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("dqn", {"learning_starts": 320, "batch": 64, "target_every": 10, "learning_rate": 3e-3}),
        ("ppo", {"batch": 160, "steps": 20, "learning_rate": 5e-3}),
    ],
)
def test_deep_agents_learn_in_the_same_loop(name: str, settings: dict[str, float], small_catalog: Catalog) -> None:
    result = train(name, catalog=small_catalog, sessions=640, seed=1, settings={"num_envs": 32, **settings})
    row = evaluate({name: result.agent}, result.tables, sessions=1000)[name]
    assert row.exact_revenue is not None
    assert row.exact_revenue > 0.85 * result.optimum


def test_the_same_seed_gives_the_same_curve_and_another_one_does_not(small_catalog: Catalog) -> None:
    curves = [train("thompson", catalog=small_catalog, sessions=200, seed=seed).curve for seed in (3, 3, 4)]
    assert curves[0] == curves[1] != curves[2]


def test_agents_learn_from_the_true_last_observation_of_a_session(
    fatigue: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a session ended, progress has grown by one slot; elsewhere the next observation is acted on next."""
    seen: list[Transitions] = []

    def update(transitions: Transitions) -> None:
        # the loop's environment reuses its arrays
        seen.append(deepcopy(transitions))

    agent = make_agent("random", fatigue, num_envs=32)
    monkeypatch.setattr(agent, "update", update)
    fit(agent, fatigue, sessions=200)
    progress = fatigue.layout.parts["progress"].start
    ends = [t for t in seen if t.ended.any()]
    assert sum(t.ended.sum() for t in ends) >= 200
    for t in ends:
        grown = t.next_observations[:, progress] - t.observations[:, progress]
        np.testing.assert_allclose(grown, 1 / fatigue.n_slots, atol=1e-6)
    for before, after in pairwise(seen):
        if before.ended.any():
            np.testing.assert_array_equal(before.next_observations[~before.ended], after.observations[~before.ended])


def test_schedules_end_with_the_training_though_users_leave_early(fatigue: Tables) -> None:
    agent = make_agent("random", fatigue, num_envs=16)
    fit(agent, fatigue, sessions=2000)
    assert 0.95 < agent.steps / agent.total_steps < 1.1


def test_fewer_sessions_than_lanes_need_fewer_lanes(tables: Tables) -> None:
    agent = make_agent("random", tables, num_envs=64)
    fit(agent, tables, sessions=3)
    assert agent.steps == 3 * 20


def test_progress_counts_every_session_once(tables: Tables) -> None:
    counted: list[int] = []
    fit(make_agent("random", tables, num_envs=48), tables, sessions=100, advance=counted.append)
    assert sum(counted) == 100


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            {"agent": "thomson"},
            "agent 'thomson': unknown; did you mean thompson or window-thompson. Agents are",
        ),
        ({"sessions": 0}, "sessions: 0: at least 1"),
        (
            {"settings": {"epsilon": 1}},
            r"agent thompson: unknown setting 'epsilon'; did you mean sessions\? Settings are",
        ),
        ({"scenario": "clasic"}, "scenario 'clasic': no such preset or file"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(
    arguments: dict[str, object], line: str, small_catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(PrerollError, match=line) as error:
        prepare(**{"agent": "thompson", "catalog": small_catalog, "run": tmp_path / "run", **arguments})  # type: ignore[arg-type]
    assert error.value.status == 2
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_run_names_one_number_of_sessions(small_catalog: Catalog, tmp_path: Path) -> None:
    train("thompson", catalog=small_catalog, settings={"num_envs": 8}, sessions=40, run=tmp_path / "run")
    run = Run.load(tmp_path / "run")
    assert run.settings.sessions == run.settings.settings["sessions"] == run.load_agent().settings.sessions == 40
    assert prepare("thompson", catalog=small_catalog, scenario="drift").sessions == 19_200
