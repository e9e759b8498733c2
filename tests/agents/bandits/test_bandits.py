from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import binom

from preroll.agents import AGENTS, Agent, Transitions, make_agent
from preroll.agents.propensities.beta import probability_of_being_best
from preroll.agents.propensities.gaussian import probability_of_being_largest
from preroll.envs import Optimum, Scenario, Tables
from preroll.perception.catalog.catalog import Catalog

Practice = Callable[[Agent, Tables, int], None]
BANDITS = tuple(name for name, entry in AGENTS.items() if entry.family in ("bandit", "contextual"))
QUADRATURE = {name for name in BANDITS if "thompson" in name} | {"lints", "neural-linear"}  # stated error: 0.002
SLOW = {"exp3": 0.9, "squarecb": 0.95, "gaussian-thompson": 0.95}  # share of the optimum after a short training


def one_step(
    observations: NDArray[np.float32], ads: NDArray[np.int64], viewed: NDArray[np.bool_], rewards: NDArray[np.float64]
) -> Transitions:
    nobody = np.zeros(len(ads), dtype=bool)
    return Transitions(observations, ads, rewards[ads] * viewed, observations, nobody, nobody, viewed)


def some_rounds(tables: Tables, rounds: int) -> list[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Single observations, and for each whether every ad would be viewed."""
    rng = np.random.default_rng(5)
    rows = tables.arrays.rows
    return [(rows[[rng.integers(len(rows))]], rng.random((1, tables.n_actions)) < 0.5) for _ in range(rounds)]


@pytest.mark.parametrize("target", ["view", "reward"])
def test_linucb_in_one_lane_is_the_textbooks_sequence(classic: Tables, target: str) -> None:
    agent = make_agent("linucb", classic, alpha=0.7, growth="constant", ridge=2.0, target=target, num_envs=1)
    size, n_actions, pay = classic.layout.size, classic.n_actions, classic.spec.rewards
    unit = pay if target == "view" else np.full(n_actions, pay.max())
    matrices = np.stack([2.0 * np.eye(size)] * n_actions)
    vectors = np.zeros((n_actions, size))
    for observation, would_view in some_rounds(classic, 300):
        x = observation[0].astype(np.float64)
        weights = [np.linalg.solve(matrices[a], vectors[a]) for a in range(n_actions)]
        widths = [np.sqrt(x @ np.linalg.solve(matrices[a], x)) for a in range(n_actions)]
        bounds = np.array([unit[a] * (weights[a] @ x + 0.7 * widths[a]) for a in range(n_actions)])
        [ad] = agent.act(observation)
        assert bounds[ad] == pytest.approx(bounds.max(), abs=1e-9)
        viewed = would_view[:, ad]
        matrices[ad] += np.outer(x, x)
        vectors[ad] += x * float(viewed[0]) * pay[ad] / unit[ad]
        agent.update(one_step(observation, np.array([ad]), viewed, pay))


@pytest.mark.parametrize("name", BANDITS)
def test_a_batch_of_lanes_teaches_what_its_lanes_teach_one_by_one(classic: Tables, name: str) -> None:
    rng = np.random.default_rng(3)
    observations = classic.arrays.rows[rng.integers(classic.n_videos, size=200)]
    ads = rng.integers(classic.n_actions, size=200)
    viewed = rng.random(200) < 0.5
    together, apart = make_agent(name, classic), make_agent(name, classic)
    chances = np.full(200, 1 / classic.n_actions)
    step = replace(one_step(observations, ads, viewed, classic.spec.rewards), propensities=chances)
    together.update(step)
    for i in range(200):
        one = slice(i, i + 1)
        alone = one_step(observations[one], ads[one], viewed[one], classic.spec.rewards)
        apart.update(replace(alone, propensities=chances[one]))
    atol = 1e-6 if name == "neural-linear" else 1e-12  # torch rounds float32 otherwise in batches
    for key, array in together.state_arrays().items():
        np.testing.assert_allclose(array, apart.state_arrays()[key], rtol=1e-9, atol=atol)
    assert together.steps == apart.steps == 200


def test_thompson_counts_views_and_skips_of_each_category_and_ad(classic: Tables) -> None:
    agent: Any = make_agent("thompson", classic)
    cats = classic.catalog.categories.index("cats")
    row = classic.arrays.rows[np.flatnonzero(classic.catalog.category == cats)[0]]
    viewed = np.array([True, True, False, True])
    agent.update(one_step(np.tile(row, (4, 1)), np.full(4, 2), viewed, classic.spec.rewards))
    assert agent.views[cats, 2] == 1 + 3
    assert agent.skips[cats, 2] == 1 + 1
    assert agent.views.sum() == classic.n_actions * 3 + 3


@pytest.mark.parametrize("name", BANDITS)
def test_what_is_drawn_follows_the_probabilities_that_are_told(
    fatigue: Tables, some_observations: NDArray[np.float32], practice: Practice, name: str
) -> None:
    agent = make_agent(name, fatigue, seed=4, num_envs=16)
    practice(agent, fatigue, 15)
    row = some_observations[:1]
    told = agent.action_probabilities(row, explore=True)[0]
    assert told.sum() == pytest.approx(1.0)
    drawn = np.bincount(agent.act(np.repeat(row, 20_000, axis=0)), minlength=fatigue.n_actions)
    slack = 0.002 if name in QUADRATURE else 0.0
    for action, p in enumerate(told):
        low = binom.ppf(1e-6, 20_000, max(p - slack, 0.0))  # false alarms: below 3 in 10,000 over all bandits
        high = binom.ppf(1 - 1e-6, 20_000, min(p + slack, 1.0))
        assert low <= drawn[action] <= high, (action, p, drawn)


def test_the_race_of_two_betas_has_its_known_probability() -> None:
    # P(Beta(2, 1) > Beta(1, 1)) = E of Beta(2, 1) = 2/3
    race = probability_of_being_best(np.array([2.0, 1.0]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    assert race == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    assert probability_of_being_best(np.ones(3), np.ones(3), np.array([2.0, 0.0, 0.0])).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("narrow", [1.0, 0.1, 0.001])
def test_the_propensity_of_an_unlikely_winner_is_right_within_a_sixth_of_itself(narrow: float) -> None:
    # equal slices alone gave 1e-40 for what happens once in 10,000 draws, and importance weights of as many digits
    behind = np.linspace(0.0, 5.5, 56)
    for deviations in ((1.0, narrow), (narrow, 1.0)):
        told = probability_of_being_largest(np.stack([0 * behind, behind], axis=1), np.tile(deviations, (56, 1)))
        true = ndtr(-behind / np.hypot(*deviations))
        assert told[:, 0] == pytest.approx(true, rel=1 / 6)
        assert told[:, 0] == pytest.approx(true, abs=0.002)
    # P(Beta(1, 30) > c) = (1 − c)^30 for a competitor that is all but certain to be c = 1/4: 1.8e-4
    race = probability_of_being_best(np.array([1.0, 1e7]), np.array([30.0, 3e7]), np.ones(2))
    assert race[0] == pytest.approx(0.75**30, rel=1 / 6)


def test_epsilon_greedy_tries_every_ad_first_and_then_mixes_exactly(classic: Tables) -> None:
    agent = make_agent("epsilon-greedy", classic, schedule="constant", epsilon=0.3)
    row = classic.arrays.rows[:1]
    assert agent.action_probabilities(row).tolist() == [[pytest.approx(1 / 6)] * 6]
    for ad in range(6):
        agent.update(one_step(row, np.array([ad]), np.array([ad == 4]), classic.spec.rewards))
    assert agent.action_probabilities(row).tolist() == [[0, 0, 0, 0, 1, 0]]
    mixed = agent.action_probabilities(row, explore=True)[0]
    assert mixed == pytest.approx([0.05, 0.05, 0.05, 0.05, 0.75, 0.05])


def test_decaying_epsilon_falls_as_one_over_the_decisions_of_a_category(classic: Tables) -> None:
    agent: Any = make_agent("epsilon-greedy", classic, pulls=10)
    row = classic.arrays.rows[:1]
    category = int(classic.catalog.category[0])
    for _ in range(5):
        agent.update(
            one_step(np.repeat(row, 100, axis=0), np.arange(100) % 6, np.ones(100, bool), classic.spec.rewards)
        )
    assert agent.epsilons()[category] == pytest.approx(10 * 6 / 500)
    assert agent.epsilons().max() == 1.0


@pytest.mark.parametrize("name", BANDITS)
def test_bandits_find_the_best_ads_of_classic(classic: Tables, practice: Practice, name: str) -> None:
    optimum = Optimum(classic)
    agent = make_agent(name, classic, seed=1)
    practice(agent, classic, agent.settings.sessions * classic.n_slots // agent.num_envs)
    assert optimum.value_of(agent.policy(classic)) > SLOW.get(name, 0.99) * optimum.value


@pytest.mark.parametrize("name", BANDITS)
def test_metrics_are_finite_from_the_start_and_named_in_the_docstring(classic: Tables, name: str) -> None:
    agent = make_agent(name, classic)
    row = classic.arrays.rows[:1]
    for _ in range(2):
        assert np.isfinite(list(agent.metrics().values())).all()
        assert all(f"``{key}``" in str(type(agent).__doc__) for key in agent.metrics())
        agent.update(one_step(row, agent.act(row), np.array([True]), classic.spec.rewards))


def test_where_the_category_is_hidden_a_bandit_has_one_context(small_catalog: Catalog, practice: Practice) -> None:
    hidden = Scenario.load("classic").replace({"observe.category": "none"})
    tables = Tables.compile(hidden, small_catalog)
    agent: Any = make_agent("thompson", tables)
    practice(agent, tables, 10)
    assert agent.views.shape == (1, 6)


@pytest.mark.parametrize("name", BANDITS)
def test_one_seed_gives_one_training(classic: Tables, practice: Practice, name: str) -> None:
    first, second, other = (make_agent(name, classic, seed=seed, num_envs=8) for seed in (3, 3, 4))
    for agent in (first, second, other):
        practice(agent, classic, 30)
    equal = [np.array_equal(array, second.state_arrays()[key]) for key, array in first.state_arrays().items()]
    assert all(equal)
    assert not all(np.array_equal(array, other.state_arrays()[key]) for key, array in first.state_arrays().items())


@pytest.mark.parametrize("name", [name for name in BANDITS if name not in ("exp3", "squarecb")])
def test_ties_are_broken_at_random_from_the_agents_own_generator(classic: Tables, name: str) -> None:
    """An agent that has learned nothing holds all ads that pay the same for equally good.

    The bound of each share is exact; false alarms: below 1 in 10,000 over all bandits.
    """
    tables = Tables.compile(classic.scenario.replace({"ads.*.*.reward": 1}), classic.catalog)
    row = np.repeat(tables.arrays.rows[:1], 6_000, axis=0)
    agent, same, other = (make_agent(name, tables, seed=seed) for seed in (1, 1, 2))
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    ads = agent.act(row, explore=False)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # noqa: NPY002
    assert np.array_equal(ads, same.act(row, explore=False))
    assert not np.array_equal(ads, other.act(row, explore=False))
    low, high = binom.ppf([1e-6, 1 - 1e-6], 6_000, 1 / 6)
    counts = np.bincount(ads, minlength=6)
    assert (low <= counts).all()
    assert (counts <= high).all()
    assert np.array_equal(agent.action_probabilities(row[:1]), np.full((1, 6), 1 / 6))


def test_linucb_does_not_lock_into_a_bad_ad_as_it_does_with_a_constant_alpha(small_catalog: Catalog) -> None:
    """20 seeds of 3,000 rounds with the category alone: how many end with a bad ad before some category."""
    tables = Tables.compile(
        Scenario.load("classic").replace({"observe.progress": False, "observe.content": False}), small_catalog
    )
    rows, pay = np.eye(3, dtype=np.float32), tables.spec.rewards
    own = np.array([ad.category for ad in tables.ads]) == np.array(small_catalog.categories)[:, None]
    views = np.array([ad.view_probability for ad in tables.ads]) * np.where(own, 1.0, 0.4)
    best = (views * pay).max(axis=1)

    def locked(seed: int, **settings: Any) -> bool:
        agent, rng = make_agent("linucb", tables, seed=seed, num_envs=1, **settings), np.random.default_rng(seed)
        for _ in range(3_000):
            category = int(rng.integers(3))
            row = rows[[category]]
            ads = agent.act(row)
            agent.update(one_step(row, ads, rng.random(1) < views[category, ads], pay))
        shown = (agent.action_probabilities(rows) * views * pay).sum(axis=1)
        return bool((shown < 0.99 * best).any())

    assert not any(locked(seed) for seed in range(20))
    assert sum(locked(seed, growth="constant") for seed in range(20)) >= 5
