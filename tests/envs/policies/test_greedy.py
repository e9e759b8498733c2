"""Greedy, against plain loops over everything that is hidden from the agent."""

import itertools
from typing import Any

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables, greedy_policy
from preroll.envs.optimum.reference_values import as_predicted
from preroll.envs.policies.policy import Policy
from preroll.errors import MemoryShortError
from preroll.perception.catalog.catalog import Catalog
from preroll.system.memory import COMPILED, Need
from tests.envs.tiny import three_videos, tiny

POSITIONS: dict[str, Any] = {"user.position": {"pre": 0.7, "mid": 1.6}, "session.slots": ["pre", "mid"]}


def expected_reward(tables: Tables, video: int, ad: int, last: int, level: int, slot: int) -> float:
    """E min(P(view), 1) · reward over the segments that are hidden and the videos that look alike, written out."""
    scenario, catalog, observe = tables.scenario, tables.catalog, tables.scenario.observe
    if ad == len(scenario.ads):
        return 0.0
    one, user = scenario.ads[ad], scenario.user
    category, memorability = np.asarray(catalog.category), np.asarray(catalog.memorability)
    alike = [
        n
        for n in range(catalog.n_videos)
        if (observe.category == "none" or category[n] == category[video])
        and (not observe.memorability or round(1000 * memorability[n]) == round(1000 * memorability[video]))
    ]
    total = 0.0
    for n, segment in itertools.product(alike, user.segments):
        fits = catalog.categories[category[n]] == one.category
        assert isinstance(one.view_probability, float)
        p = one.view_probability * (1.0 if fits else user.mismatch) * user.fatigue.wear[level]
        p *= segment.appeal.get(one.length, 1.0) * segment.appeal.get(one.label, 1.0)
        p *= user.position.get(scenario.session.slots[slot % len(scenario.session.slots)], 1.0)
        p *= user.repeat if last % tables.n_actions == ad and last < 2 * tables.n_actions else 1.0
        pay = one.reward + scenario.recall_weight * round(1000 * memorability[n]) / 1000
        total += segment.share * min(p, 1.0) * pay / len(alike)
    return total


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"observe.category": "none"},
        {"observe.memorability": True},
        {"observe.category": "none", "observe.memorability": True},
        {"user.repeat": 0.3},
        POSITIONS,
        {**POSITIONS, "user.fatigue": {"levels": 1, "wear": [1]}, "user.leave.fatigue": [0]},
    ],
)
def test_greedy_maximizes_the_expected_reward_given_what_the_agent_sees(
    changes: dict[str, Any], small_catalog: Catalog
) -> None:
    hidden = [
        {"name": "many", "share": 0.7, "appeal": {"long": 2.5, "cats.short": 0.1}},
        {"name": "few", "share": 0.3, "appeal": {"long": 0.0, "cats.short": 1.2}},
    ]
    base = {"user.segments": hidden, "recall_weight": 1.5, "session.horizon": 3}
    tables = Tables.compile(Scenario.load("fatigue").replace({**base, **changes}), small_catalog)
    policy = greedy_policy(tables).on(tables).probabilities
    assert policy is not None
    rng = np.random.default_rng(0)
    for _ in range(60):
        video, last = int(rng.integers(tables.n_videos)), int(rng.integers(2 * tables.n_actions + 1))
        level, slot = int(rng.integers(tables.n_levels)), int(rng.integers(tables.n_slots))
        values = [expected_reward(tables, video, ad, last, level, slot) for ad in range(tables.n_actions)]
        best = np.isclose(values, max(values), atol=1e-9)
        np.testing.assert_allclose(policy[0, 0, slot, video, level, last], best / best.sum())


def test_an_ad_that_half_the_users_hate_is_not_worth_what_the_other_half_cannot_view_twice(
    small_catalog: Catalog,
) -> None:
    """P(view) of x is min(.9 · 2, 1) for one half and 0 for the other: .5, less than y's .8."""
    ads = {"cats": {"x": {"seconds": 10, "view_probability": 0.9, "reward": 1},
                    "y": {"seconds": 10, "view_probability": 0.8, "reward": 1}}}  # fmt: skip
    segments = [
        {"name": "lovers", "share": 0.5, "appeal": {"x": 2.0}},
        {"name": "haters", "share": 0.5, "appeal": {"x": 0.0}},
    ]
    user = {"mismatch": 1.0, "segments": segments}
    scenario = Scenario.load({"name": "halves", "session": {"horizon": 1}, "ads": ads, "user": user})
    tables = Tables.compile(scenario, small_catalog)
    assert Optimum(tables).value_of(greedy_policy(tables)) == pytest.approx(0.8)


