"""A function of observations as a table: every distinct observation is asked once, and every state has its answer."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Scenario
from preroll.envs.model.tables import Tables
from preroll.envs.policies import tabulate as tabulating
from preroll.envs.policies.policy import axes
from preroll.envs.policies.tabulate import tabulate
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Moment, observation
from tests.envs.tiny import ALL_SHOWN, TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny

NOTHING = {"observe.content": False, "observe.progress": False, "observe.category": "none"}
SHOWN: dict[str, dict[str, Any]] = {
    "all": ALL_SHOWN,
    "category alone": {"observe.content": False, "observe.progress": False},
    "predicted": {"observe.category": "predicted"},
    "progress": {**NOTHING, "observe.progress": True},
    "position": {**NOTHING, "observe.position": True},
    "segment": {**NOTHING, "observe.segment": True},
    "last ad": {**NOTHING, "observe.last_ad": True},
    "last view": {**NOTHING, "observe.last_view": True},
    "fatigue": {**NOTHING, "observe.fatigue": True},
    "memorability": {**NOTHING, "observe.memorability": True},
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_every_state_has_the_probabilities_of_its_observation(shown: dict[str, Any]) -> None:
    scenario = tiny({**TWO_SLOTS, **TWO_SEGMENTS, **shown})
    catalog = three_videos((0, 1, 0), [[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    tables = Tables.compile(scenario, catalog)
    weights = np.random.default_rng(0).normal(size=(tables.layout.size, tables.n_actions))

    def softmax(observations: NDArray[np.float32]) -> NDArray[np.float64]:
        powers = np.exp(observations.astype(np.float64) @ weights)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    table = tabulate(tables, softmax).on(tables).probabilities
    assert table is not None
    for state in itertools.product(*map(range, axes(tables)[1:])):
        seen = observation(scenario, catalog, Moment(*state))
        np.testing.assert_allclose(table[(0, *state)], softmax(seen[None])[0], rtol=1e-12, err_msg=str(state))


@pytest.mark.parametrize(("shown", "distinct", "lasts"), [({}, 6, 1), ({"observe.last_view": True}, 12, 7)])
def test_a_table_as_large_as_the_limit_is_filled_and_a_larger_one_refused(
    shown: dict[str, bool], distinct: int, lasts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 slots and 3 videos, viewed or not, of three probabilities each: last outcomes that look alike count once."""
    tables = Tables.compile(tiny(shown), three_videos())
    monkeypatch.setattr(tabulating, "LARGEST_TABLE", 3 * distinct)
    assert tabulate(tables, lambda rows: np.full((len(rows), 3), 1 / 3)).shape == (1, 1, 2, 3, 1, lasts)
    monkeypatch.setattr(tabulating, "LARGEST_TABLE", 3 * distinct - 1)
    with pytest.raises(PrerollError, match=f"{distinct} distinct observations are too many; evaluate by stepping"):
        tabulate(tables, lambda rows: np.full((len(rows), 3), 1 / 3))


def test_few_observations_of_very_many_states_are_refused_before_they_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """2 slots, 3 videos that look like two, 7 last outcomes that look like two, of three probabilities each."""
    tables = Tables.compile(tiny({"observe.content": False, "observe.last_view": True}), three_videos())
    asked: list[int] = []

    def uniform(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        asked.append(len(rows))
        return np.full((len(rows), 3), 1 / 3)

    monkeypatch.setattr(tabulating, "LARGEST_MEMORY", 8 * 2 * 3 * 7 * 3)
    table = tabulate(tables, uniform).probabilities
    assert (sum(asked), table is not None and table.size) == (8, 2 * 3 * 7 * 3)
    monkeypatch.setattr(tabulating, "LARGEST_MEMORY", 8 * 2 * 3 * 7 * 3 - 1)
    with pytest.raises(PrerollError, match="126 probabilities are too many; evaluate by stepping"):
        tabulate(tables, uniform)
    assert sum(asked) == 8


@pytest.mark.parametrize(
    ("observe", "distinct"),
    [
        ({}, 3),
        ({"last_view": True}, 3 * 2),
        ({"last_ad": True}, 3 * 8),
        ({"last_ad": True, "last_view": True}, 3 * 15),
        ({"progress": True}, 3 * 4),
        ({"position": True}, 3 * 2),
        ({"position": True, "progress": True, "fatigue": True}, 3 * 4 * 6),
    ],
)
def test_distinct_observations_are_asked_once(observe: dict[str, bool], distinct: int, small_catalog: Catalog) -> None:
    """Three categories; two slots of two videos; six ads, and none."""
    unseen = dict.fromkeys(("progress", "content", "fatigue", "last_view"), False)
    shown = {f"observe.{name}": value for name, value in {**unseen, **observe}.items()}
    changes = {"session.slots": ["pre", "mid"], "session.horizon": 2, **shown}
    tables = Tables.compile(Scenario.load("fatigue").replace(changes), small_catalog)
    seen: list[NDArray[np.float32]] = []

    def uniform(observations: NDArray[np.float32]) -> NDArray[np.float64]:
        seen.append(observations)
        return np.full((len(observations), tables.n_actions), 1 / tables.n_actions)

    tabulate(tables, uniform)
    observations = np.concatenate(seen)
    assert len(observations) == len(np.unique(observations, axis=0)) == distinct
