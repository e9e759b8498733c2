from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.design.variation import points
from tests.simulations.conftest import MakeFile, load


def test_every_combination_of_point_agent_and_seed_is_a_cell(make_file: MakeFile) -> None:
    plan = load(
        make_file(vary={"ads.*.long.view_probability": {"scale": [0.5, 1.0]}, "user.mismatch": [0.2, 0.4, 0.8]})
    )
    assert len(plan.cells) == 2 * 3 * 3 * 2
    assert plan.cells[0].id == "long.view_probability=x0.5,mismatch=0.2/random/seed-0"
    assert plan.cells[-1].id == "long.view_probability=x1,mismatch=0.8/thompson-num_envs=16/seed-1"


def test_a_factor_multiplies_what_the_scenario_has(make_file: MakeFile) -> None:
    first, last = points(Experiment.load(make_file()))
    assert [ad.view_probability for ad in first.scenario.ads] == [0.7, 0.15, 0.8, 0.2, 0.9, 0.25]
    assert [ad.view_probability for ad in last.scenario.ads] == [0.7, 0.3, 0.8, 0.4, 0.9, 0.5]


def test_one_entry_of_probabilities_by_category_is_varied_or_all_of_them(make_file: MakeFile) -> None:
    cats, other = "ads.soap.long.view_probability.cats", "ads.*.*.view_probability.other"
    plan = load(make_file(scenario="campaigns", vary={cats: [0.1, 0.5], other: [0.2]}, agents=["random"]))
    assert [cell.id for cell in plan.cells[:1]] == [f"{cats[4:]}=0.1,view_probability.other=0.2/random/seed-0"]
    given = [Scenario.load(cell.scenario).ads[1].view_probability for cell in plan.cells]
    assert {"cats": 0.1, "concerts": 0.2, "other": 0.2} in given
    whole = [{"cats": 0.5, "other": 0.1}, {"other": 0.3}]
    plan = load(make_file(scenario="campaigns", vary={cats[:-5]: whole}, agents=["random"], seeds=1))
    assert [Scenario.load(cell.scenario).ads[1].view_probability for cell in plan.cells] == whole
    assert len({cell.id for cell in plan.cells} | {cell.fingerprint for cell in plan.cells}) == 4
    plan = load(make_file(scenario="campaigns", vary={"ads.*.*.view_probability": {"scale": [0.5]}}, agents=["random"]))
    assert Scenario.load(plan.cells[0].scenario).ads[3].view_probability == {"cars": 0.25, "other": 0.06}


def test_zipped_values_go_together_and_cross_with_the_grid(make_file: MakeFile) -> None:
    rows = {"user.mismatch": [0.1, 0.9], "session.horizon": [5, 10]}
    found = points(Experiment.load(make_file(vary={"recommender.jump": [0, 1]}, zip=rows)))
    assert [tuple(point.values.values()) for point in found] == [(0, 0.1, 5), (0, 0.9, 10), (1, 0.1, 5), (1, 0.9, 10)]
    assert found[1].scenario.session.horizon == 10


