"""P(view) by ad and category: what a mapping means, what it may name, and how large tables may be."""

from typing import Any

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.model import response
from preroll.envs.model.probabilities import view_probabilities
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.tiny import three_videos, tiny
from tests.envs.worlds import BY_CATEGORY, WORLDS, partly_labeled, without_labels

SOAP = "ads.soap.short.view_probability"
HALF_KNOWN = [[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]]


def mapped(scenario: Scenario) -> Scenario:
    """The same answers, with every probability written out by category."""
    m = scenario.user.mismatch
    return scenario.replace(
        {
            f"ads.{ad.label}.view_probability": {ad.category: ad.view_probability, "other": m * ad.view_probability}
            for ad in scenario.ads
            if isinstance(ad.view_probability, float)
        }
    )


def test_tables_hold_what_the_sentences_of_the_model_say() -> None:
    """Every ad, video, user and level of a scenario of mappings, numbers, segments, slots and drift."""
    scenario, catalog = WORLDS["by category"]
    tables = Tables.compile(scenario, catalog)
    found = view_probabilities(tables.arrays)[tables.kind]
    assert len({len(set(found[..., ad, 0].ravel().tolist())) for ad in range(4)}) == 4
    for phase, (_, rules) in enumerate(scenario.phases):
        model = PlainModel(rules, catalog)
        for (video, slot, segment, level, ad, again), p in np.ndenumerate(found[:, :, phase]):
            last = ad if again else 2 * tables.n_actions
            assert abs(model.view(Moment(segment, slot, video, level, last), ad) - p) < 1e-12


def test_neither_mismatch_nor_the_group_changes_what_a_mapping_says() -> None:
    scenario = tiny({"ads": BY_CATEGORY, "user.fatigue.wear": [1, 1, 1]})
    for m in (0.0, 0.5, 1.0):
        tables = Tables.compile(scenario.replace({"user.mismatch": m}), three_videos())
        view = view_probabilities(tables.arrays)[tables.kind, 0, 0, 0, 0, :, 0]
        np.testing.assert_allclose(view[:, [0, 1, 3]], [[0.7, 0.9, 0.4], [0.3, 0.1, 0.4], [0.7, 0.9, 0.4]], rtol=1e-15)
        assert view[:, 2].tolist() == pytest.approx([0.6, 0.6 * m, 0.6])
    assert tables.spec.ad_category.tolist() == [-2, -2, 0, 1, -1]


def test_a_video_without_a_label_has_the_mean_over_its_categories_clipped_last() -> None:
    """Soap before cats is viewed with .9 · 2, which is more than certain; the mean is not of clipped numbers."""
    catalog = three_videos((-1, -1, -1), HALF_KNOWN)
    tables = Tables.compile(tiny({"ads": BY_CATEGORY, "user.position": {"pre": 2}}), catalog)
    view = view_probabilities(tables.arrays)[tables.kind, 0, 0, 0, 0, :, 0]
    assert view[:, 1].tolist() == pytest.approx([2 * 0.5, 2 * 0.3, 1.0])


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_probabilities_of_categories_that_add_up_to_something_else_are_a_mean_all_the_same(share: float) -> None:
    catalog = three_videos((-1, -1, -1), share * np.array(HALF_KNOWN))
    tables = Tables.compile(tiny({"ads": BY_CATEGORY}), catalog)
    assert view_probabilities(tables.arrays)[:, 0, 0, 0, 0, 0, 0].tolist() == pytest.approx([0.5, 0.4, 0.7])
    nothing = Tables.compile(tiny({"ads": BY_CATEGORY}), three_videos((-1, 0, 1), [[0, 0], [1, 0], [0, 1]]))
    assert view_probabilities(nothing.arrays)[0, 0, 0, 0, 0, [0, 1, 3], 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["classic", "fatigue", "published", "hidden-users"])
def test_a_number_written_out_by_category_has_the_same_optimum(name: str) -> None:
    scenario, catalog = Scenario.load(name), Catalog.load("demo")
    plain, written = (Optimum(Tables.compile(one, catalog)).value for one in (scenario, mapped(scenario)))
    assert written == pytest.approx(plain, rel=1e-12)
    catalog = without_labels(catalog)
    plain, written = (Optimum(Tables.compile(one, catalog)).value for one in (scenario, mapped(scenario)))
    assert written == pytest.approx(plain, rel=1e-7)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"cats": 0.3}, "ads.soap.short.view_probability: lacks dogs; name every category of the catalog, or other"),
        ({}, "ads.soap.short.view_probability: lacks cats; name every category of the catalog, or other"),
        (
            {"birds": 0.3, "other": 0.1},
            "ads.soap.short.view_probability.birds: the catalog memory has no such category",
        ),
    ],
)
def test_categories_that_are_none_or_missing_are_named_in_every_phase(value: dict[str, float], line: str) -> None:
    scenario = tiny({"ads": BY_CATEGORY})
    with pytest.raises(PrerollError) as caught:
        Tables.compile(scenario.replace({SOAP: value}), three_videos())
    assert str(caught.value).startswith(f"scenario tiny: {line}")
    drift = [{"from_session": 3, "set": {"user.mismatch": 0.1}}, {"from_session": 4, "set": {SOAP: value}}]
    with pytest.raises(PrerollError) as caught:
        Tables.compile(scenario.replace({"drift": drift}), three_videos())
    assert str(caught.value).startswith(f"scenario tiny: drift from session 4: {line}")


def test_an_ad_with_one_number_needs_a_category() -> None:
    with pytest.raises(PrerollError, match=r"ads\.soap: the catalog memory has no such category; it has cats, dogs"):
        Tables.compile(tiny({"ads": BY_CATEGORY, SOAP: 0.3}), three_videos())


def test_a_category_called_other_is_one_of_the_others() -> None:
    catalog = Catalog.from_arrays(
        categories=("cats", "other"),
        category=[0, 1],
        neighbors=np.full((2, 10), -1),
        importance=np.ones((2, 1)),
        classes=("x",),
    )
    ads: Any = {"soap": {"short": {"seconds": 5, "view_probability": {"cats": 0.3, "other": 0.1}, "reward": 1}}}
    assert Tables.compile({"ads": ads}, catalog).arrays.match[0, :, 0].tolist() == [0.3, 0.1]


def test_tables_too_large_are_refused_by_their_factors_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """37 videos, 3 slots, 4 phases, 3 segments, 3 levels, 5 actions."""
    scenario, _ = WORLDS["by category"]
    catalog, lines = partly_labeled(37), 37 * 3 * 4 * 3 * 3 * 5
    monkeypatch.setattr(response, "LARGEST", lines)
    Tables.compile(scenario, catalog)
    monkeypatch.setattr(response, "LARGEST", lines - 1)
    monkeypatch.delattr("preroll.envs.model.tables.match_table")  # not even the smallest of the tables
    with pytest.raises(PrerollError) as caught:
        Tables.compile(scenario, catalog)
    assert str(caught.value) == (
        "scenario tiny: the table of answers would have 37 videos × 3 slots of a video × 4 phases × 3 segments × "
        "3 fatigue levels × 5 actions = 19,980 lines; at most 19,979 are allowed"
    )


def test_factors_of_one_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "LARGEST", 17)
    with pytest.raises(
        PrerollError, match=r"have 2 kinds of videos × 3 fatigue levels × 3 actions = 18 lines; at most 17"
    ):
        Tables.compile(tiny(), three_videos())
