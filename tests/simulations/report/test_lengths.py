"""Which length class earns most if always shown, exactly, and from where on agents show it."""

from pathlib import Path
from typing import Any

import pytest

from preroll.simulations.report.data import Material
from preroll.simulations.report.heat_maps import LENGTHS as BEST_LENGTH
from preroll.simulations.report.heat_maps import heat_maps
from preroll.simulations.report.lengths import always_values, majority_sentences, threshold_sentences
from tests.simulations.conftest import MakeFile
from tests.simulations.experiment.test_lengths import run

pytestmark = pytest.mark.usefixtures("unpainted")


def certain(**rewards: float) -> dict[str, Any]:
    """A scenario with an ad of every length class before every video, viewed for certain, three videos a session."""
    ads = {name: {"seconds": 5, "view_probability": 1.0, "reward": reward} for name, reward in rewards.items()}
    world = {"ads": dict.fromkeys(("cars", "cats", "concerts"), ads), "session": {"horizon": 3}}
    return world | {"user": {"mismatch": 0.0}}


def test_where_another_length_begins_to_earn_most_the_headline_says_so(make_file: MakeFile, tmp_path: Path) -> None:
    """Bumper always earns 1 and spot 2; mid earns the varied 0.5, 1.5 or 2.5, which passes 2 halfway."""
    vary = {"ads.*.mid.reward": [2.5, 0.5, 1.5]}
    store = run(make_file, tmp_path, scenario=certain(bumper=1, mid=1, spot=2), vary=vary, agents=["optimum"])
    material = Material.of(store)
    values = [always_values(material, point) for point in material.points]
    assert values == [{"bumper": 3.0, "mid": 3 * mid, "spot": 6.0} for mid in (2.5, 0.5, 1.5)]
    assert threshold_sentences(material) == [
        "Always showing the mid ad earns more than always showing the spot one from ads.*.mid.reward ≈ 2.00 on (exact "
        "values, interpolated between 1.5 and 2.5)."
    ]
    assert majority_sentences(material) == [
        "More than half of the ads shown are mid: optimum from 2.00 on (ads.*.mid.reward, interpolated)."
    ]


def test_of_advertisers_it_is_the_best_ad_of_a_length_before_each_category(make_file: MakeFile, tmp_path: Path) -> None:
    """Of long ads soap earns 1 before cats and petrol 2 elsewhere; the short one earns the varied 1 to 3 everywhere."""
    ad = {"seconds": 5, "length": "long", "reward": 2}
    ads = {
        "soap": {"a": {**ad, "view_probability": {"cats": 0.5, "other": 0.25}}},
        "petrol": {"b": {**ad, "view_probability": {"cats": 0.25, "other": 1.0}}},
        "oil": {"c": {"seconds": 5, "length": "short", "view_probability": {"other": 0.5}, "reward": 1}},
    }
    vary = {"ads.oil.c.reward": [2, 3, 6]}
    scenario = {"ads": ads, "session": {"horizon": 3}, "recommender": {"jump": 1}}
    store = run(make_file, tmp_path, scenario=scenario, vary=vary, agents=["optimum"])
    material = Material.of(store)
    cats = (material.tables(next(iter(material.points))).category == 1).mean()
    long = 3 * (cats + 2 * (1 - cats))
    assert [values["long"] for values in (always_values(material, point) for point in material.points)] == [
        pytest.approx(long)
    ] * 3
    (told,) = threshold_sentences(material)
    assert told.startswith("Always showing the best short ad earns more than always showing the best long one from")


def test_a_map_names_the_length_that_earns_most_and_its_lead(make_file: MakeFile, tmp_path: Path) -> None:
    vary = {"ads.*.mid.reward": [1.0, 2.0], "ads.*.spot.reward": [1.0, 2.0]}
    store = run(make_file, tmp_path, scenario=certain(teaser=1, mid=1, spot=1), vary=vary, agents=["optimum"])
    (found,) = (one for one in heat_maps(Material.of(store), *vary) if one.title == BEST_LENGTH)
    assert [[text for text, _ in line] for _, line in found.lines] == [
        ["teaser = mid = spot", "spot +3.00"],
        ["mid +3.00", "mid = spot"],
    ]


def test_with_drift_what_a_length_earns_is_that_of_the_sessions_evaluated(make_file: MakeFile, tmp_path: Path) -> None:
    """A bug once: the first phase alone. Half of the four sessions of a lane are in the second, where mid pays 5."""
    drift = [{"from_session": 2, "set": {"ads.*.mid.reward": 5}}]
    world = certain(bumper=1, mid=2) | {"drift": drift}
    material = Material.of(run(make_file, tmp_path, scenario=world, vary={}, agents=["optimum"]))
    (point,) = material.points
    assert always_values(material, point) == {"bumper": 3.0, "mid": 3 * (2 + 5) / 2}
