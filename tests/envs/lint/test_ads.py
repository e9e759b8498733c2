"""Ads that optimal play does without: naming them is right if leaving them out costs nothing."""

from typing import Any

import pytest

from preroll.envs.lint.warnings import warnings_about
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.scenario.scenario import Scenario, preset_names
from tests.conftest import make_catalog
from tests.envs.tiny import LONG, SHORT, three_videos

CATS = {"short": SHORT, "long": LONG}
ALONE: dict[str, Any] = {
    "name": "alone",
    "session": {"horizon": 2},
    "ads": {"cats": CATS, "dogs": {"short": {**SHORT, "view_probability": 0.7}}},
    "user": {"mismatch": 0.5},
}


def useless(
    scenario: Scenario, category: tuple[int, int, int] = (0, 1, 0), names: tuple[str, ...] = ("cats", "dogs")
) -> dict[str, str]:
    catalog = three_videos(category)
    catalog.categories = names
    found = {finding.key: str(finding) for finding in warnings_about(Tables.compile(scenario, catalog))}
    return {key: line for key, line in found.items() if key.startswith("ads") or key == "session.no_ad"}


def test_a_dominated_ad_is_named_with_the_one_above_it() -> None:
    found = useless(Scenario.load(ALONE))  # before cats .8 and 1, before dogs .4, .5 and .7
    assert list(found) == ["ads.cats.short"]
    assert "{view_probability: 0.8, reward: 1}: is dominated by cats.long" in found["ads.cats.short"]


def test_ads_that_are_worth_the_same_are_not_dominated() -> None:
    assert useless(Scenario.load(ALONE).replace({"ads.cats.short.reward": 1.25})) == {}


@pytest.mark.parametrize("reward", [1.0, 1.25, 1.3])
def test_what_is_named_does_not_depend_on_the_unit_of_money(reward: float) -> None:
    """Below, at and above a reward that makes both ads of cats worth the same."""
    whole = Scenario.load(ALONE).replace({"ads.cats.short.reward": reward})
    for unit in (1e-12, 2.0**-20, 1e5):
        assert list(useless(whole.replace({"ads.*.*.reward": {"scale": unit}}))) == list(useless(whole)), unit


def test_an_ad_below_one_ad_here_and_another_there_is_never_best() -> None:
    """Before cats .6 against .9 and .4, before dogs .6 against .36 and 1."""
    ads = {
        "cats": {"short": {**SHORT, "view_probability": 0.9}},
        "dogs": {"short": {**SHORT, "view_probability": 1.0}},
        "any": {"short": {**SHORT, "view_probability": 1.0, "reward": 1.5}},
    }
    found = useless(Scenario.load({**ALONE, "ads": ads, "user": {"mismatch": 0.4}}), names=("cats", "dogs", "any"))
    assert list(found) == ["ads.any", "ads.any.short"]
    assert "is never best: it earns at least 0.3 less than another, cats.short" in found["ads.any.short"]


def test_an_ad_without_views_or_revenue_is_named_as_such() -> None:
    unviewed = Scenario.load(ALONE).replace({"ads.cats.long.view_probability": 0})
    assert "can never be viewed" in useless(unviewed)["ads.cats.long"]
    unpaid = Scenario.load(ALONE).replace({"ads.cats.long.reward": 0})
    assert "never pays" in useless(unpaid)["ads.cats.long"]


def test_a_category_without_videos_is_named_with_its_ads() -> None:
    found = useless(Scenario.load(ALONE), (0, 0, 0))
    assert "[short]: no video is of this category" in found["ads.dogs"]
    nowhere = useless(Scenario.load(ALONE).replace({"user.mismatch": 0}), (0, 0, 0))
    assert "can never be viewed" in nowhere["ads.dogs.short"]


def test_videos_before_which_no_ad_pays_are_named() -> None:
    scenario = Scenario.load({**ALONE, "ads": {"cats": CATS}, "user": {"mismatch": 0}})
    lines = [str(finding) for finding in warnings_about(Tables.compile(scenario, three_videos()))]
    assert any(line.startswith("user.mismatch: 0: before the videos of category dogs no ad") for line in lines)


