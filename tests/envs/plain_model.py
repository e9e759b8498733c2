"""The session model once more, from the sentences of docs/model.md: no table, no array, slow, and to the last bit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.scenario.parts import Ad
from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog


class Moment(NamedTuple):
    """State of a session before a slot; ``last`` numbers outcomes as policy tables do."""

    segment: int
    slot: int
    video: int
    level: int
    last: int


class Answer(NamedTuple):
    """One of two answers to an ad: what it pays, how likely it is, and the user after it."""

    viewed: int
    chance: float
    reward: float
    level: int
    leave: float


#: The value of a moment, from the values of its actions.
Combine = Callable[[Moment, list[float]], float]


@dataclass(frozen=True)
class PlainModel:
    """A scenario without drift on a catalog."""

    scenario: Scenario
    catalog: Catalog

    @property
    def actions(self) -> list[Ad | None]:
        return [*self.scenario.ads, *[None] * self.scenario.session.no_ad]

    @property
    def shares(self) -> list[float]:
        return [segment.share for segment in self.scenario.user.segments] or [1.0]

    def view(self, at: Moment, action: int) -> float:
        ad, user = self.actions[action], self.scenario.user
        if ad is None:
            return 0.0
        position = user.position.get(self.scenario.session.slots[self.position(at.slot)], 1.0)
        wear = user.fatigue.wear[at.level] if user.fatigue.wear else 1.0
        factors = user.segments[at.segment].appeal if user.segments else {}
        appeal = prod(factors.get(key, 1.0) for key in {ad.label: 1, ad.length: 1, ad.category: 1})
        repeat = user.repeat if at.last in (action, len(self.actions) + action) else 1.0
        categories, given = self.catalog.categories, ad.view_probability
        if given is None:
            assert self.catalog.response is not None
            match = float(self.catalog.response[at.video, self.catalog.response_ads.index(ad.label)])
            return min(position * wear * appeal * match * repeat, 1.0)
        if isinstance(given, dict):
            weights = [self.is_of(at.video, k) for k in range(len(categories))]
            by_category = [given[name] if name in given else given["other"] for name in categories]
            match = sum(weight * p for weight, p in zip(weights, by_category, strict=True)) / sum(weights)
            return min(position * wear * appeal * match * repeat, 1.0)
        match = user.mismatch + (1 - user.mismatch) * self.is_of(at.video, categories.index(ad.category))
        return min(given * position * wear * appeal * match * repeat, 1.0)

    def is_of(self, video: int, category: int) -> float:
        """The probability that a video is of a category, for its users."""
        if self.catalog.category[video] >= 0:
            return float(self.catalog.category[video] == category)
        assert self.catalog.category_probabilities is not None
        return float(self.catalog.category_probabilities[video, category])

    def pay(self, video: int, action: int) -> float:
        """The reward of a view."""
        ad, weight = self.actions[action], self.scenario.recall_weight
        if ad is None or not weight:
            return 0.0 if ad is None else ad.reward
        assert self.catalog.memorability is not None
        return ad.reward + weight * (round(1000 * float(self.catalog.memorability[video])) / 1000)

    def answers(self, at: Moment, action: int) -> list[Answer]:
        ad, user, p = self.actions[action], self.scenario.user, self.view(at, action)
        length = "none" if ad is None else ad.length
        given = []
        for viewed, chance in ((0, 1 - p), (1, p)):
            level = at.level + user.fatigue.gain.get(length, (0, 0))[viewed] - user.fatigue.recovery
            level = min(max(level, 0), user.fatigue.levels - 1)
            leave = user.leave.hazard.get(length, (0.0, 0.0))[viewed]
            leave += user.leave.fatigue[level] if user.leave.fatigue else 0.0
            leave *= user.segments[at.segment].leave if user.segments else 1.0
            pay = self.pay(at.video, action) if viewed else 0.0
            given.append(Answer(viewed, chance, pay, level, min(max(leave, 0.0), 1.0)))
        return given

    def position(self, slot: int) -> int:
        return slot % len(self.scenario.session.slots)

    def near(self, video: int) -> list[int]:
        """The neighbours that the recommender draws from."""
        count = self.scenario.recommender.neighbors
        return [int(other) for other in self.catalog.neighbors[video][:count] if other >= 0]

    def following(self, at: Moment) -> list[tuple[float, int]]:
        """Every video of the next slot, with its probability."""
        if self.position(at.slot + 1):
            return [(1.0, at.video)]
        near, n = self.near(at.video), self.catalog.n_videos
        jump = self.scenario.recommender.jump if near else 1.0
        weights = [self.scenario.recommender.rank_decay**rank for rank in range(len(near))]
        drawn = [((1 - jump) * weight / sum(weights), video) for weight, video in zip(weights, near, strict=True)]
        return [*drawn, *((jump / n, video) for video in range(n))]

    def after(self, at: Moment, action: int) -> Iterator[tuple[Answer, float, Moment]]:
        """Every moment that may follow: the answer that leads to it, and its probability."""
        for answer in self.answers(at, action):
            for chance, video in self.following(at):
                last = action + len(self.actions) * answer.viewed
                moment = Moment(at.segment, at.slot + 1, video, answer.level, last)
                yield answer, answer.chance * (1 - answer.leave) * chance, moment

    def starts(self, segment: int) -> list[Moment]:
        """The first moments of a user of one segment, all equally likely."""
        return [Moment(segment, 0, video, 0, 2 * len(self.actions)) for video in range(self.catalog.n_videos)]

    def revenue(self, combine: Combine) -> float:
        """Expected revenue of a session by recursion over everything that can happen in it."""

        @cache
        def value(at: Moment) -> float:
            if at.slot == self.scenario.n_slots:
                return 0.0
            return combine(at, [of(at, action) for action in range(len(self.actions))])

        def of(at: Moment, action: int) -> float:
            now = sum(answer.chance * answer.reward for answer in self.answers(at, action))
            return now + sum(chance * value(moment) for _, chance, moment in self.after(at, action))

        return sum(
            share * float(np.mean([value(at) for at in self.starts(segment)]))
            for segment, share in enumerate(self.shares)
        )

    def shown(self, probabilities: Callable[[Moment], NDArray[np.float64]]) -> NDArray[np.float64]:
        """P(slot t is reached, its video is v and the action is a), float64 [T, N, A], step by step from the start."""
        total = np.zeros((self.scenario.n_slots, self.catalog.n_videos, len(self.actions)))
        mass = {
            at: share / self.catalog.n_videos
            for segment, share in enumerate(self.shares)
            for at in self.starts(segment)
        }
        for slot in range(self.scenario.n_slots):
            following: dict[Moment, float] = {}
            for at, here in mass.items():
                for action, weight in enumerate(probabilities(at)):
                    total[slot, at.video, action] += here * weight
                    for _, chance, moment in self.after(at, action):
                        following[moment] = following.get(moment, 0.0) + here * weight * chance
            mass = following
        return total


def observation(scenario: Scenario, catalog: Catalog, at: Moment) -> NDArray[np.float32]:
    """What the agent sees at a moment, part after part."""
    see, n_ads = scenario.observe, len(scenario.ads) + scenario.session.no_ad

    def one_hot(size: int, index: int) -> NDArray[np.float32]:
        return np.asarray(np.arange(size) == index, np.float32)

    parts: dict[str, Any] = {
        "category": one_hot(len(catalog.categories), int(catalog.category[at.video])),
        "content": catalog.importance[at.video],
        "memorability": [0.0 if catalog.memorability_quantile is None else catalog.memorability_quantile[at.video]],
        "progress": [at.slot / scenario.n_slots],
        "fatigue": one_hot(scenario.user.fatigue.levels, at.level),
        "last_ad": one_hot(n_ads, at.last % n_ads if at.last < 2 * n_ads else -1),
        "last_view": [float(n_ads <= at.last < 2 * n_ads)],
        "position": one_hot(len(scenario.session.slots), at.slot % len(scenario.session.slots)),
        "segment": one_hot(max(1, len(scenario.user.segments)), at.segment),
    }
    if see.category == "predicted":
        assert catalog.category_probabilities is not None
        parts["category"] = catalog.category_probabilities[at.video]
    seen = [part for name, part in parts.items() if getattr(see, name) not in (False, "none")]
    row: NDArray[np.float32] = np.array([number for part in seen for number in part], np.float32)
    return row
