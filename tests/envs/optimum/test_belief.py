"""Hidden users: what an agent can earn that has to infer who it serves."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Optimum, Scenario, Tables, greedy_policy
from preroll.envs.optimum import belief
from preroll.envs.optimum.belief import belief_optimum
from preroll.envs.optimum.restricted import best_memoryless
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.tiny import SHORT, TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny


def seen(tables: Tables, by: NDArray[np.int64]) -> NDArray[np.int64]:
    """What a memoryless agent sees of a state, as one number: a property of the video, and the last outcome.

    :func:`best_memoryless` tells slots apart itself, so that progress is seen as well.
    """
    n_last = 2 * tables.n_actions + 1
    return np.asarray(by[:, None, None] * n_last + np.arange(n_last))


@pytest.mark.compiled
def test_on_hidden_users_remembering_is_worth_more_than_five_percent() -> None:
    """Against agents that see category, progress and the last outcome, which tells the last ad and its view."""
    tables = Tables.compile("hidden-users", "demo")
    exact = Optimum(tables)
    belief = belief_optimum(exact)
    memoryless = best_memoryless(exact, seen(tables, np.asarray(tables.category, dtype=np.int64)), by_last=True)
    assert belief.lower >= 1.05 * memoryless.value
    assert belief.lower <= belief.upper <= exact.value


@pytest.mark.compiled
def test_it_is_so_even_against_agents_that_tell_every_video_apart(small_catalog: Catalog) -> None:
    """Content, which the preset shows as well, tells at most which video it is."""
    tables = Tables.compile("hidden-users", small_catalog)
    exact = Optimum(tables)
    memoryless = best_memoryless(exact, seen(tables, np.arange(tables.n_videos)), by_last=True)
    assert belief_optimum(exact).lower >= 1.05 * memoryless.value


@pytest.mark.compiled
def test_the_two_bounds_meet_as_the_grid_gets_finer(small_catalog: Catalog) -> None:
    exact = Optimum(Tables.compile("hidden-users", small_catalog))
    coarse, fine = belief_optimum(exact, grid=11), belief_optimum(exact, grid=201)
    assert fine.upper <= coarse.upper + 1e-12
    assert fine.upper - fine.lower < 0.002 * exact.value


@pytest.mark.compiled
def test_with_equal_segments_there_is_nothing_to_infer(small_catalog: Catalog) -> None:
    same = [{"name": "one", "share": 0.5}, {"name": "other", "share": 0.5}]
    exact = Optimum(Tables.compile(Scenario.load("fatigue").replace({"user.segments": same}), small_catalog))
    belief = belief_optimum(exact, grid=5)
    assert belief.lower == pytest.approx(exact.value, rel=1e-9)
    assert belief.upper == pytest.approx(exact.value, rel=1e-9)


def test_one_slot_is_solved_by_hand(small_catalog: Catalog) -> None:
    """With one slot the optimum of the belief is the best ad against the mixture."""
    scenario = Scenario.load("hidden-users").replace({"session.horizon": 1})
    belief = belief_optimum(Optimum(Tables.compile(scenario, small_catalog)))
    short = 0.7 * (0.5 * 0.8 + 0.5 * 1.2) * 1
    long = 0.6 * (0.5 * 1.0 + 0.5 * 0.2) * 2.5
    assert belief.lower == pytest.approx(max(short, long))
    assert belief.upper == pytest.approx(max(short, long))


class Believer:
    """An agent that infers which of two segments it serves, written from Bayes' rule; ``value`` is exact.

    With a grid it knows values at the grid's beliefs alone and draws lines between them (an upper bound); ``rounded``
    is what the user of a segment pays if the belief is rounded to the grid after every slot (a lower bound).
    """

    def __init__(self, model: PlainModel, grid: int | None = None) -> None:
        self.model, self.grid = model, grid
        self.value, self.rounded, self.choice = cache(self._value), cache(self._rounded), cache(self._choice)

    def both(self, at: Moment, action: int) -> list[tuple[float, float, float, Moment]]:
        """Every moment that may follow: probability for each segment, what was paid, and the moment."""
        first, second = (self.model.after(at._replace(segment=segment), action) for segment in (0, 1))
        pairs = zip(first, second, strict=True)
        return [(one, other, answer.reward, after) for (answer, one, after), (_, other, _) in pairs]

    def now(self, at: Moment, b: float, action: int) -> float:
        """Expected reward of the slot."""
        views = [self.model.view(at._replace(segment=segment), action) for segment in (0, 1)]
        return ((1 - b) * views[0] + b * views[1]) * self.model.pay(at.video, action)

    def later(self, at: Moment, b: float) -> float:
        if self.grid is None:
            return self.value(at, b)
        low = min(int(b * (self.grid - 1)), self.grid - 2)
        part = b * (self.grid - 1) - low
        return (1 - part) * self.at_grid(at, low) + part * self.at_grid(at, low + 1)

    def at_grid(self, at: Moment, g: int) -> float:
        assert self.grid is not None
        return self.value(at, g / (self.grid - 1))

    def gains(self, at: Moment, b: float) -> list[float]:
        """The value of every action."""
        found = []
        for action in range(len(self.model.actions)):
            gain = self.now(at, b, action)
            for one, other, _, after in self.both(at, action):
                total = (1 - b) * one + b * other
                gain += total * self.later(after, b * other / total) if total > 0 else 0.0
            found.append(gain)
        return found

    def _value(self, at: Moment, b: float) -> float:
        return 0.0 if at.slot == self.model.scenario.n_slots else max(self.gains(at, b))

    def _choice(self, at: Moment, g: int) -> int:
        assert self.grid is not None
        gains = self.gains(at, g / (self.grid - 1))
        return next(action for action, gain in enumerate(gains) if gain > max(gains) - 1e-10)

    def _rounded(self, at: Moment, segment: int, g: int) -> float:
        if at.slot == self.model.scenario.n_slots:
            return 0.0
        assert self.grid is not None
        b, action = g / (self.grid - 1), self.choice(at, g)
        total = self.now(at, float(segment), action)
        for one, other, _, after in self.both(at, action):
            seen = (1 - b) * one + b * other
            to = int(b * other / seen * (self.grid - 1) + 0.5) if seen > 0 else g
            total += (one, other)[segment] * self.rounded(after, segment, to)
        return total


HIDDEN: list[dict[str, Any]] = [
    TWO_SEGMENTS,
    {**TWO_SEGMENTS, "user.repeat": 1.0, "session.horizon": 3},
    {**TWO_SEGMENTS, **TWO_SLOTS, "recall_weight": 1.0, "observe.memorability": True},
    {**TWO_SEGMENTS, "session.slots": ["pre", "mid", "post"], "session.horizon": 1, "user.position": {"mid": 1.4}},
    {"user.segments": [{"name": "a", "share": 0.7, "appeal": {"long": 0}}, {"name": "b", "share": 0.3}]},
]
NAMES = ["repeat", "longer", "two slots", "three slots", "one view tells"]
TWO_SHARES = {"user.segments": [{"name": "a", "share": 0.7}, {"name": "b", "share": 0.3}]}
SEEN = {"observe.fatigue": True}


@pytest.mark.parametrize("grid", [2, 6, 12])
@pytest.mark.parametrize("changes", HIDDEN, ids=NAMES)
def test_both_bounds_are_what_bayes_rule_gives(changes: dict[str, Any], grid: int) -> None:
    scenario, catalog = tiny({**changes, **SEEN}), three_videos()
    believer, prior = Believer(PlainModel(scenario, catalog), grid), 0.3
    starts = believer.model.starts(0)
    upper = np.mean([believer.later(at, prior) for at in starts])
    first = round(prior * (grid - 1))
    lower = np.mean([0.7 * believer.rounded(at, 0, first) + 0.3 * believer.rounded(at, 1, first) for at in starts])
    bounds = belief_optimum(Optimum(Tables.compile(scenario, catalog)), grid)
    assert bounds.upper == pytest.approx(upper, abs=1e-12)
    assert bounds.lower == pytest.approx(lower, abs=1e-12)


@pytest.mark.parametrize("changes", HIDDEN[:2], ids=["repeat", "longer"])
def test_the_exact_optimum_of_the_belief_lies_between_the_bounds(changes: dict[str, Any]) -> None:
    scenario, catalog = tiny({**changes, **SEEN}), three_videos()
    believer = Believer(PlainModel(scenario, catalog))
    exact = np.mean([believer.value(at, 0.3) for at in believer.model.starts(0)])
    optimum = Optimum(Tables.compile(scenario, catalog))
    for grid in (2, 5, 201):
        bounds = belief_optimum(optimum, grid)
        assert bounds.lower <= exact + 1e-12
        assert exact <= bounds.upper + 1e-12
    assert bounds.upper - bounds.lower < 1e-4


def test_by_default_beliefs_are_whole_percents() -> None:
    optimum = Optimum(Tables.compile(tiny({**TWO_SEGMENTS, **SEEN}), three_videos()))
    assert belief_optimum(optimum) == belief_optimum(optimum, 101)


def test_of_equally_good_ads_the_first_is_shown_at_every_belief() -> None:
    equal = {"cats": dict.fromkeys(("short", "again", "more"), SHORT)}
    scenario = {"name": "equal", "ads": equal, "session": {"horizon": 3}, "user": {"repeat": 1.0}}
    tables = Tables.compile(Scenario.load(scenario).replace(TWO_SHARES), three_videos())
    first, second = Optimum(tables).programs
    _, ads = belief._interpolated(first, second, (*first.empty(False).shape, 3))
    assert not ads.any()


def test_more_values_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 slots, 3 videos, 3 levels, 4 last outcomes, 5 beliefs and 3 actions are 1,080 values."""
    optimum = Optimum(Tables.compile(tiny({**TWO_SEGMENTS, **SEEN}), three_videos()))
    monkeypatch.setattr("preroll.envs.optimum.belief.LARGEST", 1080)
    belief_optimum(optimum, 5)
    monkeypatch.setattr("preroll.envs.optimum.belief.LARGEST", 1079)
    with pytest.raises(PrerollError, match="1080 values are too many; at most 1079"):
        belief_optimum(optimum, 5)
    monkeypatch.setattr("preroll.envs.optimum.belief.LARGEST", 270)  # the last outcome does not count
    belief_optimum(Optimum(Tables.compile(tiny({**TWO_SEGMENTS, **SEEN, "user.repeat": 1}), three_videos())), 5)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        TWO_SEGMENTS,  # fatigue is hidden as well
        {**TWO_SEGMENTS, **SEEN, "observe.segment": True},
        {
            **SEEN,
            "user.segments": [{"name": name, "share": share} for name, share in (("a", 0.5), ("b", 0.2), ("c", 0.3))],
        },
    ],
    ids=["one", "fatigue", "seen", "three"],
)
def test_a_scenario_without_exactly_two_hidden_segments_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PrerollError, match="exactly two segments"):
        belief_optimum(Optimum(Tables.compile(tiny(changes), three_videos())))


