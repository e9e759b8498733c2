"""`preroll optimum`: exact values of a scenario, before any training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preroll.commands.pictures import write_figure
from preroll.files.kinds import PNG, SVG
from preroll.files.streams import messages_beside
from preroll.files.targets import writing_file
from preroll.terminal.numbers import AsCsv, AsJson, form_of, print_numbers
from preroll.terminal.output_options import Replace, world_files
from preroll.terminal.set_option import ScenarioChanges, changed_scenario
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from preroll.envs import Optimum, Tables
    from preroll.envs.optimum.belief import BeliefOptimum
    from preroll.envs.policies.policy_map import PolicyMap

LONG = 10**9  # action values of a session from which a bar shows how far the optimum is: some seconds


def optimum(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="Preset or YAML file.")] = "fatigue",
    catalog: Annotated[str, typer.Option("--catalog", "-c", help="Folder of a catalog, or demo.")] = "demo",
    changes: ScenarioChanges = None,
    csv: AsCsv = False,
    json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the best ads (.png or .svg).")] = None,
    replace: Replace = False,
) -> None:
    """Print the exact value of the optimum and of simple policies, and the best ad by category and fatigue.

    A column with the name of a length class is its share of the ads shown, empty is the share of slots without an ad,
    slots are per session.

    Example: `preroll optimum --scenario fatigue --set 'ads.*.long.view_probability=0.5' --plot best-ads.png`
    """
    from preroll.envs import Optimum, Tables
    from preroll.envs.model.part_of import part_of
    from preroll.envs.policies.policy_map import NONE_YET, policy_map

    form = form_of(csv, json, plot)
    wanted = writing_file(plot, f"--plot: {plot}", PNG, SVG, replace=replace, inputs=world_files(scenario, catalog))
    with wanted as kind, messages_beside(plot):
        tables = Tables.compile(changed_scenario(scenario, changes), catalog)
        maps: dict[str, PolicyMap] = {}
        numbers: list[dict[str, Any]] = []
        for phase in range(tables.n_phases):
            exact = Optimum(tables, phase)
            solve(exact)
            best = {
                segment: policy_map(tables, exact.policy, segment=segment, last=NONE_YET)
                for segment in range(tables.n_segments)
            }
            maps |= {part_of(tables.scenario, phase, segment): found for segment, found in best.items()}
            if form is None:
                _print(exact, best)
            else:
                numbers += numbers_of(exact)
        if form is not None:
            print_numbers(numbers, form)
        if plot is not None:
            from preroll.envs.rendering.policy_plot import draw_policies

            write_figure(draw_policies(tables, maps, title=f"{tables.scenario.name}: the best ad, exactly"), plot, kind)
            typer.echo(f"Best ads by slot and fatigue: {plot}", err=form is not None)


def _print(exact: "Optimum", best: "dict[int, PolicyMap]") -> None:
    """Prints what is to be known of one phase of drift: values, and the best ads of every segment."""
    tables, phase = exact.tables, exact.phase
    if tables.n_phases > 1:
        typer.echo(f"Phase {phase + 1}, from session {tables.arrays.phase_start[phase]:,}:")
    _print_values(exact)
    for segment, found in best.items():
        _print_best_ads(tables, found, segment)


def numbers_of(exact: "Optimum") -> list[dict[str, Any]]:
    """Returns the values of simple policies in one phase of drift as rows of numbers."""
    from preroll.envs.optimum.reference_values import values_beside

    start = int(exact.tables.arrays.phase_start[exact.phase])
    rows = [{"from_session": start, **row.to_row()} for row in values_beside(exact)]
    if (between := _inferred(exact)) is not None:
        ends = {"revenue_low": between.lower, "revenue_high": between.upper}
        rows.append({"from_session": start, "policy": "the best that infers the hidden segment", **ends})
    return rows


def _inferred(exact: "Optimum") -> "BeliefOptimum | None":
    """Returns what an agent can earn that infers a hidden segment; None where there is none, or it cannot."""
    from preroll.envs.optimum.belief import belief_optimum, can_infer

    return belief_optimum(exact) if "segment" in exact.hidden and can_infer(exact) else None


def solve(exact: "Optimum") -> None:
    """Solves the program, with a bar where that takes long."""
    from preroll.progress import bar

    tables = exact.tables
    slots = tables.n_slots * tables.n_segments
    if slots * tables.n_videos * tables.n_levels * tables.n_actions >= LONG:
        with bar(slots, "the exact optimum, slots") as advance:
            exact.solve(advance)


def _print_values(exact: "Optimum") -> None:
    """Prints the values of simple policies, and what an agent can infer about a hidden segment."""
    from preroll.envs.optimum.reference_values import values_beside

    rows = values_beside(exact)
    empty = "none" in exact.tables.spec.lengths
    print_table(
        ["policy", "revenue/session", "% of optimum", *rows[0].shares, *(["empty"] if empty else []), "slots", ""],
        [
            (
                row.name,
                f"{row.value:.4f}",
                f"{100 * row.share:z.2f}",
                *(f"{100 * share:z.1f} %" for share in row.shares.values()),
                *([f"{100 * row.empty_share:z.1f} %"] if empty else []),
                f"{row.slots:.2f}",
                row.note,
            )
            for row in rows
        ],
        left=("policy", ""),
        prose=("policy", ""),
        spare=("", "slots", "empty", *reversed(rows[0].shares)),
    )
    if (between := _inferred(exact)) is not None:
        typer.echo(
            f"\nAn agent that infers the hidden segment can earn {between.lower:.4f} to {between.upper:.4f}"
            f" ({100 * between.lower / exact.value:.2f} to {100 * between.upper / exact.value:.2f} % of the bound)."
        )


def _print_best_ads(tables: "Tables", best: "PolicyMap", segment: int) -> None:
    """Prints the optimal action by category and fatigue in the middle of a session, for one segment."""
    slot = tables.n_slots // 2
    columns = [f"fatigue {level}" for level in range(tables.n_levels)] if tables.n_levels > 1 else ["best ad"]
    who = f" for {tables.scenario.user.segments[segment].name} users" if tables.n_segments > 1 else ""
    typer.echo(f"\nBest ad in slot {slot + 1} of {tables.n_slots}{who}, for most videos of the category:")
    print_table(
        ["category", *columns],
        [(name, *(tables.spec.labels[ad] for ad in ads[slot])) for name, ads in best.items()],
        left=("category", *columns),
        turn="",
    )