def two_ads(cats: float, dogs: float, **observe: Any) -> dict[str, Any]:
    ads = {"cats": {"a": {"seconds": 10, "view_probability": cats, "reward": 1}},
           "dogs": {"b": {"seconds": 10, "view_probability": dogs, "reward": 1}}}  # fmt: skip
    user = {"mismatch": 0.5}
    return {"name": "two", "session": {"horizon": 1}, "ads": ads, "user": user, "observe": observe}


def test_videos_that_look_alike_count_as_often_as_they_are_there() -> None:
    """Six videos of cats, then three of dogs: cats earn .45 · (2 + .5) / 3 = .375, dogs .5 · 2 / 3 or .7 · 2 / 3."""
    importance = np.eye(2)[[0] * 6 + [1] * 3]
    catalog = Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=np.array([0] * 6 + [1] * 3),
        neighbors=np.full((9, 10), -1),
        importance=importance,
        classes=("cat", "dog"),
        category_probabilities=importance,
    )
    for cats, dogs, best in ((0.45, 0.5, 0), (0.45, 0.7, 1)):
        tables = Tables.compile(two_ads(cats, dogs, category="none"), catalog)
        probabilities = greedy_policy(tables).probabilities
        assert probabilities is not None
        assert (probabilities.argmax(axis=-1) == best).all(), (cats, dogs)


def test_where_the_category_is_predicted_the_likeliest_is_taken_for_true() -> None:
    """Before dogs the ad of cats has P(view) .6 · .5, that of dogs .4."""
    catalog = three_videos((0, 1, 0), [[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]])
    policy = greedy_policy(Tables.compile(two_ads(0.6, 0.4, category="predicted"), catalog))
    assert policy.probabilities is not None
    assert policy.probabilities.argmax(axis=-1).ravel().tolist() == [1, 1, 0]
    policy = greedy_policy(Tables.compile(two_ads(0.9, 0.4, category="predicted"), catalog))
    assert policy.probabilities is not None
    assert policy.probabilities.argmax(axis=-1).ravel().tolist() == [0, 0, 0]


SOAP: dict[str, Any] = {
    "soap": {
        "short": {"seconds": 10, "view_probability": {"cats": 0.7, "cars": 0.3, "other": 0.5}, "reward": 1},
        "long": {"seconds": 30, "view_probability": {"cats": 0.3, "cars": 0.1, "concerts": 0.2}, "reward": 3},
    },
    "petrol": {"long": {"seconds": 30, "view_probability": {"cars": 0.4, "other": 0.05}, "reward": 2}},
}


@pytest.mark.parametrize(("category", "percent"), [(True, 68.19), ("predicted", 68.07)])
def test_greedy_looks_up_what_an_advertisers_ad_is_worth_before_the_category_that_it_sees(
    category: Any, percent: float
) -> None:
    """Perception is wrong about 13 of 300 videos; always the long ad of soap, fit for all, would earn 60.66 %."""
    scenario = Scenario.load("fatigue").replace({"ads": SOAP, "observe.category": category})
    tables = Tables.compile(scenario, "demo")
    exact = Optimum(tables)
    assert round(100 * exact.value_of(greedy_policy(tables)) / exact.value, 2) == percent
    guessed = Tables.compile(tables.scenario.replace({"observe.category": True}), as_predicted(tables).catalog)
    if category == "predicted":
        shown, best = (greedy_policy(one).on(one).probabilities for one in (tables, guessed))
        np.testing.assert_array_equal(shown, best)
    assert round(100 * exact.value_of(Policy(ads=np.array([[[1]]]))) / exact.value, 2) == 60.66


@pytest.mark.parametrize("changes", [{}, {"user.repeat": 1.0}, POSITIONS], ids=str)
def test_greedy_says_what_its_table_needs_before_it_makes_one(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.compile(tiny(changes), three_videos())
    table, needs = greedy_policy(tables).probabilities, list[int]()
    assert table is not None

    def noted(what: str, need: Need) -> None:
        needs.append(need.filled - COMPILED.filled)
        raise MemoryShortError(what)

    monkeypatch.setattr("preroll.envs.policies.greedy.require", noted)
    with pytest.raises(MemoryShortError, match="the greedy policy"):
        greedy_policy(tables)
    assert table.nbytes < needs[0] <= 5 * table.nbytes
