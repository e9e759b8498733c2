"""Overview of an experiment for TensorBoard: one mean curve with its band per agent and point, 30 runs at most.

TensorBoard shows no curve at first where there are more than 40 runs. This logdir stands beside that of the cells, and
holds what cells of all seeds share: their mean, and the picture of the policy of the first seed.
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import numpy as np

from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy_map import policy_map
from preroll.envs.rendering.policy_plot import policy_png
from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.names import files_below
from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tensorboard import (
    METRICS,
    columns,
    columns_of,
    settings_of,
    write_final,
    write_settings,
)
from preroll.simulations.statistics.intervals import mean_interval
from preroll.simulations.training.board import FIRST, HIGH, LOW, write_board
from preroll.simulations.training.curves import PERCENT, TAGS, Curve, share_tags
from preroll.simulations.training.run import Run, read_manifest, read_result
from preroll.tensorboard_writer import EventFile

KIND = "mean-curve"
MOST_RUNS = 30
POLICY = "policy/most shown ad by category and fatigue"
Pair = tuple[str, str]  # point, label of the agent
Pairs = Mapping[Pair, Sequence[Cell]]
Item = TypeVar("Item")
#: So many runs TensorBoard shows without being asked.
MOST_TICKED = 40


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Returns at most ``most`` items, evenly spread over all.

    Examples:
        >>> evenly(["a", "b", "c", "d", "e"], 3)
        ['a', 'c', 'e']
    """
    if len(items) <= most:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, most).round().astype(int)]


def all_pairs(plan: Plan) -> dict[Pair, list[Cell]]:
    """Returns the cells of every agent at every point, over the seeds."""
    found: dict[Pair, list[Cell]] = {}
    for cell in plan.cells:
        found.setdefault((cell.point, cell.label), []).append(cell)
    return found


def shown_pairs(plan: Plan) -> dict[Pair, list[Cell]]:
    """Returns those that the overview shows: of too many, all agents at some of the points."""
    pairs = all_pairs(plan)
    labels = list(dict.fromkeys(label for _, label in pairs))[:MOST_RUNS]
    points = evenly(list(dict.fromkeys(point for point, _ in pairs)), MOST_RUNS // len(labels))
    wanted = {(point, label) for point in points for label in labels}
    return {pair: cells for pair, cells in pairs.items() if pair in wanted}


def write_overview(store: Store, plan: Plan) -> None:
    """Writes what is new of the overview, and removes runs that are not shown any more; the store is locked."""
    pairs = shown_pairs(plan)
    for place in store.overview.glob("*/*"):
        if place.relative_to(store.overview).parts not in pairs and manifest.kind_of(place) == KIND:
            shutil.rmtree(place)
            with suppress(OSError):  # other agents stand there
                place.parent.rmdir()
    write_means(store, plan, pairs)


def write_means(store: Store, plan: Plan, pairs: Pairs) -> None:
    """Writes the runs of agents at points over the seeds that are done, where they are not of these cells already."""
    shared = columns(columns_of(plan))
    for pair, cells in pairs.items():
        if done := store.done(cells):
            _write_mean(store, plan, pair, done, shared)


def _write_mean(store: Store, plan: Plan, pair: Pair, cells: Sequence[Cell], shared: Any) -> None:
    place, of = store.overview.joinpath(*pair), {cell.id: cell.fingerprint for cell in cells}
    made_of = {"of": of, "columns": sha256(shared.SerializeToString()).hexdigest()}
    with suppress(OSError, PrerollError):
        if manifest.read(place, KIND).content.items() >= made_of.items():
            return
    curves = [Curve.from_dict(read_result(read_manifest(store.folder(cell)))["curve"]) for cell in cells]
    with atomic.folder(place, KIND) as folder:
        with EventFile(folder) as events:
            write_board(events, plan.lengths, means=True)
            events.write_for_plugin(0, shared)
            settings = {name: value for name, value in settings_of(cells[0]).items() if name != "seed"}
            write_settings(events, "/".join(pair), settings)
            for seen, point in _mean_points(curves, plan.lengths).items():
                events.write(seen, point)
            write_final(events, cells[0].sessions, _final(store, plan, cells), plan.lengths)
            if (picture := policy_picture(store.folder(cells[0]), cells[0])) is not None:
                events.write_picture(cells[0].sessions, POLICY, picture)
        manifest.write(folder, KIND, made_of)


def _mean_points(curves: Sequence[Curve], lengths: Sequence[str]) -> dict[int, dict[str, float]]:
    """Returns means over the seeds by sessions seen and tag, and the ends of the bands."""
    found: dict[int, dict[str, float]] = {}
    for row, seen in enumerate(curves[0].sessions):
        point: dict[str, float] = {}
        for tag in (*TAGS, *share_tags(lengths)):
            columns = (curve.values.get(tag) for curve in curves)
            values = np.array([column[row] for column in columns if column is not None], np.float64)
            if not len(values) or np.isnan(values).any():
                continue
            point[tag] = float(values.mean())
            if tag in FIRST:
                mean = mean_interval(values) if len(values) > 1 else None
                most = 100 if tag == PERCENT else math.inf  # bands are cut at what is possible, as everywhere
                point[tag + LOW], point[tag + HIGH] = mean.within(0, most) if mean else (point[tag], point[tag])
        found[seen] = point
    return found


def _final(store: Store, plan: Plan, cells: Sequence[Cell]) -> dict[str, float]:
    """Returns the means of the final metrics."""
    told = [store.record(cell)["evaluation"] for cell in cells]
    names = [name for name in (*METRICS, *map(share_column, plan.lengths)) if all(name in one for one in told)]
    return {name: float(np.mean([one[name] for one in told])) for name in names}


def policy_picture(folder: Path, cell: Cell) -> bytes | None:
    """Returns the picture of the policy of a cell; None if no table is wanted, or it would have too many states."""
    if not cell.exact:
        return None
    with suppress(PrerollError):
        tables = Tables.compile(cell.scenario, cell.catalog)
        return policy_png(tables, policy_map(tables, Run.load(folder).load_agent().policy(tables)))
    return None


def logdir_of(folder: Path) -> Path:
    """Returns the logdir of a folder: of an experiment its overview, brought up to date unless somebody is writing."""
    store = Store(folder)
    if not store.logdir.is_dir():
        return folder
    # An experiment that is being run writes it as well; a folder that may not be written has what it has.
    with suppress(PrerollError, OSError), store.lock():
        write_overview(store, store.read_plan())
    return store.overview if store.overview.is_dir() else store.logdir


def described(folder: Path, logdir: Path) -> list[str]:
    """Returns sentences on what TensorBoard shows of a logdir and what it hides.

    Args:
        folder: the folder that the user named.
        logdir: that of :func:`logdir_of`.
    """
    if logdir == (store := Store(folder)).overview:
        plan = store.read_plan()
        shown, pairs = len(shown_pairs(plan)), len(all_pairs(plan))
        which = (
            "every agent at every point"
            if shown == pairs
            else f"{shown} of the {pairs} agents at points, evenly chosen"
        )
        return [
            f"Means over the seeds, with bands, of {which}.",
            f"The {len(plan.cells):,} cells one by one: preroll tensorboard {quote(str(store.logdir))}",
        ]
    events = (name.rpartition("/") for name in files_below(logdir))
    runs = {place for place, _, name in events if "tfevents" in name}
    if len(runs) <= MOST_TICKED:
        return []
    return [f"TensorBoard shows none of {len(runs):,} runs at first: tick those to see on the left, or filter them."]
