"""Simple policies, state by state, against their definition."""

import itertools
import re
from typing import Any

import numpy as np
import pytest

from preroll.envs.model.tables import Tables
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.optimum.reference_values import BEST_OF_LENGTH, reference_values
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.policy import Policy, axes
from preroll.envs.policies.rollout import rollout
from preroll.envs.policies.simple import by_category_policy, first_rewards, fixed_policy, uniform_over_best
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.tiny import TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny


def expected_greedy(plain: PlainModel, at: Moment, *, segments_seen: bool, recall_seen: bool) -> list[float]:
    """Equal probabilities for all actions with the largest expected reward of the slot, as far as it can be known."""
    shares = [float(u == at.segment) for u in range(len(plain.shares))] if segments_seen else plain.shares
    videos = [at.video] if recall_seen else range(plain.catalog.n_videos)
    worth = []
    for action in range(len(plain.actions)):
        view = sum(share * plain.view(at._replace(segment=u), action) for u, share in enumerate(shares))
        worth.append(view * float(np.mean([plain.pay(video, action) for video in videos])))
    best = [value > max(worth) - 1e-9 for value in worth]
    return [one / sum(best) for one in best]


@pytest.mark.parametrize("segments_seen", [True, False])
@pytest.mark.parametrize("recall_seen", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {**TWO_SLOTS, "user.position": {"mid": 1.4, "pre": 0.6}},
        {"recall_weight": 8.0},
        {"user.repeat": 3.0},
        {"session.no_ad": False, "user.fatigue.wear": [1, 0, 0], "user.repeat": 0.3},
    ],
    ids=str,
)
def test_greedy_is_best_in_the_slot_by_what_it_can_know(
    changes: dict[str, Any], recall_seen: bool, segments_seen: bool
) -> None:
    """Two segments of unequal shares, repetition, views that are certain (clipped at 1), and ties."""
    seen = {"observe.segment": segments_seen, "observe.memorability": recall_seen}
    scenario, catalog = tiny({**TWO_SEGMENTS, **changes, **seen}), three_videos()
    tables, plain = Tables.compile(scenario, catalog), PlainModel(scenario, catalog)
    table = greedy_policy(tables).on(tables).probabilities
    assert table is not None
    choices = set()
    for state in itertools.product(*map(range, axes(tables)[1:])):
        told = expected_greedy(plain, Moment(*state), segments_seen=segments_seen, recall_seen=recall_seen)
        assert table[(0, *state)].tolist() == told, state
        choices.add(tuple(told))
    assert len(choices) > 1


def test_greedy_goes_by_the_phase_of_drift_and_its_shares() -> None:
    swapped = [{**segment, "share": 1 - segment["share"]} for segment in TWO_SEGMENTS["user.segments"]]
    drift = [{"from_session": 2, "set": {"user.segments": swapped, "user.repeat": 0.9}}]
    scenario, catalog = tiny({**TWO_SEGMENTS, "drift": drift}), three_videos()
    tables = Tables.compile(scenario, catalog)
    table = greedy_policy(tables).on(tables).probabilities
    assert table is not None
    for phase, (_, own) in enumerate(scenario.phases):
        plain = PlainModel(own, catalog)
        for state in itertools.product(*map(range, axes(tables)[1:])):
            told = expected_greedy(plain, Moment(*state), segments_seen=False, recall_seen=True)
            assert table[(phase, *state)].tolist() == told


def test_memorability_decides_between_ads_only_where_it_is_seen() -> None:
    """Before a dogs video: long pays .3 · (3 + 8 m) and short .4 · (1 + 8 m), which is more from m = 5/8 on."""
    changes = {"ads.dogs.long.view_probability": 0.3, "ads.dogs.long.reward": 3, "recall_weight": 8.0}
    catalog = three_videos((1, 1, 1))  # of memorability .25, .75 and .5
    shown = {}
    for seen in (True, False):
        tables = Tables.compile(
            tiny({**changes, "user.repeat": 1, "user.fatigue.wear": [1, 1, 1], "observe.memorability": seen}), catalog
        )
        table = greedy_policy(tables).on(tables).probabilities
        assert table is not None
        shown[seen] = table[0, 0, 0, :, 0, 0].argmax(axis=1).tolist()
    assert shown == {True: [1, 0, 1], False: [1, 1, 1]}


