"""Impression log: every decision of an agent with its propensity, as a platform would record it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from pyarrow.csv import CSVWriter

from preroll.agents.agent import Agent
from preroll.agents.settings import MOST_SESSIONS
from preroll.console.given import shortened, whole
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.vector import SessionVectorEnv
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.streams import is_stream
from preroll.seeds import EVALUATION, derive
from preroll.simulations.evaluation.agent_evaluation import LANES, shortest_lane
from preroll.simulations.evaluation.players import Player, by_name, player_of

SESSIONS = 10_000
ROW_GROUP = 50_000  # rows: with few lanes, a group of its own for every step would be larger than its rows

Columns = dict[str, NDArray[Any]]


def write_impressions(
    file: str | Path,
    agent: Player,
    tables: TablesSource,
    *,
    sessions: int,
    seed: int = 0,
    explore: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> int:
    """Plays ``sessions`` sessions to their end and writes one row per slot to a Parquet or a CSV file.

    Columns, all numbers from 0: ``session`` (in the log), ``lane_session`` (in its lane, which ``from_session`` of a
    drift counts), ``phase`` (of drift), ``slot``, ``video``, ``category``, ``observation`` (of the agent, float32 [d]),
    ``ad`` and its ``length`` class, ``propensity`` (probability with which the agent chose that ad), ``viewed``,
    ``reward``, ``terminated`` (the user left after this slot). Rows of one session are in order, those of different
    sessions are interleaved. A CSV file has a column for each number of the observation: ``observation.0``, ….

    With drift, fewer lanes play more sessions each, so that every phase occurs where ``sessions`` are enough for it;
    :func:`phases_met` says how many do.

    Args:
        file: NAME.parquet or NAME.csv, written atomically; or a device or pipe, to which Parquet is written.
        agent: agent that decides, in any form that :func:`evaluate` takes but a policy table; it is not updated.
        tables: the scenario on the catalog, or a scenario to compile: see :meth:`Tables.of`.
        sessions: number of sessions, at least 1.
        seed: seed of the users; `preroll evaluate` with the same seed meets the same ones.
        explore: whether the agent explores as in training.
        advance: called with the number of sessions that ended.

    Returns:
        The number of rows.

    Raises:
        PrerollError: the agent was made for other ads or observations, ``sessions`` is less than 1, or the name of
            ``file`` ends in neither .parquet nor .csv.

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
    file, tables, sessions = Path(file), Tables.of(tables), whole("sessions", sessions)
    agent = _decides(agent, tables)
    _check(file, agent, tables, sessions)
    lanes = _lanes(tables, sessions)
    envs = SessionVectorEnv(lanes, tables=tables, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, _ = envs.reset(seed=derive(seed, EVALUATION))
    agent.end_sessions(np.ones(lanes, np.bool_))
    # Session k of lane i is number k · lanes + i, so that the first ones equal those of `preroll evaluate`.
    session, slot, rows = np.arange(lanes), np.zeros(lanes, np.int32), 0
    written, waiting = 0, list[Columns]()
    csv = _is_csv(file)
    schema = _schema(tables, flat=csv)
    with atomic.replacing(file) as out, (CSVWriter if csv else pq.ParquetWriter)(out, schema) as writer:
        while (playing := session < sessions).any():
            actions, propensity = agent.act_with_propensities(observations, explore=explore)
            following, rewards, terminated, truncated, _ = envs.step(actions)
            played = envs.played
            columns: Columns = {
                "session": session, "lane_session": session // lanes, "slot": slot, "video": played.video,
                "category": played.category, "observation": observations, "ad": actions, "propensity": propensity,
                "viewed": played.viewed, "reward": rewards, "terminated": terminated,
            }  # fmt: skip
            waiting.append({name: column[playing] for name, column in columns.items()})
            rows += int(playing.sum())
            if rows - written >= ROW_GROUP:
                writer.write_batch(_batch(tables, schema, waiting))
                waiting, written = [], rows
            over = terminated | truncated
            agent.end_sessions(over)
            advance(int((over & playing).sum()))
            session = session + lanes * over
            slot = np.where(over, 0, slot + 1).astype(np.int32)
            observations = following
        if waiting:
            writer.write_batch(_batch(tables, schema, waiting))
    return rows


def phases_met(tables: Tables, sessions: int) -> int:
    """Returns the number of phases of drift that occur in a log of ``sessions`` sessions."""
    last = (sessions - 1) // _lanes(tables, sessions)
    return 1 + int(tables.arrays.phase_of(np.int64(last)))


def default_sessions(tables: Tables) -> int:
    """Returns the default number of sessions of a log, in which every phase of drift occurs."""
    return max(SESSIONS, shortest_lane(tables))


def _lanes(tables: Tables, sessions: int) -> int:
    return min(LANES, max(sessions // shortest_lane(tables), 1))


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() == ".csv" and not is_stream(file)


def _decides(given: Player, tables: Tables) -> Agent:
    ((name, player),) = by_name([given]).items()
    made = given if isinstance(given, Agent) else player_of(name, player, tables.spec)
    if not isinstance(made, Agent):
        raise PrerollError(f"agent: {shortened(given)}: an agent is expected, which tells its propensities")
    return made


def _check(file: Path, agent: Agent, tables: Tables, sessions: int) -> None:
    if file.suffix.lower() not in (".parquet", ".csv") and not is_stream(file):
        raise PrerollError(f"{file}: the name of an impression log should end in .parquet or .csv")
    if not 1 <= sessions <= MOST_SESSIONS:
        raise PrerollError(f"sessions: {sessions}: at least 1 is needed, at most {MOST_SESSIONS:,}")
    # As dicts, which omit the ads' view probabilities: a saved agent does not know them.
    if agent.spec.to_dict() != tables.spec.to_dict():
        raise PrerollError(f"agent {agent.name}: was made for other ads or observations than {tables.scenario.name}'s")


def _batch(tables: Tables, schema: pa.Schema, steps: list[Columns]) -> pa.RecordBatch:
    """Returns the rows of some steps, with ads and categories by name, and with what follows from the columns given.

    Every column of a step is [n]; the observations are [n, d].
    """
    columns = {name: np.concatenate([step[name] for step in steps]) for name in steps[0]}
    spec, actions, observations = tables.spec, columns["ad"], columns["observation"]
    named = {
        "phase": pa.array(tables.arrays.phase_of(columns["lane_session"]), pa.int32()),
        "category": pa.array(spec.categories).take(pa.array(columns["category"], mask=columns["category"] < 0)),
        "ad": pa.array(spec.labels).take(pa.array(actions)),
        "length": pa.array(spec.lengths).take(pa.array(actions)),
    }
    if "observation" in schema.names:
        flat = pa.array(observations.ravel())
        named["observation"] = pa.FixedSizeListArray.from_arrays(flat, observations.shape[1])
    else:
        named |= {f"observation.{k}": pa.array(column) for k, column in enumerate(observations.T)}
    given = {name: pa.array(column) for name, column in columns.items() if name not in (*named, "observation")}
    return pa.record_batch([{**given, **named}[name] for name in schema.names], schema=schema)


def _schema(tables: Tables, *, flat: bool) -> pa.Schema:
    """Returns the types of the columns; ``flat`` gives each number of the observation one of its own."""
    size = tables.layout.size
    one, numbers = (
        {"observation": pa.list_(pa.float32(), size)},
        {f"observation.{k}": pa.float32() for k in range(size)},
    )
    observation = numbers if flat else one
    types = {
        "session": pa.int64(), "lane_session": pa.int64(), "phase": pa.int32(), "slot": pa.int32(),
        "video": pa.int32(), "category": pa.string(), **observation, "ad": pa.string(),
        "length": pa.string(), "propensity": pa.float64(), "viewed": pa.bool_(), "reward": pa.float64(),
        "terminated": pa.bool_(),
    }  # fmt: skip
    return pa.schema(list(types.items()))
