"""A key has no effect if no session of any agent would differ without it; every mechanism that acts is left alone."""

from typing import Any

import pytest

from preroll.envs.lint.mechanisms import Mechanisms, with_values
from preroll.envs.lint.warnings import warnings_about
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.policies.simple import random_policy
from preroll.envs.scenario.scenario import Scenario
from tests.envs.every_mechanism import EVERYTHING
from tests.envs.tiny import LONG, SHORT, three_videos, tiny

FATIGUE: dict[str, Any] = {"levels": 3, "gain": {"short": [0, 1], "long": [0, 2]}, "wear": [1, 0.5, 0.25]}
USER: dict[str, Any] = {"user.repeat": 1.0, "user.leave": {}, "user.fatigue": {}}
A, B = {"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}


def silent(changes: dict[str, Any], scenario: Scenario | None = None) -> set[str]:
    """Keys that a warning calls without effect, telling nothing or never reached; those of the ads aside."""
    tables = Tables.compile((scenario or tiny()).replace(changes), three_videos())
    found = {finding.key: str(finding) for finding in warnings_about(tables) if "cannot see" not in str(finding)}
    return {key for key in found if not key.startswith("ads") and key != "session.no_ad"}


NO_EFFECT: dict[str, tuple[dict[str, Any], set[str]]] = {
    "recovery takes back every gain": (
        {"user.leave": {}, "user.fatigue": {**FATIGUE, "recovery": 2}, "observe.fatigue": True},
        {"user.fatigue", "observe.fatigue"},
    ),
    "no level wears or leaves": ({"user.leave": {}, "user.fatigue.wear": [1, 1, 1]}, {"user.fatigue"}),
    "levels and nothing else": ({**USER, "user.fatigue": {"levels": 3}}, {"user.fatigue"}),
    "the same wear at every level": (
        {"user.leave": {}, "user.fatigue.wear": [0.5, 0.5, 0.5]},
        {"user.fatigue.gain"},
    ),
    "a gain of an empty slot that is not allowed": (
        {"session.no_ad": False, "user.fatigue.gain": {"none": [1, 1], "long": [0, 2]}},
        {"user.fatigue.gain.none"},
    ),
    "more levels than slots": (
        {**USER, "user.fatigue": {"levels": 8, "gain": {"short": [0, 1]}, "wear": [1, 0.9] + [0.8] * 6}},
        {"user.fatigue.levels"},
    ),
    "one slot a session": (
        {"session.horizon": 1},
        {"user.repeat", "user.fatigue", "user.leave", "recommender"},
    ),
    "everybody leaves after the first slot": (
        {"user.leave": {"hazard": {"short": [1, 1], "long": [1, 1], "none": [1, 1]}}},
        {"user.repeat", "user.fatigue", "recommender", "session.horizon"},
    ),
    "repetition by ads that nobody views": (
        {"ads.*.*.view_probability": 0.0, **USER, "user.repeat": 0.5},
        {
            "user.repeat",
            "user.mismatch",
            "recommender",
        },
    ),
    "a hazard of nothing": ({**USER, "user.leave": {"hazard": {"short": [0, 0]}}}, {"user.leave"}),
    "a hazard of an empty slot that is not allowed": (
        {"session.no_ad": False, "user.leave.hazard": {"none": [0.5, 0.5], "short": [0.1, 0]}},
        {"user.leave.hazard.none"},
    ),
    "a factor of 1": ({**USER, "user.position": {"pre": 1}}, {"user.position"}),
    "a factor cut away": (
        {
            **USER,
            "session.slots": ["pre", "mid"],
            "ads.*.*.view_probability": 1.0,
            "user.mismatch": 1.0,
            "user.position": {"mid": 1.5},
        },
        {"user.position", "recommender"},
    ),
    "one of two positions cut away": (
        {
            **USER,
            "session.slots": ["pre", "mid"],
            "ads.*.*.view_probability": 1.0,
            "user.mismatch": 1.0,
            "user.position": {"mid": 1.5, "pre": 0.5},
        },
        {"user.position.mid", "recommender"},
    ),
    "equal segments": (
        {"user.segments": [{**A, "appeal": {"long": 0.5}}, {**B, "appeal": {"dogs": 0.5}}], "observe.segment": True},
        {"user.segments", "observe.segment"},
    ),
    "segments that leave differently, and no leaving": (
        {"user.leave": {}, "user.segments": [A, {**B, "leave": 2}]},
        {"user.segments"},
    ),
    "a factor on leaving without leaving": (
        {"user.leave": {}, "user.segments": [A, {**B, "leave": 2, "appeal": {"long": 0.5}}]},
        {"user.segments.1.leave"},
    ),
    "a segment of nobody": (
        {"user.segments": [{**A, "share": 1}, {**B, "share": 0, "appeal": {"long": 0.5}}]},
        {"user.segments.1.share", "user.segments"},
    ),
    "two of three segments alike": (
        {
            "user.segments": [
                A,
                {**B, "share": 0.3, "appeal": {"long": 0.5}},
                {"name": "c", "share": 0.2, "appeal": {"dogs": 0.5}},
            ]
        },
        {"user.segments.2"},
    ),
    "a drift to what is": ({"drift": [{"from_session": 3, "set": {"user.mismatch": 0.5}}]}, {"drift.0.set"}),
    "a drift by a factor of 1": (
        {"drift": [{"from_session": 3, "set": {"user.repeat": {"scale": 1}}}]},
        {"drift.0.set"},
    ),
    "half a drift": (
        {"drift": [{"from_session": 3, "set": {"user.mismatch": 0.5, "user.repeat": 0.1}}]},
        {"drift.0.set.user.mismatch"},
    ),
    "a drift back": (
        {"drift": [{"from_session": 3, "set": {"user.repeat": 0.1}}, {"from_session": 5, "set": {"user.repeat": 0.5}}]},
        set(),
    ),
    "any video follows": ({"recommender.jump": 1.0}, {"recommender.rank_decay", "recommender.neighbors"}),
    "the nearest follows": ({"recommender.neighbors": 1}, {"recommender.rank_decay"}),
    "more neighbors than there are": ({"recommender.neighbors": 5}, {"recommender.neighbors"}),
    "what is not there is observed": (
        {
            **USER,
            **{
                f"observe.{part}": True
                for part in ("fatigue", "last_ad", "last_view", "position", "segment", "memorability")
            },
        },
        {f"observe.{part}" for part in ("fatigue", "last_ad", "last_view", "position", "segment", "memorability")},
    ),
    "last_ad serves memory": (
        {**USER, "user.segments": [A, {**B, "appeal": {"long": 0.5}}], "observe.last_ad": True},
        set(),
    ),
}


@pytest.mark.parametrize("case", NO_EFFECT)
def test_exactly_the_keys_without_effect_are_named(case: str) -> None:
    changes, expected = NO_EFFECT[case]
    assert silent(changes) == expected


def test_where_every_mechanism_acts_no_key_is_named() -> None:
    catalog = three_videos()
    ads = {"cats": {"short": SHORT, "long": LONG}, "dogs": {"short": SHORT, "long": LONG}}
    scenario = Scenario.load({**EVERYTHING.model_dump(mode="json"), "ads": ads})
    tables = Tables.compile(scenario, catalog)
    assert {finding.key for finding in warnings_about(tables)} <= {"drift"}


ACTING: list[tuple[tuple[Any, ...], Any]] = [
    (("recall_weight",), 0.0),
    (("user", "mismatch"), 1.0),
    (("user", "repeat"), 1.0),
    (("user", "position", "mid"), 1.0),
    (("user", "fatigue", "wear"), []),
    (("user", "fatigue", "recovery"), 0),
    (("user", "fatigue", "gain", "long"), [0, 0]),
    (("user", "leave", "hazard", "none"), [0, 0]),
    (("user", "leave", "fatigue"), []),
    (("user", "segments", 1, "appeal", "cats.short"), 1.0),
    (("user", "segments", 1, "leave"), 1.0),
]


@pytest.mark.parametrize(("path", "off"), ACTING)
def test_a_key_acts_where_it_changes_the_value_of_random_play(path: tuple[Any, ...], off: Any) -> None:
    """Random play reaches every state, so that its exact value tells independently of the comparison of answers."""
    ads = {"cats": {"short": SHORT, "long": LONG}, "dogs": {"short": SHORT, "long": LONG}}
    scenario = Scenario.load({**EVERYTHING.model_dump(mode="json"), "ads": ads, "drift": []})
    tables = Tables.compile(scenario, three_videos())
    changed = Tables.compile(with_values(scenario, {path: off}), three_videos())
    values = [Optimum(one).value_of(random_policy(one)) for one in (tables, changed)]
    assert abs(values[0] - values[1]) > 1e-9
    assert Mechanisms(tables).changes_sessions({path: off})


@pytest.mark.parametrize("case", ["recovery takes back every gain", "no level wears or leaves", "one slot a session"])
def test_without_a_key_that_has_no_effect_all_values_are_the_same(case: str) -> None:
    scenario = tiny().replace(NO_EFFECT[case][0])
    without = with_values(scenario, {("user", "fatigue"): {}, ("user", "leave", "fatigue"): []})
    exact = [Optimum(Tables.compile(one, three_videos())) for one in (scenario, without)]
    assert exact[0].value == pytest.approx(exact[1].value, rel=1e-12)
    values = [one.value_of(random_policy(one.tables)) for one in exact]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