@pytest.mark.parametrize("fatigue", [False, True])
def test_views_that_are_not_seen_tell_nothing_of_the_user(fatigue: bool, small_catalog: Catalog) -> None:
    """Nobody leaves and nothing tires: without the last view the best agent plays against the mixture for ever."""
    changes = {"observe.last_view": False, "observe.fatigue": fatigue}
    scenario = Scenario.load("hidden-users").replace(changes)
    tables = Tables.compile(scenario, small_catalog)
    belief = belief_optimum(Optimum(tables))
    blind = Optimum(tables).value_of(greedy_policy(tables))  # no slot has any effect on another
    assert belief.lower == pytest.approx(blind, rel=1e-12)
    assert belief.upper == pytest.approx(blind, rel=1e-12)


def test_a_view_that_is_seen_by_its_fatigue_tells_as_much_as_one_that_is_seen(small_catalog: Catalog) -> None:
    """A viewed ad tires by one level of very many; without wear fatigue is a counter of views and nothing else."""
    levels = 31
    tiring = {
        "user.fatigue": {
            "levels": levels, "recovery": 0, "gain": {"short": [0, 1], "long": [0, 1]}, "wear": [1.0] * levels
        },
        "session.horizon": 5,
    }  # fmt: skip
    base = Scenario.load("hidden-users").replace(tiring)
    seen, inferred = (
        belief_optimum(Optimum(Tables.compile(base.replace(changes), small_catalog)), grid=21)
        for changes in ({"observe.fatigue": True}, {"observe.fatigue": True, "observe.last_view": False})
    )
    assert inferred == seen
