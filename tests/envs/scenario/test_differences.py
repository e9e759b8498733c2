"""Differences between scenarios, by dotted keys."""

import pytest

from preroll.envs.scenario.differences import differences
from preroll.envs.scenario.scenario import Scenario, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_a_scenario_does_not_differ_from_itself_under_another_name(name: str) -> None:
    scenario = Scenario.load(name)
    assert differences([scenario, scenario.replace({"name": "other", "description": "other"})]) == {}


@pytest.mark.parametrize("name", preset_names())
def test_what_is_set_is_what_differs(name: str) -> None:
    scenario = Scenario.load(name)
    changes = {"user.mismatch": 0.123, "session.horizon": 7}
    found = differences([scenario, scenario.replace(changes)])
    assert {key: after for key, (_, after) in found.items()} == {key: str(value) for key, value in changes.items()}


def test_ads_that_differ_alike_are_one_key_and_others_each_their_own() -> None:
    classic = Scenario.load("classic")
    assert differences([classic, classic.replace({"ads.*.long.seconds": 40})]) == {
        "ads.*.long.seconds": ("30.0", "40.0")
    }
    found = differences([classic, classic.replace({"ads.cats.long.seconds": 40})])
    assert found == {"ads.cats.long.seconds": ("30.0", "40.0")}


def test_a_key_that_a_scenario_lacks_has_no_text() -> None:
    found = differences([Scenario.load("classic"), Scenario.load("fatigue"), Scenario.load("drift")])
    assert found["user.fatigue.gain.long"] == ("", "[1, 5]", "")
    assert found["drift.0.from_session"] == ("", "", "100")
    assert found["session.no_ad"] == ("false", "true", "false")