def test_a_category_may_be_called_other_and_has_the_probability_of_that_name() -> None:
    ads = {"soap": {"short": {**SHORT, "view_probability": {"cats": 0.3, "other": 0.1}}}}
    stated = useless(Scenario.load({**ALONE, "ads": ads}), names=("cats", "other"))
    assert not [line for line in stated.values() if "stands for no video" in line]


def test_a_probability_that_stands_for_no_video_is_named() -> None:
    """Of two categories only cats have videos; an advertiser is no category that lacks videos."""
    long = {**LONG, "view_probability": {"cats": 0.3, "dogs": 0.2, "other": 0.1}}
    ads = {"soap": {"short": {**SHORT, "view_probability": {"cats": 0.3, "other": 0.1}}, "long": long}}
    scenario = Scenario.load({**ALONE, "ads": ads})
    named = {"ads.soap.short.view_probability.other", "ads.soap.long.view_probability.dogs"}
    stated = {key for key, line in useless(scenario, (0, 0, 0)).items() if "stands for no video" in line}
    assert stated == {*named, "ads.soap.long.view_probability.other"}
    stated = {key for key, line in useless(scenario).items() if "stands for no video" in line}
    assert stated == {"ads.soap.long.view_probability.other"}


def test_videos_before_which_no_advertiser_earns_are_named() -> None:
    ads = {"soap": {"short": {**SHORT, "view_probability": {"cats": 0.3, "other": 0}}}}
    found = useless(Scenario.load({**ALONE, "ads": ads}))
    assert found["ads"].startswith("ads: 1: before the videos of category dogs no ad ever pays")


def test_an_empty_slot_that_is_never_best_is_named() -> None:
    found = useless(Scenario.load(ALONE).replace({"session.no_ad": True}))
    assert found["session.no_ad"].startswith("session.no_ad: true: an empty slot is dominated by ")


def test_an_action_that_is_best_only_where_optimal_play_does_not_lead_is_named() -> None:
    """Only the long ad, which pays a tenth, tires; a tired user should rest, but optimal play tires nobody."""
    changes = {
        "session": {"horizon": 5, "no_ad": True},
        "ads": {"cats": {"short": SHORT, "long": {**LONG, "reward": 0.2}}},
        "user.fatigue": {"levels": 2, "gain": {"long": [1, 1], "none": [-1, -1]}},
        "user.leave": {"fatigue": [0, 0.9]},
    }
    found = useless(Scenario.load(ALONE).replace(changes))
    words = "an empty slot is never best where optimal play leads, only in states that it avoids"
    assert words in found["session.no_ad"]
    assert "ads.cats.short" not in found


CASES = [*preset_names(), "tired"]


@pytest.mark.parametrize("name", CASES)
def test_leaving_out_an_ad_costs_nothing_exactly_if_it_is_named(name: str) -> None:
    """The only tie of the presets, of the two ads for cars, is broken by a little more reward."""
    scenario = Scenario.load("fatigue" if name == "tired" else name).replace({"session.horizon": 4, "drift": []})
    if "cars.short" in [ad.label for ad in scenario.ads]:
        scenario = scenario.replace({"ads.cars.short.reward": {"scale": 1.01}})
    if name == "tired":
        scenario = scenario.replace({"session.no_ad": False, "user.repeat": 0.3})
    catalog = make_catalog(12)
    tables = Tables.compile(scenario, catalog)
    named = {finding.key for finding in warnings_about(tables)}
    optimum = Optimum(tables).value
    for ad in scenario.ads:
        plain = scenario.model_dump(mode="json")
        del plain["ads"][ad.category][ad.name]
        plain["ads"] = {category: ads for category, ads in plain["ads"].items() if ads}
        without = Optimum(Tables.compile(plain, catalog)).value
        assert (without > optimum - 1e-9) == (f"ads.{ad.label}" in named), ad.label
