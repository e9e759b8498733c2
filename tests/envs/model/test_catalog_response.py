"""`response: catalog`: P(view) of every video and ad from the catalog, and what a scenario may then say."""

from typing import Any

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables, preset_names
from preroll.envs.model import response
from preroll.envs.model.probabilities import view_probabilities
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.tiny import tiny
from tests.envs.worlds import OWN_RESPONSE, WORLDS, partly_labeled

KEY = "ads.soap.long.view_probability"


def test_tables_hold_what_the_sentences_of_the_model_say() -> None:
    """Every ad, video, user and level of a scenario of segments, slots, recall, repetition and drift."""
    scenario, catalog = WORLDS["own response"]
    tables = Tables.compile(scenario, catalog)
    assert tables.arrays.match.shape[1] == catalog.n_videos
    found = view_probabilities(tables.arrays)[tables.kind]
    assert len(np.unique(found[:, 0, 0, 0, 0, 0, 0])) == catalog.n_videos
    assert (found == 1).any()
    for phase, (_, rules) in enumerate(scenario.phases):
        model = PlainModel(rules, catalog)
        for (video, slot, segment, level, ad, again), p in np.ndenumerate(found[:, :, phase]):
            last = ad if again else 2 * tables.n_actions
            assert abs(model.view(Moment(segment, slot, video, level, last), ad) - p) < 1e-12


def test_neither_mismatch_nor_the_group_nor_the_label_changes_what_the_catalog_says() -> None:
    catalog = partly_labeled(12)
    assert catalog.response is not None
    columns = [catalog.response_ads.index(ad) for ad in ("soap.long", "cats.short", "dogs.long")]
    for m in (0.0, 1.0):
        scenario = tiny({**OWN_RESPONSE, "user.mismatch": m})
        tables = Tables.compile(scenario, catalog)
        view = view_probabilities(tables.arrays)[tables.kind, 0, 0, 0, 0, :, 0]
        np.testing.assert_array_equal(view[:, :3], np.asarray(catalog.response, np.float64)[:, columns])
        assert not view[:, 3].any()
    assert tables.spec.ad_category.tolist() == [-2, 0, 1, -1]


def test_a_table_of_equal_rows_is_worth_what_the_mapping_is_that_says_the_same() -> None:
    """Also where videos are told apart by memorability."""
    category = np.arange(12) % 2
    by_category = np.array([[0.125, 0.5], [0.75, 0.25]])
    catalog = Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=category,
        neighbors=(np.arange(12)[:, None] + np.arange(1, 11)) % 12,
        importance=np.ones((12, 1)),
        classes=("x",),
        memorability=np.linspace(0, 1, 12),
        response=by_category[category],
        response_ads=("soap.long", "soap.short"),
    )
    ads = {name: {"seconds": 10, "reward": reward} for name, reward in (("long", 3), ("short", 1))}
    mapped = {
        name: {**ad, "view_probability": dict(zip(catalog.categories, by_category[:, a].tolist(), strict=True))}
        for a, (name, ad) in enumerate(ads.items())
    }
    for weight in (0.0, 2.0):
        own = tiny({"response": "catalog", "ads": {"soap": ads}, "recall_weight": weight})
        same = tiny({"ads": {"soap": mapped}, "recall_weight": weight})
        values = [Optimum(Tables.compile(one, catalog)).value for one in (own, same)]
        assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_a_probability_beside_the_catalogs_is_refused_wherever_it_is_given() -> None:
    why = r"under response: catalog, P\(view\) comes from the catalog; leave it out"
    given = {"soap": {"long": {"seconds": 30, "reward": 3, "view_probability": 0.5}}}
    with pytest.raises(PrerollError, match=f"scenario: {KEY}: {why}$"):
        Scenario.load({"response": "catalog", "ads": given})
    scenario = tiny(OWN_RESPONSE)
    with pytest.raises(PrerollError, match=f"scenario tiny: {KEY}: {why}$"):
        scenario.replace({KEY: 0.5})
    with pytest.raises(PrerollError, match=f"drift from session 3: {KEY}: {why}$"):
        scenario.replace({"drift": [{"from_session": 3, "set": {KEY: {"other": 0.5}}}]})
    with pytest.raises(PrerollError, match=rf"{KEY}: only a number can be scaled, and none is given$"):
        scenario.replace({KEY: {"scale": 0.5}})
    with pytest.raises(PrerollError, match=f"ads.cats.short.view_probability: {why}$"):
        tiny({"response": "catalog"})


def test_without_the_catalogs_every_ad_needs_a_probability() -> None:
    with pytest.raises(PrerollError, match=rf"^scenario: {KEY}: is missing$"):
        Scenario.load({"ads": {"soap": {"long": {"seconds": 30, "reward": 3}}}})
    with pytest.raises(PrerollError, match=rf"{KEY}: is missing$"):
        tiny(OWN_RESPONSE).replace({"response": "ads"})
    with pytest.raises(PrerollError, match=r"response: 'folder': should be 'ads' or 'catalog'$"):
        tiny({**OWN_RESPONSE, "response": "folder"})


def test_drift_cannot_change_where_probabilities_come_from() -> None:
    changes = {"response": "ads", "ads.*.*.view_probability": 0.5}
    with pytest.raises(PrerollError, match=r"drift: may change probabilities, .* not ads, .* response$"):
        tiny({**OWN_RESPONSE, "drift": [{"from_session": 3, "set": changes}]})


def test_an_ad_that_the_table_lacks_is_named_with_those_it_has() -> None:
    ads = {**OWN_RESPONSE["ads"], "soap": {"giant": {"seconds": 30, "reward": 3}}}
    with pytest.raises(PrerollError) as caught:
        Tables.compile(tiny({"response": "catalog", "ads": ads}), partly_labeled(3))
    assert str(caught.value) == (
        "scenario tiny: ads.soap.giant: the response of the catalog memory has no such ad; it has cats.short, "
        "dogs.long, soap.long"
    )


def test_a_catalog_without_a_table_says_how_to_add_one() -> None:
    with pytest.raises(
        PrerollError, match=r"which the catalog .* lacks; `preroll predict annotate --response` adds it"
    ):
        Tables.compile(tiny(OWN_RESPONSE), "demo")


def test_what_does_not_read_the_table_is_written_as_before_there_was_one() -> None:
    """So that fingerprints of runs and hashes of finished cells stay."""
    for scenario in map(Scenario.load, preset_names()):
        plain = scenario.model_dump(mode="json")
        assert "response" not in plain
        assert all("view_probability" in ad for group in plain["ads"].values() for ad in group.values())


def test_what_reads_the_table_is_read_back_from_what_is_written() -> None:
    scenario, _ = WORLDS["own response"]
    plain: dict[str, Any] = scenario.model_dump(mode="json")
    assert plain["response"] == "catalog"
    assert not any("view_probability" in ad for group in plain["ads"].values() for ad in group.values())
    assert Scenario.load(plain) == scenario
    assert scenario.replace({"user.repeat": 0.5}).response == "catalog"


def test_a_table_too_large_is_refused_by_its_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    """12 videos, 3 levels and 4 actions, whether or not rows of the table are equal."""
    catalog = partly_labeled(12)
    monkeypatch.setattr(response, "LARGEST", 144)
    Tables.compile(tiny(OWN_RESPONSE), catalog)
    monkeypatch.setattr(response, "LARGEST", 143)
    with pytest.raises(
        PrerollError, match="12 videos × 3 fatigue levels × 4 actions = 144 lines; at most 143 are allowed"
    ):
        Tables.compile(tiny(OWN_RESPONSE), catalog)
