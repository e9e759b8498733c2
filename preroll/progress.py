"""Progress bar of long jobs on stderr, with an estimate of the remaining time."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from preroll.console.output import drawn, printable, wrap

#: Time between two lines about progress where no bar moves [s].
PAUSE = 30.0


def note(text: str) -> None:
    """Writes one line to stderr, above the bar where one moves."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def bar(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """Shows progress towards ``total`` while the block runs.

    Where stderr is not a terminal (a log, a pipe), lines replace the moving bar: the first, the last, and every 30 s.

    Args:
        total: units of the whole job.
        description: title of the bar.

    Yields:
        A function to call with the number of units done since its last call.
    """
    if not sys.stderr.isatty():
        with _lines(total, description) as count:
            yield count
        return
    description = printable(description)
    console, whole = Console(file=drawn(sys.stderr)), Column(no_wrap=True)
    numbers = len(
        f" {total}/{total} 0:00:00 left 0:00:00 "
    )  # where there is little room, the bar and the title give way
    columns = (
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, max_width=max(console.width - numbers, 1)),
        ),
        BarColumn(None, table_column=Column(max_width=40)),
        MofNCompleteColumn(table_column=whole),
        TimeElapsedColumn(table_column=whole),
        TextColumn("left", table_column=whole),
        TimeRemainingColumn(table_column=whole),
    )
    with Progress(*columns, console=console) as progress:
        wrap()  # rich takes what others print meanwhile to print it above the bar: escaped there too
        task = progress.add_task(description, total=total)
        yield lambda amount: progress.advance(task, amount)


@contextmanager
def _lines(total: int, description: str) -> Iterator[Callable[[int], None]]:
    """Writes lines about progress while the block runs; yields a function as :func:`bar` does."""
    done, began = 0, time.monotonic()
    told = began

    def count(amount: int) -> None:
        nonlocal done, told
        done, now = done + amount, time.monotonic()
        if 0 < done < total and now - told >= PAUSE:
            told = now
            # While next to nothing is done, what was loaded and compiled is most of the time.
            left = f", {about((now - began) * (total - done) / done)} left" if 50 * done >= total else ""
            note(f"{description}: {done:,} of {total:,}{left}")

    note(f"{description} …")
    yield count
    note(f"{description}: {done:,} of {total:,}")


def about(seconds: float) -> str:
    """Returns an estimated duration for people.

    >>> about(0.2), about(90), about(600), about(10_000)
    ('less than 1 s', 'about 90 s', 'about 10 min', 'about 2.8 h')
    """
    if seconds < 1:
        return "less than 1 s"
    if seconds < 120:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 7200 else f"about {seconds / 3600:.1f} h"
