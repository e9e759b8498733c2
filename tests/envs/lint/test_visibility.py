"""What acts and is not observed is named with the key that would show it, and is not named once it is shown."""

from typing import Any

import pytest

from preroll.envs.lint.warnings import warnings_about
from preroll.envs.model.tables import Tables
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import bare
from tests.envs.tiny import three_videos, tiny

OFF: dict[str, Any] = {"user.fatigue": {}, "user.leave": {}, "user.repeat": 1.0, "user.mismatch": 0.5}
WEAR: dict[str, Any] = {
    **OFF,
    "user.fatigue": {"levels": 3, "gain": {"short": [0, 1], "long": [0, 2]}, "wear": [1, 0.5, 0.25]},
}
RISK: dict[str, Any] = {
    **OFF,
    "user.fatigue": {"levels": 2, "gain": {"short": [0, 1]}},
    "user.leave": {"fatigue": [0, 0.5]},
    "session.horizon": 3,
}
POSITION: dict[str, Any] = {**OFF, "session.slots": ["pre", "mid"], "user.position": {"mid": 1.2}}
SEGMENTS: dict[str, Any] = {
    **OFF,
    "user.segments": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "appeal": {"long": 0.3}}],
}
DRIFTING = [{"from_session": 2, "set": {"recall_weight": 2.0}}]


def unseen(changes: dict[str, Any], catalog: Catalog | None = None) -> dict[str, str]:
    """Warnings about what agents cannot see, by key."""
    tables = Tables.compile(tiny(changes), catalog or three_videos())
    words = ("cannot see", "agents see none")
    found = {finding.key: str(finding) for finding in warnings_about(tables)}
    return {key: line for key, line in found.items() if any(word in line for word in words)}


@pytest.mark.parametrize(
    ("changes", "key", "shown_by"),
    [
        (WEAR, "user.fatigue", {"observe.fatigue": True}),
        (WEAR, "user.fatigue", {"observe.last_view": True}),
        (RISK, "user.fatigue", {"observe.fatigue": True}),
        ({**OFF, "user.repeat": 0.5}, "user.repeat", {"observe.last_ad": True}),
        (POSITION, "user.position", {"observe.position": True}),
        (SEGMENTS, "user.segments", {"observe.segment": True}),
        ({**OFF, "recall_weight": 2.0}, "recall_weight", {"observe.memorability": True}),
        ({**OFF, "observe.category": "none"}, "user.mismatch", {"observe.category": True}),
        (
            {**WEAR, "session.horizon": 8, "observe.last_view": True, "observe.progress": False},
            "observe.progress",
            {"observe.progress": True},
        ),
    ],
)
def test_what_is_not_observed_is_named_with_what_would_show_it(
    changes: dict[str, Any], key: str, shown_by: dict[str, Any]
) -> None:
    hidden = unseen(changes)
    assert list(hidden) == [key]
    assert next(iter(shown_by)) in hidden[key]
    assert unseen(changes | shown_by) == {}


def test_drift_can_never_be_seen_and_names_its_value() -> None:
    hidden = unseen({**OFF, "drift": [{"from_session": 2, "set": {"user.mismatch": 0.25}}]})
    assert list(hidden) == ["drift"]
    assert "user.mismatch: 0.25" in hidden["drift"]


def test_a_mechanism_that_a_drift_turns_on_is_hidden_too() -> None:
    hidden = unseen({**OFF, "drift": DRIFTING})
    assert hidden["recall_weight"].startswith("recall_weight: 2:")


def test_fatigue_that_the_slot_tells_is_not_hidden() -> None:
    ramp = {**WEAR, "user.fatigue.gain": {length: [1, 1] for length in ("none", "short", "long")}}
    assert unseen(ramp) == {}
    assert "user.fatigue" in unseen({**ramp, "observe.progress": False})


def test_the_last_of_one_ad_is_known() -> None:
    alone = {
        **OFF,
        "session.no_ad": False,
        "ads": {"cats": {"short": {"seconds": 1, "view_probability": 1, "reward": 1}}},
    }
    assert unseen({**alone, "user.repeat": 0.5}) == {}


def test_memorability_that_the_category_tells_is_not_hidden() -> None:
    catalog = three_videos()
    catalog.memorability = (catalog.category / 2).astype("float32")
    assert unseen({**OFF, "recall_weight": 2.0}, catalog) == {}
    assert set(unseen({**OFF, "recall_weight": 2.0, "observe.category": "none"}, catalog)) == {
        "recall_weight",
        "user.mismatch",
    }


def test_no_slot_but_the_last_is_different_where_nothing_is_carried_over() -> None:
    assert unseen({**OFF, "observe.progress": False}) == {}


PREDICTED = [[1, 0], [0.2, 0.8], [0.5, 0.5]]


def test_videos_without_a_label_are_not_seen_by_their_true_category() -> None:
    hidden = unseen(OFF, three_videos((0, -1, -1), PREDICTED))
    assert list(hidden) == ["observe.category"]
    assert "2 videos" in hidden["observe.category"]
    assert unseen({**OFF, "observe.category": "predicted"}, three_videos((0, -1, -1), PREDICTED)) == {}


def test_a_part_that_is_the_same_for_all_videos_shows_nothing() -> None:
    catalog = three_videos((0, 1, 0), [[0.5, 0.5]] * 3)
    assert list(unseen({**OFF, "observe.category": "predicted"}, catalog)) == ["user.mismatch"]


def test_probabilities_by_category_that_agents_cannot_tell_are_named_by_the_first_ad() -> None:
    by_category = {"ads.dogs.long.view_probability": {"cats": 0.2, "dogs": 0.3}, "user.mismatch": 1}
    hidden = unseen({**OFF, **by_category, "observe.category": "none"})
    assert list(hidden) == ["ads.dogs.long.view_probability"]
    assert "{cats: 0.2, dogs: 0.3}: acts, but agents cannot see it" in hidden["ads.dogs.long.view_probability"]
    assert unseen({**OFF, **by_category}) == {}
    unlabelled = unseen({**OFF, **by_category}, three_videos((0, -1, -1), PREDICTED))
    assert list(unlabelled) == ["observe.category"]
    later = [{"from_session": 2, "set": by_category}]
    late = unseen({**OFF, "user.mismatch": 1, "drift": later, "observe.category": "none"})
    assert list(late) == ["ads.dogs.long.view_probability", "drift"]


def test_a_response_by_video_that_agents_cannot_tell_is_named() -> None:
    ads = {"soap": {"long": {"seconds": 30, "reward": 1}, "short": {"seconds": 10, "reward": 1}}}
    own = {**OFF, "response": "catalog", "ads": ads, "observe.category": "none", "observe.content": False}
    catalog = with_response([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])
    hidden = unseen(own, catalog)
    assert list(hidden) == ["response"]
    assert "response: catalog: acts, but agents cannot see it: set observe.content" in hidden["response"]
    assert unseen({**own, "observe.content": True}, catalog) == {}
    assert unseen(own, with_response([[0.1, 0.2]] * 3)) == {}


def with_response(table: list[list[float]]) -> Catalog:
    plain = three_videos()
    return bare(plain, response=table, response_ads=("soap.long", "soap.short"))
