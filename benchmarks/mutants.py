"""Mutants: a small fault in one place of the pure core, and whether a test notices it.

    python benchmarks/mutants.py                        a seeded sample of 400
    python benchmarks/mutants.py --all                  every mutant
    python benchmarks/mutants.py --only envs/optimum    those of some files

``mutants.yaml`` beside this file lists the files, the tests that cover each, and the mutants that are known to be
equivalent, with the reason. Nothing is written to the source: every mutant is imported by a process of its own, forked
from one that has loaded the libraries. Compiled functions run as plain Python, so that they can be mutated as well.
cosmic-ray and mutmut start a new interpreter for each mutant or cannot mutate decorated functions.
"""

import argparse
import ast
import os
import random
import resource
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).parents[1]
STILLBORN = 77  # exit status where the mutated file cannot be imported
HEAVY = ("gymnasium.vector", "matplotlib.figure", "numba", "pandas", "pydantic", "pytest", "scipy.stats")

SILENT = (ast.Raise, ast.Assert, ast.JoinedStr)  # checks, and what is said of errors
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.FloorDiv: ast.Mod, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
}  # fmt: skip
NAMES = [("min", "max"), ("minimum", "maximum"), ("argmax", "argmin"), ("any", "all"), ("zeros", "ones"),
         ("zeros_like", "ones_like"), ("mean", "sum"), ("nansum", "nanmean"), ("append", "extend")]  # fmt: skip
BUILT_IN = ("min", "max", "any", "all")
RENAMED = {one: other for pair in NAMES for one, other in (pair, pair[::-1])}


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: path below the root.
        line: number of the first line that changes.
        before, after: the line before and after the change, stripped.
        source: the whole mutated file.
    """

    file: str
    line: int
    before: str
    after: str
    source: str

    @property
    def change(self) -> tuple[str, str, str]:
        """File and lines: what names the mutant in ``mutants.yaml``, wherever the lines move."""
        return self.file, self.before, self.after

    def __str__(self) -> str:
        return f"{self.file}:{self.line}\n  - {self.before}\n  + {self.after}"


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """Yields changed copies of one node."""
    match node:
        case ast.Compare(left, ops, comparators):
            for i, op in enumerate(ops):
                if type(op) in SWAPS:
                    yield ast.Compare(left, [*ops[:i], SWAPS[type(op)](), *ops[i + 1 :]], comparators)  # type: ignore[list-item]
        case ast.BinOp(left, op, right) if type(op) in SWAPS:
            yield ast.BinOp(left, SWAPS[type(op)](), right)  # type: ignore[arg-type]
        case ast.AugAssign(target, op, value) if type(op) in SWAPS:
            yield ast.AugAssign(target, SWAPS[type(op)](), value)  # type: ignore[arg-type]
            yield ast.Pass()
        case ast.BoolOp(op, values):
            yield ast.BoolOp(SWAPS[type(op)](), values)  # type: ignore[arg-type]
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(float(value)):
            yield ast.Constant(2 * value if value else 1.0)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Call(ast.Name("range"), [*first, end], _):
            one = ast.Constant(1)
            yield from (ast.Call(node.func, [*first, ast.BinOp(end, op, one)], []) for op in (ast.Add(), ast.Sub()))
        case ast.Call(ast.Name(name) as called) if name in BUILT_IN:
            yield ast.Call(ast.Name(RENAMED[name], called.ctx), node.args, node.keywords)
        case ast.Call(ast.Attribute(value, name) as called) if name in RENAMED:
            yield ast.Call(ast.Attribute(value, RENAMED[name], called.ctx), node.args, node.keywords)


def mutable(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields the nodes that decide what is computed: no annotations, decorators, checks or messages."""
    left_out = {"annotation", "returns", "decorator_list"}
    for field, value in ast.iter_fields(tree):
        for child in value if isinstance(value, list) else [value]:
            checks = isinstance(child, SILENT) or (isinstance(child, ast.keyword) and child.arg == "strict")
            if field not in left_out and isinstance(child, ast.AST) and not checks:
                yield child
                yield from mutable(child)


