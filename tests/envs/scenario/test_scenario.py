"""Scenarios: validated, frozen, and clear about what is wrong."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.bounded.yaml_text import parse_yaml
from preroll.envs.scenario.scenario import Scenario, preset_names
from preroll.errors import PrerollError


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_survives_a_round_trip_through_yaml(name: str) -> None:
    scenario = Scenario.load(name)
    assert Scenario.load(parse_yaml(scenario.dump(), "dumped")) == scenario


def test_classic_is_the_table_of_the_design() -> None:
    table = {ad.label: (ad.seconds, ad.view_probability, ad.reward) for ad in Scenario.load("classic").ads}
    assert table == {
        "cats.short": (10, 0.7, 1),
        "cats.long": (30, 0.3, 3),
        "cars.short": (10, 0.8, 1),
        "cars.long": (30, 0.4, 2),
        "concerts.short": (10, 0.9, 1),
        "concerts.long": (30, 0.5, 2),
    }


def test_the_order_of_the_file_numbers_the_ads() -> None:
    ad = {"seconds": 1, "view_probability": 0.5, "reward": 1}
    scenario = Scenario.load({"ads": {"dogs": {"b": ad, "a": ad}, "cats": {"c": ad}}})
    assert [ad.label for ad in scenario.ads] == ["dogs.b", "dogs.a", "cats.c"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ads.cats.long.view_probability": 1.5},
            r"ads\.cats\.long\.view_probability: 1\.5: should be in \[0, 1\]",
        ),
        ({"ads.cats.long.view_probability": float("nan")}, r"view_probability: nan"),
        ({"user.mismatch": -0.1}, r"user\.mismatch: -0\.1: should be in \[0, 1\]"),
        ({"session.horizon": True}, r"session\.horizon: True: should be in \[1, 10000\]"),
        ({"user.fatigue.gain": {"long": [0, True]}}, r"user\.fatigue\.gain\.long\.1: True: should be a valid integer"),
        ({"user.fatigue.wear": [True]}, r"user\.fatigue\.wear\.0: True: should be a valid number"),
        ({"user.leave.hazard": {"long": [False, 0]}}, r"user\.leave\.hazard\.long\.0: False: should be a valid number"),
        ({"user.leave.fatigue": [True]}, r"user\.leave\.fatigue\.0: True: should be a valid number"),
        ({"user.abandonment": [[0, 0], [1, True]]}, r"user\.abandonment\.1\.1: True: should be a valid number"),
        ({"user.position": {"pre": True}}, r"user\.position\.pre: True: should be a valid number"),
        ({"user.position": [1]}, r"user\.position: should be a mapping$"),
        ({"user.fatigue": 3}, r"user\.fatigue: 3: should be a mapping$"),
        ({"user.fatigue.wear": {"a": 1}}, r"user\.fatigue\.wear: should be a list$"),
        ({"user.abandonment": [[0, 0, 0]]}, r"user\.abandonment\.0: should have at most 2 items, not 3"),
        ({"session.slots": 3}, r"session\.slots: 3: should be a list$"),
        ({"user.segments": [{"name": "a", "share": True}]}, r"user\.segments\.0\.share: True: should be in \[0, 1\]"),
        ({"session.no_ad": "yes"}, r"session\.no_ad: 'yes': should be true or false"),
        ({"observe.category": 1}, r"observe\.category: 1: should be True or 'predicted' or 'none'"),
        ({"user.mismatch": "x"}, r"user\.mismatch: 'x'"),
        *(
            ({"ads.cats.long.view_probability": value}, rf"ads\.cats\.long\.view_probability{line}")
            for value, line in (
                ({"cats": 1.5, "other": 0}, r"\.cats: 1\.5: should be in \[0, 1\]$"),
                ({"cats": True, "other": 0}, r"\.cats: True: should be in \[0, 1\], a number$"),
                ({"cats": float("nan")}, r"\.cats: nan: should be in \[0, 1\]$"),
                (
                    {"a*": 0.5},
                    r": the key 'a\*': should be text of at least one character, none of them \* or a control",
                ),
                ({5: 0.5}, r": the key 5: should be a valid string$"),
                (True, r": True: should be in \[0, 1\], a number$"),
                ("x", r": 'x': should be in \[0, 1\], a number$"),
                (None, r": is missing$"),
                ([0.5], r": should be a valid number$"),
                ({"scale": "x"}, r": scale: a number is expected, not 'x'$"),
            )
        ),
        ({"ads.*.*.view_probability.cats": 0.5}, r"unknown key 'cats'; there is nothing below it"),
        ({"user.mismatchh": 0.1}, r"unknown key 'mismatchh'; did you mean mismatch\? Known here: mismatch, "),
        ({"ads.dogs.long.reward": 1}, r"unknown key 'dogs'; known here: cats, cars, concerts"),
        ({"session.horizon": 0}, r"session\.horizon: 0"),
        ({"ads": {}}, r"ads"),
        ({"user.fatigue.levels": 3, "user.fatigue.wear": [1, 0.5]}, r"wear needs one number for each of the 3 levels"),
        ({"user.position": {"post": 0.5}}, r"no slot 'post'; slots are pre"),
        ({"user.leave.hazard": {"longest": [0, 0]}}, r"no ad has length 'longest'"),
        ({"user.segments": [{"name": "a", "share": 0.5}]}, r"shares of the segments should add up to 1"),
        ({"user.mismatch": {"scale": "two"}}, r"mismatch"),
        ({"user.segments": [{"name": "a", "share": 0.5}] * 2}, r"a segment's name occurs twice"),
        ({"user.leave.hazard.none": [0, 0]}, r"unknown key 'none'; it is empty, and can be set as a whole"),
        ({"ads.cats.long.length": "none"}, r"ads\.cats\.long\.length: 'none': should not be none"),
        (
            {"drift": [{"from_session": 7, "set": {"user.mismatch": 3}}]},
            r"scenario classic: drift from session 7: user\.mismatch: 3: should be in \[0, 1\]",
        ),
    ],
)
def test_a_wrong_value_is_told_in_one_line_with_key_value_and_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerollError, match=message) as caught:
        Scenario.load("classic").replace(changes)
    assert "\n" not in str(caught.value)


def test_an_unknown_key_in_a_file_names_the_file_and_the_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(Scenario.load("classic").dump() + "colour: red\n")
    with pytest.raises(PrerollError, match=r"mine\.yaml: colour: unknown key"):
        Scenario.load(path)


def test_a_key_written_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("session: {horizon: 3}\nsession: {horizon: 4}\n")
    with pytest.raises(PrerollError, match=r"mine\.yaml, line 2: .*key 'session' occurs twice$"):
        Scenario.load(path)


def test_a_file_with_spaces_and_dots_in_its_name_is_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "my scenario.v2.yaml"
    path.write_text(Scenario.load("classic").dump().replace("name: classic\n", ""))
    assert Scenario.load(path) == Scenario.load("classic").model_copy(update={"name": "my-scenario-v2"})


def test_an_unknown_name_lists_the_presets() -> None:
    with pytest.raises(PrerollError, match=r"no such preset .*did you mean classic. Presets are .*classic.*fatigue"):
        Scenario.load("clasic")


def test_replace_changes_a_copy_and_scales_with_a_star() -> None:
    classic = Scenario.load("classic")
    doubled = classic.replace({"ads.*.long.reward": {"scale": 2}})
    assert [ad.reward for ad in doubled.ads] == [1, 6, 1, 4, 1, 4]
    assert [ad.reward for ad in classic.ads] == [1, 3, 1, 2, 1, 2]


def test_drift_builds_each_phase_on_the_one_before() -> None:
    drift = [
        {"from_session": 10, "set": {"user.mismatch": 0.1}},
        {"from_session": 20, "set": {"ads.cats.long.reward": 9}},
    ]
    phases = Scenario.load("classic").replace({"drift": drift}).phases
    assert [start for start, _ in phases] == [0, 10, 20]
    assert [phase.user.mismatch for _, phase in phases] == [0.4, 0.1, 0.1]
    assert [phase.ads[1].reward for _, phase in phases] == [3, 3, 9]


@pytest.mark.parametrize("change", [{"session.horizon": 3}, {"ads.cats.long.length": "short"}])
def test_drift_may_not_change_the_shape_of_the_simulation(change: dict[str, Any]) -> None:
    with pytest.raises(PrerollError, match="drift: may change probabilities"):
        Scenario.load("classic").replace({"drift": [{"from_session": 10, "set": change}]})


def test_the_ads_of_a_category_stand_together_for_the_file_numbers_them_so() -> None:
    ads = [
        {"category": c, "name": n, "length": n, "seconds": 1, "view_probability": 1, "reward": 1}
        for c, n in (("cats", "a"), ("dogs", "a"), ("cats", "b"))
    ]
    with pytest.raises(PrerollError, match="the ads of a category must be consecutive"):
        Scenario.load({"ads": ads})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_nothing_but_a_preroll_error_comes_out_of_a_wrong_scenario(value: Any) -> None:
    for wrong in ({"ads": value}, {"user": value}, {"drift": value}, {"session": value}):
        with pytest.raises(PrerollError):
            Scenario.load({"ads": None, **wrong})


def test_a_star_stands_for_every_key_below_which_the_rest_is_found() -> None:
    scenario = Scenario.load("campaigns").replace({"ads.*.*.view_probability.cars": 0.3})
    cars = {ad.label: ad.view_probability.get("cars") for ad in scenario.ads if isinstance(ad.view_probability, dict)}
    stated = ["petrol.short", "petrol.long", "tickets.short"]
    assert cars == {ad.label: 0.3 if ad.label in stated else None for ad in scenario.ads}


def test_a_factor_scales_every_value_of_a_mapping_once() -> None:
    base = {"ads.cats.long.view_probability": {"cats": 0.5, "other": 0.25}}
    scenario = Scenario.load("classic").replace(base).replace({"ads.*.long.view_probability": {"scale": 0.5}})
    assert [ad.view_probability for ad in scenario.ads][:4] == [0.7, {"cats": 0.25, "other": 0.125}, 0.8, 0.2]
    assert (
        Scenario.load("classic").replace(base).dump()
        == scenario.replace(
            base | {"ads.cars.long.view_probability": 0.4, "ads.concerts.long.view_probability": 0.5}
        ).dump()
    )


def test_a_scenario_that_uses_nothing_new_is_written_as_ever() -> None:
    """Fingerprints of runs and cells are made of this text: one of another version stays known."""
    ad = {"seconds": 10, "view_probability": 0.5, "reward": 1}
    written = Scenario.load({"name": "one", "ads": {"cats": {"short": ad}}}).model_dump_json()
    assert sha256(written.encode()).hexdigest().startswith("28d0ed90fab7eb8f")


def test_a_change_inside_of_another_one_changes_nothing_of_the_callers() -> None:
    ads = {"cats": {"short": {"seconds": 5, "view_probability": 0.5, "reward": 1}}}
    changed = Scenario.load("classic").replace({"ads": ads, "ads.*.*.reward": 2})
    assert (changed.ads[0].reward, ads["cats"]["short"]["reward"]) == (2, 1)
