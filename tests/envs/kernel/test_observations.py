"""Rows are copied by whole registers, and still end where they end."""

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from preroll.envs.model.tables import Tables
from preroll.envs.vector import SessionVectorEnv
from preroll.perception.catalog.catalog import Catalog
from tests.envs.tiny import ALL_SHOWN, tiny

N_VIDEOS = 40
ONLY_CONTENT: dict[str, Any] = {"observe.category": "none", "observe.progress": False}


def wide(n_classes: int) -> Catalog:
    """Videos with another number in every entry of their rows."""
    rng = np.random.default_rng(n_classes)
    return Catalog.from_arrays(
        categories=("cats", "dogs"),
        category=np.arange(N_VIDEOS) % 2,
        neighbors=(np.arange(N_VIDEOS)[:, None] + np.arange(1, 11)) % N_VIDEOS,
        importance=rng.random((N_VIDEOS, n_classes), dtype=np.float32),
        classes=tuple(f"class {i}" for i in range(n_classes)),
        memorability=rng.random(N_VIDEOS),
        memorability_quantile=rng.permutation(N_VIDEOS) / N_VIDEOS,
    )


@pytest.mark.compiled
@pytest.mark.parametrize("lanes", [1, 2, 255, 256, 257])
@pytest.mark.parametrize("n_classes", [1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 63, 64, 65, 71, 129])
@pytest.mark.parametrize("shown", [ONLY_CONTENT, ALL_SHOWN])
def test_every_lane_sees_the_row_of_its_video_whatever_its_length(
    shown: dict[str, Any], n_classes: int, lanes: int
) -> None:
    """Every row, those of sessions that ended too, the last lane's with nothing behind it."""
    scenario = tiny({"session.horizon": 4, **shown})
    tables = Tables.compile(scenario, wide(n_classes))
    envs = SessionVectorEnv(lanes, tables=tables, autoreset_mode=AutoresetMode.SAME_STEP)
    parts = tables.layout.parts
    of_video = max(parts[name].stop for name in ("content", "memorability") if name in parts)
    rows = {row.tobytes() for row in tables.arrays.rows[:, :of_video]}
    seen, infos = envs.reset(seed=1)
    np.testing.assert_array_equal(seen[:, :of_video], tables.arrays.rows[infos["video"], :of_video])
    for number in range(9):
        seen, _, _, _, infos = envs.step(np.arange(lanes) % tables.n_actions)
        last = [row for row in infos.get("final_obs", ()) if row is not None]
        for row in [*seen, *last]:
            assert row[:of_video].tobytes() in rows
            for name in {"fatigue", "position", "segment"} & parts.keys():
                assert sorted(row[parts[name].slice]) == [0] * (parts[name].size - 1) + [1], number
            assert set(row[of_video:].tolist()) <= {0, 0.25, 0.5, 0.75, 1}
    # The videos themselves: what the next step tells of is what was seen before it.
    *_, infos = envs.step(np.zeros(lanes, np.int64))
    np.testing.assert_array_equal(seen[:, :of_video], tables.arrays.rows[envs.played.video, :of_video])