def mutants(file: str) -> Iterator[Mutant]:
    """Yields all mutants of a file."""
    data = (ROOT / file).read_bytes()
    lines = data.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node in mutable(ast.parse(data)):
        for changed in variants(node):
            place: Any = node
            begin, end = (starts[row - 1] + column for row, column in (
                (place.lineno, place.col_offset), (place.end_lineno, place.end_col_offset)))  # fmt: skip
            text = ast.unparse(ast.fix_missing_locations(changed))
            text = text if isinstance(node, ast.stmt | ast.Constant) else f"({text})"
            source = (data[:begin] + text.encode() + data[end:]).decode()
            before, after = data.decode().splitlines(), source.splitlines()
            row = next(i for i, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
            yield Mutant(file, row + 1, before[row].strip(), after[row].strip(), source)


class Loader(SourceFileLoader):
    """Loads a module from the source of a mutant; there is no bytecode of it."""

    source = ""

    def get_code(self, fullname: str) -> CodeType:
        """Returns the compiled source."""
        code: CodeType = compile(self.source, self.path, "exec", dont_inherit=True)
        return code


class Finder(MetaPathFinder):
    """Finds one module in the source of a mutant."""

    def __init__(self, mutant: Mutant) -> None:
        self.module = f"preroll.{mutant.file.removesuffix('.py').replace('/', '.').removesuffix('.__init__')}"
        self.path, self.source = str(ROOT / "preroll" / mutant.file), mutant.source

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Returns the spec of the mutated module alone."""
        if name != self.module:
            return None
        loader = Loader(name, self.path)
        loader.source = self.source
        return spec_from_file_location(name, self.path, loader=loader)


def run_tests(tests: str, mutant: Mutant | None, cpu_seconds: int) -> None:
    """Ends this process: with 0 if the tests pass, with STILLBORN if the mutant cannot be imported."""
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    if mutant is not None:
        finder = Finder(mutant)
        sys.meta_path.insert(0, finder)
        try:
            __import__(finder.module)
        except BaseException:
            os._exit(STILLBORN)
    os._exit(pytest.main([*shlex.split(tests), "-x", "-m", "not compiled", "-p", "no:cacheprovider", "-p", "no:xdist"]))


def side_by_side(tasks: Sequence[Callable[[], None]], workers: int, done: Callable[[int, int], None]) -> None:
    """Runs every task in a forked process and tells its number and exit status."""
    forking, running = get_context("fork"), dict[ForkProcess, int]()
    waiting = list(enumerate(tasks))[::-1]
    while waiting or running:
        while waiting and len(running) < workers:
            number, task = waiting.pop()
            process = forking.Process(target=task)
            process.start()
            running[process] = number
        connection.wait([process.sentinel for process in running])
        for process in [process for process in running if not process.is_alive()]:
            done(running.pop(process), process.exitcode or 0)


def main() -> None:
    """Runs the sample and prints the survivors."""
    options = arguments()
    os.environ |= {
        "NUMBA_DISABLE_JIT": "1",
        "CI": "1",
        "OMP_NUM_THREADS": "1",
    }  # CI: hypothesis tries the same examples
    sys.path.insert(0, str(ROOT))  # before the first import of preroll: this tree, not the one that is installed
    os.chdir(ROOT)
    for name in HEAVY:
        __import__(name)
    tests, known = covered_and_equivalent()
    chosen = [mutant for file in tests for mutant in mutants(file) if options.only in mutant.file]
    total = len(chosen)
    if not options.all:
        chosen = random.Random(options.seed).sample(chosen, min(options.count, total))
    played = [mutant for mutant in chosen if mutant.change not in known]
    counts: Counter[str] = Counter(equivalent=len(chosen) - len(played))
    limits = budgets({tests[mutant.file] for mutant in played}, options.workers)

    def note(number: int, status: int) -> None:
        fate = {0: "survived", STILLBORN: "stillborn"}.get(status, "killed")
        counts[fate] += 1
        if fate == "survived":
            print(played[number], flush=True)
        elif sum(counts.values()) % 50 == 0:
            print(f"{sum(counts.values())} of {len(chosen)}: {dict(counts)}", file=sys.stderr, flush=True)

    began = time.monotonic()
    tasks = [partial(run_tests, tests[one.file], one, limits[tests[one.file]]) for one in played]
    side_by_side(tasks, options.workers, note)
    share = 100 * counts["survived"] / max(counts["killed"] + counts["survived"], 1)
    print(
        f"{len(chosen)} of {total} mutants (seed {options.seed}) in {(time.monotonic() - began) / 60:.0f} min: "
        f"{counts['killed']} killed, {counts['survived']} survived ({share:.1f} %), "
        f"{counts['equivalent']} equivalent, {counts['stillborn']} not importable"
    )


def covered_and_equivalent() -> tuple[dict[str, str], dict[tuple[str, str, str], str]]:
    """Reads ``mutants.yaml``.

    Returns:
        covered: arguments of pytest for every mutated file.
        equivalent: reason for every mutant that changes nothing, by its change.
    """
    from preroll.bounded.yaml_text import load_yaml

    config = load_yaml(Path(__file__).parent / "mutants.yaml")
    covered = {file: " ".join(group["tests"]) for group in config["covered"] for file in group["files"]}
    return covered, {(one["file"], one["before"], one["after"]): one["why"] for one in config["equivalent"]}


def budgets(tests: set[str], workers: int) -> dict[str, int]:
    """Measures the tests without a mutant, which must pass, and returns the CPU-seconds that a mutant may take."""
    named, spent = sorted(tests), dict[str, int]()
    for name in named:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        side_by_side([partial(run_tests, name, None, 3600)], workers, partial(_must_pass, name))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent[name] = int(30 + 4 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return spent


def _must_pass(name: str, _: int, status: int) -> None:
    if status:
        sys.exit(f"without any mutant, these tests fail (status {status}): {name}")


def arguments() -> argparse.Namespace:
    """Returns the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every mutant, not a sample")
    parser.add_argument("--count", type=int, default=400, help="size of the sample (400)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample (0)")
    parser.add_argument("--only", default="", help="part of the path of the mutated files")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side (2)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