def test_drawn_values_lie_in_their_ranges_and_depend_on_the_seed_alone(make_file: MakeFile) -> None:
    ranges = {"user.mismatch": [0.2, 0.4], "ads.cats.long.reward": {"scale": [2, 3]}}

    def drawn(seed: int, draws: int) -> list[Mapping[str, Any]]:
        path = make_file(vary={}, random={"draws": draws, "seed": seed, "ranges": ranges})
        return [point.values for point in points(Experiment.load(path))]

    assert drawn(1, 20) != drawn(2, 20)
    assert drawn(1, 20)[:5] == drawn(1, 5)
    assert all(0.2 <= values["user.mismatch"] <= 0.4 for values in drawn(1, 20))
    assert all(2 <= values["ads.cats.long.reward"]["scale"] <= 3 for values in drawn(1, 20))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"colour": 1}, "colour: unknown key"),
        ({"agents": ["thomson"]}, "agent 'thomson': unknown; did you mean thompson or window-thompson. Agents are"),
        ({"agents": [{"thompson": {"lane": 1}}]}, "agent thompson: unknown setting 'lane'"),
        (
            {"agents": [{"epsilon-greedy": {"epsilon": 0.5}}]},
            "agent epsilon-greedy: epsilon: 0.5 has no effect under schedule: 'decaying'",
        ),
        (
            {"agents": [{"thompson": {"sessions": 50}}], "sessions": 60},
            "agent thompson: sessions: 50 has no effect where 60 sessions are asked for",
        ),
        ({"agents": ["random", "random"]}, "agents: random occurs twice"),
        ({"agents": [{"thompson": {"num_envs": True}}]}, "agent thompson: num_envs: True: should be in .*, a number"),
        ({"sessions": True}, "sessions: True: should be in"),
        ({"seeds": [True]}, "seeds.0: True: should be"),
        ({"evaluate": {"sessions": "60"}}, "evaluate.sessions: '60': should be in"),
        ({"vary": {"user.mismatch": [0.5, True]}}, "user.mismatch: True: should be in .*, a number"),
        ({"vary": {"catalog": ["demo", 1]}}, "vary: catalog: 1: `demo`, or a folder, is expected"),
        ({"agents": []}, "agents: should have at least 1 item"),
        ({"vary": {"user.mismach": [1]}}, "user.mismach: unknown key 'mismach'"),
        ({"vary": {"user.mismatch": [0.5, 1.5]}}, "user.mismatch: 1.5: should be"),
        ({"vary": {"user.mismatch": {"scales": [1]}}}, "user.mismatch: a list of values"),
        ({"vary": {"user.mismatch": [0.5, 0.5]}}, "two points have the same values"),
        ({"zip": {"user.mismatch": [0.5], "session.horizon": [1, 2]}}, "zip: all keys need the same number of values"),
        ({"zip": {"ads.*.long.view_probability": [0.5]}}, "ads.*.long.view_probability: is varied twice"),
        ({"random": {"draws": 2, "ranges": {"user.mismatch": [1, 0]}}}, r"user.mismatch: \[low, high\]"),
        ({"seeds": 0}, "seeds: 0: a number from 1 to"),
        ({"seeds": [1, 1]}, "seeds: a seed occurs twice"),
        ({"evaluate": {"sessions": 3}}, "evaluate.sessions: 3: should be"),
        ({"scenario": "clasic"}, "no such preset or file"),
        ({"set": {"observe.content": "maybe"}}, "observe.content: 'maybe'"),
        ({"feedback": {"delay": -1}}, "feedback.delay: -1: should be in"),
        ({"feedback": {"dely": 1}}, "feedback.dely: unknown key; did you mean delay. Known here: delay, every"),
        ({"vary": {"feedback.delay": [0, 0.5]}}, "feedback: delay: 0.5: should be in .*, a whole number"),
        (
            {"vary": {"feedback.dely": [1]}},
            "unknown key 'dely'; did you mean delay. Known here: delay, every",
        ),
        ({"set": {"feedback.every": 0}}, "feedback: every: 0: should be in"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(changes: dict[str, Any], line: str, make_file: MakeFile) -> None:
    with pytest.raises(PrerollError, match=line) as error:
        load(make_file(**changes))
    assert "\n" not in str(error.value)
    assert error.value.status == 2


@pytest.mark.parametrize("settings", [{}, {"num_envs": 16}])
def test_the_sessions_of_an_agent_are_those_of_a_training_where_none_are_given(
    settings: dict[str, Any], make_file: MakeFile
) -> None:
    agents = ["random", {"thompson": settings}]
    plan = load(make_file(sessions=None, agents=agents))
    assert {cell.sessions for cell in plan.cells} == {4000}
    # on `drift` by its preset, whose changes 4,000 sessions never meet; of every point by the name it is trained on
    plan = load(make_file(sessions=None, agents=agents, vary={"name": ["drift", "own"]}, set={"drift": []}))
    assert [cell.sessions for cell in plan.cells if cell.agent == "thompson"] == [19_200] * 2 + [4000] * 2
    assert {cell.sessions for cell in plan.cells if cell.agent == "random"} == {4000}
    train = {"here": "point", "usual": "scenario"}
    plan = load(make_file(sessions=None, agents=agents, vary={"name": ["drift"]}, train=train))
    assert {cell.label.partition("@")[2]: cell.sessions for cell in plan.cells} == {
        "": 4000, "here": 19_200, "usual": 4000
    }  # fmt: skip


def test_files_are_meant_as_seen_from_the_experiment_file(make_file: MakeFile, small_catalog_folder: Path) -> None:
    path = make_file(scenario="own.yaml")
    (path.parent / "own.yaml").write_text(
        "ads: {cars: {long: {seconds: 3, view_probability: 0.5, reward: 2}}}\nsession: {horizon: 3}\n"
    )
    plan = Plan.of(Experiment.load(path))
    assert plan.cells[0].scenario["session"]["horizon"] == 3
    assert Path(plan.cells[0].catalog) == small_catalog_folder


def test_a_fingerprint_tells_everything_that_decides_the_result(make_file: MakeFile) -> None:
    base = {cell.id: cell.fingerprint for cell in load(make_file()).cells}
    assert len(set(base.values())) == len(base)
    for changes in ({"sessions": 151}, {"evaluate": {"sessions": 601}}, {"set": {"user.mismatch": 0.3}}):
        assert not set(base.values()) & {cell.fingerprint for cell in load(make_file(**changes)).cells}
    more = {cell.id: cell.fingerprint for cell in load(make_file(seeds=3, name="other")).cells}
    assert base.items() < more.items()


def test_feedback_is_of_the_training_and_where_it_is_not_late_no_fingerprint_tells_it(make_file: MakeFile) -> None:
    def prints(**changes: Any) -> list[tuple[str, str]]:
        return [(cell.fingerprint, cell.training_fingerprint) for cell in load(make_file(vary={}, **changes)).cells]

    plain, late = prints(), prints(feedback={"delay": 9, "every": 3})
    assert plain == prints(feedback={"delay": 0}) == prints(set={"feedback.every": 1})
    assert late == prints(set={"feedback.delay": 9, "feedback.every": 3})
    assert not {one for pair in plain for one in pair} & {one for pair in late for one in pair}
    varied = load(make_file(vary={"feedback.delay": [0, 9]}, feedback={"every": 3})).cells
    assert [cell.feedback for cell in varied if cell.agent == "thompson"] == [
        {"delay": 0, "every": 3}, {"delay": 0, "every": 3}, {"delay": 9, "every": 3}, {"delay": 9, "every": 3}
    ]  # fmt: skip
    assert [(cell.fingerprint, cell.training_fingerprint) for cell in varied[len(plain) :]] == late
    assert varied[0].id == "feedback.delay=0/random/seed-0"
    assert varied[0].scenario == varied[-1].scenario
    usual = load(make_file(vary={"feedback.delay": [0, 9]}, train={"usual": "scenario"})).cells
    trained = {cell.training_fingerprint for cell in usual if cell.agent == "thompson"}
    assert len(trained) == 2 * 2  # for two seeds: the training is as late as its point says
