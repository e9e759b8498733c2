"""What is to be known of the presets: docs/model.md says why."""

import pytest

from preroll.envs.lint.warnings import warnings_about
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import preset_names
from tests.conftest import make_catalog

KNOWN = {
    "classic": ["ads.cats.short", "ads.concerts.short"],
    "drift": ["drift", "ads.cars.short"],
    "hidden-users": ["user.segments"],
    "published": [
        "recommender",
        "ads.cats.short",
        "ads.cars.short",
        "ads.cars.long",
        "ads.concerts.short",
        "ads.concerts.long",
    ],
}


@pytest.mark.parametrize("name", preset_names())
def test_the_warnings_about_a_preset_are_those_that_are_known(name: str) -> None:
    assert [finding.key for finding in warnings_about(Tables.compile(name, make_catalog(12)))] == KNOWN.get(name, [])