def test_greedy_averages_probabilities_over_hidden_segments_each_at_most_1() -> None:
    """Before a cats video short is worth .7 · 1 + .3 · .08 = .724, not min(.7 · 1.6 + .3 · .08, 1), and long .85."""
    segments = [{"name": "a", "share": 0.7, "appeal": {"short": 2.0}}, {"name": "b", "share": 0.3}]
    segments[1]["appeal"] = {"short": 0.1}
    tables = Tables.compile(tiny({"user.segments": segments, "ads.dogs.long.reward": 3.4}), three_videos())
    table = greedy_policy(tables).on(tables).probabilities
    assert table is not None
    assert table[0, :, 0, 0, 0, 6].tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("category", ["predicted", "none"])
def test_greedy_takes_the_most_probable_category_for_true_or_averages_over_videos(category: str) -> None:
    catalog = three_videos((0, 1, 0), [[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]])
    changes = {"observe.category": category, "user.repeat": 1, "ads.dogs.long.reward": 1.4}
    tables = Tables.compile(tiny(changes), catalog)
    table = greedy_policy(tables).on(tables).probabilities
    assert table is not None
    by_video = table[0, 0, 0, :, 0, 0].tolist()
    short, long = [1.0, 0, 0], [0, 1.0, 0]
    # Predicted dogs, dogs and cats: before dogs .5 · .8 against .5 · 1.4, before cats .8 against .5 · .5 · 1.4.
    # On average .8 · (1 + .5 + 1) / 3 against .5 · 1.4 · (.5 + 1 + .5) / 3.
    assert by_video == ([long, long, short] if category == "predicted" else [short] * 3)


def test_a_best_value_and_those_within_a_billionth_share() -> None:
    values = np.array([[1.0, 1.0 - 1e-9, 1.0 - 1.1e-9], [0.0, 2.0, 0.0]])
    assert uniform_over_best(values).tolist() == [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]


def test_a_policy_by_category_shows_its_ad_before_every_video_of_the_category() -> None:
    tables = Tables.compile(tiny(), three_videos())
    by_slot = by_category_policy(tables, np.array([[2, 1], [0, 2]])).on(tables).ads
    assert by_slot is not None
    assert by_slot[0, 0, :, :, 2, 6].tolist() == [[2, 1, 2], [0, 2, 0]]
    assert by_slot.shape == axes(tables)
    unknown = Tables.compile(tiny(), three_videos((0, -1, 0), [[1, 0], [0.5, 0.5], [1, 0]]))
    with pytest.raises(PrerollError, match="without a category: no policy can go by it"):
        by_category_policy(unknown, np.array([2, 1]))


def test_always_a_length_is_the_first_ad_of_that_length(small_catalog: Catalog) -> None:
    ad = {"seconds": 5, "view_probability": 0.5, "reward": 1}
    ads = {name: {"a": {**ad, "length": "long"}, "b": ad | {"length": "long"}, "c": ad} for name in ("cars", "cats")}
    tables = Tables.compile(Scenario.load({"name": "lengths", "ads": ads}), small_catalog)
    with pytest.raises(PrerollError, match="category concerts has no ad of length 'long'"):
        fixed_policy(tables, "long")
    tables = Tables.compile(Scenario.load({"name": "lengths", "ads": ads | {"concerts": ads["cats"]}}), small_catalog)
    policy = fixed_policy(tables, "long").ads
    assert policy is not None
    shown = [tables.spec.labels[ad] for ad in policy[0, 0, 0, :3, 0, 0]]
    assert shown == [f"{small_catalog.categories[k]}.a" for k in small_catalog.category[:3]]


ADVERTISERS: dict[str, Any] = {
    "soap": {
        "one": {"seconds": 9, "length": "long", "view_probability": {"cats": 0.7, "other": 0.1}, "reward": 1},
        "two": {"seconds": 9, "length": "long", "view_probability": {"cats": 0.3, "other": 0.2}, "reward": 2},
    },
    "petrol": {"one": {"seconds": 9, "length": "short", "view_probability": {"other": 0.4}, "reward": 2}},
}


