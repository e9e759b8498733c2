"""A policy table asks for every distinct observation once, and says of each state what was said of its observation."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Scenario, SessionEnv, Tables, tabulate
from preroll.perception.catalog.catalog import Catalog

SHOWN = {"progress": False, "content": False}
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def softmax_of(tables: Tables) -> Probabilities:
    """A policy that depends on every number of an observation."""
    weights = np.random.default_rng(0).random((tables.layout.size, tables.n_actions))

    def probabilities(observations: NDArray[np.float32]) -> NDArray[np.float64]:
        chances = np.exp(observations @ weights)
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    return probabilities


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
    shown = {
        f"observe.{name}": value for name, value in {**SHOWN, "fatigue": False, "last_view": False, **observe}.items()
    }
    changes = {"session.slots": ["pre", "mid"], "session.horizon": 2, **shown}
    tables = Tables.compile(Scenario.load("fatigue").replace(changes), small_catalog)
    seen: list[NDArray[np.float32]] = []

    def uniform(observations: NDArray[np.float32]) -> NDArray[np.float64]:
        seen.append(observations)
        return np.full((len(observations), tables.n_actions), 1 / tables.n_actions)

    tabulate(tables, uniform)
    observations = np.concatenate(seen)
    assert len(observations) == len(np.unique(observations, axis=0)) == distinct


def test_the_table_says_at_every_state_what_was_said_of_its_observation(small_catalog: Catalog) -> None:
    shown = {f"observe.{part}": True for part in ("position", "last_ad", "last_view", "fatigue", "segment", "progress")}
    segments = [{"name": "a", "share": 0.4}, {"name": "b", "share": 0.6, "appeal": {"long": 0.5}}]
    changes = {"session.slots": ["pre", "mid"], "session.horizon": 4, "user.segments": segments, **shown}
    tables = Tables.compile(Scenario.load("fatigue").replace(changes), small_catalog)
    probabilities, parts = softmax_of(tables), tables.layout.parts
    table = tabulate(tables, probabilities).on(tables).probabilities
    assert table is not None
    env, rng = SessionEnv(tables=tables), np.random.default_rng(1)
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        last, over, slot = 2 * tables.n_actions, False, 0
        while not over:
            content = parts["content"].slice
            video = np.flatnonzero((tables.arrays.rows[:, content] == observation[content]).all(axis=1))[0]
            level, segment = (int(observation[parts[name].slice].argmax()) for name in ("fatigue", "segment"))
            said = probabilities(observation[None])[0]
            np.testing.assert_allclose(table[0, segment, slot, video, level, last], said, rtol=1e-6)
            action = int(rng.integers(tables.n_actions))
            observation, _, terminated, truncated, info = env.step(action)
            last, slot, over = action + tables.n_actions * info["viewed"], slot + 1, terminated or truncated
