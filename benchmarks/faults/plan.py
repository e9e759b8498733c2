"""Plan of a campaign: which trials, drawn from a seed."""

import argparse
import errno
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.faults.commands import Kept, Writer
from benchmarks.faults.process import Fault
from benchmarks.faults.shim import FAIL, FAIL_ON, KILL
from benchmarks.faults.trials import Reference

ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
#: A command line, and what it begins with.
Key = tuple[tuple[str, ...], tuple[str, ...]]
#: What rows begin with.
KILLED, FAILING, BIT = "killed", "failing call", "flipped bit"
LABELS = (KILLED, FAILING)


@dataclass(frozen=True)
class Task:
    """A trial to be made: of a writer with a fault, or of a kind of file with a reader."""

    row: str
    words: tuple[str, ...]
    seed: str
    writer: Writer | None = None
    fault: Fault | None = None
    kept: Kept | None = None


def tasks_of(
    options: argparse.Namespace,
    writers: Sequence[tuple[str, Writer]],
    kept: Sequence[Kept],
    known: Mapping[Key, Reference],
    with_calls: bool,
) -> list[Task]:
    """Draws all trials; their order is drawn, too, so that what is left out is a fair part."""
    tasks = []
    for label, total in zip(LABELS, (options.kills, options.failures), strict=True):
        of_label = [one for name, one in writers if name == label and (one.words, one.needs) in known]
        shares = sum(one.share for one in of_label)
        for one in of_label:
            truth, row = known[one.words, one.needs], f"{label}: {one.row}"
            rng = random.Random(f"{options.seed} {row}")
            number = max(1, round(total * one.share / shares)) if total else 0
            if label == KILLED:
                faults = [a_kill(rng, truth, with_calls) for _ in range(number)]
                faults = list(every_file_call(truth))[:: options.every] if options.every else faults
            else:
                faults = [a_failure(rng, truth) for _ in range(number if with_calls else 0)]
            tasks += [Task(row, one.words, "", writer=one, fault=fault) for fault in faults]
    for number in range(options.flips if kept else 0):
        file = kept[number % len(kept)]
        words = file.readers[number // len(kept) % len(file.readers)]
        if (words, file.needs) in known:
            tasks.append(Task(f"{BIT}: {file.row}", words, f"{options.seed} {number}", kept=file))
    random.Random(options.seed).shuffle(tasks)
    return tasks


def a_kill(rng: random.Random, known: Reference, calls: bool) -> Fault:
    """Draws a kill: at a call, or at a moment of the CPU time."""
    if calls and rng.random() < 0.6:
        kind = rng.choice([kind for kind, count in known.counts.items() if count])
        return Fault(KILL, kind, rng.randint(1, known.counts[kind]))
    return Fault(cpu=rng.uniform(0.02, 1.0) * known.cpu)


def a_failure(rng: random.Random, known: Reference) -> Fault:
    """Draws a failing call; a full disk stays full."""
    kind = rng.choice([kind for kind, count in known.counts.items() if count])
    error = rng.choice(ERRORS)
    action = FAIL if error == errno.EIO or rng.random() < 0.5 else FAIL_ON
    return Fault(action, kind, rng.randint(1, known.counts[kind]), error)


def every_file_call(known: Reference) -> Iterator[Fault]:
    """Yields kills at every call that changes a folder."""
    for kind, count in known.counts.items():
        for number in range(1, count + 1):
            yield Fault(KILL, kind, number)
