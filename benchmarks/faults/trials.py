"""Trials: one disturbance of one command or file each, and what came of it."""

import errno
import random
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import template
from benchmarks.faults.commands import Kept, Writer
from benchmarks.faults.facts import differences, facts, is_bystanders, volatile
from benchmarks.faults.process import Fault, Outcome, run
from benchmarks.faults.shim import FAIL, FAIL_ON, KILL

#: Columns of the table after the number tried.
VERDICTS = ("noticed", "harmless", "wrong", "crashed", "lost")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
#: Undisturbed runs that tell what differs by itself.
RUNS = 2
_TIMES = re.compile(r"\d (CPU-)?s\b")


@dataclass(frozen=True)
class Reference:
    """What a command does undisturbed.

    Attributes:
        before, after: facts of the folder.
        leave_out: facts that differ between undisturbed runs.
        lines: of the output; None for those that differ.
        err: lines of stderr.
        counts: calls by kind.
        cpu: CPU time [s].
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    leave_out: set[str]
    lines: tuple[str | None, ...]
    err: tuple[str, ...]
    counts: Mapping[str, int]
    cpu: float


@dataclass(frozen=True)
class Verdict:
    """What came of one trial.

    Attributes:
        row: of the table.
        verdict: one of :data:`VERDICTS`.
        detail: what was done, and what was seen.
    """

    row: str
    verdict: str
    detail: str


class FaultFound(Exception):  # noqa: N818  (it is a result)
    """Raised where a trial ends in a verdict that should not be."""

    def __init__(self, verdict: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict


def reference(words: tuple[str, ...], needs: tuple[str, ...], made: Path, folder: Path) -> Reference:
    """Runs a command undisturbed, several times.

    Raises:
        FaultFound: it fails.
    """
    told, ends = [], []
    before: dict[str, Any] = {}
    for _ in range(RUNS):
        template.copy(made, needs, folder)
        before = facts(folder)
        outcome = run(words, folder)
        if outcome.status != 0:
            raise FaultFound("crashed", f"undisturbed: {outcome.status}: {outcome.err.strip()[-600:]}")
        told.append(outcome)
        ends.append(facts(folder))
    outputs = [one.out.splitlines() for one in told]
    lines = tuple(
        line if all(line in other for other in outputs) and not _TIMES.search(line) else None for line in outputs[0]
    )
    return Reference(
        before, ends[0], volatile(*ends), lines, tuple(told[0].err.splitlines()), told[0].counts,
        min(one.cpu for one in told),
    )  # fmt: skip


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


def disturb(writer: Writer, fault: Fault, known: Reference, made: Path, folder: Path) -> tuple[str, str]:
    """Runs a writing command with a fault, goes on, and returns the verdict and what was seen.

    Raises:
        FaultFound: something is wrong.
    """
    template.copy(made, writer.needs, folder)
    outcome = run(writer.words, folder, fault)
    seen = f"{fault}: {outcome.hit.removeprefix(f'{folder}/')}: status {outcome.status}: {' '.join(outcome.errors)}"
    _check_end(outcome, fault)
    try:
        if fault.action in (FAIL, FAIL_ON) and outcome.status != 0:
            _check_line(outcome, writer, folder)
        _check_between(writer, known, folder)
        _go_on(writer, known, folder)
        if fault.kind == "unlink" and fault.action in (FAIL, FAIL_ON):
            _remove_work_folders(folder)  # which could not be removed
        _check_after(known, folder)
    except FaultFound as found:
        raise FaultFound(found.verdict, f"{seen} → {found}") from None
    return ("noticed" if outcome.status > 0 else "harmless"), seen


def _check_end(outcome: Outcome, fault: Fault) -> None:
    told = outcome.err.strip()[-1500:]
    if "Traceback (most recent call last)" in outcome.err or "this is a fault of preroll" in outcome.err:
        raise FaultFound("crashed", f"{fault}: {outcome.hit}: {told}")
    killed = outcome.status == -signal.SIGKILL and (fault.action == KILL or fault.cpu is not None)
    if not killed and (outcome.status < 0 or outcome.status > 2):
        raise FaultFound("crashed", f"{fault}: {outcome.hit}: status {outcome.status}: {told}")
    if outcome.left:
        raise FaultFound("lost", f"{fault}: {outcome.left} processes outlived the command")


def _check_line(outcome: Outcome, writer: Writer, folder: Path) -> None:
    if len(outcome.errors) != 1:
        raise FaultFound("wrong", f"{len(outcome.errors)} lines of error: {outcome.err.strip()[-600:]}")
    named = {Path(target).name for target in writer.targets} | {Path(outcome.hit).name, str(folder)}
    if not any(name in outcome.errors[0] for name in named if name):
        raise FaultFound("wrong", "the line names no file")


def _check_between(writer: Writer, known: Reference, folder: Path) -> None:
    """Checks what lies there before anybody mends it: strangers' files, and targets that are complete or absent."""
    from preroll.files import atomic

    now = facts(folder)
    _check_strangers(now, known)
    for target in writer.targets if writer.whole else ():
        where = atomic.current(folder / target)
        there = _of(now, where.relative_to(folder).as_posix())
        old, new = _of(known.before, target), _of(known.after, target)
        if (there or old) and not any(state and not _differ(there, state, target, known) for state in (old, new)):
            raise FaultFound("wrong", f"{target} is half-written: {_differ(there, old or new, target, known)[:3]}")
    if writer.reader:
        read = run(writer.reader, folder)
        if read.status != 0:
            raise FaultFound("lost", f"preroll {' '.join(writer.reader)}: {read.status}: {read.err.strip()[-300:]}")


