"""`preroll check-env`: conformance of the environment for a scenario."""

from typing import Annotated

import typer

from preroll.errors import PrerollError
from preroll.system.memory import NETWORKS, require
from preroll.terminal.counts import parse_count, seed_option
from preroll.terminal.set_option import ScenarioChanges, changed_scenario


def check_env(
    scenario: Annotated[str, typer.Option(help="Preset, or a YAML file.")] = "classic",
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    changes: ScenarioChanges = None,
    seed: Annotated[int, seed_option("Seed of all random draws.")] = 0,
    slots: Annotated[
        int,
        typer.Option(parser=parse_count, metavar="N", help="Slots compared with the tables; more find smaller errors."),
    ] = 400_000,
) -> None:
    """Check the environment of a scenario: replay, copies, lanes, infos, bounds, and frequencies against the tables.

    Runs the checkers of Gymnasium and stable-baselines3, and all that they leave out. Takes some seconds. Exit status
    1 where a check fails. With a right environment the frequencies raise a false alarm for one seed in a million.

    Example: `preroll check-env --scenario fatigue --catalog catalog`
    """
    require("the checker of stable-baselines3", NETWORKS)
    from preroll import progress
    from preroll.envs.conformance import check
    from preroll.terminal.table import print_table

    world = changed_scenario(scenario, changes)
    with progress.bar(len(check.NAMES), "Checking the environment") as advance:
        report = check.check_env(world, catalog, seed=seed, slots=slots, advance=advance)
    rows = [(finding.name, finding.status, finding.why) for finding in report.findings]
    print_table(
        ("check", "result", "what was checked"),
        rows,
        left=("check", "result", "what was checked"),
        prose=("what was checked",),
    )
    if report.failed:
        names = ", ".join(finding.name for finding in report.failed)
        raise PrerollError(f"{len(report.failed)} of {len(rows)} checks failed: {names}", status=1)
