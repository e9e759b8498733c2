"""What the optimum knows that agents do not see, against brute force over all policies of the history."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from preroll.envs import Optimum, PhasedOptimum, Tables, belief_optimum
from preroll.envs.kernel import layout
from preroll.envs.optimum.knowledge import note_of
from preroll.envs.optimum.told import told_values
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, PlainModel, observation
from tests.envs.tiny import TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny

OBSERVED = ("content", "memorability", "fatigue", "last_view", "segment")
MILD = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "appeal": {"long": 0.5}}]
#: Ads alike but for what follows; of two segments that are seen, one never leaves, whatever its fatigue.
EVEN: dict[str, Any] = {
    "session.horizon": 3,
    "ads.*.*.view_probability": 0.5,
    "ads.*.*.reward": 1,
    "user.mismatch": 0.8,
    "user.repeat": 1,
}
LOYAL = {
    "user.segments": [{"name": "a", "share": 0.5, "leave": 0}, {"name": "b", "share": 0.5}],
    "observe.segment": True,
}
SAID = ("progress", "last_ad", "position")  # who remembers knows these
Belief = tuple[tuple[Moment, float], ...]


def best_of_history(model: PlainModel) -> float:
    """The largest revenue of a policy of the history of observations and own actions, history by history."""
    scenario, catalog = model.scenario, model.catalog

    @cache
    def seen(at: Moment) -> bytes:
        return observation(scenario, catalog, at).tobytes()

    def apart(mass: dict[Moment, float]) -> Iterable[Belief]:
        groups: dict[bytes, dict[Moment, float]] = {}
        for at, weight in mass.items():
            if weight > 0:
                groups.setdefault(seen(at), {})[at] = weight
        return (tuple(sorted(group.items())) for group in groups.values())

    @cache
    def value(belief: Belief) -> float:
        return 0.0 if belief[0][0].slot == scenario.n_slots else max(map(of, itertools.repeat(belief), actions))

    def of(belief: Belief, action: int) -> float:
        after: dict[Moment, float] = {}
        for at, weight in belief:
            for _, chance, moment in model.after(at, action):
                after[moment] = after.get(moment, 0.0) + weight * chance
        now = sum(weight * model.view(at, action) * model.pay(at.video, action) for at, weight in belief)
        return now + sum(map(value, apart(after)))

    actions = range(len(model.actions))
    first = {at: share / catalog.n_videos for segment, share in enumerate(model.shares) for at in model.starts(segment)}
    return sum(map(value, apart(first)))


def videos(*, shared: bool, **changes: Any) -> Catalog:
    """Cats, dogs and cats of little, much and middling memorability; in ``shared`` the first two look alike."""
    arrays: dict[str, Any] = {
        "categories": ("cats", "dogs"),
        "category": [0, 1, 0],
        "neighbors": [[1, 2] + [-1] * 8, [0] + [-1] * 9, [-1] * 10],
        "importance": [[1, 0], [1, 0], [0, 1]] if shared else [[1, 0], [0, 1], [0.5, 0.25]],
        "classes": ("cat", "dog"),
        "category_probabilities": [[0.9, 0.1], [0.9 if shared else 0.1, 0.1 if shared else 0.9], [0.1, 0.9]],
        "memorability": [0.25, 0.75, 0.5],
        "memorability_quantile": [0.25, 0.25, 5 / 6] if shared else [1 / 6, 5 / 6, 1 / 2],
    }
    return Catalog.from_arrays(**{**arrays, **changes})


def knows(changes: dict[str, Any], catalog: Catalog, phase: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    knowledge = Optimum(Tables.compile(tiny(changes), catalog), phase).knowledge
    return knowledge.unreachable, knowledge.by_heart


def assert_a_bound_is_what_no_history_earns(changes: dict[str, Any], catalog: Catalog) -> tuple[str, ...]:
    scenario = tiny(changes)
    exact = Optimum(Tables.compile(scenario, catalog))
    earned = best_of_history(PlainModel(scenario, catalog))
    assert exact.is_bound == (earned < exact.value - 1e-9), changes
    assert earned < exact.value + 1e-12
    return exact.hidden


@pytest.mark.parametrize("shared", [False, True], ids=["distinct", "shared"])
@pytest.mark.parametrize("category", [True, "predicted", "none"])
def test_the_optimum_is_a_bound_exactly_where_no_policy_of_the_history_earns_it(category: Any, shared: bool) -> None:
    """For every combination of what is observed; progress, last ad and position take turns."""
    base = {**TWO_SEGMENTS, "session.no_ad": False, "recall_weight": 3.0, "observe.category": category}
    for number, shown in enumerate(itertools.product([False, True], repeat=len(OBSERVED))):
        observe = dict(zip(OBSERVED, shown, strict=True)) | {name: bool(number >> i & 1) for i, name in enumerate(SAID)}
        changes = base | {f"observe.{name}": value for name, value in observe.items()}
        hidden = assert_a_bound_is_what_no_history_earns(changes, videos(shared=shared))
        told_apart = category is True or (not shared and (observe["content"] or observe["memorability"]))
        assert hidden == ("segment",) * (not observe["segment"]) + ("category", "memorability") * (not told_apart)


OTHERS: dict[str, dict[str, Any]] = {
    "one way": {"recommender.jump": 0.0, "recommender.neighbors": 1, "session.horizon": 3},
    "two slots": {**TWO_SLOTS, "session.horizon": 1},
    "two slots, two videos": {**TWO_SLOTS, "recommender.jump": 0.0},
    "a view tells": {**TWO_SEGMENTS, "ads.cats.short.view_probability": 1.0, "user.fatigue.wear": [1, 1, 1]},
    "nobody of the other": {
        "user.segments": [{"name": "a", "share": 1.0}, {"name": "b", "share": 0.0, "appeal": {"long": 3}}]
    },
    "staying tells": {
        "user.segments": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "leave": 10}],
        "user.leave.hazard": {"short": [0.3, 0.1], "none": [0.2, 0.2], "long": [0.5, 0.4]},
    },
    "same taste": {"user.segments": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "leave": 1.01}]},
    "the tired leave": {"user.fatigue.wear": [1, 1, 1], "session.horizon": 3, "user.leave.fatigue": [0, 0.3, 0.9]},
    "the tired view less": {"user.leave.fatigue": [0, 0, 0], "session.horizon": 3},
    "fatigue is idle": {"user.fatigue.wear": [1, 1, 1], "user.leave.fatigue": [0, 0, 0]},
    "worth nothing": {"ads.*.*.reward": 0},
}


@pytest.mark.parametrize("name", OTHERS)
def test_so_it_is_whatever_the_mechanism(name: str) -> None:
    """Videos of a look are told apart by those before them, users by what is certain."""
    for content, view in itertools.product([False, True], repeat=2):
        observe = {"observe.content": content, "observe.last_view": view, "observe.category": "none"}
        for shared in (False, True):
            changes = {"session.no_ad": False, **OTHERS[name], **observe}
            assert_a_bound_is_what_no_history_earns(changes, videos(shared=shared))


@pytest.mark.parametrize(("jump", "hidden"), [(0.0, ()), (0.5, ("video",))])
def test_the_videos_before_tell_which_of_two_it_is(jump: float, hidden: tuple[str, ...]) -> None:
    """Cats lead to the first dogs, and so do the other dogs, which nothing leads to; any may follow after a jump."""
    changes = {
        "session": {"horizon": 3},
        "ads.cats.short.view_probability": 1.0,
        "user": {"mismatch": 0.2, "repeat": 0.5},
        "recommender.jump": jump,
        "observe.content": False,
    }
    catalog = videos(shared=True, category=[0, 1, 1], neighbors=[[1] + [-1] * 9, [0] + [-1] * 9, [1] + [-1] * 9])
    assert assert_a_bound_is_what_no_history_earns(changes, catalog) == hidden


def test_in_all_slots_of_a_video_it_is_the_same_video() -> None:
    """The ad of dogs is certain to be viewed before dogs; what follows depends on which of the two dogs it is."""
    changes = {
        "session": {"horizon": 2, "slots": ["pre", "mid"]},
        "ads.dogs.long.view_probability": 1.0,
        "recommender.jump": 0.25,
        "observe": {"content": False, "last_view": True, "fatigue": True},
    }
    assert assert_a_bound_is_what_no_history_earns(changes, videos(shared=True, category=[0, 1, 1])) == ()


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({"observe.last_view": True}, ()),
        ({"session.horizon": 3}, ("fatigue",)),
        ({**EVEN, "user.leave.fatigue": [0, 0, 0], "user.fatigue.wear": [1, 0.5, 0]}, ("fatigue",)),
        ({**EVEN, **LOYAL, "user.leave.fatigue": [0, 0.3, 0.9], "user.fatigue.wear": [1, 1, 1]}, ("fatigue",)),
        ({"observe.fatigue": True, **TWO_SEGMENTS}, ("segment",)),
        ({"session.horizon": 3, "user.segments": MILD}, ("segment", "fatigue")),
        ({"observe.fatigue": True, "observe.category": "none", "observe.content": False}, ("category",)),
        (
            {"observe.fatigue": True, "observe.category": "none", "observe.content": False, "recall_weight": 5.0},
            ("category", "memorability"),
        ),
    ],
)
def test_a_bound_names_what_no_agent_can_know(changes: dict[str, Any], hidden: tuple[str, ...]) -> None:
    assert knows(changes, videos(shared=False)) == (hidden, ())


def test_where_videos_differ_by_their_neighbors_alone_the_bound_knows_which_it_is() -> None:
    """Of the cats, one leads to the dogs and one to the other cats."""
    changes = {"observe.fatigue": True, "observe.content": False, "recommender.jump": 0.0}
    changes |= {"ads.cats.short.view_probability": 0.4}
    catalog = videos(shared=False, neighbors=[[1] + [-1] * 9, [0] + [-1] * 9, [0] + [-1] * 9])
    assert assert_a_bound_is_what_no_history_earns(changes, catalog) == ("video",)


SEES = {"observe.fatigue": True}
RECALL = {**SEES, "recall_weight": 20.0, "ads.dogs.long.reward": 12.0}  # the best ad depends on memorability
RIGHT = [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]]


@pytest.mark.parametrize(
    ("changes", "catalog", "by_heart"),
    [
        ({}, {}, ()),
        ({"observe.category": "predicted"}, {"category_probabilities": RIGHT}, ()),
        ({"observe.category": "predicted"}, {}, ("category",)),
        ({"observe.category": "predicted", "user.mismatch": 1.0}, {}, ()),  # the category is worth nothing
        ({"observe.category": "none"}, {}, ("category",)),
    ],
    ids=["seen", "predicted", "predicted wrong", "no matter", "content alone"],
)
def test_a_category_that_no_part_tells_is_known_by_heart(
    changes: dict[str, Any], catalog: dict[str, Any], by_heart: tuple[str, ...]
) -> None:
    assert knows({**SEES, **changes}, videos(shared=False, **catalog)) == ((), by_heart)


@pytest.mark.parametrize(
    ("shown", "quantile", "weight", "by_heart"),
    [
        (True, [1 / 6, 5 / 6, 1 / 2], 5.0, ()),
        (True, [5 / 6, 1 / 6, 1 / 2], 5.0, ("memorability",)),
        (False, [1 / 6, 5 / 6, 1 / 2], 5.0, ("memorability",)),
        (True, [5 / 6, 1 / 6, 1 / 2], 1e-6, ()),
        (True, [5 / 6, 1 / 6, 1 / 2], 0.0, ()),
    ],
    ids=["in order", "out of order", "not shown", "worth too little", "worth nothing"],
)
def test_memorability_out_of_the_order_of_its_quantile_is_known_by_heart(
    shown: bool, quantile: list[float], weight: float, by_heart: tuple[str, ...]
) -> None:
    """At a weight of 5 the short ad is better above a memorability of .6, before the second video alone."""
    changes = {
        "session.horizon": 1, "user.mismatch": 1.0, "session.no_ad": False, "ads.dogs.long.reward": 3.4,
        "recall_weight": weight, "observe.memorability": shown, "observe.category": "none",
    }  # fmt: skip
    catalog = videos(shared=False, memorability_quantile=quantile)
    assert knows(changes, catalog) == ((), by_heart)


def test_a_value_that_videos_of_a_category_share_needs_no_part_of_its_own() -> None:
    changes = {**RECALL, "observe.memorability": False}
    assert knows(changes, videos(shared=False, memorability=[0.25, 0.75, 0.25])) == ((), ())
    assert knows(changes, videos(shared=False, memorability=[0.0, 0.0, 1.0])) == ((), ("memorability",))


def test_probabilities_of_videos_without_a_label_are_the_truth() -> None:
    """Where the true category is shown, nothing is shown of them."""
    catalog = videos(shared=False, category=[0, -1, -1], category_probabilities=[[1, 0], [0.1, 0.9], [0.3, 0.7]])
    assert knows({**SEES, "observe.category": "predicted"}, catalog) == ((), ())
    assert knows({**SEES, "observe.category": True}, catalog) == ((), ("category",))


def test_what_the_parts_tell_as_it_is_does_not_differ_from_the_truth() -> None:
    changes = {**RECALL, "observe.category": "predicted", "observe.memorability": True}
    catalog = videos(shared=False, category_probabilities=RIGHT)
    assert told_values(Optimum(Tables.compile(tiny(changes), catalog)).programs[0]) == {}
    wrong = told_values(Optimum(Tables.compile(tiny(changes), videos(shared=False))).programs[0])
    assert {name: rows.tolist() for name, rows in wrong.items()} == {
        "category": [[1.0, 0.5, 1.0], [0.5, 1.0, 1.0], [0.5, 1.0, 1.0]]
    }


def test_values_by_heart_do_not_hide_what_is_out_of_reach() -> None:
    told = knows({**TWO_SEGMENTS, **SEES, "observe.category": "predicted"}, videos(shared=False))
    assert told == (("segment",), ("category",))
    assert note_of(*told) == "knows the hidden segment: a bound; knows the true category of every video by heart"
    assert note_of((), ()) == ""


def test_every_phase_of_drift_knows_its_own_and_only_those_played_count() -> None:
    drift = [{"from_session": 3, "set": {"user.mismatch": 0.1}}, {"from_session": 6, "set": {"user.mismatch": 1.0}}]
    base = {"user.mismatch": 1.0, "drift": drift, "observe.category": "none", **SEES}
    for content, hidden, by_heart in ((False, ("category",), ()), (True, (), ("category",))):
        changes = {**base, "observe.content": content}
        catalog = videos(shared=False)
        assert [knows(changes, catalog, phase) for phase in range(3)] == [((), ()), (hidden, by_heart), ((), ())]
        tables = Tables.compile(tiny(changes), catalog)
        first, all_three = PhasedOptimum(tables, 3), PhasedOptimum(tables, 9)
        assert (first.note, first.is_bound) == ("", False)
        assert (all_three.note, all_three.is_bound) == (note_of(hidden, by_heart), bool(hidden))


def test_a_belief_about_the_segment_needs_videos_that_can_be_told_apart() -> None:
    """Its dynamic program knows which video it is."""
    changes = {**TWO_SEGMENTS, **SEES}
    belief_optimum(Optimum(Tables.compile(tiny(changes), three_videos())))
    with pytest.raises(PrerollError, match="nothing else hidden"):
        belief_optimum(Optimum(Tables.compile(tiny({**changes, "observe.content": False}), three_videos())))
    bounds = belief_optimum(Optimum(Tables.compile(tiny({**changes, "observe.category": "none"}), three_videos())), 21)
    best = best_of_history(PlainModel(tiny({**changes, "observe.last_view": True}), three_videos()))
    assert bounds.lower - 1e-9 <= best <= bounds.upper + 1e-9


@pytest.mark.parametrize(("labels", "name"), [((0, 1, 0), "video"), ((-1, -1, -1), "video"), ((0, 1, -1), "category")])
def test_where_look_alikes_of_a_category_answer_differently_the_bound_knows_which_it_is(
    labels: tuple[int, int, int], name: str
) -> None:
    """Users love one ad before the first video, the other before the last, of the same category or of another."""
    catalog = three_videos(labels, [[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
    shown = {"observe.category": "none", "observe.content": False, "observe.fatigue": True}
    tables = Tables.compile(tiny({**shown, "session.no_ad": False}), catalog)
    records = tables.packed.records.copy()
    records[:, layout.KIND] = range(3)
    match = np.array([[[1.0, 0.1], [0.4, 0.6], [0.1, 1.0]]])
    arrays = tables.arrays._replace(match=match, reward=np.tile(tables.arrays.reward[:, :1], (1, 3, 1)))
    told = replace(tables, arrays=arrays, packed=tables.packed._replace(records=records))
    assert Optimum(told).hidden == (name,)
