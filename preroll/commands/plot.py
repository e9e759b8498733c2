"""`preroll plot`: learning curves of runs in one picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.commands.pictures import write_figure
from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.files.kinds import PNG, SVG
from preroll.files.streams import messages_beside
from preroll.files.targets import writing_file
from preroll.terminal.output_options import Replace

if TYPE_CHECKING:
    from preroll.simulations.training.run import Run

TAG = "session/percent_of_optimum"


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders made by `preroll train`.")],
    out: Annotated[Path, typer.Option(help="The picture (.png or .svg).")],
    replace: Replace = False,
) -> None:
    """Draw the learning curves of runs: percent of the optimum over sessions seen, while the agents still explore.

    Runs of one scenario have random and greedy beside them. `preroll evaluate --plot` compares trained agents.

    Example: `preroll plot runs/fatigue-ppo-0 runs/fatigue-thompson-0 --out curves.svg`
    """
    from preroll.simulations.report.curve_plot import curve_figure
    from preroll.simulations.runs.run_names import named, once
    from preroll.simulations.training.run import Run

    with writing_file(out, f"--out {out}", PNG, SVG, replace=replace, inputs=runs) as kind, messages_beside(out):
        folders, notes = once(runs)
        opened = [Run.load(folder) for folder in folders]
        for run in opened:
            if not any(value is not None for value in run.curve.values.get(TAG, [])):
                raise PrerollError(f"{run.path}: has no learning curve to draw")
        curves = {name: run.curve for name, run in named(opened).items()}
        scenarios = dict.fromkeys(run.scenario.name for run in opened)
        title = f"Learning on {', '.join(scenarios)}"
        unit = "% of the optimum, while exploring"
        write_figure(curve_figure(curves, _references(opened), title, tag=TAG, unit=unit), out, kind)
        for note in notes:
            typer.echo(printable(f"note: {note}"))
        typer.echo(f"Learning curves: {out}")


def _references(runs: "list[Run]") -> dict[str, float]:
    """Returns what random, greedy and the optimum earn, in percent; the optimum alone where runs or phases differ."""
    from preroll.envs.optimum.phases import PhasedOptimum
    from preroll.simulations.runs.common_tables import tables_of

    best = {"optimum": 100.0}
    if any(run.scenario != runs[0].scenario for run in runs):
        return best
    try:
        tables = tables_of(runs)
    except PrerollError:  # the curves are there also where the catalog is not
        return best
    if tables.n_phases > 1:
        return best
    exact = PhasedOptimum(tables)
    values = {name: exact.value_of(exact.references[name]) for name in ("random", "greedy")}
    return {name: 100 * value / exact.optimum if exact.optimum else 100.0 for name, value in values.items()} | best
