"""`preroll tune`: hyper-parameter search."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
from preroll.console.write_errors import writes
from preroll.terminal.counts import parse_count, seed_option

#: What a signal says from the first moment, and an error of writing.
_KEPT = "trials that ended are kept; go on with the same command"


@signals.kept(_KEPT)
def tune(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="A name of `preroll agent list`.")],
    out: Annotated[Path, typer.Option(help="Folder of the search; an interrupted search in it resumes.")],
    scenario: Annotated[str, typer.Option(help="Preset, or a YAML file.")] = "classic",
    catalog: Annotated[str, typer.Option(help="`demo`, or a folder made by `preroll catalog build`.")] = "demo",
    trials: Annotated[
        int, typer.Option(parser=parse_count, metavar="N", help="How many settings to try, the defaults first.")
    ] = 50,
    sessions: Annotated[
        int | None,
        typer.Option(
            parser=parse_count,
            metavar="N",
            help="Sessions that every trial learns from.",
            show_default="the agent's own",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(parser=parse_count, metavar="N", help="Trainings of every trial; their mean counts.")
    ] = 1,
    seed: Annotated[int, seed_option("The same seed gives the same search.")] = 0,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting that is not searched, or dotted of scenario."),
    ] = None,
    no_exact: Annotated[
        bool, typer.Option("--no-exact", help="Score trials by simulation alone; compute no exact value.")
    ] = False,
) -> None:
    """Search an agent's settings for one scenario; write the best ones as a preset.

    Needs the extra `tune` (Optuna). Trials whose learning curve lies below the median of the others are given up. After
    Ctrl-C or a kill the same command resumes; with more `--trials` it searches further.

    Example: `preroll tune thompson --scenario drift --trials 30 --out search`
    """
    from preroll import progress
    from preroll.agents.registry import fill_settings
    from preroll.agents.settings import with_sessions
    from preroll.envs.model.tables import Tables
    from preroll.envs.optimum.knowledge import in_words
    from preroll.envs.optimum.phases import PhasedOptimum
    from preroll.envs.scenario.scenario import Scenario
    from preroll.simulations.evaluation.agent_evaluation import shortest_lane
    from preroll.simulations.tuning import tuning
    from preroll.terminal.set_option import parse_changes

    settings, overrides = parse_changes(changes or [])
    tables = Tables.compile(Scenario.load(scenario).replace(overrides), catalog)
    sessions = fill_settings(agent, tables.spec.name, with_sessions(agent, settings, sessions)).sessions
    search = tuning.Search(agent, tables, sessions, seeds, seed, settings, exact=not no_exact)
    with tuning.reserved(search, out), progress.bar(trials, f"Tuning {agent} (trials)") as advance:
        with writes(out, _KEPT):
            note = partial(typer.echo, err=True)
            found = tuning.tune(search, out, trials=trials, advance=advance, note=note)
        signals.finished()
    start = search.start.model_dump(mode="json")
    told = ", ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
                     for name, value in found.settings.items() if name in settings or value != start[name])  # fmt: skip
    best = in_words(PhasedOptimum(tables, shortest_lane(tables)).note)
    typer.echo(
        f"{agent} on {tables.scenario.name}: {found.percent:.2f} % of {best} with {told or 'the defaults'}; "
        f"{tuning.earned(found.default)}. {found.finished} trials finished, {found.given_up} were given up.\n"
        "A search flatters its winner: compare it on other seeds with `preroll experiment run`.\n"
        f"Preset: {found.preset}"
    )
