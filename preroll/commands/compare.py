"""`preroll compare`: what scenarios are worth, beside each other, and in what they differ."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby, product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from preroll.commands.optimum import numbers_of, solve
from preroll.commands.pictures import stacked, write_figure
from preroll.console.output import printable
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.files.kinds import PNG, SVG
from preroll.files.streams import messages_beside
from preroll.files.targets import writing_file
from preroll.terminal.numbers import AsCsv, AsJson, Form, form_of, print_numbers
from preroll.terminal.output_options import Replace, world_files
from preroll.terminal.set_option import ScenarioChanges, changed_scenario
from preroll.terminal.table import print_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from preroll.envs import Optimum, Tables
    from preroll.envs.optimum.reference_values import ReferenceValue
    from preroll.envs.scenario.scenario import Scenario

#: Where a best ad is shown: the segment of users, the category and the fatigue level.
Place = tuple[str, str, int]


def compare(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO SCENARIO...", help="Presets, or YAML files.")],
    catalog: Annotated[str, typer.Option("--catalog", "-c", help="Folder of a catalog, or demo.")] = "demo",
    changes: ScenarioChanges = None,
    csv: AsCsv = False,
    json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of the best ads (.png or .svg).")] = None,
    replace: Replace = False,
) -> None:
    """Print the exact values of scenarios beside each other, and the best ads and the keys in which they differ.

    Of a scenario with drift the first phase is compared, with --csv and --json every phase; --json has the best ads in
    the middle of a session too. What --set changes, it changes in all of them.

    Example: `preroll compare classic fatigue`
    """
    from preroll.envs import Optimum, Tables

    form, named = form_of(csv, json, plot), loaded(scenarios, changes)
    inputs = [file for name in scenarios for file in world_files(name, catalog)]
    with writing_file(plot, f"--plot {plot}", PNG, SVG, replace=replace, inputs=inputs) as kind, messages_beside(plot):
        compiled = {name: Tables.compile(scenario, catalog) for name, scenario in named.items()}
        optima = {name: Optimum(one) for name, one in compiled.items()}
        for exact in optima.values():
            solve(exact)
        if form is None:
            _print(optima, named)
        else:
            print_numbers(_numbers(compiled, form), form)
        if plot is not None:
            panels = [(_rows(exact), partial(_draw, name, exact)) for name, exact in optima.items()]
            write_figure(stacked(panels), plot, kind)
            typer.echo(f"Best ads by slot and fatigue: {plot}", err=form is not None)


def _print(optima: "dict[str, Optimum]", named: "dict[str, Scenario]") -> None:
    """Prints values, best ads and keys."""
    _print_values(optima)
    typer.echo()
    _print_best_ads(optima)
    typer.echo()
    print_differences(named)


def _numbers(compiled: "dict[str, Tables]", form: Form) -> Iterator[dict[str, Any]]:
    """Yields the values of every phase of every scenario as rows of numbers, and in JSON the best ads after them."""
    from preroll.envs import Optimum

    for name, tables in compiled.items():
        for exact in (Optimum(tables, phase) for phase in range(tables.n_phases)):
            rows = numbers_of(exact)
            yield from ({"scenario": name, **row} for row in rows)
            common = {"scenario": name, "from_session": rows[0]["from_session"]}
            for (who, category, level), ad in _best_ads(exact).items() if form == "json" else ():
                yield {**common, "users": who or None, "category": category, "fatigue_level": level, "best_ad": ad}


def _rows(exact: "Optimum") -> int:
    """Returns as how many bars high the picture of the best ads is."""
    return 2 + len(exact.tables.spec.categories) * max(1, exact.tables.n_levels // 2)


def _draw(name: str, exact: "Optimum", axes: "Axes") -> None:
    exact.plot(axes)
    axes.set_title(name)


def loaded(names: list[str], changes: list[str] | None = None) -> "dict[str, Scenario]":
    """Returns scenarios by the names that the user gave them.

    Raises:
        PrerollError: fewer than two are named, one twice, or a change is not possible.
    """
    if len(names) < 2:
        raise PrerollError(f"{names[0]}: with what? name at least two scenarios")
    for number, name in enumerate(names):
        if name in names[:number]:
            raise PrerollError(f"{name}: is named twice")
    return {name: changed_scenario(name, changes) for name in names}


def print_differences(named: "dict[str, Scenario]") -> None:
    """Prints the keys in which scenarios differ, with the value of each."""
    from preroll.envs.scenario.differences import differences

    found = differences(list(named.values()))
    if not found:
        typer.echo("They differ in no key but name and description.")
        return
    typer.echo(f"They differ in {counted(len(found), 'key')}, beside name and description:")
    columns = ("key", *named)
    print_table(columns, [(key, *values) for key, values in found.items()], left=columns, prose=list(named))


def _print_values(optima: "dict[str, Optimum]") -> None:
    """Prints revenue per session and percent of the optimum of every policy on every scenario."""
    from preroll.envs.optimum.reference_values import values_beside

    rows = {name: {row.name: row for row in values_beside(exact)} for name, exact in optima.items()}
    typer.echo("Revenue per session, exactly:")
    _print_numbers(rows, 4 if len(rows) == 2 else 3, lambda row: row.value)
    typer.echo("\n% of the optimum:")
    _print_numbers(rows, 2, lambda row: 100 * row.share)
    for name, exact in optima.items():
        known = f"the optimum {exact.knowledge.note}" if exact.knowledge.note else ""
        drift = "all values are those of the first phase of drift" if exact.tables.n_phases > 1 else ""
        if told := "; ".join(filter(None, [known, drift])):
            typer.echo(printable(f"{name}: {told}."))


def _print_numbers(
    rows: "dict[str, dict[str, ReferenceValue]]", digits: int, number: "Callable[[ReferenceValue], float]"
) -> None:
    """Prints a number of every policy for every scenario, and of two scenarios its difference."""
    from preroll.simulations.statistics.intervals import fixed

    lines = []
    for policy in dict.fromkeys(policy for of in rows.values() for policy in of):
        values = [number(of[policy]) if policy in of else math.nan for of in rows.values()]
        values += [values[1] - values[0]] if len(values) == 2 else []
        lines.append([policy, *("" if math.isnan(value) else fixed(value, digits) for value in values)])
    columns = ("policy", *rows, *(["difference"] if len(rows) == 2 else []))
    print_table(columns, lines, left=("policy",), prose=("policy",))


def _print_best_ads(optima: "dict[str, Optimum]") -> None:
    """Prints the best ad in the middle of a session where it is not the same, and in how many places that is."""
    ads = {name: _tied_ads(exact) for name, exact in optima.items()}
    users = list(dict.fromkeys(who for of in ads.values() for who, *_ in of if who)) or [""]
    categories = list(dict.fromkeys(category for of in ads.values() for _, category, _ in of))
    levels = range(max(exact.tables.n_levels for exact in optima.values()))
    rows, both = [], 0
    for who, category, level in product(users, categories, levels):
        # Where nobody tires, or all users are alike, one ad is the best for all of them.
        found = [
            of.get(
                (who if exact.tables.n_segments > 1 else "", category, level if exact.tables.n_levels > 1 else 0), ()
            )
            for of, exact in zip(ads.values(), optima.values(), strict=True)
        ]
        both += sum(map(bool, found)) > 1  # a state that one scenario has alone is nothing to compare
        sets = [set(tied) for tied in found if tied]
        if sets and not set.intersection(*sets):
            rows.append((who, category, level, *map(" or ".join, found)))
    having = "both have" if len(optima) == 2 else "two of them have"
    states = counted(both, f"state that {having}", f"states that {having}")
    if not rows:
        typer.echo(f"The best ad in the middle of a session is the same in {states}.")
        return
    typer.echo(f"Best ad in the middle of a session where it differs, in {len(rows)} of {states}:")
    heads = [("users", len(users) > 1), ("category", True), ("fatigue level", len(levels) > 1)]
    kept = [at for at, (_, shown) in enumerate([*heads, *((name, True) for name in optima)]) if shown]
    columns = [*(title for title, _ in heads), *optima]
    print_table([columns[at] for at in kept], [[row[at] for at in kept] for row in _merged(rows)], left=columns)


def _merged(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yields one row for neighboring fatigue levels with the same ads, as ``1–3``."""
    for (who, category, _, *ads), same in groupby(rows, key=lambda row: (*row[:2], None, *row[3:])):
        levels = [row[2] for row in same]
        yield who, category, f"{levels[0]}–{levels[-1]}" if levels[1:] else levels[0], *ads


