"""Mechanisms that act and that agents cannot see."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from preroll.envs.lint.action_values import ActionComparison
from preroll.envs.lint.finding import Finding
from preroll.envs.lint.mechanisms import Mechanisms, paid, stated_at
from preroll.envs.lint.responses import Responses, alike, walk
from preroll.envs.model.observation import OF_VIDEO
from preroll.envs.model.tables import Tables

#: Mechanisms, the parts of an observation any of which shows them, and what to do without.
_SHOWN_BY: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("user.fatigue", ("fatigue", "last_view"), "set observe.fatigue (the level) or observe.last_view (what moved it)"),
    ("user.repeat", ("last_ad",), "set observe.last_ad, without which only agents with memory know the last ad"),
    ("user.position", ("position",), "set observe.position; progress shows it only as a remainder"),
    ("user.segments", ("segment",), "set observe.segment, or train an agent with memory, which infers it"),
    ("user.mismatch", ("category",), "set observe.category to true, or to predicted for videos without a label"),
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
    plain = [part.model_dump(mode="json", exclude_defaults=True) for part in (scenario, *mechanisms.phases)]
    for key, parts, advice in _SHOWN_BY:
        if counts[key] and not shown & set(parts):
            stated = (stated_at(part, tuple(key.split("."))) for part in plain)
            value = next(value for value in stated if value is not None)
            yield Finding(key, value, f"acts, but agents cannot see it: {advice}")
    unlabelled = int((mechanisms.tables.category < 0).sum())
    if scenario.observe.category is True and "category" in shown and unlabelled and counts["user.mismatch"]:
        text = f"agents see none of {unlabelled} videos without a label, though users do; set it to predicted"
        yield Finding("observe.category", True, text)
    if "progress" not in shown and compared is not None and compared.best_by_slot:
        text = "the best ad depends on how much of the session is left, which agents cannot see; set it to true"
        yield Finding("observe.progress", False, text)


def _shown(tables: Tables) -> set[str]:
    """Returns the parts of the observation, less those of the video that are the same for all videos."""
    rows = {name: tables.arrays.rows[:, part.slice] for name, part in tables.layout.parts.items()}
    return {name for name, row in rows.items() if name not in OF_VIDEO or np.ptp(row, axis=0).any()}


def _what_counts(mechanisms: Mechanisms, shown: set[str]) -> dict[str, bool]:
    """Returns for every mechanism whether an agent that does not see it lacks something that changes the answers."""
    users = [user for users in mechanisms.users for user in users]
    sees_slot, sees_category = "progress" in shown, "category" in shown
    return {
        "user.fatigue": mechanisms.acting["user.fatigue"] and not (sees_slot and all(map(_level_is_known, users))),
        "user.repeat": mechanisms.acting["user.repeat"] and mechanisms.tables.n_actions > 1,
        "user.position": any(np.ptp(user.view[:, : mechanisms.slots_reached], axis=1).any() for user in users),
        "user.segments": mechanisms.acting["user.segments"],
        "user.mismatch": any(np.ptp(user.view, axis=0).any() for user in users),
        "recall_weight": any(_differ_within(paid(user), mechanisms.category * sees_category) for user in users),
        "drift": mechanisms.acting["drift"],
    }


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
