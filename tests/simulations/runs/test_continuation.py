"""A finished run is trained on: as if it had not ended, as far as it keeps what that takes."""

import hashlib
import json
import math
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from preroll.agents import AGENTS, Agent, make_agent
from preroll.envs import Scenario, Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import PrerollError
from preroll.simulations import Run, continue_training, resume, train
from preroll.simulations.runs.continuation import prepare_continuation
from preroll.simulations.runs.import_run import write_imported
from preroll.simulations.training.loop import Loop
from preroll.simulations.training.training import prepare
from tests.resealed import reseal

DQN = {"num_envs": 16, "learning_starts": 160, "batch": 64, "buffer": 3_000, "target_every": 7}
PPO = {"num_envs": 16, "steps": 13, "batch": 104}
NEURAL = {"num_envs": 16, "train_every": 200, "batch": 32, "gradient_steps": 5, "buffer": 1_500}


def same(one: Agent, other: Agent) -> bool:
    """Both have learned the same, bit for bit."""
    arrays, others = one.state_arrays(), other.state_arrays()
    return all(np.array_equal(arrays[name], others[name]) for name in [*arrays, *others])


@pytest.mark.parametrize(
    "name", ["ucb1", "thompson", "window-thompson", "epsilon-greedy", "exp3", "linucb", "squarecb"]
)
def test_one_lane_goes_on_to_the_last_bit_as_if_it_had_not_ended(name: str, tmp_path: Path) -> None:
    """With one lane no session is under way at the end, and these agents keep all that they learn from."""
    settings = {"num_envs": 1, **({"window": 40} if name == "window-thompson" else {})}
    train(name, scenario="fatigue", sessions=60, run=tmp_path / "first", settings=settings)
    more = continue_training(tmp_path / "first", 40)
    whole = train(name, scenario="fatigue", sessions=100, settings=settings)
    assert same(more.agent, whole.agent)
    assert more.agent.rng.bit_generator.state == whole.agent.rng.bit_generator.state
    assert (more.steps, more.lane_sessions) == (whole.steps, whole.lane_sessions)
    assert more.curve.values["regret/total"][-1] == pytest.approx(whole.curve.values["regret/total"][-1], rel=1e-12)


def test_what_a_bandit_counted_adds_up_and_its_views_are_those_of_the_users(tmp_path: Path) -> None:
    """False alarm below 1e-9: views less their expectation is a martingale with steps of range 1 (Azuma, Hoeffding)."""
    first = train("thompson", scenario="classic", sessions=1000, seed=5, run=tmp_path / "first").agent
    more = continue_training(tmp_path / "first", 1000, to=tmp_path / "more")
    before, after = first.state_arrays(), more.agent.state_arrays()
    assert after["counts"].sum() == more.agent.steps == more.steps
    new = after["counts"] - before["counts"]
    assert new.min() >= 0
    assert new.sum() == more.steps - first.steps > 1000 * 15
    ads, categories = more.tables.scenario.ads, more.agent.spec.categories
    mismatch = more.tables.scenario.user.mismatch
    own = [ad.view_probability for ad in ads if isinstance(ad.view_probability, float)]
    fits = [[1 if ad.category == kind else mismatch for ad in ads] for kind in categories]
    chance = np.array(own) * fits
    gap = (after["sums"] - before["sums"]).sum() - (new * chance).sum()
    assert abs(gap) < math.sqrt(new.sum() * math.log(2 / 1e-9) / 2)


