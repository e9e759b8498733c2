"""Flipped bits: one bit of one file, and what the command says that reads it."""

import random
from pathlib import Path

from benchmarks.faults import template
from benchmarks.faults.commands import Kept
from benchmarks.faults.facts import differences, facts
from benchmarks.faults.process import Fault, Outcome, run
from benchmarks.faults.trials import FaultFound, Reference, check_end, check_strangers


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
        check_end(outcome, Fault())
        check_strangers(facts(folder), known)
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
    check_end(mended, Fault())
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
