"""An object of the user's own is trained as an agent is, and what it lacks is said by name."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.agents import Agent, AgentSettings, Transitions, make_agent
from preroll.envs import Tables, scenario_for, tabulate
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.seeds import AGENT, derive
from preroll.simulations import Run, evaluate, fit, train, write_impressions


class Recorder:
    """Shows the first ad, and keeps all that it is given without copying it."""

    def __init__(self) -> None:
        self.seen: list[NDArray[Any]] = []
        self.steps: list[Transitions] = []
        self.explored: list[bool] = []

    def act(self, observations: NDArray[np.float32], explore: bool = True) -> list[int]:
        self.seen.append(observations)
        self.explored.append(explore)
        return [0] * len(observations)

    def update(self, transitions: Transitions) -> None:
        self.steps.append(transitions)


class Remembers(Recorder):
    """Also keeps what it is told of sessions, in order with what it sees."""

    def end_sessions(self, done: NDArray[np.bool_]) -> None:
        self.seen.append(done)


@pytest.fixture
def classic(small_catalog: Catalog) -> Tables:
    return Tables.compile("classic", small_catalog)


def test_an_object_that_does_what_an_agent_does_has_its_curve(small_catalog: Catalog, classic: Tables) -> None:
    """To the last bit: it sees, shows and learns the same."""
    inner = make_agent("epsilon-greedy", classic, seed=derive(3, AGENT), num_envs=8)
    inner.start_training(10**9)
    own = SimpleNamespace(act=inner.act, update=inner.update)
    settings = {"num_envs": 8}
    theirs = train("epsilon-greedy", catalog=small_catalog, sessions=60, seed=3, settings=settings)
    ours = train(own, catalog=small_catalog, sessions=60, seed=3, settings=settings)
    assert ours.curve.values["session/revenue"] == theirs.curve.values["session/revenue"]
    assert (ours.agent.name, ours.agent.num_envs, ours.notes) == ("SimpleNamespace", 8, ())


def test_what_it_is_given_is_documented_and_its_own(small_catalog: Catalog, classic: Tables) -> None:
    own = Recorder()
    train(own, catalog=small_catalog, sessions=20, settings={"num_envs": 4})
    kinds = {
        name: (getattr(own.steps[0], name).dtype, getattr(own.steps[0], name).shape)
        for name in Transitions.__slots__[:7]
    }
    row = (4, classic.layout.size)
    assert kinds == {
        "observations": (np.float32, row), "actions": (np.int64, (4,)), "rewards": (np.float64, (4,)),
        "next_observations": (np.float32, row), "terminated": (np.bool_, (4,)), "truncated": (np.bool_, (4,)),
        "viewed": (np.bool_, (4,)),
    }  # fmt: skip
    for seen, step, after in zip(own.seen, own.steps, own.steps[1:], strict=False):
        assert np.array_equal(seen, step.observations)
        assert np.array_equal(step.next_observations[~step.ended], after.observations[~step.ended])
    assert len({seen.tobytes() for seen in own.seen}) > 1  # nothing was written over


def test_it_explores_in_training_alone_and_learns_there_alone(small_catalog: Catalog, classic: Tables) -> None:
    own = Recorder()
    train(own, catalog=small_catalog, sessions=10)
    assert set(own.explored) == {True}
    steps, own.explored = len(own.steps), []
    evaluate({"own": own}, classic, sessions=30)
    assert set(own.explored) == {False}
    assert len(own.steps) == steps > 0


@pytest.mark.parametrize("trained", [True, False])
def test_it_is_told_when_sessions_begin(trained: bool, classic: Tables) -> None:
    own = Remembers()
    if trained:
        fit(own, classic, sessions=70)
    else:
        evaluate({"own": own}, classic, sessions=70)
    began = [mark for mark in own.seen if mark.dtype == np.bool_]
    assert own.seen[0] is began[0]
    assert began[0].all()
    assert sum(mark.any() for mark in began[1:]) > 0
    for i, step in enumerate(own.steps):
        assert np.array_equal(began[i + 1], step.ended)


def test_its_exact_value_is_known_if_its_probabilities_are(classic: Tables) -> None:
    inner = make_agent("always-long", classic)
    told = SimpleNamespace(act=inner.act, action_probabilities=inner.action_probabilities)
    silent = SimpleNamespace(act=inner.act)
    rows = evaluate({"agent": inner, "told": told, "silent": silent}, classic, sessions=300)
    assert rows["told"].exact_revenue == rows["agent"].exact_revenue is not None
    assert rows["silent"].exact_revenue is None
    assert {rows[name].revenue for name in ("agent", "told", "silent")} == {rows["agent"].revenue}


def even(n: int) -> NDArray[np.float64]:
    return np.full((n, 6), 1 / 6)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (lambda n: 0 * even(n), r"a row that sums to 0: the probabilities of a row sum to 1"),
        (lambda n: np.ones((n, 6)), r"a row that sums to 6: the probabilities of a row sum to 1"),
        (lambda n: even(n) * [-1, 3, 1, 1, 1, 1], r"-0\.166667: a probability is at least 0"),
        (lambda n: np.full((n, 3), 1 / 3), r"\(\d+, 3\): \(\d+, 6\) is expected"),
    ],
)
def test_probabilities_that_are_none_are_refused_and_give_no_value(told: Any, message: str, classic: Tables) -> None:
    """A bug once: rows that sum to 6 gave six times the value, and a wrong shape went without one in silence."""
    asked = SimpleNamespace(
        act=lambda seen: np.zeros(len(seen), int), action_probabilities=lambda seen: told(len(seen))
    )
    with pytest.raises(PrerollError, match=f"agent mine: action_probabilities returned {message}"):
        evaluate({"mine": asked}, classic, sessions=30)
    with pytest.raises(PrerollError, match=f"policy table: action_probabilities returned {message}"):
        tabulate(classic, asked.action_probabilities)


def test_an_object_plays_by_its_probabilities_where_they_are_a_table_and_by_act_elsewhere(classic: Tables) -> None:
    last, first = (lambda seen: np.eye(6)[[5] * len(seen)]), (lambda seen: np.zeros(len(seen), int))
    both = SimpleNamespace(act=first, action_probabilities=last)
    rows = evaluate({"both": both, "act": first}, classic, sessions=60)
    assert (
        rows["both"].revenue
        == evaluate({"last": lambda seen: np.full(len(seen), 5)}, classic, sessions=60)["last"].revenue
    )
    assert evaluate({"both": both}, classic, sessions=60, exact=False)["both"].revenue == rows["act"].revenue
    remembers = SimpleNamespace(act=first, action_probabilities=last, end_sessions=lambda done: None)
    assert evaluate({"both": remembers}, classic, sessions=60)["both"].revenue == rows["act"].revenue


def test_what_predict_of_stable_baselines3_returns_is_taken_without_its_state(classic: Tables) -> None:
    first = np.zeros
    rows = evaluate(
        {"pair": lambda seen: (first(len(seen), int), None), "ads": lambda seen: first(len(seen), int)},
        classic,
        sessions=60,
    )
    assert rows["pair"].revenue == rows["ads"].revenue
    with pytest.raises(PrerollError, match=r"agent mine: act returned \(ads, state\): give the model"):
        evaluate({"mine": lambda seen: (first(len(seen), int), (first(3), first(3)))}, classic, sessions=60)


@pytest.mark.parametrize(("method", "found"), [("update", None), ("end_sessions", 3), ("action_probabilities", "x")])
def test_an_attribute_with_the_name_of_a_method_is_refused(method: str, found: Any, classic: Tables) -> None:
    own = SimpleNamespace(act=lambda seen: np.zeros(len(seen), int), **{method: found})
    with pytest.raises(PrerollError, match=f"agent SimpleNamespace: {method} is {found!r}: a method is expected"):
        fit(own, classic, sessions=10)
    with pytest.raises(PrerollError, match=f"agent mine: {method} is"):
        evaluate({"mine": own}, classic, sessions=30)


@pytest.mark.parametrize("sessions", [1.5, "100", True])
def test_a_number_of_sessions_is_whole_however_it_is_written(sessions: Any, classic: Tables) -> None:
    ten: Any = 1e1
    assert train("random", sessions=ten).sessions == 10
    assert fit(make_agent("random", classic), classic, sessions=ten).sessions[-1] == 10
    assert evaluate({}, classic, sessions=10 * ten).sessions >= 100
    for call in (
        lambda: train("random", sessions=sessions),
        lambda: fit(make_agent("random", classic), classic, sessions=sessions),
        lambda: evaluate({}, classic, sessions=sessions),
    ):
        with pytest.raises(PrerollError, match=r"sessions: .*: a whole number is expected"):
            call()


def test_a_run_of_a_catalog_that_no_folder_holds_is_not_begun(tmp_path: Path) -> None:
    """A bug once: what was written named a catalog that did not exist, and could not be opened."""
    catalog = Catalog.synthetic(["cooking", "travel"], 20)
    scenario = scenario_for(catalog)
    run = tmp_path / "run"
    with pytest.raises(PrerollError, match=r"run .*run: the catalog .* is in memory alone.*catalog\.save\(folder\)"):
        train("random", scenario=scenario, catalog=catalog, sessions=5, run=run)
    assert not list(tmp_path.iterdir())
    assert train("random", scenario=scenario, catalog=catalog, sessions=5).run is None
    catalog.save(tmp_path / "saved")
    train("random", scenario=scenario, catalog=tmp_path / "saved", sessions=5, run=run)
    assert Run.load(run).load_catalog().n_videos == 20


def test_an_object_without_update_is_told_not_to_have_learned(small_catalog: Catalog) -> None:
    own = SimpleNamespace(name="mine", act=lambda seen: np.zeros(len(seen), int))
    result = train(own, catalog=small_catalog, sessions=70)
    assert result.notes == ("agent mine has not learned: it has no update(transitions).",)


def wrong(ads: Callable[[int], Any]) -> Any:
    return SimpleNamespace(name="mine", act=lambda seen: ads(len(seen)))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            Recorder,
            r"agent Recorder: is the class Recorder: an object of it is expected, which has act\(observations\)",
        ),
        (3, r"agent int: has no act\(observations\), which returns the number of an ad for each row; it is of int$"),
        (SimpleNamespace(name="mine", choose=print), r"agent mine: has no act\(.*; it is of SimpleNamespace$"),
        (SimpleNamespace(act=3), r"agent SimpleNamespace: act is 3: a method is expected"),
        (wrong(lambda n: np.zeros(n)), r"agent mine: act returned float64 \(64,\): an ad from 0 to 5 .*int \(64,\)"),
        (wrong(lambda n: np.zeros((n, 1), int)), r"act returned int64 \(64, 1\), 0 to 0: .* each of the 64 rows"),
        (wrong(lambda n: np.full(n, 6)), r"act returned int64 \(64,\), 6 to 6: an ad from 0 to 5"),
        (wrong(lambda n: np.full(n, -1)), r"act returned int64 \(64,\), -1 to -1"),
        (wrong(lambda _: None), r"act returned object \(\): an ad from"),
    ],
)
def test_what_an_object_lacks_is_said_by_name(own: Any, message: str, small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match=message):
        train(own, catalog=small_catalog, sessions=100)


class Forgetful(Recorder):
    """Its author forgot arguments; the checks say of which method, before any session is played."""

    def update(self) -> None:  # type: ignore[override]
        raise AssertionError("is never called")


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (Forgetful(), r"^agent Forgetful: update: is called as update\(transitions\): too many positional arguments; "),
        (lambda: 2, r"^agent <lambda>: act: is called as act\(observations\): too many positional .*its own are \(\)$"),
        (
            SimpleNamespace(act=lambda seen, info: seen),
            r"missing a required argument: 'info'; its own are \(seen, info\)",
        ),
        (SimpleNamespace(act=lambda seen, explore, info: seen), r"missing a required argument: 'info'"),
        (SimpleNamespace(act=len, end_sessions=lambda: 0), r": end_sessions: is called as end_sessions\(done\)"),
        (SimpleNamespace(act=len, action_probabilities=lambda: 0), r"called as action_probabilities\(observations\)"),
    ],
)
def test_a_method_that_takes_other_arguments_is_said_by_name(own: Any, message: str, classic: Tables) -> None:
    """A bug once: the TypeError of Python, from deep inside a training."""
    for call in (lambda: fit(own, classic, sessions=10), lambda: evaluate(own, classic, sessions=30)):
        with pytest.raises(PrerollError, match=message):
            call()


@pytest.mark.parametrize(
    "act",
    [
        lambda seen, explore=False: np.zeros(len(seen), int),
        lambda seen, *more, **named: np.zeros(len(seen), int),
        lambda seen, *, explore: np.zeros(len(seen), int),
        lambda *seen: np.zeros(len(seen[0]), int),
    ],
)
def test_a_method_may_take_more_than_it_is_given(act: Any, classic: Tables) -> None:
    assert fit(SimpleNamespace(act=act, update=print), classic, sessions=5).sessions[-1] == 5


def test_the_name_of_an_agent_is_no_agent_to_train_in_place(classic: Tables) -> None:
    wrong: Any = "thompson"
    with pytest.raises(PrerollError, match=r"^agent str: 'thompson' is a name: make_agent\(name, scenario\) makes"):
        fit(wrong, classic, sessions=5)


def test_what_is_asked_of_an_object_and_it_cannot_do_is_said_by_name(
    small_catalog: Catalog, classic: Tables, tmp_path: Path
) -> None:
    own = train(Recorder(), catalog=small_catalog, sessions=5).agent
    with pytest.raises(PrerollError, match=r"agent Recorder: has no action_probabilities\(observations\), which ret"):
        write_impressions(tmp_path / "log.parquet", own, classic, sessions=5)
    odd = SimpleNamespace(act=own.act, action_probabilities=lambda seen: np.ones(3))
    with pytest.raises(PrerollError, match=r"action_probabilities returned \(3,\): \(\d+, 6\) is expected"):
        train(odd, catalog=small_catalog, sessions=5).agent.action_probabilities(classic.arrays.rows)
    with pytest.raises(PrerollError, match="agent Recorder: unknown setting 'rate'; settings are num_envs, sessions"):
        train(Recorder(), settings={"rate": 1})
    with pytest.raises(PrerollError, match="remembers the session but has no memory"):
        train(Remembers(), catalog=small_catalog, feedback={"delay": 5}, sessions=50)


class Mine(Agent):
    """An agent that is in no registry."""

    name = "mine"
    act = None  # type: ignore[assignment]
    action_probabilities = None  # type: ignore[assignment]


def test_an_agent_that_is_made_already_is_trained_in_place(small_catalog: Catalog, classic: Tables) -> None:
    agent = make_agent("thompson", classic, num_envs=8, sessions=30)
    result = train(agent, catalog=small_catalog)
    assert result.agent is agent
    assert (result.sessions, agent.steps > 0) == (30, True)
    assert train(agent, catalog=small_catalog, sessions=10).sessions == 10
    with pytest.raises(PrerollError, match=r"agent thompson: is made already; settings \(num_envs\) are for a name"):
        train(agent, catalog=small_catalog, settings={"num_envs": 4})
    with pytest.raises(PrerollError, match="agent thompson: was trained with other ads"):
        train(agent, scenario="fatigue", catalog=small_catalog)


def test_no_run_is_begun_from_which_its_agent_could_not_be_loaded(
    small_catalog: Catalog, classic: Tables, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    for own in (Recorder(), Mine(classic.spec, AgentSettings())):
        with pytest.raises(PrerollError, match=r"run .*run: agent (Recorder|mine): is in no run, .* AGENTS\[NAME\] ="):
            train(own, catalog=small_catalog, run=run)
    assert not list(tmp_path.iterdir())