def test_every_lane_meets_users_that_none_has_met(tmp_path: Path) -> None:
    def sessions(training: Any) -> set[tuple[int, int]]:
        """Plays a training: the (stream, number) of every session that was begun."""
        loop = Loop(training.agent, training.tables, training.sessions, PhasedOptimum(training.tables), training.origin)
        loop.start(training.seed)
        begun = set()
        while not loop.done:
            begun |= set(enumerate(loop.envs.sessions_started.tolist()))
            loop.step()
        return begun

    settings = {"num_envs": 16}
    prepare("thompson", scenario="fatigue", sessions=10, run=tmp_path / "first", settings=settings).run()
    first = sessions(prepare("thompson", scenario="fatigue", sessions=10, settings=settings))
    # more lanes than the first part, which had one for each of its ten sessions
    second = sessions(prepare_continuation(tmp_path / "first", 60))
    assert {lane for lane, _ in first} == set(range(10))
    assert {lane for lane, _ in second} == set(range(16))
    assert not first & second


def test_drift_goes_on(tmp_path: Path) -> None:
    """Eight lanes of one-slot sessions: rewards double with the eleventh session of every lane."""
    scenario = Scenario.load("classic").replace(
        {"session.horizon": 1, "drift": [{"from_session": 10, "set": {"ads.*.*.reward": {"scale": 2}}}]}
    )
    settings = {"num_envs": 8}
    first = train("optimum", scenario=scenario, sessions=80, run=tmp_path / "first", settings=settings)
    more = continue_training(tmp_path / "first", 80, to=tmp_path / "more")
    last = continue_training(tmp_path / "more", 80)
    assert (first.phases, more.phases, last.phases) == (1, 2, 2)
    assert (first.lane_sessions, more.lane_sessions, last.lane_sessions) == (10, 20, 30)
    columns = [np.array(result.curve.to_dict()["values"]["session/expected"]) for result in (first, more, last)]
    regrets = [np.array(result.curve.to_dict()["values"]["session/regret"]) for result in (first, more, last)]
    best = [float((one + other)[0]) for one, other in zip(columns, regrets, strict=True)]
    assert best == pytest.approx([best[0], 2 * best[0], 2 * best[0]])


def test_the_curve_counts_on_from_the_end_of_the_run(tmp_path: Path) -> None:
    first = train("thompson", scenario="classic", sessions=120, run=tmp_path / "first")
    second = continue_training(tmp_path / "first", 60, to=tmp_path / "second")
    third = continue_training(tmp_path / "second", 110, to=tmp_path / "third")
    assert [result.curve.sessions for result in (first, second, third)] == [[50, 100, 120], [170, 180], [230, 280, 290]]
    assert [result.sessions for result in (first, second, third)] == [120, 60, 110]
    widths = np.diff([0, *first.curve.sessions, *second.curve.sessions, *third.curve.sessions])
    total = [one for result in (first, second, third) for one in result.curve.values["session/regret"]]
    assert third.curve.values["regret/total"][-1] == pytest.approx(widths @ np.array(total, np.float64))
    run = Run.load(tmp_path / "third")
    assert run.curve.sessions == third.curve.sessions
    events: Any = EventAccumulator(str(run.path)).Reload()
    assert [point.step for point in events.Scalars("session/revenue")] == [230, 280, 290]
    assert run.settings.total_sessions == 290


def test_a_run_names_the_one_that_it_continues_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    def content() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in first.rglob("*") if path.is_file()}

    first = tmp_path / "runs" / "first"
    train("thompson", scenario="classic", sessions=60, seed=9, run=first)
    before = content()
    continue_training(first, 50, to=tmp_path / "elsewhere" / "more")
    assert content() == before
    run = Run.load(tmp_path / "elsewhere" / "more")
    origin = run.settings.origin
    assert origin is not None
    assert origin.path == "../../runs/first"
    assert origin.sha256 == hashlib.sha256((first / "result.json").read_bytes()).hexdigest()
    assert (run.settings.seed, run.settings.sessions, origin.sessions) == (9, 50, 60)
    assert str(tmp_path) not in (run.path / "settings.yaml").read_text()
    assert "origin" not in (first / "settings.yaml").read_text()


