"""Ads are numbered as the scenario writes them and listed by category: what lists them says their numbers."""

import re

import numpy as np
import pytest

from preroll.agents import make_agent
from preroll.envs import Optimum, Tables, by_category_policy


@pytest.fixture(scope="module")
def classic() -> Tables:
    return Tables.compile("classic", "demo")


def test_every_card_that_lists_ads_says_the_number_of_each(classic: Tables) -> None:
    """A trap once: the long ad of category 0 is no ad 1, and no card said so."""
    numbered = [(classic.spec.labels[ad], str(ad)) for ad in classic.spec.listed]
    for one in (classic, classic.spec, classic.scenario):
        assert re.findall(r"^  (\S+\.\S+) +(\d+) ", repr(one), re.MULTILINE) == numbered
    shows = re.sub(r"\s+", " ", repr(make_agent("thompson", classic)))
    assert re.findall(r"(\S+\.\S+) \((\d+)\)", shows) == numbered


def test_the_card_of_a_spec_is_its_frame(classic: Tables) -> None:
    """A bug once: its rows were put in order twice, and stood in that of the scenario again."""
    frame = classic.spec.to_frame()
    assert re.findall(r"^  (\S+\.\S+) ", repr(classic.spec), re.MULTILINE) == frame["ad"].tolist()
    assert frame["ad"].iloc[0] == "cars.short"


def test_an_ad_is_found_by_its_name_from_the_category(classic: Tables) -> None:
    """As the pages do it; the long ad of every category earns all that can be earned."""
    long = np.array([classic.spec.labels.index(f"{category}.long") for category in classic.spec.categories])
    exact = Optimum(classic)
    assert exact.value_of(by_category_policy(classic, long)) == pytest.approx(exact.value)
