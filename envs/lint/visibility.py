"""Mechanisms that act and that agents cannot see."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.lint.action_values import ActionComparison
from preroll.envs.lint.finding import Finding
from preroll.envs.lint.mechanisms import Mechanisms, paid, stated_at
from preroll.envs.lint.responses import Responses, alike, walk
from preroll.envs.model.observation import OF_VIDEO
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario

#: Probabilities by category, which act without a key of their own.
_BY_CATEGORY = "ads.*.*.view_probability"
_SHOW_CATEGORY = "set observe.category to true, or to predicted for videos without a label"
#: Mechanisms, the parts of an observation any of which shows them, and what to do without.
_SHOWN_BY: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("user.fatigue", ("fatigue", "last_view"), "set observe.fatigue (the level) or observe.last_view (what moved it)"),
    ("user.repeat", ("last_ad",), "set observe.last_ad, without which only agents with memory know the last ad"),
    ("user.position", ("position",), "set observe.position; progress shows it only as a remainder"),
    ("user.segments", ("segment",), "set observe.segment, or train an agent with memory, which infers it"),
    ("user.mismatch", ("category",), _SHOW_CATEGORY),
    (_BY_CATEGORY, ("category",), _SHOW_CATEGORY),
    ("response", ("category", "content"), "set observe.content or observe.category, which tell videos apart"),
    ("recall_weight", ("memorability",), "set observe.memorability"),
    (
        "drift",
        (),
        "no part shows it; train agents that forget (thompson with forgetting=discount)",
    ),
)


def hidden(mechanisms: Mechanisms, compared: ActionComparison | None) -> Iterator[Finding]:
    """Yields a finding for every mechanism that acts without a part of the observation that shows it.

    Args:
        mechanisms: the scenario.
        compared: its actions; None if there are too many states to compare them.
    """
    scenario, shown = mechanisms.tables.scenario, _shown(mechanisms.tables)
    counts = _what_counts(mechanisms, shown)
    for key, parts, advice in _SHOWN_BY:
        if counts[key] and not shown & set(parts):
            yield Finding(*_stated(mechanisms, key), f"acts, but agents cannot see it: {advice}")
    unlabelled = int((mechanisms.tables.category < 0).sum())
    by_category = counts["user.mismatch"] or counts[_BY_CATEGORY]
    if scenario.observe.category is True and "category" in shown and unlabelled and by_category:
        text = f"agents see none of {unlabelled} videos without a label, though users do; set it to predicted"
        yield Finding("observe.category", True, text)
    if "progress" not in shown and compared is not None and compared.best_by_slot:
        text = "the best ad depends on how much of the session is left, which agents cannot see; set it to true"
        yield Finding("observe.progress", False, text)


def _stated(mechanisms: Mechanisms, key: str) -> tuple[str, Any]:
    """Returns the key of a mechanism that acts, and what stands there first."""
    if key == _BY_CATEGORY:
        ads = (ad for phase in mechanisms.phases for ad in phase.ads if isinstance(ad.view_probability, dict))
        ad = next(ads)
        return f"ads.{ad.label}.view_probability", ad.view_probability
    parts = (mechanisms.tables.scenario, *mechanisms.phases)
    stated = (stated_at(part.model_dump(mode="json", exclude_defaults=True), tuple(key.split("."))) for part in parts)
    return key, next(value for value in stated if value is not None)


def _shown(tables: Tables) -> set[str]:
    """Returns the parts of the observation, less those of the video that are the same for all videos."""
    rows = {name: tables.arrays.rows[:, part.slice] for name, part in tables.layout.parts.items()}
    return {name for name, row in rows.items() if name not in OF_VIDEO or np.ptp(row, axis=0).any()}


def _what_counts(mechanisms: Mechanisms, shown: set[str]) -> dict[str, bool]:
    """Returns for every mechanism whether an agent that does not see it lacks something that changes the answers."""
    users = [user for users in mechanisms.users for user in users]
    sees_slot, sees_category = "progress" in shown, "category" in shown
    phases = [phase for phase, users in zip(mechanisms.phases, mechanisms.users, strict=True) for _ in users]
    by_number, by_category, by_video = np.any([_differing(*one) for one in zip(phases, users, strict=True)], axis=0)
    return {
        "user.fatigue": mechanisms.acting["user.fatigue"] and not (sees_slot and all(map(_level_is_known, users))),
        "user.repeat": mechanisms.acting["user.repeat"] and mechanisms.tables.n_actions > 1,
        "user.position": any(np.ptp(user.view[:, : mechanisms.slots_reached], axis=1).any() for user in users),
        "user.segments": mechanisms.acting["user.segments"],
        "user.mismatch": bool(by_number),
        _BY_CATEGORY: bool(by_category),
        "response": bool(by_video),
        "recall_weight": any(_differ_within(paid(user), mechanisms.category * sees_category) for user in users),
        "drift": mechanisms.acting["drift"],
    }


def _differing(phase: Scenario, user: Responses) -> list[bool]:
    """Returns whether P(view) differs between videos: of ads with one number, by category, and by video."""
    differs = np.ptp(user.view, axis=0).any(axis=(0, 1, 3))[: len(phase.ads)]
    kind = np.array([type(ad.view_probability) for ad in phase.ads])
    return [bool(differs[kind == one].any()) for one in (float, dict, type(None))]


def _level_is_known(user: Responses) -> bool:
    """Returns whether the number of the slot says as much of what follows as the fatigue level does."""
    for slot, states in walk(user, user):
        first: dict[int, int] = {}
        for level, _, last in states.tolist():
            start = np.array([[first.setdefault(last, level), level, last]])
            if not alike(user, user, start, slot):
                return False
    return True


def _differ_within(table: NDArray[np.float64], group: NDArray[np.int64]) -> bool:
    """Returns whether rows of a table differ within a group."""
    return any(np.ptp(table[group == number], axis=0).any() for number in np.unique(group))