def test_schedules_stay_at_their_ends(tmp_path: Path) -> None:
    run = prepare("dqn", scenario="fatigue", sessions=100, run=tmp_path / "first", settings=DQN).run()
    more = continue_training(tmp_path / "first", 150)
    assert run.curve.values["agent/epsilon"][0] != run.curve.values["agent/epsilon"][-1]
    assert set(more.curve.values["agent/epsilon"]) == {more.agent.settings.final_epsilon}  # type: ignore[attr-defined]
    rates = more.curve.values["agent/learning_rate"]
    assert rates == pytest.approx([more.agent.settings.final_learning_rate] * len(rates))  # type: ignore[attr-defined]
    assert more.agent.progress == 1.0


def test_a_replay_buffer_is_filled_before_learning_goes_on(tmp_path: Path) -> None:
    settings = {**DQN, "learning_starts": 2_000}
    train("dqn", scenario="fatigue", sessions=200, run=tmp_path / "first", settings=settings)
    agent = Run.load(tmp_path / "first").load_agent()
    told = "the replay buffer starts empty: learning goes on once it holds 2,000 transitions; Adam's moments start at 0"
    assert agent.missing() == told
    few = continue_training(tmp_path / "first", 30)
    assert same(few.agent, agent)
    assert any("transitions are fewer than learning_starts (2,000)" in note for note in few.notes)
    many = continue_training(tmp_path / "first", 250)
    assert not same(many.agent, agent)
    assert not many.notes


def test_a_buffer_smaller_than_learning_starts_is_filled_once(tmp_path: Path) -> None:
    train("dqn", scenario="fatigue", sessions=60, run=tmp_path / "first", settings={**DQN, "buffer": 64})
    agent = Run.load(tmp_path / "first").load_agent()
    assert "once it holds 64 transitions" in agent.missing()
    assert not same(continue_training(tmp_path / "first", 60).agent, agent)


def test_neural_linear_forgets_nothing_before_its_buffer_is_full_again(tmp_path: Path) -> None:
    first = train("neural-linear", scenario="fatigue", sessions=150, run=tmp_path / "first", settings=NEURAL).agent
    assert "once it holds 1,500 transitions" in first.missing()

    def network(sessions: int) -> bool:
        arrays, before = continue_training(tmp_path / "first", sessions).agent.state_arrays(), first.state_arrays()
        return all(np.array_equal(arrays[name], before[name]) for name in arrays if name.startswith("network/"))

    assert network(16)  # sessions of at most 40 slots, side by side
    assert not network(150)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("thompson", {}),
        ("dqn", DQN),
        ("ppo", PPO),
        ("lean-ppo", PPO),
        ("recurrent-ppo", PPO),
        ("neural-linear", NEURAL),
    ],
)
def test_a_continued_training_that_is_stopped_resumes_bit_for_bit(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    train(name, scenario="fatigue", sessions=60, run=tmp_path / "first", settings=settings)
    continue_training(tmp_path / "first", 90, to=tmp_path / "straight")
    left = 37

    def stop() -> int:
        nonlocal left
        left -= 1
        return 0 if left else signal.SIGTERM

    with pytest.raises(PrerollError, match="go on with"):
        prepare_continuation(tmp_path / "first", 90, to=tmp_path / "stopped").run(stop=stop)
    shutil.rmtree(tmp_path / "first")  # it is not needed any more
    resume(tmp_path / "stopped")
    for file in ("agent/agent.json", "agent/arrays.safetensors", "settings.yaml", "scenario.yaml"):
        assert (tmp_path / "straight" / file).read_bytes() == (tmp_path / "stopped" / file).read_bytes(), file
    one, two = (json.loads((tmp_path / run / "result.json").read_text()) for run in ("straight", "stopped"))
    assert one["curve"] == two["curve"]
    assert one["lane_sessions"] == two["lane_sessions"]


@pytest.mark.parametrize("name", list(AGENTS))
def test_an_agent_says_what_it_lacks_where_a_run_does_not_keep_all(name: str) -> None:
    agent = train(name, scenario="fatigue", sessions=20, settings={"num_envs": 4}).agent
    assert (set(agent.state_arrays(training=True)) > set(agent.state_arrays())) == bool(agent.missing())


@pytest.mark.parametrize("name", ["random", "greedy", "optimum"])
def test_baselines_and_oracles_play_on(name: str, tmp_path: Path) -> None:
    train(name, scenario="fatigue", sessions=60, run=tmp_path / "first")
    more = continue_training(tmp_path / "first", 60)
    assert more.agent.missing() == ""
    assert more.curve.sessions[-1] == 120


def test_an_imported_agent_is_trained_on_from_its_first_session(tmp_path: Path) -> None:
    tables = Tables.compile("fatigue", "demo")
    agent = make_agent("lean-ppo", tables, **PPO)
    agent.steps = agent.total_steps = 1000
    write_imported(agent, tables, tmp_path / "imported")
    more = continue_training(tmp_path / "imported", 100, to=tmp_path / "more")
    assert more.curve.sessions == [50, 100]
    assert not same(more.agent, agent)
    rates = more.curve.values["agent/learning_rate"]
    assert rates == pytest.approx([agent.settings.final_learning_rate] * 2)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, small_catalog_folder: Path) -> Path:
    """A folder with a catalog and a run on it."""
    place = tmp_path_factory.mktemp("finished")
    shutil.copytree(small_catalog_folder, place / "catalog")
    train("thompson", catalog=place / "catalog", sessions=60, run=place / "first")
    return place


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "place")


