"""A run's default name tells what was trained, and is one that every file system takes."""

import re
from typing import Any

import pytest

from preroll.simulations.runs.default_names import continued_name, default_name
from preroll.system.portable_names import LONGEST, portable

HOSTILE = [
    "a:b", "a/b", "a\\b", "*", "what?", '"', "'", "<x>", "a|b", "tab\there", "new\nline", "bell\x07", "ends.", "ends ",
    "..", ".", "", " ", "con", "NUL.txt", "com1.x", "\u202e", "é" * 80, "視" * 40, "x" * 101, "🎬", "~",
    "$HOME", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_portable_name_is_taken_everywhere(text: str) -> None:
    name = portable(text)
    assert name == portable(text)
    assert 0 < len(name.encode()) <= LONGEST == 100
    assert name.isprintable()
    assert not re.search(r"[:/\\*?\"'<>|\s~$]", name)
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)


def test_portable_names_are_left_alone_and_others_stay_distinct() -> None:
    for name in ("classic-dqn-0", "a_b.c", "x=1,2", "é", "x" * 100):
        assert portable(name) == name
    names = {portable(text) for text in HOSTILE}
    assert len(names) == len(HOSTILE)
    assert portable("x" * 200) != portable("x" * 201)


@pytest.mark.parametrize(
    ("settings", "overrides", "name"),
    [
        ({}, {}, "classic-dqn-0"),
        ({"num_envs": 256}, {}, "classic-dqn-0-num_envs=256"),
        ({"num_envs": 256.0}, {}, "classic-dqn-0-num_envs=256"),
        ({"gamma": 0.9, "batch": 64}, {}, "classic-dqn-0-batch=64-gamma=0.9"),
        ({"batch": 64, "gamma": 0.90}, {}, "classic-dqn-0-batch=64-gamma=0.9"),
        ({"activation": "tanh"}, {"user.mismatch": 1.0}, "classic-dqn-0-activation=tanh-user.mismatch=1"),
        ({"hidden": []}, {}, "classic-dqn-0-hidden="),
        ({"bootstrap_at_horizon": True}, {}, "classic-dqn-0-bootstrap_at_horizon=true"),
    ],
)
def test_a_default_name_tells_what_was_changed(settings: Any, overrides: Any, name: str) -> None:
    assert default_name("classic", "dqn", 0, settings, overrides) == name


def test_a_change_to_the_default_is_none() -> None:
    assert default_name("fatigue", "dqn", 3, {"num_envs": 512}, {}) == "fatigue-dqn-3"
    assert default_name("classic", "dqn", 0, {"buffer": 200_000}, {}, {"buffer": 1_000_000}) == (
        "classic-dqn-0-sb3-defaults-buffer=200000"
    )


def test_long_names_end_in_a_hash_of_all_of_it() -> None:
    many = {f"ads.cats.{'x' * 10}{i}.reward": i for i in range(20)}
    one, two = (default_name("classic", "dqn", 0, {}, {**many, "user.mismatch": m}) for m in (0.1, 0.2))
    assert one != two
    assert one.startswith("classic-dqn-0-ads.cats.")
    assert len(one) == len(two) == LONGEST


def test_a_continued_name_tells_what_was_added_however_often() -> None:
    name = "classic-thompson-0"
    for _ in range(20):
        name = continued_name(name, 1000)
        assert len(name) <= LONGEST
    assert continued_name(continued_name("a", 5), 7) == "a-plus-5-plus-7"
