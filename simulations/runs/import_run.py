"""Externally trained agents as runs, with an empty learning curve and zero cost."""

from pathlib import Path

from preroll.agents.agent import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.files import atomic
from preroll.run_folder import check_target
from preroll.simulations.training.curves import Curve
from preroll.simulations.training.run import settings_of, write_result, write_settings
from preroll.simulations.training.timing import TimeShares
from preroll.simulations.training.training_result import TrainingResult


def write_imported(agent: Agent, tables: Tables, run: Path, *, replace: bool = False) -> None:
    """Writes an externally trained agent as a run, with an empty learning curve and zero cost.

    The run can be evaluated and exported like any other.

    Args:
        agent: agent trained on ``tables``.
        tables: the scenario on the catalog.
        run: the folder to write.
        replace: whether to replace an existing run.

    Raises:
        PrerollError: the folder exists and may not be replaced.
    """
    check_target(run, replace=replace)
    settings = settings_of(agent, tables.catalog, sessions=0, seed=agent.seed, run=run)
    result = TrainingResult(
        agent=agent, tables=tables, curve=Curve(), sessions=0, steps=agent.steps, seconds=0.0, cpu_seconds=0.0,
        optimum=float(PhasedOptimum(tables).optimum_by_phase[0]), times=TimeShares(), time_curve=Curve(),
        run=run,
    )  # fmt: skip
    with atomic.folder(run, "run", f"--run {run}") as folder:
        write_settings(folder, settings, tables.scenario)
        agent.save(folder / "agent")
        write_result(folder, result.to_dict())
