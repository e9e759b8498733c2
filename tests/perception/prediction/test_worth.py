"""What predictions of categories are worth to agents that learn: the truth is the classic game, shuffled ones cost."""

from copy import copy

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from preroll.envs import Scenario
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.training.training import train
from preroll.simulations.training.training_result import TrainingResult
from preroll.terminal.set_option import parse_changes

pytestmark = pytest.mark.usefixtures("unpainted")

AGENTS = ("thompson", "linucb", "epsilon-greedy")
SEEDS = 7


def predicting(catalog: Catalog, probabilities: NDArray[np.float32]) -> Catalog:
    other = copy(catalog)
    other.category_probabilities = probabilities
    return other


def trained(agent: str, view: object, catalog: Catalog, seed: int = 0) -> TrainingResult:
    scenario = Scenario.load("classic").replace({"observe.category": view, "observe.content": False})
    return train(agent, scenario=scenario, catalog=catalog, sessions=600, seed=seed, settings={"num_envs": 16})


@pytest.mark.parametrize("agent", AGENTS)
def test_predictions_that_are_the_truth_give_the_classic_figures_bit_for_bit(
    agent: str, small_catalog: Catalog
) -> None:
    perfect = predicting(small_catalog, np.eye(3, dtype=np.float32)[small_catalog.category])
    classic, told = (trained(agent, view, perfect) for view in (True, "predicted"))
    assert told.curve == classic.curve
    ours, theirs = (evaluate({agent: one.agent}, one.tables, sessions=320)[agent] for one in (told, classic))
    assert (ours.revenue, ours.exact_revenue) == (theirs.revenue, theirs.exact_revenue)


@pytest.mark.parametrize("agent", ["thompson", "linucb"])
def test_shuffled_predictions_make_agents_worse(agent: str, small_catalog: Catalog) -> None:
    """Worse with every seed. Were it no worse in truth, that would happen once in 2⁷ = 128 times at most."""
    assert binom.sf(SEEDS - 1, SEEDS, 0.5) < 0.01
    probabilities = np.asarray(small_catalog.category_probabilities)
    worse = 0
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(probabilities))
        good, bad = (
            trained(agent, "predicted", predicting(small_catalog, rows), seed)
            for rows in (probabilities, probabilities[order])
        )
        earned, lost = (evaluate({agent: one.agent}, one.tables, sessions=320)[agent] for one in (good, bad))
        worse += lost.expected_revenue < earned.expected_revenue
    assert worse == SEEDS


def test_set_reaches_the_keys_of_a_scenario_that_have_no_dot() -> None:
    settings, changes = parse_changes(["recall_weight=2", "observe.memorability=true", "num_envs=8"])
    assert settings == {"num_envs": 8}
    assert Scenario.load("classic").replace(changes).recall_weight == 2.0
