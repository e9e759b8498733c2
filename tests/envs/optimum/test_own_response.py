"""Where the catalog holds P(view) of every video and ad: what the optimum knows, and what greedy believes."""

from typing import Any

import pytest

from preroll.envs import Optimum, Tables, greedy_policy, random_policy
from preroll.envs.optimum.reference_values import reference_values
from preroll.perception.catalog.catalog import Catalog
from tests.envs.optimum.test_knowledge import best_of_history
from tests.envs.plain_model import PlainModel
from tests.envs.simulated import assert_simulated_as_computed
from tests.envs.tiny import tiny
from tests.envs.worlds import own_response

ADS = {"soap": {"long": {"seconds": 30, "reward": 1}, "short": {"seconds": 10, "reward": 1}}}
OWN: dict[str, Any] = {"response": "catalog", "ads": ADS, "session.no_ad": False, "observe.fatigue": True}
#: The first two videos are of one category, and want different ads.
APART = [[1.0, 0.1], [0.1, 0.8], [0.3, 0.6]]
#: Those of a category want the same ad.
TOGETHER = [[1.0, 0.1], [0.8, 0.1], [0.3, 0.6]]


def videos(table: Any, *, shared: bool) -> Catalog:
    """Cats, cats and dogs; in ``shared`` the first two look alike."""
    return Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=[0, 0, 1],
        neighbors=[[1, 2] + [-1] * 8, [0] + [-1] * 9, [-1] * 10],
        importance=[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]] if shared else [[1.0, 0.0], [0.0, 1.0], [0.5, 0.25]],
        classes=("cat", "dog"),
        response=table,
        response_ads=("soap.long", "soap.short"),
    )


@pytest.mark.parametrize(
    ("table", "shared", "hidden", "by_heart"),
    [
        (APART, True, ("video",), ()),
        (APART, False, (), ("response",)),
        (TOGETHER, False, (), ()),
    ],
)
def test_the_video_is_hidden_where_look_alikes_answer_differently_and_else_known_by_heart(
    table: Any, shared: bool, hidden: tuple[str, ...], by_heart: tuple[str, ...]
) -> None:
    scenario, catalog = tiny(OWN), videos(table, shared=shared)
    optimum = Optimum(Tables.compile(scenario, catalog))
    assert (optimum.knowledge.unreachable, optimum.knowledge.by_heart) == (hidden, by_heart)
    earned = best_of_history(PlainModel(scenario, catalog))
    assert (earned < optimum.value - 1e-9) == bool(hidden)
    assert earned < optimum.value + 1e-12


def test_the_note_names_what_is_hidden_in_words() -> None:
    notes = {
        shared: Optimum(Tables.compile(tiny(OWN), videos(APART, shared=shared))).knowledge.note
        for shared in (True, False)
    }
    assert notes[True] == "knows the hidden video: a bound"
    assert notes[False] == "knows the true response of every video by heart"


def test_look_alikes_whose_difference_is_worth_nothing_hide_nothing() -> None:
    tables = Tables.compile(tiny({**OWN, "ads.*.*.reward": 0}), videos(APART, shared=True))
    assert Optimum(tables).knowledge.note == ""


@pytest.mark.parametrize(
    ("shared", "position", "best"),
    [(False, 1.0, [0, 1, 1]), (True, 1.0, [0, 0, 1]), (False, 1.6, [0, 1, 1]), (True, 1.6, [1, 1, 1])],
)
def test_greedy_averages_clipped_probabilities_over_videos_with_equal_observations(
    shared: bool, position: float, best: list[int]
) -> None:
    """At 1.6 the first video would view the long ad with 1.44, of which only 1 counts."""
    catalog = videos([[0.9, 0.6], [0.1, 0.375], [0.3, 0.6]], shared=shared)
    tables = Tables.compile(tiny({**OWN, "user.position": {"pre": position}, "user.repeat": 1.0}), catalog)
    policy = greedy_policy(tables).on(tables).probabilities
    assert policy is not None
    assert policy[0, 0, 0, :, 0, -1].argmax(axis=1).tolist() == best


def test_no_row_takes_predicted_categories_for_true_which_say_nothing_of_users() -> None:
    catalog = videos(APART, shared=False)
    names = [row.name for row in reference_values(Tables.compile(tiny(OWN), catalog))]
    assert "optimum on predicted categories" not in names
    assert {"optimum", "greedy", "random"} <= set(names)


@pytest.mark.compiled
@pytest.mark.parametrize("kind", ["optimum", "greedy", "random"])
def test_a_million_simulated_sessions_agree_with_the_exact_value(kind: str) -> None:
    tables = Tables.compile(*own_response(60))
    exact = Optimum(tables)
    policies = {"greedy": greedy_policy, "random": random_policy}
    policy = exact.policy if kind == "optimum" else policies[kind](tables)
    assert_simulated_as_computed(exact, policy)


def test_what_is_lost_adds_up_to_the_regret() -> None:
    """By category, fatigue, part of the session, slot and ad, of a policy that cannot tell videos apart."""
    tables = Tables.compile(*own_response(12))
    exact = Optimum(tables)
    policy = random_policy(tables)
    explained = exact.explain(policy)
    regret = exact.value - exact.value_of(policy)
    for split, parts in explained.lost.items():
        assert min(parts.values()) >= 0, split
        assert sum(parts.values()) == pytest.approx(regret, abs=1e-9 * exact.value)
