"""Numbers for programs: what a command would print as a table, as CSV or JSON on stdout, unrounded."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from preroll.console.output import print_data
from preroll.errors import PrerollError
from preroll.files.streams import descriptor_of

STDOUT = 1  # number of its descriptor

#: The options of commands whose table can be had as numbers.
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the numbers as CSV, unrounded, and nothing else.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON, unrounded, and nothing else.")]

Form = Literal["csv", "json"]


def form_of(csv: bool, json: bool, plot: Path | None = None) -> Form | None:
    """Returns the form in which numbers are wanted on stdout, or None for a table.

    Raises:
        PrerollError: both are, or a picture is to be written there too.
    """
    if csv and json:
        raise PrerollError("--csv and --json: give one of them")
    form: Form | None = "csv" if csv else "json" if json else None
    if form is not None and plot is not None and descriptor_of(plot) == STDOUT:
        raise PrerollError(f"--plot {plot}: is where --{form} writes; name a file")
    return form


def print_numbers(rows: Iterable[Mapping[str, Any]], form: Form) -> None:
    """Prints one record a row, with the columns of all of them; what is no number is left empty, in JSON null."""
    records = [dict(row) for row in rows]
    columns = list(dict.fromkeys(name for record in records for name in record))
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _known(value) for name, value in record.items()} for record in records)
        print_data(text.getvalue())
    else:
        whole = [{name: _known(record.get(name)) for name in columns} for record in records]
        print_data(json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
