"""Where an agent loses is said of what is evaluated, and changes nothing of its result."""

from dataclasses import replace

import pytest

from preroll.agents import make_agent
from preroll.envs import Optimum, PhasedOptimum, Tables, greedy_policy, preset_names, random_policy
from preroll.envs.optimum.explanation import AD, SPLITS, Explanation
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.evaluation.agent_result import AgentResult
from preroll.simulations.evaluation.loss_table import MOST, frame, largest, loss_map, loss_table
from preroll.simulations.evaluation.losses_in_words import sentences
from preroll.simulations.training.training import fit

RECURRENT = {"num_envs": 8, "steps": 5, "batch": 40, "recurrent_units": 8}


@pytest.fixture(scope="module")
def fatigue(small_catalog: Catalog) -> Tables:
    return Tables.compile("fatigue", small_catalog)


@pytest.fixture(scope="module")
def random(fatigue: Tables) -> Explanation:
    return Optimum(fatigue).explain(random_policy(fatigue))


def explanation_of(result: AgentResult) -> Explanation:
    assert result.explanation is not None
    return result.explanation


@pytest.mark.compiled
@pytest.mark.parametrize("agent", ["thompson", "linucb", "lean-ppo"])
@pytest.mark.parametrize("name", preset_names())
def test_of_a_trained_agent_every_split_adds_up_to_the_exact_regret(
    name: str, agent: str, small_catalog: Catalog
) -> None:
    tables = Tables.compile(name, small_catalog)
    trained = make_agent(agent, tables, seed=1)
    fit(trained, tables, sessions=300)
    result = evaluate_agent("a", trained, tables, sessions=1000, seed=0, explained=True)
    explanation = explanation_of(result)
    assert explanation.is_exact
    assert tuple(explanation.lost) == SPLITS
    for split, parts in explanation.lost.items():
        assert sum(parts.values()) == pytest.approx(result.regret, abs=1e-9 * result.optimum), split
        assert min(parts.values()) >= 0, split


@pytest.mark.parametrize("agent", ["thompson", "recurrent-ppo"])
def test_an_evaluation_is_the_same_with_and_without_an_explanation(fatigue: Tables, agent: str) -> None:
    """Also of an agent whose ties are broken with its own generator, step by step."""
    settings = RECURRENT if agent == "recurrent-ppo" else {}
    one, two = (
        evaluate_agent("a", make_agent(agent, fatigue, seed=1, **settings), fatigue, sessions=300, seed=3, explained=on)
        for on in (True, False)
    )
    assert two.explanation is None
    assert replace(one, explanation=None).to_dict() == two.to_dict()


def test_an_agent_with_memory_is_explained_by_its_sessions(fatigue: Tables) -> None:
    agent = make_agent("recurrent-ppo", fatigue, seed=1, **RECURRENT)
    result = evaluate_agent("a", agent, fatigue, sessions=2000, seed=3, explained=True)
    explanation = explanation_of(result)
    assert not explanation.is_exact
    assert explanation.half_width is not None
    assert 0 < explanation.half_width < 0.2 * explanation.regret
    for split, parts in explanation.lost.items():
        assert sum(parts.values()) == pytest.approx(explanation.regret, rel=1e-12), split
    # Both estimate the regret: the difference of revenue from the same sessions is the noisier one.
    assert abs(explanation.regret - result.regret) < 4.5 / 1.96 * result.difference.half_width


@pytest.mark.parametrize("name", ["fatigue", "drift", "hidden-users"])
def test_what_sessions_say_is_what_the_table_says(name: str, small_catalog: Catalog) -> None:
    """Each part beyond 4.5 standard errors with probability 7e-6: of at most 90 parts a false alarm below 1e-3."""
    tables = Tables.compile(name, small_catalog)
    agent = make_agent("random", tables, seed=1)
    exact, simulated = (
        explanation_of(evaluate_agent("a", agent, tables, sessions=20_000, seed=0, exact=on, explained=True))
        for on in (True, False)
    )
    assert exact.is_exact
    assert simulated.half_widths is not None
    for split, parts in simulated.lost.items():
        for part, lost in parts.items():
            half = simulated.half_widths[split][part]
            assert abs(lost - exact.lost[split][part]) <= 4.5 / 1.96 * half + 1e-12, (split, part)
    interval = simulated.interval(AD, next(iter(simulated.lost[AD])))
    assert interval is not None
    assert 0 <= interval[0] < interval[1] <= 100


def test_phases_weigh_as_in_the_evaluation(small_catalog: Catalog) -> None:
    tables = Tables.compile("drift", small_catalog)
    result = evaluate_agent("a", greedy_policy(tables), tables, sessions=100, seed=0, explained=True)
    expected = PhasedOptimum(tables, 400).explain(greedy_policy(tables))  # 200 of 400 sessions are in the last phase
    assert explanation_of(result) == expected


def test_a_row_of_numbers_says_what_the_text_says(random: Explanation) -> None:
    table = frame({"one": random, "two": random})
    assert list(table.columns) == ["split", "part", "lost", "percent", "low", "high", "run"]
    assert len(table) == 2 * sum(map(len, random.lost.values()))
    assert table["low"].isna().all()
    first = table.iloc[0]
    _, rows = loss_table(random)
    assert rows[0] == [first["split"], first["part"], f"{first['lost']:.3f}", f"{first['percent']:.2f}"]
    assert table[table["run"] == "two"].groupby("split")["lost"].sum().to_numpy() == pytest.approx(random.regret)


def test_the_sentences_name_the_largest_losses(random: Explanation) -> None:
    place, ad, time = sentences(random, of="the bound")
    (category, level), value = max(
        (((name, level), value) for name, values in loss_map(random).items() for level, value in enumerate(values)),
        key=lambda entry: entry[1],
    )
    assert place == (
        f"Most is lost before {category} videos, with users at fatigue level {level} of 5: {value:.2f} % of the bound."
    )
    worst = max(random.lost[AD], key=lambda name: random.lost[AD][name])
    assert f"where {worst} is shown and another ad, or none, would earn more in the end" in ad
    assert time.endswith("in slots 1 to 10 of 40.")


def test_who_loses_nothing_evenly_or_by_empty_slots_is_told_so(small_catalog: Catalog) -> None:
    classic = Optimum(Tables.compile("classic", small_catalog))
    assert sentences(classic.explain(classic.policy)) == ["Nothing is lost: it earns the optimum."]
    assert sentences(classic.explain(random_policy(classic.tables)))[-1] == "It is lost evenly over the session."
    lost = {"category × fatigue": {"cats × 0": 1.0}, "fatigue": {"0": 1.0}, "ad": {"a.b": 0.0, "none": 1.0}}
    empty = Explanation(4.0, {**lost, "session": {"1": 0.0, "2": 1.0}, "slot": {"1": 0.0, "2": 1.0}})
    assert sentences(empty) == [
        "Most is lost before cats videos: 25.00 % of the optimum.",
        "Most is lost where no ad is shown and one would earn more in the end: 25.00 %.",
        "Of all that is lost, 100 % is lost in slot 2 of 2.",
    ]


def test_of_very_many_parts_the_largest_are_listed_in_their_order() -> None:
    lost = {str(i): float(i % 20) for i in range(40)}
    assert largest(lost) == [str(i) for i in range(40) if i % 20 >= 14]
    assert len(largest(lost)) == MOST
