"""Checks of an experiment before its cells are made."""

from collections.abc import Callable, Sequence

from preroll.agents.registry import find, make_agent
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.experiment.design.names import agent_names, whole
from preroll.simulations.experiment.design.points import Point, kinds
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.design.variation import feedback_of, number_of_points

MOST_CELLS = 100_000


def check_agents(experiment: Experiment) -> None:
    """Checks that no agent occurs twice with the same settings."""
    seen = set()
    for agent in experiment.agents:
        if (known := (agent.name, whole(agent.settings))) in seen:
            name = next(agent_names(agent.name, agent.settings))
            raise PrerollError(f"experiment {experiment.name}: agents: {name} occurs twice")
        seen.add(known)


def check_size(experiment: Experiment, trainings: int) -> None:
    """Checks the number of cells before any is made."""
    number = number_of_points(experiment) * trainings * len(experiment.seeds)
    if number > MOST_CELLS:
        told = f"{number:,}" if number < 10**15 else "over 10^15"
        raise PrerollError(
            f"experiment {experiment.name}: {told} cells (points × agents × seeds); at most {MOST_CELLS:,} are allowed"
        )


def check_catalogs(experiment: Experiment, drawn: Sequence[Point], grounds: Sequence[Scenario]) -> dict[str, str]:
    """Compiles a point of every shape, with its training scenarios, on every catalog; returns the catalogs' hashes."""
    catalogs = {name: Catalog.load(name) for name in {point.catalog for point in drawn}}
    for point in kinds(drawn):
        try:
            worlds = (point.scenario, *grounds)
            spec, *others = (Tables.compile(world, catalogs[point.catalog]).spec for world in worlds)
        except PrerollError as error:
            raise PrerollError(f"experiment {experiment.name}: {error}") from None
        if any((other.layout, other.labels) != (spec.layout, spec.labels) for other in others):
            raise PrerollError(
                f"experiment {experiment.name}: train: agents of the scenario cannot play every point: what they "
                "observe, and the ads, must be the same"
            )
    return {name: catalog.sha256 for name, catalog in catalogs.items()}


def check_queues(experiment: Experiment, drawn: Sequence[Point], sessions: Callable[[int, str], int]) -> None:
    """Checks that agents can learn late where they have to, and that what waits fits into the memory of a worker.

    Args:
        experiment: the experiment.
        drawn: its points.
        sessions: gives the training sessions of the agent with a number, for a scenario's name.
    """
    for point in kinds(drawn):
        feedback = feedback_of(experiment, point.values)
        if not feedback.late:
            continue
        tables = Tables.compile(point.scenario, point.catalog)
        for number, one in enumerate(experiment.agents):
            if find(one.name).family != "baseline":
                agent, count = make_agent(one.name, tables, **one.settings), sessions(number, tables.spec.name)
                try:
                    feedback.check(agent, slots=tables.n_slots, sessions=count, saved=True)
                except PrerollError as error:
                    error.args = (f"experiment {experiment.name}: {error}",)
                    raise