def test_a_changed_catalog_is_refused_until_one_is_named(place: Path) -> None:
    importance = place / "catalog" / "importance.npy"
    np.save(importance, np.load(importance) / 2)
    reseal(place / "catalog")
    with pytest.raises(PrerollError, match=r"catalog.sha256: the catalog .* has changed .*name the one to use"):
        continue_training(place / "first", 50, to=place / "more")
    assert continue_training(place / "first", 50, catalog=place / "catalog").sessions == 50


def test_an_agent_that_does_not_fit_its_scenario_is_refused(place: Path) -> None:
    (place / "first" / "scenario.yaml").write_text(Scenario.load("fatigue").dump())
    reseal(place / "first")
    with pytest.raises(PrerollError, match="agent thompson: was trained with other"):
        continue_training(place / "first", 50)


@pytest.mark.parametrize("sessions", [0, -1, 10**9])
def test_the_number_of_further_sessions_is_checked(place: Path, sessions: int) -> None:
    with pytest.raises(PrerollError, match=rf"sessions: {sessions}: 1 to 999,999,940 further ones are allowed"):
        continue_training(place / "first", sessions, to=place / "more")
    assert not (place / "more").exists()


def test_an_unfinished_run_is_to_be_resumed_first(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="stopped"):
        prepare("random", sessions=50, run=tmp_path / "run").run(stop=lambda: signal.SIGINT)
    with pytest.raises(PrerollError, match=f"is not finished; resume it first with `preroll train --resume {tmp_path}"):
        continue_training(tmp_path / "run", 50)


@pytest.mark.parametrize("replace", [False, True])
def test_a_run_does_not_take_the_place_of_the_one_that_it_continues(place: Path, replace: bool) -> None:
    (place / "link").symlink_to(place / "first")
    for to in (place / "first", place / "link", place / "link" / "more", place / "first" / "a" / "b"):
        with pytest.raises(PrerollError, match="is in the run to continue, which stays as it is"):
            continue_training(place / "first", 50, to=to, replace=replace)


@pytest.mark.parametrize("found", [None, -1, True, "5", 2**31, 1.5])
def test_a_run_that_does_not_say_where_its_lanes_ended_is_refused(place: Path, found: Any) -> None:
    path = place / "first" / "result.json"
    result = json.loads(path.read_text())
    result["lane_sessions"] = found
    if found is None:
        del result["lane_sessions"]
    path.write_text(json.dumps(result))
    reseal(path.parent)
    with pytest.raises(PrerollError, match="does not say where its lanes and its curve ended"):
        continue_training(place / "first", 50)
