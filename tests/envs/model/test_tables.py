"""What tables say of themselves, and what a scenario asks of its catalog."""

from typing import Any

import numpy as np
import pytest

from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import bare
from tests.envs.tiny import TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny


@pytest.mark.parametrize(
    ("changes", "remembers"),
    [
        ({"user.repeat": 1.0}, False),
        ({"user.repeat": 0.5}, True),
        ({"user.repeat": 2.0}, True),
        ({"user.repeat": 1.0, "drift": [{"from_session": 2, "set": {"user.repeat": 0.9}}]}, True),
    ],
)
def test_the_last_ad_counts_where_repetition_has_a_factor_in_some_phase(
    changes: dict[str, Any], remembers: bool
) -> None:
    assert Tables.compile(tiny(changes), three_videos()).remembers_ads == remembers


@pytest.mark.parametrize(
    ("changes", "largest"),
    [({}, 2.0), ({"recall_weight": 4.0}, 5.0), ({"drift": [{"from_session": 1, "set": {"ads.*.*.reward": 7}}]}, 7.0)],
)
def test_the_largest_reward_is_that_of_all_videos_and_phases(changes: dict[str, Any], largest: float) -> None:
    """The ads of the first phase pay 1 and 2; the videos are remembered with .25, .75 and .5."""
    spec = Tables.compile(tiny(changes), three_videos()).spec
    assert spec.largest_reward == pytest.approx(largest)
    assert spec.rewards.tolist() == [1, 2, 0]


def test_no_user_leaves_with_more_than_certainty() -> None:
    """Hazards of .5 and .4 with .2 of the tiredness, of users who leave three times as soon."""
    segments = [{"name": "patient", "share": 0.5, "leave": 0.5}, {"name": "hasty", "share": 0.5, "leave": 3.0}]
    hazard = Tables.compile(tiny({"user.segments": segments}), three_videos()).arrays.hazard[0]
    assert hazard[0, 1, :, 2] == pytest.approx([0.35, 0.3])
    assert hazard[1, 1, :, 2].tolist() == [1.0, 1.0]


def test_shares_of_segments_are_those_of_the_phase() -> None:
    swapped = [{**segment, "share": 1 - segment["share"]} for segment in TWO_SEGMENTS["user.segments"]]
    drift = [{"from_session": 2, "set": {"user.segments": swapped}}]
    tables = Tables.compile(tiny({**TWO_SEGMENTS, "drift": drift}), three_videos())
    assert tables.shares().tolist() == pytest.approx([0.7, 0.3])
    assert tables.shares(1).tolist() == pytest.approx([0.3, 0.7])


def test_tables_tell_their_sizes() -> None:
    drift = [{"from_session": 2, "set": {"user.repeat": 0.9}}]
    tables = Tables.compile(tiny({**TWO_SLOTS, **TWO_SEGMENTS, "drift": drift, "session.horizon": 5}), three_videos())
    sizes = (tables.n_videos, tables.n_slots, tables.n_actions, tables.n_levels, tables.n_segments, tables.n_phases)
    assert sizes == (3, 10, 3, 3, 2, 2)
    assert (tables.category.tolist(), tables.kind.tolist()) == ([0, 1, 0], [0, 1, 0])
    assert tables.neighbors[:, :3].tolist() == [[1, 2, -1], [0, -1, -1], [-1, -1, -1]]


def test_videos_that_answer_and_pay_alike_are_of_one_kind() -> None:
    catalog = three_videos()
    assert Tables.compile(tiny({"recall_weight": 1.0}), catalog).kind.tolist() == [0, 2, 1]  # cats of .25, of .5; dogs
    drift = [{"from_session": 1, "set": {"recall_weight": 1.0}}]
    assert len(set(Tables.compile(tiny({"drift": drift}), catalog).kind.tolist())) == 3
    with pytest.raises(PrerollError, match="recall_weight: needs true memorability"):
        Tables.compile(tiny({"drift": drift}), without(catalog))


def without(catalog: Catalog) -> Catalog:
    """The catalog without memorability and categories of perception."""
    return bare(catalog)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"observe.category": "predicted"}, "observe.category: 'predicted' needs category probabilities"),
        ({"observe.memorability": True}, "observe.memorability: true needs predicted memorability"),
        ({"recall_weight": 1.0}, "recall_weight: needs true memorability"),
    ],
)
def test_what_the_catalog_lacks_is_named(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(PrerollError, match=line):
        Tables.compile(tiny(changes), without(three_videos()))
    Tables.compile(tiny(), without(three_videos()))


def test_an_ad_of_a_category_that_the_catalog_lacks_is_named() -> None:
    ads = {"birds": {"short": {"seconds": 5, "view_probability": 0.5, "reward": 1}}}
    with pytest.raises(PrerollError, match=r"ads\.birds: the catalog memory has no such category; it has cats, dogs"):
        Tables.compile({"name": "birds", "ads": ads}, three_videos())


def test_rows_show_the_category_where_it_is_known_and_content_cut_to_1() -> None:
    catalog = three_videos((0, -1, 1), [[1, 0], [0.25, 0.75], [0, 1]])
    tables = Tables.compile(tiny({"observe.memorability": True, "observe.progress": False}), catalog)
    expected = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 1, 2 / 3], [0, 1, 0.5, 0.25, 1 / 3]])
    np.testing.assert_allclose(tables.arrays.rows, expected, rtol=1e-6)
    predicted = Tables.compile(tiny({"observe.category": "predicted", "observe.progress": False}), catalog)
    np.testing.assert_array_equal(predicted.arrays.rows[:, :2], np.asarray(catalog.category_probabilities))
