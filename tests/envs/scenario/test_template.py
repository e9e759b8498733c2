"""A first scenario for a catalog of one's own is valid on it, whatever its categories are called."""

from pathlib import Path

import numpy as np
import pytest

from preroll.bounded.yaml_text import parse_yaml
from preroll.envs import Optimum, Scenario, Tables, preset_names
from preroll.envs.scenario.template import scenario_for
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


@pytest.mark.parametrize("like", preset_names())
@pytest.mark.parametrize("n_categories", [1, 2, 5])
def test_the_new_scenario_is_valid_on_its_catalog(like: str, n_categories: int) -> None:
    names = tuple(f"vol. {k}" if k == 0 else f"topic-{k}" for k in range(n_categories))[::-1]
    category = np.arange(12) % n_categories
    catalog = Catalog.from_arrays(
        categories=tuple(sorted(names)),
        category=category,
        neighbors=np.array([[(v + k) % 12 for k in range(1, 11)] for v in range(12)]),
        importance=np.full((12, 2), 0.5),
        classes=("a", "b"),
    )
    scenario = scenario_for(catalog, like)
    owned = {ad.category for ad in scenario.ads if isinstance(ad.view_probability, float)}
    assert owned in (set(), set(names))
    assert Scenario.load(parse_yaml(scenario.dump(), "new")) == scenario
    assert not owned or scenario.replace({"ads.vol. 0.*.reward": 7}).ads[-1].reward == 7
    assert Optimum(Tables.compile(scenario, catalog)).value > 0


def test_appeal_stays_where_its_ads_stay_and_the_description_names_what_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        """ads:
  soap: {short: {seconds: 15, reward: 1, view_probability: {cats: 0.5, other: 0.3}}}
  dogs: {long: {seconds: 30, reward: 3, view_probability: 0.4}}
user: {segments: [{name: all, share: 1, appeal: {soap: 0.5, soap.short: 0.9, dogs: 0.7, dogs.long: 0.8, long: 0.6}}]}
"""
    )
    scenario = scenario_for(Catalog.load("demo"), like=str(path))
    assert scenario.user.segments[0].appeal == {"soap": 0.5, "soap.short": 0.9, "long": 0.6}
    assert scenario.description.endswith("The appeal of dogs, dogs.long is left out: there are no such ads here.")


def test_a_scenario_that_takes_probabilities_from_a_catalog_is_no_template(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("{response: catalog, ads: {soap: {long: {seconds: 30, reward: 3}}}}")
    with pytest.raises(PrerollError, match=r"scenario own: response: 'catalog' has .* and is no template"):
        scenario_for(Catalog.load("demo"), like=str(path))
