"""Impression log: every decision of an agent with its propensity, as a platform would record it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll import atomic
from preroll.agents.agent import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.vector import SessionVectorEnv
from preroll.errors import PrerollError
from preroll.seeds import EVALUATION, derive

LANES = 1000


def write_impressions(
    file: Path,
    agent: Agent,
    tables: Tables,
    *,
    sessions: int,
    seed: int = 0,
    explore: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> int:
    """Plays ``sessions`` sessions to their end and writes one row per slot to a Parquet file.

    Columns: ``session`` and ``slot`` (from 0), ``video``, ``category``, ``observation`` (of the agent, float32 [d]),
    ``ad``, ``propensity`` (probability with which the agent chose that ad), ``viewed``, ``reward``, ``terminated`` (the
    user left after this slot). Rows of one session are in order, those of different sessions are interleaved.

    Args:
        file: NAME.parquet, written atomically.
        agent: agent that decides; it is not updated.
        tables: the scenario on the catalog.
        sessions: number of sessions, at least 1.
        seed: seed of the users; `preroll evaluate` with the same seed meets the same ones.
        explore: whether the agent explores as in training.
        advance: called with the number of sessions that ended.

    Returns:
        The number of rows.

    Raises:
        PrerollError: the agent was made for other ads or observations, ``sessions`` is less than 1, or the name of
            ``file`` does not end in .parquet.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import pandas as pd
        >>> from preroll.simulations import train, write_impressions
        >>> result = train("thompson", scenario="classic", sessions=100)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = write_impressions(Path(folder) / "log.parquet", result.agent, result.tables, sessions=10)
        ...     log = pd.read_parquet(Path(folder) / "log.parquet")
        >>> rows == len(log), log["session"].nunique(), bool(log["propensity"].between(0, 1).all())
        (True, 10, True)
    """
    _check(file, agent, tables, sessions)
    lanes = min(LANES, sessions)
    envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = envs.reset(seed=derive(seed, EVALUATION))
    agent.end_sessions(np.ones(lanes, np.bool_))
    # Session k of lane i is number k · lanes + i, so that the first ones equal those of `preroll evaluate`.
    session, slot, rows = np.arange(lanes), np.zeros(lanes, np.int32), 0
    with atomic.replacing(file) as out, pq.ParquetWriter(out, _schema(tables)) as writer:
        while (playing := session < sessions).any():
            actions, propensity = agent.act_with_propensities(observations, explore=explore)
            following, rewards, terminated, truncated, infos = envs.step(actions)
            columns = (
                session, slot, infos["video"], infos["category"], observations, actions, propensity, infos["viewed"],
                rewards, terminated,
            )  # fmt: skip
            writer.write_batch(_batch(tables, [column[playing] for column in columns]))
            over = terminated | truncated
            agent.end_sessions(over)
            rows += int(playing.sum())
            advance(int((over & playing).sum()))
            session = session + lanes * over
            slot = np.where(over, 0, slot + 1).astype(np.int32)
            observations = following
    return rows


def _check(file: Path, agent: Agent, tables: Tables, sessions: int) -> None:
    if file.suffix != ".parquet":
        raise PrerollError(f"{file}: an impression log is a Parquet file; its name must end in .parquet")
    if sessions < 1:
        raise PrerollError(f"sessions: {sessions}: at least 1 is needed")
    # As dicts, which omit the ads' view probabilities: a saved agent does not know them.
    if agent.spec.to_dict() != tables.spec.to_dict():
        raise PrerollError(f"agent {agent.name}: was made for other ads or observations than {tables.scenario.name}'s")


def _batch(tables: Tables, columns: list[NDArray[Any]]) -> pa.RecordBatch:
    """Returns a record batch of the columns in the order of the schema, with ads and categories by name.

    Every column is [n]; the observations are [n, d].
    """
    schema = _schema(tables)
    names = {"category": pa.array(tables.spec.categories), "ad": pa.array(tables.spec.labels)}
    arrays = []
    for field, column in zip(schema, columns, strict=True):
        if field.name == "observation":
            arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1]))
        elif field.name in names:
            arrays.append(names[field.name].take(pa.array(column, mask=column < 0)))
        else:
            arrays.append(pa.array(column))
    return pa.record_batch(arrays, schema=schema)


def _schema(tables: Tables) -> pa.Schema:
    observation = pa.list_(pa.float32(), tables.layout.size)
    types = {
        "session": pa.int64(), "slot": pa.int32(), "video": pa.int32(), "category": pa.string(),
        "observation": observation, "ad": pa.string(), "propensity": pa.float64(), "viewed": pa.bool_(),
        "reward": pa.float64(), "terminated": pa.bool_(),
    }  # fmt: skip
    return pa.schema(list(types.items()))
