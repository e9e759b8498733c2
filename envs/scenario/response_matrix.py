"""Matrices of P(view) by ad and category: CSV files with the column ``ad`` and one column for each category."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from preroll.bounded.csv_rows import csv_rows
from preroll.envs.scenario.parts import OTHER, Ad
from preroll.errors import PrerollError

#: Columns that are no categories; all but the first may be left out.
COLUMNS = ("ad", "seconds", "reward", "length")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def read_matrix(source: Path, categories: Sequence[str], like: Sequence[Ad]) -> dict[str, dict[str, Any]]:
    """Reads the ads of a matrix, as a scenario writes them.

    Args:
        source: the CSV file, UTF-8, with a header. ``ad`` is ``group.name``; an empty field takes the number of
            ``other``.
        categories: names that columns may have, beside ``other`` and those of :data:`COLUMNS`.
        like: ads that lend what the file does not say: the first with the same name, else the first of all.

    Raises:
        PrerollError: naming the file, and the line or column that is wrong.
    """
    ads: dict[str, dict[str, Any]] = {}
    for line, row in csv_rows(source, lambda heading: _check_heading(heading, source, categories)):
        group, _, name = row["ad"].rpartition(".")
        if not group or not name:
            raise PrerollError(f"{source}, line {line}: ad: {row['ad']!r}: should be group.name")
        if name in ads.setdefault(group, {}):
            raise PrerollError(f"{source}, line {line}: ad: {row['ad']!r}: occurs twice")
        lender = next((ad for ad in like if ad.name == name), like[0])
        numbers = {key: _number(source, line, key, row[key]) for key in row if key not in ("ad", "length") and row[key]}
        seconds, reward = numbers.pop("seconds", lender.seconds), numbers.pop("reward", lender.reward)
        if OTHER not in numbers and (lacking := [category for category in categories if category not in numbers]):
            raise PrerollError(f"{source}, line {line}: {lacking[0]}: is missing, and there is no {OTHER} for it")
        ads[group][name] = {
            "length": row.get("length") or name,
            "seconds": seconds,
            "reward": reward,
            "view_probability": numbers,
        }
    if not ads:
        raise PrerollError(f"{source}: holds no ad")
    return ads


def _check_heading(heading: Sequence[str], source: Path, categories: Sequence[str]) -> None:
    known = f"the columns are ad, one for each category ({', '.join(categories)}) or {OTHER}, and, if you like, "
    known += ", ".join(COLUMNS[1:])
    if "ad" not in heading or not set(heading) & {*categories, OTHER}:
        raise PrerollError(f"{source}, line 1: {', '.join(heading) or 'nothing'}: {known}")
    for name in heading:
        if name not in (*COLUMNS, *categories, OTHER) or heading.count(name) > 1:
            raise PrerollError(f"{source}, line 1: column {name!r}: {known}, each once")


def _number(source: Path, line: int, column: str, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise PrerollError(f"{source}, line {line}: {column}: {text!r}: should be a number")
    return float(text)
