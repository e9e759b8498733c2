"""The ad that any policy shows most: the optimum and agents alike."""

from copy import copy

import numpy as np
import pytest

from preroll.envs import Optimum, Policy, Scenario, Tables, random_policy, tabulate
from preroll.envs.policies.policy_map import NONE_YET, SEVERAL, policy_map
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


@pytest.fixture(scope="module")
def fatigue() -> Tables:
    return Tables.compile("fatigue", "demo")


def test_the_best_ads_of_fatigue_leave_slots_empty_for_the_tired(fatigue: Tables) -> None:
    none = fatigue.n_actions - 1
    for ads in policy_map(fatigue, Optimum(fatigue).policy).values():
        assert ads.shape == (40, 6)
        assert ads[0, 0] != none
        assert ads[10, 1] == none


def test_most_videos_of_a_category_decide_and_ties_go_to_the_first_ad(small_catalog: Catalog) -> None:
    tables = Tables.compile("classic", small_catalog)
    ads = np.zeros(tables.n_videos, np.int64)
    cars, cats, concerts = (np.flatnonzero(np.asarray(tables.category) == k) for k in range(3))
    ads[cars[:6]], ads[cats[:5]], ads[concerts[:4]] = 3, 4, 5  # of ten each
    chosen = policy_map(tables, Policy(ads=ads[:, None, None]))
    assert {name: set(np.unique(map_)) for name, map_ in chosen.items()} == {"cars": {3}, "cats": {0}, "concerts": {0}}
    assert chosen["cars"].shape == (20, 1)


def test_probabilities_are_averaged_over_the_videos_of_a_category(small_catalog: Catalog) -> None:
    """Ad 0 is the likeliest for 6 cars of 10, but has the smaller mean."""
    tables = Tables.compile("classic", small_catalog)
    probabilities = np.zeros((tables.n_videos, 1, 1, tables.n_actions))
    probabilities[..., 0], probabilities[..., 1] = 0.55, 0.45
    probabilities[np.flatnonzero(np.asarray(tables.category) == 0)[:4], ..., :2] = 0.0, 1.0
    chosen = policy_map(tables, Policy(probabilities=probabilities))
    assert set(chosen["cars"].ravel()) == {1}
    assert set(chosen["cats"].ravel()) == {0}


def test_of_equally_likely_ads_none_is_shown_most(fatigue: Tables) -> None:
    """A bug once: the random policy was said to show the first ad most."""
    policy = random_policy(fatigue)
    assert all((ads == SEVERAL).all() for ads in policy_map(fatigue, policy).values())
    assert set(policy.to_frame(fatigue)["ad"]) == {"several alike"}
    unlike = np.full(fatigue.n_actions, 0.3)
    unlike[[3, 4, 5, 6]] = 0.025
    frame = Policy(probabilities=np.stack([unlike, unlike[::-1], np.eye(7)[6], *[unlike] * 3])[:, None]).to_frame(
        fatigue
    )
    assert frame.groupby("fatigue")["ad"].unique().map(list).tolist()[1:3] == [["several alike"], ["none"]]


def test_a_map_is_of_one_phase_one_segment_and_one_previous_outcome(small_catalog: Catalog) -> None:
    drift = Tables.compile("drift", small_catalog)
    by_phase = Policy(ads=np.arange(3).reshape(3, 1, 1, 1, 1, 1))
    assert [set(policy_map(drift, by_phase, phase=i)["cats"].ravel()) for i in range(3)] == [{0}, {1}, {2}]
    assert set(policy_map(drift, by_phase)["cats"].ravel()) == {0}
    one_change = Scenario.load("drift").drift[:1]
    drift = Tables.compile(Scenario.load("drift").replace({"drift": one_change}), small_catalog)
    by_phase = Policy(ads=np.arange(2).reshape(2, 1, 1, 1, 1, 1))
    assert [set(policy_map(drift, by_phase, phase=i)["cats"].ravel()) for i in range(2)] == [{0}, {1}]
    always = policy_map(drift, Policy(ads=np.array([3])), phase=1, last=2)  # axes of length 1 stand for all
    assert {ad for ads in always.values() for ad in ads.ravel()} == {3}
    hidden = Tables.compile("hidden-users", small_catalog)
    by_segment = Policy(ads=np.array([4, 2]).reshape(1, 2, 1, 1, 1, 1))
    assert [set(policy_map(hidden, by_segment, segment=i)["cats"].ravel()) for i in range(2)] == [{4}, {2}]
    assert set(policy_map(hidden, by_segment)["cats"].ravel()) == {4}
    by_outcome = Policy(ads=np.array([1] + [2] * 11 + [3]))
    chosen = policy_map(hidden, by_outcome)["cats"][:, 0]
    assert (chosen[0], set(chosen[1:])) == (3, {1})  # before the first slot there is no other outcome
    assert set(policy_map(hidden, by_outcome, last=NONE_YET)["cats"].ravel()) == {3}


def test_an_agents_table_shows_what_the_agent_would_do(small_catalog: Catalog) -> None:
    tables = Tables.compile(Scenario.load("classic").replace({"observe.last_ad": True}), small_catalog)

    def same_again(observations: np.ndarray) -> np.ndarray:  # the ad of the last slot, or ad 5 before the first
        last = observations[:, tables.layout.parts["last_ad"].slice].astype(np.float64)
        last[last.sum(axis=1) == 0, 5] = 1
        return last

    chosen = policy_map(tables, tabulate(tables, same_again), last=2)["cars"][:, 0]
    assert (chosen[0], set(chosen[1:])) == (5, {2})


def test_a_category_without_videos_is_left_out(small_catalog: Catalog) -> None:
    wider = copy(small_catalog)
    wider.categories = (*small_catalog.categories, "zebras")
    tables = Tables.compile("classic", wider)
    assert list(policy_map(tables, Optimum(tables).policy)) == list(small_catalog.categories)


def test_a_policy_of_another_catalog_is_refused(fatigue: Tables, small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match="policy table: axes"):
        policy_map(Tables.compile("fatigue", small_catalog), Optimum(fatigue).policy)