def _best_ads(exact: "Optimum") -> dict[Place, str]:
    """Returns the best ads in the middle of a session."""
    from preroll.envs.policies.policy_map import NONE_YET, policy_map

    tables, found = exact.tables, {}
    for segment in range(tables.n_segments):
        who = tables.scenario.user.segments[segment].name if tables.n_segments > 1 else ""
        best = policy_map(tables, exact.policy, segment=segment, last=NONE_YET)
        for category, ads in best.items():
            for level, ad in enumerate(ads[tables.n_slots // 2]):
                found[who, category, level] = tables.spec.labels[ad]
    return found


def _tied_ads(exact: "Optimum") -> dict[Place, tuple[str, ...]]:
    """Returns all ads that are best in the middle of a session, before as many videos of the category as any."""
    import numpy as np

    tables, found = exact.tables, {}
    category = np.asarray(tables.category)
    for segment, program in enumerate(exact.programs):
        who = tables.scenario.user.segments[segment].name if tables.n_segments > 1 else ""
        best = program.best_at(tables.n_slots // 2)[:, :, -1]  # as if no ad had been shown yet
        for number, name in enumerate(tables.spec.categories):
            videos = best[category == number].sum(axis=0) if (category == number).any() else []
            for level, counts in enumerate(videos):
                found[who, name, level] = tuple(tables.spec.labels[ad] for ad in np.flatnonzero(counts == counts.max()))
    return found


def diff(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO SCENARIO...", help="Presets, or YAML files.")],
) -> None:
    """Print the keys in which scenarios differ, with the value of each; compute nothing.

    Example: `preroll scenario diff classic fatigue`
    """
    print_differences(loaded(scenarios))
