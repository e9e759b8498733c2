"""The scenario on the catalog that several runs share."""

from collections.abc import Sequence

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.training.run import Run


def tables_of(
    runs: Sequence[Run],
    scenario: str | Scenario | None = None,
    catalog: str | None = None,
    *,
    else_told: str = "name one with --scenario",
) -> Tables:
    """Returns the tables to play on: those asked for, else those that all runs were trained on.

    Args:
        runs: the runs.
        scenario: the scenario asked for.
        catalog: the catalog asked for.
        else_told: what to do about runs on different scenarios.

    Raises:
        PrerollError: the runs differ in what was not asked for, or their catalog has changed.
    """
    first = runs[0]
    for run in runs[1:]:
        both = f"runs {first.path} and {run.path}: were trained on different"
        if scenario is None and run.scenario != first.scenario:
            raise PrerollError(f"{both} scenarios; {else_told}")
        if catalog is None and run.settings.catalog.sha256 != first.settings.catalog.sha256:
            raise PrerollError(f"{both} catalogs; name one with --catalog")
    return Tables.compile(scenario or first.scenario, Catalog.load(catalog) if catalog else first.load_catalog())
