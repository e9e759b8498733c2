"""Hidden users: what an agent can earn that has to infer who it serves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Optimum, Scenario, Tables, greedy_policy
from preroll.envs.optimum.belief import belief_optimum
from preroll.envs.optimum.restricted import best_memoryless
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def seen(tables: Tables, by: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a memoryless agent sees of a state, as one number: a property of the video, and the last outcome.

    :func:`best_memoryless` tells slots apart by itself, so that progress is seen as well.
    """
    n_last = 2 * tables.n_actions + 1
    return np.asarray(by[:, None, None] * n_last + np.arange(n_last))


def test_on_hidden_users_remembering_is_worth_more_than_five_percent() -> None:
    """Against agents that see category, progress and the last outcome, which tells the last ad and its view."""
    tables = Tables.compile("hidden-users", "demo")
    exact = Optimum(tables)
    belief = belief_optimum(exact)
    memoryless = best_memoryless(exact, seen(tables, np.asarray(tables.category, dtype=np.int64)), by_last=True)
    assert belief.lower >= 1.05 * memoryless.value
    assert belief.lower <= belief.upper <= exact.value


def test_it_is_so_even_against_agents_that_tell_every_video_apart(small_catalog: Catalog) -> None:
    """Content, which the preset shows as well, tells at most which video it is."""
    tables = Tables.compile("hidden-users", small_catalog)
    exact = Optimum(tables)
    memoryless = best_memoryless(exact, seen(tables, np.arange(tables.n_videos)), by_last=True)
    assert belief_optimum(exact).lower >= 1.05 * memoryless.value


def test_the_two_bounds_meet_as_the_grid_gets_finer(small_catalog: Catalog) -> None:
    exact = Optimum(Tables.compile("hidden-users", small_catalog))
    coarse, fine = belief_optimum(exact, grid=11), belief_optimum(exact, grid=201)
    assert fine.upper <= coarse.upper + 1e-12
    assert fine.upper - fine.lower < 0.002 * exact.value


def test_with_equal_segments_there_is_nothing_to_infer(small_catalog: Catalog) -> None:
    same = [{"name": "one", "share": 0.5}, {"name": "other", "share": 0.5}]
    exact = Optimum(Tables.compile(Scenario.load("fatigue").replace({"user.segments": same}), small_catalog))
    belief = belief_optimum(exact, grid=5)
    assert belief.lower == pytest.approx(exact.value, rel=1e-9)
    assert belief.upper == pytest.approx(exact.value, rel=1e-9)


def test_one_slot_is_solved_by_hand(small_catalog: Catalog) -> None:
    """With one slot the optimum of the belief is the best ad against the mixture."""
    scenario = Scenario.load("hidden-users").replace({"session.horizon": 1})
    belief = belief_optimum(Optimum(Tables.compile(scenario, small_catalog)))
    short = 0.7 * (0.5 * 0.8 + 0.5 * 1.2) * 1
    long = 0.6 * (0.5 * 1.0 + 0.5 * 0.2) * 2.5
    assert belief.lower == pytest.approx(max(short, long))
    assert belief.upper == pytest.approx(max(short, long))


def test_a_scenario_without_two_hidden_segments_is_refused(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match="exactly two segments"):
        belief_optimum(Optimum(Tables.compile("classic", small_catalog)))


@pytest.mark.parametrize("fatigue", [False, True])
def test_views_that_are_not_seen_tell_nothing_of_the_user(fatigue: bool, small_catalog: Catalog) -> None:
    """Nobody leaves and nothing tires: without the last view the best agent plays against the mixture for ever."""
    changes = {"observe.last_view": False, "observe.fatigue": fatigue}
    scenario = Scenario.load("hidden-users").replace(changes)
    tables = Tables.compile(scenario, small_catalog)
    belief = belief_optimum(Optimum(tables))
    blind = Optimum(tables).value_of(greedy_policy(tables))  # no slot has any effect on another
    assert belief.lower == pytest.approx(blind, rel=1e-12)
    assert belief.upper == pytest.approx(blind, rel=1e-12)


def test_a_view_that_is_seen_by_its_fatigue_tells_as_much_as_one_that_is_seen(small_catalog: Catalog) -> None:
    """A viewed ad tires by one level of very many; without wear fatigue is a counter of views and nothing else."""
    levels = 31
    tiring = {
        "user.fatigue": {
            "levels": levels, "recovery": 0, "gain": {"short": [0, 1], "long": [0, 1]}, "wear": [1.0] * levels
        },
        "session.horizon": 5,
    }  # fmt: skip
    base = Scenario.load("hidden-users").replace(tiring)
    seen, inferred = (
        belief_optimum(Optimum(Tables.compile(base.replace(changes), small_catalog)), grid=21)
        for changes in ({"observe.fatigue": True}, {"observe.fatigue": True, "observe.last_view": False})
    )
    assert inferred == seen
