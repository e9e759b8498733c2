"""Progress bar of long jobs on stderr, with an estimate of the remaining time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from preroll.console.output import drawn, printable, wrap


def note(text: str) -> None:
    """Writes one line to stderr, above the bar where one moves."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def bar(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """Shows progress towards ``total`` while the block runs.

    Where stderr is not a terminal (a log, a pipe), a first and a last line replace the moving bar.

    Args:
        total: units of the whole job.
        description: title of the bar.

    Yields:
        A function to call with the number of units done since its last call.
    """
    description = printable(description)
    if not sys.stderr.isatty():
        done = 0

        def count(amount: int) -> None:
            nonlocal done
            done += amount

        print(f"{description} …", file=sys.stderr, flush=True)  # noqa: T201
        yield count
        print(f"{description}: {done:,} of {total:,}", file=sys.stderr, flush=True)  # noqa: T201
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=drawn(sys.stderr))) as progress:
        wrap()  # rich takes what others print meanwhile to print it above the bar: escaped there too
        task = progress.add_task(description, total=total)
        yield lambda amount: progress.advance(task, amount)