def _of(all_facts: Mapping[str, Any], target: str) -> dict[str, Any]:
    return {
        name[len(target) :]: value
        for name, value in all_facts.items()
        if name == target or name.startswith((f"{target}/", f"{target}#"))
    }


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], target: str, known: Reference) -> list[str]:
    return differences(one, other, {name.removeprefix(target) for name in known.leave_out})


def _is(now: Mapping[str, Any], then: Mapping[str, Any], target: str, known: Reference) -> bool:
    return not _differ(_of(now, target), _of(then, target), target, known)


def _go_on(writer: Writer, known: Reference, folder: Path) -> None:
    """Runs what continues the command: nothing where it is complete."""
    words = writer.words
    if writer.whole:
        now = facts(folder)
        if all(_is(now, known.after, target, known) for target in writer.targets):
            # Complete. What is left of its work folder is removed by whoever writes there next.
            _remove_work_folders(folder)
            return
        if writer.resume and (folder / f".{writer.targets[0]}.preroll/checkpoint").is_dir():
            words = writer.resume
    again = run(words, folder)
    _check_end(again, Fault())
    if again.status != 0:
        raise FaultFound("lost", f"going on by preroll {' '.join(words)}: {again.status}: {' '.join(again.errors)}")


def _remove_work_folders(folder: Path) -> None:
    for place in folder.glob("**/.*preroll"):
        shutil.rmtree(place)


def _check_strangers(now: Mapping[str, Any], known: Reference) -> None:
    if lost := [line for line in differences(now, known.before, set()) if is_bystanders(line.partition(": ")[0])]:
        raise FaultFound("lost", f"a stranger's file: {lost}")


def _check_after(known: Reference, folder: Path) -> None:
    now = facts(folder)
    _check_strangers(now, known)
    if different := differences(now, known.after, known.leave_out):
        verdict = "lost" if any(": absent, not" in line for line in different) else "wrong"
        raise FaultFound(verdict, f"afterwards {len(different)} differ: {different[:4]}")


def flip(
    kept: Kept, words: tuple[str, ...], rng: random.Random, known: Reference, made: Path, folder: Path
) -> tuple[str, str]:
    """Flips one bit of a file, reads it, and returns the verdict and what was seen.

    Raises:
        FaultFound: something is wrong.
    """
    template.copy(made, kept.needs, folder)
    name, place, bit = flip_a_bit(folder, kept.files, rng)
    what = f"bit {bit} of byte {place} in {name}, preroll {' '.join(words)}"
    outcome = run(words, folder)
    seen = f"{what}: status {outcome.status}: {' '.join(outcome.errors)}"
    try:
        _check_end(outcome, Fault())
        _check_strangers(facts(folder), known)
        if kept.free:
            return ("noticed" if outcome.status else "harmless"), seen
        new = [line for line in outcome.err.splitlines() if line not in known.err]
        lines = outcome.out.splitlines()
        equal = [one for one, other in zip(lines, known.lines, strict=False) if other is not None and one != other]
        equal += [] if len(lines) == len(known.lines) else ["more or fewer lines"]
        skip = {fact for fact in known.after if fact.partition("#")[0] == name} | known.leave_out | {name}
        different = differences(facts(folder), known.after, skip)
        if outcome.status != 0:
            if len(outcome.errors) != 1:
                raise FaultFound("wrong", f"{len(outcome.errors)} lines of error: {outcome.err[-600:]}")
            verdict = "noticed"
        elif not equal and not different:
            verdict = "noticed" if new else "harmless"
        elif (kept.mend == words and not different) or _is_told(outcome, known, folder):  # did more anew, and said so
            verdict = "noticed"
        else:
            raise FaultFound("wrong", f"believed: {equal[:2]} {different[:3]}")
        if kept.mend and verdict == "noticed":
            _mend(kept, known, folder)
    except FaultFound as found:
        raise FaultFound(found.verdict, f"{seen} → {found}") from None
    return verdict, seen


def _is_told(outcome: Outcome, known: Reference, folder: Path) -> bool:
    """Returns whether new lines of the output, or a page that was written, say that something is damaged."""
    pages = "".join(path.read_text("utf8") for path in folder.rglob("report.html"))
    new = [line for line in (outcome.out + outcome.err + pages).splitlines() if line not in {*known.lines, *known.err}]
    return any(
        word in line
        for line in new
        for word in ("damaged", "not what was written", "not the file that was", "cannot be read", "not the file")
    )


def _mend(kept: Kept, known: Reference, folder: Path) -> None:
    mended = run(kept.mend, folder)
    _check_end(mended, Fault())
    if mended.status != 0:
        raise FaultFound(
            "lost", f"mending by preroll {' '.join(kept.mend)}: {mended.status}: {' '.join(mended.errors)}"
        )


def flip_a_bit(folder: Path, pattern: str, rng: random.Random) -> tuple[str, int, int]:
    """Flips one bit of one of the files of a pattern, and returns its name, byte and bit."""
    files = sorted(path for path in folder.glob(pattern) if path.is_file() and path.stat().st_size)
    path = rng.choice(files)
    data = bytearray(path.read_bytes())
    place, bit = rng.randrange(len(data)), rng.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return path.relative_to(folder).as_posix(), place, bit


def every_file_call(known: Reference) -> Iterator[Fault]:
    """Yields kills at every call that changes a folder."""
    for kind, count in known.counts.items():
        for number in range(1, count + 1):
            yield Fault(KILL, kind, number)
