"""Trials: one disturbance of one command or file each, and what came of it."""

import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import template
from benchmarks.faults.commands import Writer
from benchmarks.faults.facts import differences, facts, is_bystanders, volatile
from benchmarks.faults.process import Fault, Outcome, run
from benchmarks.faults.shim import FAIL, FAIL_ON, KILL

#: Columns of the table after the number tried.
VERDICTS = ("noticed", "harmless", "wrong", "crashed", "lost")
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


def disturb(writer: Writer, fault: Fault, known: Reference, made: Path, folder: Path) -> tuple[str, str]:
    """Runs a writing command with a fault, goes on, and returns the verdict and what was seen.

    Raises:
        FaultFound: something is wrong.
    """
    template.copy(made, writer.needs, folder)
    outcome = run(writer.words, folder, fault)
    seen = f"{fault}: {outcome.hit.removeprefix(f'{folder}/')}: status {outcome.status}: {' '.join(outcome.errors)}"
    check_end(outcome, fault)
    try:
        if fault.action in (FAIL, FAIL_ON) and outcome.status != 0:
            _check_line(outcome, fault, writer, folder)
        _check_between(writer, known, folder)
        _go_on(writer, known, folder)
        if fault.kind == "unlink" and fault.action in (FAIL, FAIL_ON):
            _remove_work_folders(folder)  # which could not be removed
        _check_after(known, folder)
    except FaultFound as found:
        raise FaultFound(found.verdict, f"{seen} → {found}") from None
    return ("noticed" if outcome.status > 0 else "harmless"), seen


def check_end(outcome: Outcome, fault: Fault) -> None:
    """Checks that a command ended by itself, in lines, and with all that it started.

    Raises:
        FaultFound: it did not.
    """
    told = outcome.err.strip()[-1500:]
    if "Traceback (most recent call last)" in outcome.err or "this is a fault of preroll" in outcome.err:
        raise FaultFound("crashed", f"{fault}: {outcome.hit}: {told}")
    killed = outcome.status == -signal.SIGKILL and (fault.action == KILL or fault.cpu is not None)
    if not killed and (outcome.status < 0 or outcome.status > 2):
        raise FaultFound("crashed", f"{fault}: {outcome.hit}: status {outcome.status}: {told}")
    if outcome.left:
        raise FaultFound("lost", f"{fault}: {outcome.left} processes outlived the command")


def _check_line(outcome: Outcome, fault: Fault, writer: Writer, folder: Path) -> None:
    if len(outcome.errors) != 1:
        raise FaultFound("wrong", f"{len(outcome.errors)} lines of error: {outcome.err.strip()[-600:]}")
    named = {Path(target).name for target in writer.targets} | {Path(outcome.hit).name, str(folder)}
    if not any(name in outcome.errors[0] for name in named if name):
        raise FaultFound("wrong", "the line names no file")
    if os.strerror(fault.error) not in outcome.errors[0]:
        raise FaultFound("wrong", "the line names no reason")


def _check_between(writer: Writer, known: Reference, folder: Path) -> None:
    """Checks what lies there before anybody mends it: strangers' files, and targets that are complete or absent."""
    from preroll.files import atomic

    now = facts(folder)
    check_strangers(now, known)
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
    check_end(again, Fault())
    if again.status != 0:
        raise FaultFound("lost", f"going on by preroll {' '.join(words)}: {again.status}: {' '.join(again.errors)}")


def _remove_work_folders(folder: Path) -> None:
    for place in folder.glob("**/.*preroll"):
        shutil.rmtree(place)


def check_strangers(now: Mapping[str, Any], known: Reference) -> None:
    """Checks that strangers' files are as they were.

    Raises:
        FaultFound: one is not.
    """
    if lost := [line for line in differences(now, known.before, set()) if is_bystanders(line.partition(": ")[0])]:
        raise FaultFound("lost", f"a stranger's file: {lost}")


def _check_after(known: Reference, folder: Path) -> None:
    now = facts(folder)
    check_strangers(now, known)
    if different := differences(now, known.after, known.leave_out):
        verdict = "lost" if any(": absent, not" in line for line in different) else "wrong"
        raise FaultFound(verdict, f"afterwards {len(different)} differ: {different[:4]}")
