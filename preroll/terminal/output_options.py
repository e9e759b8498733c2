"""What commands that write a file have in common: the option ``--replace``, and the files that they read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from preroll.files.names import beside
from preroll.perception.catalog.catalog import DEMO

Replace = Annotated[bool, typer.Option("--replace", help="Replace a file that is of another kind.")]


def world_files(scenario: str | None, catalog: str | None) -> list[Path]:
    """Returns the files and folders that ``--scenario`` and ``--catalog`` name, if they do not name packaged ones."""
    files = [Path(scenario)] if scenario and Path(scenario).is_file() else []
    return files + ([Path(catalog)] if catalog and catalog != DEMO else [])


def model_files(*paths: Path | None) -> Iterable[Path]:
    """Returns the networks and cards that are given, and the cards beside networks."""
    for path in paths:
        if path is not None and not path.is_dir():
            yield path
            yield beside(path, ".json")