def test_where_no_ad_is_of_a_category_always_a_length_is_the_ad_of_it_that_earns_most_there() -> None:
    """Before cats .7 · 1 and .3 · 2, before dogs .1 · 1 and .2 · 2; half of the users like both more."""
    tables = Tables.compile(tiny({"ads": ADVERTISERS}), three_videos())
    always = {length: fixed_policy(tables, length).on(tables).ads for length in tables.scenario.lengths}
    assert {length: shown[0, 0, 0, :, 0, 0].tolist() for length, shown in always.items() if shown is not None} == {
        "long": [0, 1, 0],
        "short": [2, 2, 2],
    }
    segments = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "appeal": {"soap.two": 1.5, "soap.one": 1.2}}]
    tables = Tables.compile(tiny({"ads": ADVERTISERS, "user.segments": segments}), three_videos())
    rewards = [[0.5 * (0.7 + 0.84), 0.5 * (0.6 + 0.9), 0.8, 0], [0.5 * 0.22, 0.5 * 1.0, 0.8, 0]]
    np.testing.assert_allclose(first_rewards(tables), rewards)
    with pytest.raises(PrerollError, match="has no ad of length 'mid'"):
        fixed_policy(tables, "mid")


def test_always_a_length_shows_the_ad_of_it_that_earns_most_in_the_phase() -> None:
    drift = [{"from_session": 1, "set": {"ads.soap.two.reward": 0.1, "ads.soap.one.reward": 3}}]
    tables = Tables.compile(tiny({"ads": ADVERTISERS, "drift": drift}), three_videos())
    shown = fixed_policy(tables, "long").ads
    assert shown is not None
    assert shown[:, 0, 0, :, 0, 0].tolist() == [[0, 1, 0], [0, 0, 0]]
    for phase, (_, alone_in_it) in enumerate(tables.scenario.phases):
        rows = {row.name: row for row in reference_values(tables, phase)}
        alone = Tables.compile(alone_in_it, three_videos())
        assert rows["always long"].value == Optimum(alone).value_of(fixed_policy(alone, "long"))
        assert rows["always long"].note == BEST_OF_LENGTH


def test_rewards_of_the_first_slot_are_of_certain_views_at_most_and_of_the_phase() -> None:
    drift = [{"from_session": 1, "set": {"ads.soap.one.view_probability.other": 0.3}}]
    changes = {"ads": ADVERTISERS, "user.position": {"pre": 2}, "drift": drift, "recall_weight": 1}
    tables = Tables.compile(tiny(changes), three_videos((0, 0, 0)))
    memorability = (0.25 + 0.75 + 0.5) / 3
    first: list[float] = [1 + memorability, 0.6 * (2 + memorability), 0.8 * (2 + memorability), 0]
    np.testing.assert_allclose(first_rewards(tables), np.array([first, [0.0] * 4]))
    tables = Tables.compile(tiny({**changes, "user.position": {}}), three_videos((1, 1, 1)))
    assert first_rewards(tables, 1)[1, 0] == pytest.approx(0.3 * (1 + memorability))


