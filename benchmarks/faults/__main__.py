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
from importlib import import_module
from io import StringIO
from pathlib import Path

from benchmarks.faults import shim, template
from benchmarks.faults.commands import KEPT, WRITERS
from benchmarks.faults.flips import flip
from benchmarks.faults.lanes import in_lanes
from benchmarks.faults.plan import BIT, LABELS, Key, Task, tasks_of
from benchmarks.faults.trials import (
    VERDICTS,
    FaultFound,
    Reference,
    Verdict,
    disturb,
    reference,
)

#: Loaded before anything is forked.
HEAVY = (
    "av", "faiss", "filelock", "matplotlib.figure", "numba", "onnx", "onnxruntime", "optuna", "pandas",
    "pyarrow.parquet", "sklearn.ensemble", "sklearn.linear_model", "scipy.stats", "stable_baselines3", "torch",
)  # fmt: skip
#: Where a life with the shim works.
FOLDER = "FAULTS_FOLDER"
BAD = ("wrong", "crashed", "lost")
#: Seconds between two checkpoints here.
SAVE_EVERY = 0.02


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
    wanted = re.compile(options.only)
    writers = [(label, one) for label in LABELS for one in WRITERS if wanted.search(f"{label}: {one.row}")]
    kept = [one for one in KEPT if wanted.search(f"{BIT}: {one.row}")]
    made = folder / "template"
    made.mkdir()
    needs = {name for _, one in writers for name in one.needs} | {name for one in kept for name in one.needs}
    template.make(made, needs)
    undisturbed = {(one.words, one.needs): one.row for _, one in writers}
    undisturbed |= {(words, one.needs): one.row for one in kept for words in one.readers}

    def tried(key: Key, place: Path) -> Reference | Verdict:
        try:
            return reference(*key, made, place)
        except FaultFound as found:
            return Verdict(undisturbed[key], found.verdict, str(found))

    found = in_lanes(tried, list(undisturbed), folder, options.lanes)
    print(f"{len(found)} commands undisturbed after {(time.monotonic() - began) / 60:.1f} minutes", flush=True)
    known = {key: one for key, one in zip(undisturbed, found, strict=True) if isinstance(one, Reference)}

    def attempted(task: Task, place: Path) -> Verdict:
        return _verdict(task, known, made, place)

    tasks = tasks_of(options, writers, kept, known, "LD_PRELOAD" in os.environ)
    results = in_lanes(attempted, tasks, folder, options.lanes, began + 60 * options.minutes)
    verdicts = [one for one in (*found, *results) if isinstance(one, Verdict)]
    return verdicts, f"{results.count(None)} left out for want of time"


def _verdict(task: Task, known: Mapping[Key, Reference], made: Path, place: Path) -> Verdict:
    """Makes one trial."""
    try:
        if task.writer and task.fault:
            truth = known[task.words, task.writer.needs]
            verdict, seen = disturb(task.writer, task.fault, truth, made, place)
        else:
            assert task.kept
            truth = known[task.words, task.kept.needs]
            verdict, seen = flip(task.kept, task.words, random.Random(task.seed), truth, made, place)
        return Verdict(task.row, verdict, seen)
    except FaultFound as found:
        return Verdict(task.row, found.verdict, str(found))
    except Exception as error:
        return Verdict(task.row, "crashed", f"the campaign itself: {type(error).__name__}: {error}")


def _load(light: bool, run: Path) -> None:
    """Imports what is slow, and has compiled functions loaded, before anything is forked."""
    for name in () if light else HEAVY:
        with suppress(ImportError):
            import_module(name)
    from preroll.commands import cli, train
    from preroll.simulations import quickstart

    train.SAVE_EVERY = math.inf if light else SAVE_EVERY
    vars(quickstart)["AGENT_NAMES"] = ("thompson", "random")  # the other agents and clips are more of the same
    (quickstart.demo_catalog.__kwdefaults__ or {})["per_category"] = 4
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        for line in ("train thompson --sessions 20 --set num_envs=4 --run", "evaluate --sessions 100"):
            cli.app([*line.split(), str(run)], standalone_mode=False)


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
