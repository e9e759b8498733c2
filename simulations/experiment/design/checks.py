"""Checks of an experiment before its cells are made."""

from collections.abc import Sequence

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.experiment.design.names import agent_names, whole
from preroll.simulations.experiment.design.points import Point, kinds
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.design.variation import number_of_points

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
