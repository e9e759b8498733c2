"""`preroll experiment`: running experiments and looking at their progress."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.console import signals
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.terminal.counts import parse_count
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.simulations.experiment.design.plan import Plan
    from preroll.simulations.experiment.execution.store import CellState, Store

# More cells that are not done than these are counted.
_LISTED = 10
# A dry run of more cells than these sums them up.
_SHOWN = 20
# What a signal says from the first moment, and an error of writing.
_KEPT = "cells that are done are kept; go on with the same command"
app = typer.Typer(no_args_is_help=True, help="Run experiments from YAML files; show their state, results and report.")


class EngineName(StrEnum):
    """Where cells run."""

    LOCAL = "local"
    RAY = "ray"


@app.command()
@signals.kept(_KEPT)
def run(
    file: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="See examples/experiments/; or the folder of one, to repeat it.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the results; an interrupted experiment in it resumes.")],
    workers: Annotated[
        int | None,
        typer.Option(parser=parse_count, metavar="N", help="Cells side by side.", show_default="one per core"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells, estimate time and disk; do nothing.")
    ] = False,
    cells: Annotated[
        bool, typer.Option("--all", "--cells", help=f"With --dry-run: list more than {_SHOWN} cells too.")
    ] = False,
    engine: Annotated[EngineName, typer.Option(help="Where cells run; `ray` needs the extra.")] = EngineName.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Ray's cluster.", show_default="RAY_ADDRESS, or this machine"),
    ] = None,
) -> None:
    """Run the cells of an experiment that are not done yet.

    A cell is a training and its evaluation, kept as a run folder that is complete or absent: after Ctrl-C, a kill or a
    full disk the same command does what is missing. A cell that fails three times is listed with its error, the others
    are run, and the exit status is 1.

    Example: `preroll experiment run examples/experiments/long-ad-threshold.yaml --out threshold`
    """
    from preroll.simulations.experiment.execution.runner import cell_pool, planned, run_experiment
    from preroll.simulations.experiment.execution.store import Store
    from preroll.system.processors import cores
    from preroll.workers.pool import Pool

    pool = cell_pool(workers, engine=engine, address=address)
    (plan, _), store = planned(file), Store(out)
    if dry_run:
        _print_dry_run(plan, store, pool.size if isinstance(pool, Pool) else workers or cores(), listed=cells)
        return
    with writes(out, _KEPT):
        report = run_experiment(file, out, pool=pool, note=lambda line: typer.echo(line, err=True))
    signals.finished()
    plan = store.read_plan()
    _print_summary(store, plan)
    already = len(plan.cells) - report.done - len(report.failures)
    typer.echo(
        f"\n{counted(len(plan.cells), 'cell')}: {report.done} done now, {already} were done before, "
        f"{len(report.failures)} failed.\nTable:  preroll experiment results {quote(str(out))} --csv\n"
        f"Page:   preroll experiment report {quote(str(out))}\n"
        f"Curves: preroll tensorboard {quote(str(out))}"
    )
    if report.failures:
        for name, error in report.failures.items():
            typer.echo(printable(f"{name}: {error}"), err=True)
        raise PrerollError(
            f"{len(report.failures)} cells failed three times; they are listed above, and no interval covers "
            "what they would have given",
            status=1,
        )


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    cells: Annotated[bool, typer.Option("--all", "--cells", help="List every cell.")] = False,
) -> None:
    """Show how many cells are done, missing, changed, damaged or failed, and why; and what another version made.

    Example: `preroll experiment status threshold`, and `preroll experiment status threshold --all` for every cell
    """
    from preroll.simulations.experiment.execution.store import CellState, Store

    store = Store(folder)
    plan = store.read_plan()
    states = store.states(plan)
    failures, others = store.reasons(states), _other_versions(store, plan, states)
    if not cells and set(states.values()) != {CellState.DONE}:
        _print_states(plan, states)
    told = {name: failures.get(name) or others.get(name) or "" for name in states}
    odd = [name for name, state in states.items() if state is not CellState.DONE or told[name]]
    listed = list(states) if cells else sorted(odd, key=lambda name: not told[name])[:_LISTED]
    for name in listed:
        typer.echo(printable(f"{states[name]:<8}{name}" + (f": {told[name]}" if told[name] else "")))
    if not cells and odd[_LISTED:]:
        typer.echo(f"… and {len(odd) - _LISTED:,} more: --all lists every cell.")
    made = f", {len(others)} of them by another version" if others else ""
    typer.echo(f"{plan.name}: {_counts(states)}{made}; {store.size() / 1e6:.1f} MB on disk")
    if CellState.DAMAGED in states.values():
        typer.echo(f"What is damaged is run again by `preroll experiment run FILE --out {quote(str(folder))}`.")


def _print_states(plan: "Plan", states: "dict[str, CellState]") -> None:
    """Prints how many cells of each agent are in each state."""
    counts = Counter((cell.label, states[cell.id]) for cell in plan.cells)
    columns = sorted(set(states.values()))
    rows = [(label, *(counts[label, state] or "" for state in columns)) for label in {c.label: 0 for c in plan.cells}]
    print_table(("agent", *columns), rows, left=("agent",))


def _other_versions(store: "Store", plan: "Plan", states: "dict[str, CellState]") -> dict[str, str]:
    """Returns what made the cells that are done but were made by another version than this one, by id."""
    from preroll.simulations.experiment.execution.origins import differences, origin_of, told
    from preroll.simulations.experiment.execution.store import CellState
    from preroll.simulations.training.provenance import provenance

    now, found = origin_of(provenance()), {}
    for cell in plan.cells:
        if states[cell.id] is CellState.DONE:
            different = differences(origin_of(store.record(cell)["provenance"]), now)
            if different:
                found[cell.id] = f"by {told(different)}; now {told({name: now[name] for name in different})}"
    return found


def _counts(states: "dict[str, CellState]") -> str:
    counts = Counter(states.values())
    return f"{counted(len(states), 'cell')}, " + ", ".join(
        f"{number} {state}" for state, number in sorted(counts.items())
    )


def _print_dry_run(plan: "Plan", store: "Store", workers: int, *, listed: bool) -> None:
    from preroll.progress import about
    from preroll.simulations.experiment.execution.estimate import estimate
    from preroll.simulations.experiment.execution.runner import changes

    store.check()
    plan = store.keep_names(plan)
    states = store.states(plan)
    expected = estimate(store, plan.cells, states)
    rows = [(c.id, states[c.id], f"{c.sessions:,}", _seconds(expected.seconds.get(c.id))) for c in plan.cells]
    heads = ("cell", "state", "sessions", "CPU seconds")
    if listed or len(rows) <= _SHOWN:
        print_table(heads, rows, left=("cell", "state"), spare=("sessions", "CPU seconds"))
    else:
        typer.echo(f"{len(rows):,} cells; --all lists every one.")
    for line in [*changes(plan, store, states), *_late(plan)]:
        typer.echo(line)
    typer.echo()
    agents = {c.label: [one for one in plan.cells if one.label == c.label] for c in plan.cells}
    sums = []
    for label, own in agents.items():
        todo = [expected.seconds[c.id] for c in own if c.id in expected.seconds]
        sums.append((label, len(own), len(todo), _seconds(sum(todo) if todo else None)))
    print_table(("agent", "cells", "not done", "CPU seconds"), sums, left=("agent",))
    needs = f"{about(expected.wall(workers))} on {counted(workers, 'worker')} and {expected.bytes / 1e6:.1f} MB"
    typer.echo(f"{_counts(states)}.{f' What is not done takes {needs}.' if expected.seconds else ''} Nothing was run.")


def _seconds(seconds: float | None) -> str:
    """Returns the time of a cell; empty where it is done."""
    return "" if seconds is None else f"{seconds:.1f}" if seconds >= 0.05 else "< 0.1"


def _late(plan: "Plan") -> list[str]:
    """Returns lines on late feedback, and on the cells whose agents learn nothing because of it."""
    from preroll.agents.registry import find
    from preroll.simulations.feedback.feedback import Feedback

    learning = [cell for cell in plan.cells if cell.feedback and find(cell.agent).family != "baseline"]
    told = Counter(Feedback.of(cell.feedback).described for cell in learning)
    late = [f"{counted(number, 'cell')} learn{'s' * (number == 1)} from {words}." for words, number in told.items()]
    why = {cell.id: Feedback.of(cell.feedback).untaught(cell.sessions) for cell in learning}
    return late + [f"{name}: nothing is learned: {reason}." for name, reason in why.items() if reason]


def _print_summary(store: "Store", plan: "Plan") -> None:
    from preroll.simulations.experiment.execution.summary import footnotes, spare, summary

    states = store.states(plan)
    print_table(*summary(store, plan, states), left=("point", "agent"), spare=spare(plan), group=True)
    for sentence in footnotes(store, plan, states):
        typer.echo(sentence)
