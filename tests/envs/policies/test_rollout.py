"""Lanes are played in parts, between which a signal is heard."""

from importlib import import_module

import numpy as np
import pytest

from preroll.envs import Tables, rollout
from preroll.envs.policies.simple import random_policy
from preroll.perception.catalog.catalog import Catalog


def test_in_how_many_parts_lanes_are_played_changes_no_bit(
    small_catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    whole = rollout(tables, random_policy(tables), seed=3, lanes=70, sessions_per_lane=5)
    played = import_module("preroll.envs.policies.rollout")
    monkeypatch.setattr(played, "AT_ONCE", 1)
    monkeypatch.setattr(played, "FEWEST_LANES", 32)
    parts = rollout(tables, random_policy(tables), seed=3, lanes=70, sessions_per_lane=5)
    for name in ("revenue", "slots", "views", "terminated", "by_ad"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name
