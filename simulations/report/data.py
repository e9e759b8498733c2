"""Data of a report: finished cells by point and agent."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.experiment.execution.cell import EXPLANATION, read_cell
from preroll.simulations.experiment.execution.origins import (
    Origin,
    differences,
    most_common,
    origin_of,
)
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.summary import colors_of
from preroll.simulations.statistics.comparison import Verdict, compare_pairs, undominated
from preroll.simulations.training.curves import Curve
from preroll.simulations.training.run import Run

ORACLES = ("random", "greedy", "optimum", "fixed", "always-short", "always-long")


@dataclass(frozen=True)
class Material:
    """Results of an experiment.

    Attributes:
        store: folder of the experiment.
        plan: its cells.
        states: state of every cell by id.
    """

    store: Store
    plan: Plan
    states: Mapping[str, CellState]

    @classmethod
    def of(cls, store: Store) -> "Material":
        """Reads an experiment.

        Raises:
            PrerollError: the folder holds no experiment, or none of its cells is finished.
        """
        plan = store.read_plan()
        states = store.states(plan)
        if CellState.DONE not in states.values():
            for name, reason in store.reasons(states).items():
                raise PrerollError(f"{store.path}: no cell is done; the first that failed is {name}: {reason}")
            raise PrerollError(f"{store.path}: no cell is done yet; run `preroll experiment run` first")
        return cls(store, plan, states)

    @cached_property
    def done(self) -> list[Cell]:
        """The finished cells."""
        return [cell for cell in self.plan.cells if self.states[cell.id] is CellState.DONE]

    @cached_property
    def failed(self) -> dict[str, str]:
        """Why each of the cells that failed did, by id."""
        return self.store.reasons(self.states)

    @cached_property
    def points(self) -> dict[str, Cell]:
        """One cell of every point, by name of the point."""
        found: dict[str, Cell] = {}
        for cell in self.done:
            found.setdefault(cell.point, cell)
        return found

    @cached_property
    def agents(self) -> list[str]:
        """Labels of the agents, in the order of the file."""
        return list(dict.fromkeys(cell.label for cell in self.done))

    @cached_property
    def learners(self) -> list[str]:
        """Labels of the agents that learn."""
        return list(dict.fromkeys(cell.label for cell in self.done if cell.agent not in ORACLES))

    @cached_property
    def colors(self) -> dict[str, str]:
        """Colours of the agents."""
        return colors_of(self.plan)

    @property
    def compared(self) -> list[str]:
        """Labels of the agents that are compared with each other: those that learn, or all where none does."""
        return self.learners or self.agents

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """All pairs of the compared agents of every point, by revenue: what the page calls a difference."""
        return compare_pairs(
            {point: {agent: self.by_seed(point, agent, "revenue") for agent in self.compared} for point in self.points}
        )

    def undominated(self, point: str) -> list[str]:
        """Returns the compared agents of a point that no other is shown to earn more than there."""
        return undominated(self.compared, [verdict for verdict in self.verdicts if verdict.task == point])

    @cached_property
    def seeds(self) -> int:
        """Planned number of seeds of every agent and point."""
        return len({cell.seed for cell in self.plan.cells})

    @cached_property
    def _evaluations(self) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
        found: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
        for cell in self.done:
            evaluation = self.store.record(cell)["evaluation"]
            found.setdefault((cell.point, cell.label), {})[cell.seed] = evaluation
        return found

    @cached_property
    def origins(self) -> dict[str, Origin]:
        """Origin of every finished cell, by id."""
        return {cell.id: origin_of(self.store.record(cell)["provenance"]) for cell in self.done}

    @cached_property
    def other_versions(self) -> dict[str, dict[str, str]]:
        """Versions and code that a cell does not share with most of the others, by id of the cells that have any."""
        usual = most_common(self.origins.values())
        found = {name: differences(origin, usual) for name, origin in self.origins.items()}
        return {name: different for name, different in found.items() if different}

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """The evaluations of all finished cells."""
        return [entry for by_seed in self._evaluations.values() for entry in by_seed.values()]

    def values(self, point: str, agent: str, name: str) -> NDArray[np.float64]:
        """Returns one metric of the evaluation by seed, float64 [n]; empty if no cell is finished."""
        return np.array(list(self.by_seed(point, agent, name).values()), np.float64)

    def by_seed(self, point: str, agent: str, name: str) -> dict[int, float]:
        """Returns one metric of the evaluation by seed, for the finished seeds.

        The share of a length class that the scenario of the point lacks is NaN.
        """
        found = self._evaluations.get((point, agent), {})
        lacking = {share_column(length): math.nan for length in self.lengths}
        return {seed: {**lacking, **entry}[name] for seed, entry in found.items()}

    def scores(self, agent: str) -> NDArray[np.float64] | None:
        """Returns shares of the optimum, float64 [seeds, points]; None if a cell is missing."""
        columns = [self.values(point, agent, "percent_of_optimum") / 100 for point in self.points]
        return np.stack(columns, axis=1) if all(len(column) == self.seeds for column in columns) else None

    def mean(self, point: str, agent: str, name: str) -> float:
        """Returns the mean of a metric over seeds; NaN if no cell is finished."""
        values = self.values(point, agent, name)
        return float(values.mean()) if len(values) else float("nan")

    def optimum(self, point: str) -> float:
        """Returns the optimum of a point: no agent has a larger expected revenue."""
        return max(self.mean(point, agent, "optimum") for agent in self.agents if self.cells(point, agent))

    def optimum_note(self, point: str) -> str:
        """Returns what the optimum of a point knows and agents do not see; empty if nothing."""
        found = (one for agent in self.agents for one in self._evaluations.get((point, agent), {}).values())
        return str(next(found, {}).get("optimum_note", ""))

    def cells(self, point: str, agent: str) -> list[Cell]:
        """Returns the finished cells of an agent at a point."""
        return self._cells.get((point, agent), [])

    @cached_property
    def _cells(self) -> dict[tuple[str, str], list[Cell]]:
        found: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.done:
            found.setdefault((cell.point, cell.label), []).append(cell)
        return found

    def explanations(self, point: str, agent: str) -> list[dict[str, Any]]:
        """Returns where the seeds of an agent lose, as their cells store it; those of earlier versions do not."""
        told = (read_cell(self.store.folder(cell)).get(EXPLANATION) for cell in self.cells(point, agent))
        return [one for one in told if one is not None]

    @cached_property
    def _runs(self) -> dict[str, Run]:
        return {}

    def run(self, cell: Cell) -> Run:
        """Returns the run of a cell, which is read once."""
        if cell.id not in self._runs:
            self._runs[cell.id] = Run.load(self.store.folder(cell))
        return self._runs[cell.id]

    def curves(self, point: str, agent: str) -> list[Curve]:
        """Returns learning curves, one per seed."""
        return [self.run(cell).curve for cell in self.cells(point, agent)]

    def tables(self, point: str) -> Tables:
        """Returns the compiled scenario of a point."""
        cell = self.points[point]
        if cell.catalog not in self._catalogs:
            self._catalogs[cell.catalog] = self.run(cell).load_catalog()
        return Tables.compile(Scenario.load(cell.scenario), self._catalogs[cell.catalog])

    @cached_property
    def _catalogs(self) -> dict[str, Catalog]:
        return {}

    @cached_property
    def always(self) -> dict[str, dict[str, float]]:
        """What each length class earns if always shown, of the points for which somebody has asked."""
        return {}

    @cached_property
    def lengths(self) -> tuple[str, ...]:
        """Length classes of all scenarios."""
        return self.plan.lengths

    @cached_property
    def only_number(self) -> str | None:
        """The only key that varies, if its values are numbers; None if there is no such key."""
        keys = list(next(iter(self.points.values())).values)
        return keys[0] if len(keys) == 1 and self.numeric(keys[0]) else None

    def numeric(self, key: str) -> bool:
        """Returns whether all values of a varied key are numbers or factors."""
        return all(isinstance(number_of(cell.values[key]), float) for cell in self.points.values())


def number_of(value: Any) -> float | None:
    """Returns the number or factor that a value represents; None for anything else."""
    value = value["scale"] if isinstance(value, Mapping) and set(value) == {"scale"} else value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
