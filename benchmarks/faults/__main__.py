"""Command line of the campaign: `python -m benchmarks.faults`."""

import argparse
import json
import math
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path

from benchmarks.faults import shim, template
from benchmarks.faults.commands import KEPT, WRITERS, Kept, Writer
from benchmarks.faults.lanes import in_lanes
from benchmarks.faults.process import Fault
from benchmarks.faults.trials import (
    VERDICTS,
    FaultFound,
    Reference,
    Verdict,
    a_failure,
    a_kill,
    disturb,
    every_file_call,
    flip,
    reference,
)

#: Loaded before anything is forked.
HEAVY = (
    "av", "faiss", "filelock", "matplotlib.figure", "numba", "onnx", "onnxruntime", "optuna", "pandas",
    "pyarrow.parquet", "sklearn.ensemble", "sklearn.linear_model", "scipy.stats", "stable_baselines3", "torch",
)  # fmt: skip
#: Where a life with the shim works.
FOLDER = "FAULTS_FOLDER"
#: What rows begin with.
KILLED, FAILING, BIT = "killed", "failing call", "flipped bit"
LABELS = (KILLED, FAILING)
BAD = ("wrong", "crashed", "lost")
#: Seconds between two checkpoints here.
SAVE_EVERY = 0.02


@dataclass(frozen=True)
class Task:
    """A trial to be made: of a writer with a fault, or of a kind of file with a reader."""

    row: str
    words: tuple[str, ...]
    seed: str
    writer: Writer | None = None
    fault: Fault | None = None
    kept: Kept | None = None


