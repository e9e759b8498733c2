"""The preset `campaigns` is what the beginning of its file says."""

import re
from typing import Any

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables, fixed_policy, greedy_policy, random_policy
from preroll.envs.scenario.scenario import PRESETS
from tests.envs.simulated import assert_simulated_as_computed

BEST = {"cats": "soap.long", "cars": "petrol.long", "concerts": "tickets.short"}


def rewards(tables: Tables) -> dict[str, dict[str, float]]:
    """P(view) · reward of every ad before the videos of every category."""
    worth = dict(zip(tables.spec.categories, (tables.arrays.match * tables.arrays.reward)[0].tolist(), strict=True))
    return {category: dict(zip(tables.spec.labels, worth[category], strict=True)) for category in BEST}


def test_before_each_category_another_advertiser_earns_most_and_no_ad_is_of_a_category() -> None:
    tables = Tables.compile("campaigns", "demo")
    assert {category: max(ads, key=ads.__getitem__) for category, ads in rewards(tables).items()} == BEST
    assert (tables.spec.ad_category == -2).all()


def test_after_itself_the_best_ad_gives_way_to_the_other_of_its_advertiser() -> None:
    repeat = Scenario.load("campaigns").user.repeat
    for category, ads in rewards(Tables.compile("campaigns", "demo")).items():
        best = BEST[category]
        other = max((ad for ad in ads if ad != best), key=ads.__getitem__)
        assert ads[other] > repeat * ads[best]
        assert other.split(".")[0] == best.split(".")[0]


def test_the_best_on_average_is_the_best_of_one_category_alone() -> None:
    worth = rewards(Tables.compile("campaigns", "demo"))
    mean = {ad: float(np.mean([ads[ad] for ads in worth.values()])) for ad in worth["cats"]}
    assert [category for category, best in BEST.items() if best == max(mean, key=mean.__getitem__)] == ["cats"]


def test_who_does_not_know_the_category_earns_two_thirds() -> None:
    """The figures of docs/model.md."""
    hidden: dict[str, Any] = {"observe.category": "none", "observe.content": False}
    shares: dict[str, float] = {}
    known: dict[str, dict[str, Any]] = {"known": {}, "predicted": {"observe.category": "predicted"}}
    for name, changes in {**known, "unknown": hidden}.items():
        tables = Tables.compile(Scenario.load("campaigns").replace(changes), "demo")
        exact = Optimum(tables)
        shares[name] = round(100 * exact.value_of(greedy_policy(tables)) / exact.value, 1)
    assert shares == {"known": 100.0, "predicted": 99.0, "unknown": 68.8}


def test_every_line_with_a_number_is_tagged() -> None:
    lines = (PRESETS / "campaigns.yaml").read_text().splitlines()
    numbers = [line for line in lines if not line.startswith("#") and re.search(r"\d", line)]
    assert numbers
    assert all(line.endswith("# assumed") for line in numbers)


@pytest.mark.compiled
def test_a_million_sessions_are_worth_what_is_computed_of_three_policies() -> None:
    tables = Tables.compile("campaigns", "demo")
    exact = Optimum(tables)
    for policy in (exact.policy, random_policy(tables), fixed_policy(tables, "short")):
        assert_simulated_as_computed(exact, policy)
