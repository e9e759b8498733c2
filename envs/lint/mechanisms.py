"""The mechanisms of a scenario, and which of them change sessions."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.lint.responses import Responses, alike, levels_met, one_of_each_kind, walk
from preroll.envs.model.tables import RANKS, Tables
from preroll.envs.scenario.scenario import Scenario

Path = tuple[Any, ...]  # keys of mappings and numbers of lists


class Mechanisms:
    """A compiled scenario, phase by phase, to be compared with itself after a change.

    Args:
        tables: a compiled scenario.

    Attributes:
        phases: the scenario without drift of every phase.
        users: answers of the user types that occur, by phase.
        segments: numbers of these user types, by phase.
        category: category of every kind of video, int [N].
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.phases = [phase for _, phase in tables.scenario.phases]
        self._videos = one_of_each_kind(tables)
        self.category = np.asarray(self._videos.category, dtype=np.int64)
        self.users = [self.users_of(phase) for phase in self.phases]
        self.segments = [np.flatnonzero(tables.shares(phase) > 0).tolist() for phase in range(tables.n_phases)]

    def users_of(self, scenario: Scenario) -> list[Responses]:
        """Returns the answers of the user types that occur in a scenario without drift."""
        tables = Tables.compile(scenario, self._videos)
        return [Responses.of(tables, segment) for segment in np.flatnonzero(tables.shares() > 0).tolist()]

    def changes_sessions(self, changes: dict[Path, Any]) -> bool:
        """Returns whether sessions of some phase are others with ``changes``, new values by path."""
        for phase, users in zip(self.phases, self.users, strict=True):
            changed = with_values(phase, changes)
            if changed != phase and not _all_alike(users, self.users_of(changed)):
                return True
        return False

    def same_phase(self, number: int, scenario: Scenario) -> bool:
        """Returns whether phase ``number`` has the sessions of ``scenario``, which has the same segments."""
        phase = self.phases[number]
        shares = [[segment.share for segment in one.user.segments] for one in (phase, scenario)]
        same = shares[0] == shares[1] and not self._recommender_matters(phase, scenario)
        return same and _all_alike(self.users[number], self.users_of(scenario))

    @cached_property
    def acting(self) -> dict[str, bool]:
        """Whether the past of a session, its user, its time or its videos count, by the key that makes them count."""
        still: dict[Path, Any] = {("user", "fatigue", "gain"): {}, ("user", "fatigue", "recovery"): 0}
        return {
            "user.fatigue": self.changes_sessions(still),
            "user.repeat": self.changes_sessions({("user", "repeat"): 1.0}),
            "user.segments": any(not alike(users[0], other) for users in self.users for other in users[1:]),
            "recall_weight": any(np.ptp(paid(user), axis=0).any() for users in self.users for user in users),
            "drift": any(not self.same_phase(k, before) for k, before in enumerate(self.phases[:-1], start=1)),
        }

    @cached_property
    def slots_reached(self) -> int:
        """Largest number of slots of a session."""
        return max(_slots_reached(user) for users in self.users for user in users)

    @cached_property
    def levels_reached(self) -> NDArray[np.int64]:
        """Fatigue levels that are reached, if only by users who leave."""
        return np.unique(np.concatenate([levels_met(user) for users in self.users for user in users]))

    def answer_alike(self, one: int, other: int) -> bool:
        """Returns whether users of two segments answer alike in every phase in which both occur; False if in none."""
        phases = [dict(zip(*phase, strict=True)) for phase in zip(self.segments, self.users, strict=True)]
        both = [(users[one], users[other]) for users in phases if one in users and other in users]
        return bool(both) and all(alike(*users) for users in both)

    def recommender_matters(self, key: str, other: Any) -> bool:
        """Returns whether another value of a key of the recommender changes what users answer to ads."""
        changed = [with_values(phase, {("recommender", key): other}) for phase in self.phases]
        return any(map(self._recommender_matters, self.phases, changed))

    @cached_property
    def videos_differ(self) -> bool:
        """Whether users answer differently before different videos."""
        found = (table for users in self.users for user in users for table in (user.view, paid(user)))
        return any(np.ptp(table, axis=0).any() for table in found)

    def _recommender_matters(self, one: Scenario, other: Scenario) -> bool:
        """Returns whether the next video of two scenarios differs, and is one before which users answer otherwise."""
        if not self.videos_differ or self.slots_reached <= len(one.session.slots):
            return False
        return not np.allclose(self._next_video(one), self._next_video(other), rtol=0, atol=1e-12)

    def _next_video(self, scenario: Scenario) -> NDArray[np.float64]:
        """Computes the probabilities of every neighbor and of any video at all, float64 [N, 11]."""
        rules = scenario.recommender
        exists = (np.asarray(self.tables.catalog.neighbors) >= 0) & (np.arange(RANKS) < rules.neighbors)
        weights = np.where(exists, rules.rank_decay ** np.arange(RANKS), 0.0)
        total = weights.sum(axis=1, keepdims=True)
        jump = np.where(total > 0, rules.jump, 1.0)
        return np.concatenate([(1 - jump) * weights / np.maximum(total, 1e-300), jump], axis=1)


def _all_alike(users: list[Responses], others: list[Responses]) -> bool:
    return all(alike(one, other) for one, other in zip(users, others, strict=True))


def _slots_reached(user: Responses) -> int:
    """Returns the number of slots that some session of a user reaches."""
    for slot, states in walk(user, user):
        if not len(states):
            return slot
    return user.n_slots


def paid(user: Responses) -> NDArray[np.float64]:
    """Returns the reward of every ad that can be viewed before a video, and 0 of others, float64 [N, A]."""
    return np.where(user.view.max(axis=(1, 2, 4)) > 0, user.pay, 0.0)


def with_values(scenario: Scenario, changes: dict[Path, Any]) -> Scenario:
    """Returns a scenario with new values by path; a path that it lacks is passed over.

    Paths, not dotted keys: a name may contain dots (``appeal`` by ``cats.long``).
    """
    plain = scenario.model_dump(mode="json")
    for (*above, last), value in changes.items():
        node: Any = plain
        for step in above:
            node = node[step] if isinstance(node, list) or step in node else {}
        if isinstance(node, list) or last in node:
            node[last] = value
    return Scenario.load(plain)


def stated_at(settings: Any, path: Path, missing: Any = None) -> Any:
    """Returns what stands at a path of plain settings, from which defaults may be missing."""
    for step in path:
        if isinstance(settings, dict) and step not in settings:
            return missing
        settings = settings[step]
    return settings
