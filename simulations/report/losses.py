"""Where agents lose, at one point: every split over all agents, and the maps of those that are compared."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.explanation import CATEGORY, FATIGUE, MAP
from preroll.palette import ORANGE, PAPER, blend
from preroll.simulations.evaluation.loss_table import LISTED, largest, part_name
from preroll.simulations.report.data import Material
from preroll.simulations.report.heat_maps import HeatMap
from preroll.simulations.report.tables import Entry, Table
from preroll.simulations.statistics.intervals import interval_text

#: Percent of the optimum that every seed of an agent loses, float64 [n], by split and part.
Percents = dict[str, dict[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class PointLosses:
    """What the page says of one point.

    Attributes:
        notes: what the reader must know of the numbers.
        table: one row a part, one column an agent.
        maps: category by fatigue level; none where there is one level.
    """

    notes: list[str]
    table: Table
    maps: list[HeatMap]


def point_losses(material: Material, point: str) -> PointLosses:
    """Returns where the agents lose at a point, over the seeds that say so."""
    agents = [agent for agent in material.agents if material.cells(point, agent)]
    told = {agent: material.explanations(point, agent) for agent in agents}
    percents = {agent: _percents(found) for agent, found in told.items() if found}
    maps = [_map(agent, percents[agent]) for agent in material.compared if agent in percents]
    return PointLosses(_notes(material, point, told), _table(percents), [one for one in maps if len(one.head) > 1])


def _percents(explanations: list[dict[str, Any]]) -> Percents:
    first = explanations[0]["lost"]
    return {
        split: {
            part: np.array([100 * one["lost"][split][part] / (one["optimum"] or 1.0) for one in explanations])
            for part in parts
        }
        for split, parts in first.items()
    }


def _notes(material: Material, point: str, told: dict[str, list[dict[str, Any]]]) -> list[str]:
    notes = []
    if any(material.mean(point, agent, "optimum_is_bound") for agent in told):
        note = material.optimum_note(point)
        notes.append(f"Against the bound: the optimum {note}. The parts hold the price of not knowing it.")
    if simulated := [agent for agent, found in told.items() if not all(one["is_exact"] for one in found)]:
        notes.append(f"In the mean of simulated sessions, for agents without a table: {', '.join(simulated)}.")
    cells = {agent: len(material.cells(point, agent)) for agent in told}
    if lacking := [f"{agent} ({n - len(told[agent])} of {n})" for agent, n in cells.items() if len(told[agent]) < n]:
        notes.append(f"Cells of an earlier version, which do not say where they lose: {', '.join(lacking)}.")
    return notes


def _table(percents: dict[str, Percents]) -> Table:
    rows: list[list[Entry]] = []
    for split in LISTED:
        means: dict[str, float] = {}
        for by_split in percents.values():
            for part, values in by_split[split].items():
                means[part] = max(means.get(part, 0.0), float(values.mean()))
        parts = largest(means) if len(means) > 1 else []
        rows += [
            [(split, split), (part_name(split, part), part), *(_entry(one[split][part]) for one in percents.values())]
            for part in parts
        ]
    return Table(["split", "part", *percents], rows)


def _entry(values: NDArray[np.float64]) -> Entry:
    return interval_text(values, 2, 0, 100), float(values.mean())


def _map(agent: str, percents: Percents) -> HeatMap:
    """Returns the map of one agent, in the mean over its seeds."""
    means = {part: float(values.mean()) for part, values in percents[MAP].items()}
    most, levels = max(*means.values(), 1e-300), list(percents[FATIGUE])
    lines = [
        (
            category,
            [
                (f"{value:.2f}", blend(PAPER, ORANGE, value / most))
                for value in (means[f"{category} × {level}"] for level in levels)
            ],
        )
        for category in largest({name: float(values.mean()) for name, values in percents[CATEGORY].items()})
    ]
    return HeatMap(f"{agent}: lost before each category at each fatigue level", CATEGORY, FATIGUE, levels, lines)