def main() -> None:
    """Runs the campaign and prints its table; the exit status is 1 where something is wrong, crashed or lost."""
    options = _options()
    folder = Path(os.environ.get(FOLDER) or _in_a_new_life()).resolve()
    began = time.monotonic()
    try:
        verdicts, left_out = _campaign(options, folder, began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bad = [one for one in verdicts if one.verdict in BAD]
    for one in bad:
        print(f"{one.verdict}: {one.row}: {one.detail}\n")
    _print_table(verdicts)
    print(f"{len(verdicts)} trials of seed {options.seed} in {(time.monotonic() - began) / 60:.1f} minutes; {left_out}")
    if options.out:
        options.out.write_text(json.dumps([vars(one) for one in verdicts], indent=1, ensure_ascii=False))
    sys.exit(bool(bad))


def _in_a_new_life() -> str:
    """Starts this program again with the shim in it; returns a folder where there is no shim."""
    folder = tempfile.mkdtemp(prefix="preroll-faults-")
    made = shim.build(Path(folder))
    if made is None:
        print("There is no gcc: no call fails here, and kills come by the clock alone.", flush=True)
        return folder
    new = {**os.environ, FOLDER: folder, "LD_PRELOAD": str(made), "OMP_NUM_THREADS": "1"}
    return os.execve(sys.executable, [sys.executable, "-m", "benchmarks.faults", *sys.argv[1:]], new)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.faults", description="What faults do to commands and files.")
    parser.add_argument("--seed", type=int, default=0, help="of moments, calls and bits")
    parser.add_argument("--only", default="", help="regular expression for rows, such as 'killed: train|run:'")
    parser.add_argument("--minutes", type=float, default=15, help="no trial begins later")
    parser.add_argument("--kills", type=int, default=75, help="in all")
    parser.add_argument("--failures", type=int, default=200, help="in all")
    parser.add_argument("--flips", type=int, default=500, help="in all")
    parser.add_argument(
        "--every", type=int, default=0, metavar="N", help="kill at every N-th call that changes a folder"
    )
    parser.add_argument(
        "--light", action="store_true", help="import nothing ahead, save no checkpoints: for a few trials"
    )
    parser.add_argument("--lanes", type=int, default=len(os.sched_getaffinity(0)), help="trials side by side")
    parser.add_argument("--out", type=Path, help="JSON file for all verdicts")
    return parser.parse_args()


def _campaign(options: argparse.Namespace, folder: Path, began: float) -> tuple[list[Verdict], str]:
    _load(options.light, folder / "warm")
    with_calls = "LD_PRELOAD" in os.environ
    wanted = re.compile(options.only)
    writers = [(label, one) for label in LABELS for one in WRITERS if wanted.search(f"{label}: {one.row}")]
    kept = [one for one in KEPT if wanted.search(f"{BIT}: {one.row}")]
    needs = {name for one in (*(writer for _, writer in writers), *kept) for name in one.needs}
    made = folder / "template"
    made.mkdir()
    template.make(made, needs)

    def get_known(task: Task, place: Path) -> Reference | Verdict:
        try:
            needs = (task.writer or task.kept or WRITERS[0]).needs
            return reference(task.words, needs, made, place)
        except FaultFound as found:
            return Verdict(task.row, found.verdict, str(found))

    undisturbed = {(one.words, one.needs): Task(one.row, one.words, "", writer=one) for _, one in writers}
    undisturbed |= {(words, one.needs): Task(one.row, words, "", kept=one) for one in kept for words in one.readers}
    found = in_lanes(get_known, list(undisturbed.values()), folder, options.lanes)
    known = dict(zip(undisturbed, found, strict=True))
    print(f"{len(known)} commands undisturbed after {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    good = {key: one for key, one in known.items() if isinstance(one, Reference)}
    tasks = _tasks(options, writers, kept, good, with_calls)

    def attempt(task: Task, place: Path) -> Verdict:
        subject = task.writer or task.kept
        assert subject is not None
        truth, rng = good[task.words, subject.needs], random.Random(task.seed)
        try:
            if task.writer:
                verdict, seen = disturb(task.writer, task.fault or Fault(), truth, made, place)
            else:
                assert task.kept
                verdict, seen = flip(task.kept, task.words, rng, truth, made, place)
            return Verdict(task.row, verdict, seen)
        except FaultFound as found:
            return Verdict(task.row, found.verdict, str(found))
        except Exception as error:
            return Verdict(task.row, "crashed", f"the campaign itself: {type(error).__name__}: {error}")

    results = in_lanes(attempt, tasks, folder, options.lanes, began + 60 * options.minutes)
    verdicts = [one for one in (*found, *results) if isinstance(one, Verdict)]
    return verdicts, f"{results.count(None)} left out for want of time"


def _load(light: bool, run: Path) -> None:
    """Imports what is slow, and has compiled functions loaded, before anything is forked."""
    for name in () if light else HEAVY:
        with suppress(ImportError):
            import_module(name)
    from preroll.commands import cli, train
    from preroll.simulations import quickstart

    train.SAVE_EVERY = math.inf if light else SAVE_EVERY
    quickstart.AGENT_NAMES = ("thompson", "random")  # the other agents and clips are more of the same
    (quickstart.demo_catalog.__kwdefaults__ or {})["per_category"] = 4
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        for line in ("train thompson --sessions 20 --set num_envs=4 --run", "evaluate --sessions 100"):
            cli.app([*line.split(), str(run)], standalone_mode=False)


def _tasks(
    options: argparse.Namespace,
    writers: Sequence[tuple[str, Writer]],
    kept: Sequence[Kept],
    known: Mapping[tuple[tuple[str, ...], tuple[str, ...]], Reference],
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


def _print_table(verdicts: Sequence[Verdict]) -> None:
    counts = Counter((one.row, one.verdict) for one in verdicts)
    rows = sorted({one.row for one in verdicts}, key=lambda row: (row.startswith(BIT), row))
    width = max((len(row) for row in rows), default=10)
    print("  ".join([" " * width, "   tried", *(f"{name:>8}" for name in VERDICTS)]))
    for row in [*rows, "all"]:
        line = [sum(counts[one, verdict] for one in (rows if row == "all" else [row])) for verdict in VERDICTS]
        print("  ".join([f"{row:{width}}", *(f"{number:8,}" for number in (sum(line), *line))]))


if __name__ == "__main__":
    main()
