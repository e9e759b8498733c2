"""The optimum is exact: against brute force, against closed forms, against simulation."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import stats

from preroll.envs import Optimum, Policy, Scenario, Tables, preset_names, rollout
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import fixed_policy, random_policy
from preroll.envs.policies.tabulate import tabulate
from preroll.perception.catalog.catalog import Catalog

AD = {"seconds": 10, "view_probability": 0.8, "reward": 1.0}
LONG = {"seconds": 30, "view_probability": 0.5, "reward": 2.0}


@pytest.fixture(scope="module")
def two_videos() -> Catalog:
    """Two videos that recommend each other."""
    return Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=np.array([0, 1]),
        neighbors=np.array([[1] + [-1] * 9, [0] + [-1] * 9]),
        importance=np.eye(2),
        classes=("cat", "dog"),
        memorability=np.array([0.25, 0.75]),
    )


def tiny(**changes: Any) -> Scenario:
    """Two slots, two ads or none, and everything that makes the future depend on the past."""
    base: dict[str, Any] = {
        "name": "tiny",
        "session": {"horizon": 2, "no_ad": True},
        "ads": {"cats": {"short": AD}, "dogs": {"long": LONG}},
        "user": {
            "mismatch": 0.5,
            "repeat": 0.5,
            "fatigue": {"levels": 3, "gain": {"short": [0, 1], "long": [0, 2]}, "wear": [1, 0.5, 0.25]},
            "leave": {"hazard": {"short": [0.3, 0.1], "long": [0.5, 0.4]}, "fatigue": [0, 0.1, 0.2]},
        },
        "recommender": {"jump": 0.25, "rank_decay": 0.5},
    }
    return Scenario.load(base).replace(changes)


def brute_force(scenario: Scenario, catalog: Catalog) -> float:
    """Expected revenue of the best decision tree, written from the model's sentences and nothing else."""
    user, memorability = scenario.user, np.asarray(catalog.memorability)
    ads = [*scenario.ads, None]

    def best(slot: int, video: int, level: int, last: int) -> float:
        if slot == scenario.n_slots:
            return 0.0
        return max(value(slot, video, level, last, a) for a in range(len(ads)))

    def value(slot: int, video: int, level: int, last: int, a: int) -> float:
        ad = ads[a]
        fits = ad is not None and catalog.categories[catalog.category[video]] == ad.category
        p = 0.0 if ad is None else ad.view_probability * (1.0 if fits else user.mismatch) * user.fatigue.wear[level]
        p *= user.repeat if a == last else 1.0
        length = "none" if ad is None else ad.length
        total = 0.0
        for viewed, chance in ((0, 1 - p), (1, p)):
            tired = min(max(level + user.fatigue.gain.get(length, (0, 0))[viewed] - user.fatigue.recovery, 0), 2)
            leave = user.leave.hazard.get(length, (0.0, 0.0))[viewed] + user.leave.fatigue[tired]
            remembered = scenario.recall_weight * float(memorability[video])
            reward = ad.reward + remembered if ad is not None and viewed else 0.0
            total += chance * (reward + (1 - leave) * going_on(slot, video, tired, a))
        return total

    def going_on(slot: int, video: int, level: int, last: int) -> float:
        jump = scenario.recommender.jump
        anywhere = np.mean([best(slot + 1, v, level, last) for v in (0, 1)])
        return float(jump * anywhere + (1 - jump) * best(slot + 1, 1 - video, level, last))

    return float(np.mean([best(0, video, 0, -1) for video in (0, 1)]))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"session.horizon": 3},
        {"user.repeat": 1.0},
        {"user.fatigue.recovery": 1},
        {"recommender.jump": 1.0},
        {"recall_weight": 2.0},
    ],
    ids=str,
)
def test_the_optimum_equals_brute_force_on_a_tiny_scenario(changes: dict[str, Any], two_videos: Catalog) -> None:
    scenario = tiny(**changes)
    exact = Optimum(Tables.compile(scenario, two_videos))
    assert exact.value == pytest.approx(brute_force(scenario, two_videos), abs=1e-12)
    assert exact.value_of(exact.policy) == pytest.approx(exact.value, abs=1e-12)