def test_a_table_has_six_axes_and_fits_its_scenario() -> None:
    tables = Tables.compile(tiny(), three_videos())
    assert Policy(ads=np.zeros((3, 1, 1), int)).shape == (1, 1, 1, 3, 1, 1)
    assert Policy(probabilities=np.full((3, 1, 1, 3), 1 / 3)).shape == (1, 1, 1, 3, 1, 1)
    full = Policy(probabilities=np.full((3, 1, 1, 3), 1 / 3)).on(tables)
    assert full.shape == axes(tables) == (1, 1, 2, 3, 3, 7)
    for wrong in (Policy(ads=np.zeros((2, 1, 1), int)), Policy(probabilities=np.full((2, 1, 1, 3), 1 / 3))):
        with pytest.raises(PrerollError, match=r"policy table: axes \(1, .* do not fit \(1, 1, 2, 3, 3, 7\)"):
            wrong.on(tables)
    for ads, probabilities in ((None, None), (np.zeros(1, int), np.ones(1))):
        with pytest.raises(ValueError, match="by ads or by probabilities"):
            Policy(ads, probabilities)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"probabilities": np.ones(3)}, "probabilities: a row that sums to 3: the probabilities of a row sum to 1"),
        (
            {"probabilities": np.repeat([0.5, 0.5, 0.6], 2).reshape(3, 1, 1, 1, 2)},
            "probabilities: a row that sums to 1.2",
        ),
        ({"probabilities": np.array([2.0, -1.0])}, "probabilities: -1: a probability is at least 0"),
        ({"probabilities": np.ones((1,) * 9)}, "probabilities: 8 axes of states: there are at most 6: phase, segment"),
        ({"probabilities": np.float64(1)}, "probabilities: one number: a probability of every ad is expected"),
        ({"probabilities": "half"}, "probabilities: 'half': an array of numbers is expected"),
        ({"ads": np.array([0.5])}, "ads: float64: numbers of ads, which are whole, are expected"),
        ({"ads": np.array([-1])}, "ads: -1: ads are numbered from 0"),
        ({"ads": np.array([40_000])}, "ads: 40000: ads are numbered from 0"),
        ({"ads": [[0], [1, 2]]}, "ads: rows of different lengths are no array"),
        ({"ads": np.zeros((1,) * 7, int)}, "ads: 7 axes of states: there are at most 6"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line(given: dict[str, Any], told: str) -> None:
    with pytest.raises(PrerollError, match=re.escape(f"policy table: {told}")):
        Policy(**given)


def test_a_policy_shows_no_ad_that_there_is_not() -> None:
    """A bug once: the kernel read what lay behind its tables."""
    tables = Tables.compile(tiny(), three_videos())
    with pytest.raises(PrerollError, match=r"policy table: ads: 3: actions are 0 … 2"):
        rollout(tables, Policy(ads=np.array([3])), seed=0)
    with pytest.raises(PrerollError, match=r"policy table: probabilities of 4 ads: there are 3 actions"):
        Policy(probabilities=np.full(4, 1 / 4)).on(tables)


def test_a_policy_without_tables_lists_its_states() -> None:
    ads = Policy(ads=np.array([[[2], [1]], [[0], [2]]]))  # video · fatigue
    assert ads.to_frame().to_dict("list") == {"video": [0, 0, 1, 1], "fatigue": [0, 1, 0, 1], "action": [2, 1, 0, 2]}
    by_slot = Policy(ads=np.array([2, 1]).reshape(2, 1, 1, 1)).to_frame()
    assert by_slot.to_dict("list") == {"slot": [1, 2], "action": [2, 1]}  # as with tables, where a bug once differed
    one = Policy(probabilities=np.array([0.25, 0.75])).to_frame()
    assert one.to_dict("list") == {"probability.0": [0.25], "probability.1": [0.75]}
    large = Policy(ads=np.broadcast_to(np.zeros(1, np.int16), (10, 1001, 101)))
    with pytest.raises(PrerollError, match=r"policy table: 1,011,010 states are too many to list"):
        large.to_frame()


@pytest.mark.parametrize("unit", [1e-300, 2.0**-20, 1.0, 1e6])
def test_values_tie_within_a_billionth_of_the_largest_magnitude_of_their_row(unit: float) -> None:
    rows = np.array([[[0.8, 0.8 - 6e-10, 0.7, 0.0], [0.5, 0.5 - 6e-10, 0.0, 0.0]], [[-2, 1e-12, 0, -9], [0, 0, 0, 0]]])
    tied = np.array([[[1, 1, 0, 0], [1, 0, 0, 0]], [[0, 1, 1, 0], [1, 1, 1, 1]]])
    np.testing.assert_array_equal(uniform_over_best(rows * unit) > 0, tied)
    np.testing.assert_array_equal(uniform_over_best(rows[0, 0] * unit), [0.5, 0.5, 0, 0])


def test_what_is_infinite_ties_with_what_is_infinite_alone() -> None:
    values = np.array([[np.inf, 1e300, np.inf], [-np.inf, 1.0, 2.0], [-np.inf, 2e-10, 3e-10]])
    np.testing.assert_array_equal(uniform_over_best(values), [[0.5, 0, 0.5], [0, 0, 1], [0, 0, 1]])
