"""Whatever chooses ads is evaluated in the form in which people have it, and is the same player in each."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from preroll.agents import OnnxAgent, PrerollVecEnv, export_onnx, load_agent, make_agent, save_agent
from preroll.envs import Optimum, PhasedOptimum, Policy, Tables, rollout, tabulate
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations import Run, evaluate, train, write_impressions
from preroll.simulations.evaluation.players import Player


@pytest.fixture(scope="module")
def classic(small_catalog: Catalog) -> Tables:
    return Tables.compile("classic", small_catalog)


def test_one_policy_is_the_same_in_every_form(small_catalog: Catalog, classic: Tables, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "always-long"
    result = train("always-long", catalog=small_catalog, sessions=10, run=run)
    agent = result.agent
    agent.save(tmp_path / "agent")
    export_onnx(agent, tmp_path / "policy.onnx")
    forms: dict[str, Player] = {
        "agent": agent,
        "table": agent.policy(classic),
        "training": result,
        "run that is open": Run.load(run),
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


def test_a_training_alone_has_the_name_of_its_agent_and_a_run_that_of_its_folder(
    small_catalog: Catalog, classic: Tables, tmp_path: Path
) -> None:
    result = train("always-long", catalog=small_catalog, sessions=10, run=tmp_path / "first")
    players: list[Player] = [result, Run.load(tmp_path / "first")]
    assert [evaluate(player, classic, sessions=30).rows[0].name for player in players] == ["always-long", "first"]


def test_a_saved_model_is_told_how_it_is_read(classic: Tables, tmp_path: Path) -> None:
    (tmp_path / "m.zip").write_bytes(b"PK")
    with pytest.raises(PrerollError, match=r"m\.zip: is a zip, .* import_sb3\(path, scenario, trust_pickle=True\)"):
        evaluate(tmp_path / "m.zip", classic, sessions=30)


def test_a_folder_that_is_missing_is_said_with_the_nearest_name(classic: Tables, tmp_path: Path) -> None:
    """A bug once: the message named a file of the folder, of which nobody had spoken."""
    make_agent("random", classic).save(tmp_path / "thompson")
    for call in (load_agent, lambda folder: evaluate(folder, classic, sessions=30)):
        with pytest.raises(PrerollError, match=r"^agent .*thomson: no such folder; did you mean .*thompson\?$"):
            call(tmp_path / "thomson")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PrerollError, match=r"^agent .*empty: it has no manifest\.json, so it holds no saved agent$"):
        load_agent(tmp_path / "empty")


def test_what_has_a_table_is_valued_explained_and_played_as_its_table(classic: Tables) -> None:
    """A bug once: agents were answered with an AttributeError."""
    agent = make_agent("always-long", classic)
    own = SimpleNamespace(act=agent.act, action_probabilities=agent.action_probabilities)
    optimum, table = Optimum(classic), agent.policy(classic)
    for given in (agent, own, agent.action_probabilities):
        assert optimum.value_of(given) == PhasedOptimum(classic).value_of(given) == optimum.value_of(table)
        assert optimum.explain(given).lost == optimum.explain(table).lost
        assert np.array_equal(
            rollout(classic, given, seed=1, lanes=3).revenue, rollout(classic, table, seed=1, lanes=3).revenue
        )
        told = tabulate(classic, given).probabilities
        assert table.probabilities is not None
        assert told is not None
        assert np.array_equal(told, table.probabilities)


NO_TABLES: list[Any] = ["runs/x", 3, None, SimpleNamespace(policy=print), np.zeros(6), dict]


@pytest.mark.parametrize("given", NO_TABLES, ids=map(repr, NO_TABLES))
def test_what_has_no_table_is_refused_by_what_is_taken(given: Any, classic: Tables, tmp_path: Path) -> None:
    optimum = Optimum(classic)
    for call in (
        lambda: optimum.value_of(given),
        lambda: optimum.explain(given),
        lambda: optimum.visits(given),
        lambda: PhasedOptimum(classic).value_of(given),
        lambda: rollout(classic, given, seed=1),
        lambda: tabulate(classic, given),
    ):
        with pytest.raises(PrerollError, match=r"^policy: .*: a policy table is expected, or what has one: an agent"):
            call()
    if isinstance(given, str):
        return
    for write in (lambda: save_agent(given, tmp_path / "a"), lambda: export_onnx(given, tmp_path / "a.onnx")):
        with pytest.raises(PrerollError, match=r"^agent: .*: an agent of preroll.agents, or the folder of one"):
            write()
    assert not list(tmp_path.iterdir())


def test_an_agent_of_another_scenario_has_no_table_here(classic: Tables, small_catalog: Catalog) -> None:
    agent = make_agent("thompson", classic)
    with pytest.raises(PrerollError, match="agent thompson: was trained with other ads"):
        Optimum(Tables.compile("fatigue", small_catalog)).value_of(agent)


def test_the_folder_of_an_agent_stands_for_it(classic: Tables, tmp_path: Path) -> None:
    agent, folder = make_agent("always-long", classic), str(tmp_path / "saved")
    save_agent(agent, folder)
    save_agent(folder, tmp_path / "again")
    assert load_agent(tmp_path / "again").name == "always-long"
    assert export_onnx(folder, tmp_path / "a.onnx") == export_onnx(agent, tmp_path / "b.onnx")
    rows = [
        write_impressions(tmp_path / "log.csv", given, classic, sessions=3)
        for given in (agent, folder, str(tmp_path / "a.onnx"))
    ]
    assert len(set(rows)) == 1
    with pytest.raises(PrerollError, match="agent: Policy: an agent is expected, which tells its propensities"):
        write_impressions(tmp_path / "other.csv", agent.policy(classic), classic, sessions=3)


def test_an_agent_is_not_made_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"OnnxAgent: 'x\.onnx': a SessionSpec is expected; .* OnnxAgent\.from_file"):
        OnnxAgent("x.onnx", "classic")  # type: ignore[arg-type]


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
        ("runs/none", r"^agent runs.none: no such folder$"),
        (__file__, r"test_players.py: is no ONNX model"),
        (3, r"agent mine: has no act\(observations\), which returns the number of an ad for each row; it is of int"),
        (None, r"agent mine: has no act\(observations\).*; it is of NoneType"),
        (dict, r"agent mine: is the class dict: an object"),
        (lambda seen: seen, r"agent mine: act returned float32 \(30, \d+\): an ad from 0 to 5"),
    ],
)
def test_what_is_no_player_is_said_by_its_name(player: Any, message: str, classic: Tables) -> None:
    with pytest.raises(PrerollError, match=message):
        evaluate({"mine": player}, classic, sessions=30)


def test_runs_know_what_they_are_evaluated_on(small_catalog: Catalog, classic: Tables, tmp_path: Path) -> None:
    """In every form of one training; and a list has the names that a mapping would give."""
    long, short = tmp_path / "long", tmp_path / "short"
    result = train("always-long", catalog=small_catalog, sessions=10, run=long)
    train("always-short", catalog=small_catalog, sessions=10, run=short)
    told = evaluate({"long": long, "short": short}, Tables.compile("classic", small_catalog), sessions=60)
    assert evaluate([str(long), Run.load(short)], sessions=60) == told
    assert evaluate([long, short], classic, sessions=60) == told
    for one in (long, str(long), Run.load(long), result):
        assert evaluate({"long": one}, sessions=60)["long"].revenue == told["long"].revenue
    with pytest.raises(PrerollError, match=r"^agent long: is given twice; give names, as \{'first': …"):
        evaluate([long, Run.load(long)])


def test_players_that_know_no_scenario_or_not_the_same_need_one_named(
    small_catalog: Catalog, classic: Tables, tmp_path: Path
) -> None:
    saved, run, other = (tmp_path / name for name in ("saved", "run", "other"))
    agent = make_agent("always-long", classic)
    agent.save(saved)
    train("always-long", catalog=small_catalog, sessions=10, run=run)
    train("always-long", scenario="fatigue", catalog=small_catalog, sessions=10, run=other)
    demo = train("always-long", sessions=10)
    for player in (agent, saved, agent.act, agent.policy(classic)):
        with pytest.raises(PrerollError, match=r"^agent mine: is no run, which knows its scenario: say what is played"):
            evaluate({"first": run, "mine": player})
    with pytest.raises(PrerollError, match=r"^agents run and other: were trained on different scenarios: say what"):
        evaluate([run, other])
    with pytest.raises(PrerollError, match=r"^agents run and demo: were trained on different catalogs"):
        evaluate({"run": run, "demo": demo})
    with pytest.raises(PrerollError, match="no player and no scenario"):
        evaluate({})
    with pytest.raises(PrerollError, match=r"othr: no such folder; did you mean .*other\?$"):
        evaluate(tmp_path / "othr")


def test_a_file_that_is_missing_and_the_name_of_an_agent_are_said_with_what_is_meant(
    classic: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    export_onnx(make_agent("always-long", classic), tmp_path / "x2.onnx")
    with pytest.raises(PrerollError, match=r"^agent z\.onnx: no such file; did you mean x2\.onnx\?$"):
        evaluate("z.onnx", classic)
    for call in (lambda: evaluate("thompson", classic), lambda: evaluate("thompson"), lambda: load_agent("thompson")):
        with pytest.raises(PrerollError, match=r"no such folder; make_agent\('thompson', scenario\) makes an agent"):
            call()


def test_an_agent_in_a_file_is_checked_as_one_in_memory(small_catalog: Catalog, tmp_path: Path) -> None:
    agent = make_agent("thompson", Tables.compile("classic", small_catalog))
    agent.save(tmp_path / "agent")
    with pytest.raises(PrerollError, match="agent mine: was trained with other ads"):
        evaluate({"mine": str(tmp_path / "agent")}, Tables.compile("fatigue", small_catalog))