def test_no_policy_of_a_tiny_scenario_beats_the_optimum(two_videos: Catalog) -> None:
    tables = Tables.compile(tiny(), two_videos)
    exact = Optimum(tables)
    tables_of_ads = itertools.product(range(tables.n_actions), repeat=4)  # by slot and video
    values = [exact.value_of(Policy(ads=np.reshape(ads, (2, 2, 1, 1)))) for ads in tables_of_ads]
    assert max(values) <= exact.value + 1e-12


@pytest.mark.parametrize(
    ("scenario", "changes", "hidden"),
    [
        ("fatigue", {}, ()),
        ("fatigue", {"observe.fatigue": False}, ()),  # who remembers the views can count it
        ("fatigue", {"observe.fatigue": False, "observe.last_view": False}, ("fatigue",)),
        ("fatigue", {"observe.category": "none"}, ("category",)),
        ("hidden-users", {}, ("segment",)),
        ("hidden-users", {"observe.segment": True}, ()),
        ("classic", {"recall_weight": 1.0}, ("memorability",)),
    ],
)
def test_the_optimum_is_a_bound_where_it_knows_what_no_agent_can(
    scenario: str, changes: dict[str, Any], hidden: tuple[str, ...], small_catalog: Catalog
) -> None:
    exact = Optimum(Tables.compile(Scenario.load(scenario).replace(changes), small_catalog))
    assert (exact.hidden, exact.is_bound) == (hidden, bool(hidden))


def test_on_classic_greedy_is_the_optimum_and_random_earns_57_percent(small_catalog: Catalog) -> None:
    tables = Tables.compile("classic", small_catalog)
    exact = Optimum(tables)
    assert exact.value_of(greedy_policy(tables)) == pytest.approx(exact.value, rel=1e-12)
    assert exact.value_of(random_policy(tables)) / exact.value == pytest.approx(0.57, abs=0.01)


def test_classic_is_the_sum_of_its_slots(small_catalog: Catalog) -> None:
    """With the categories in equal parts of the first slot: 20 slots of .9, .8 or 1.0 by the stationary shares."""
    tables = Tables.compile(Scenario.load("classic").replace({"recommender.jump": 1.0}), small_catalog)
    assert Optimum(tables).value == pytest.approx(20 * (0.9 + 0.8 + 1.0) / 3)


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("kind", ["optimum", "greedy", "random"])
def test_a_million_simulated_sessions_agree_with_the_exact_value(name: str, kind: str, small_catalog: Catalog) -> None:
    """Inside the 99.9 % interval of the first phase; fixed seed, so this passes always or never."""
    tables = Tables.compile(Scenario.load(name).phases[0][1], small_catalog)
    exact = Optimum(tables)
    policies = {"greedy": greedy_policy, "random": random_policy}
    policy = exact.policy if kind == "optimum" else policies[kind](tables)
    revenue = rollout(tables, policy, seed=7, lanes=1000, sessions_per_lane=1000).revenue
    standard_error = revenue.std(ddof=1) / np.sqrt(revenue.size)
    assert abs(revenue.mean() - exact.value_of(policy)) < stats.norm.ppf(0.9995) * standard_error


def test_visits_add_up_to_the_sessions_that_are_played(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = Optimum(tables)
    visits = exact.visits(exact.policy)
    played = rollout(tables, exact.policy, seed=1, lanes=500, sessions_per_lane=100)
    assert visits.slots == pytest.approx(played.slots.mean(), rel=0.02)
    assert visits.shown[0].sum() == pytest.approx(1.0)
    earned = (visits.shares() * visits.slots).sum()
    assert earned == pytest.approx(visits.slots)


def test_a_tabulated_policy_has_the_value_of_the_policy_it_copies(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = Optimum(tables)
    category = tables.layout.parts["category"].slice

    def always_long(observations: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        chosen = np.zeros((len(observations), tables.n_actions))
        own = observations[:, category].argmax(axis=1)
        for a, ad in enumerate(tables.ads):
            chosen[(own == small_catalog.categories.index(ad.category)) & (ad.length == "long"), a] = 1.0
        return chosen

    copied = exact.value_of(tabulate(tables, always_long))
    assert copied == pytest.approx(exact.value_of(fixed_policy(tables, "long")), rel=1e-12)


def test_fatigue_rewards_planning(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = Optimum(tables)
    assert exact.value_of(greedy_policy(tables)) <= 0.75 * exact.value
