"""Structure of the package: folders, the imports between them, and the number of files that one operation runs through.

``python benchmarks/architecture.py [REVISION …]`` prints the tables for this tree and for earlier revisions. The test
of the layers uses ``imports``.
"""

import argparse
import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("perception", "envs", "agents", "simulations")

Modules = dict[str, Path]
Arrows = set[tuple[str, str]]

#: Runs in a fresh process: counts the files of the package in which functions are called during an operation.
TRACED = """
import json, os, sys
from pathlib import Path

def traced(work):
    files = set()
    def look(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_name != "<module>":
            files.add(code.co_filename)
    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    tops = tuple(os.path.join(os.path.realpath({root!r}), top, "") for top in {tops!r})
    return len({{file for file in map(os.path.realpath, files) if file.startswith(tops)}})
"""

STEP = """
import preroll
from preroll.envs import SessionEnv
env = SessionEnv("classic", "demo")
env.reset(seed=1)
print(traced(lambda: env.step(0)))
"""
TRAIN = """
from preroll.simulations import train
settings = {"steps": 4, "epochs": 1, "batch": 4, "%s": 2}
print(traced(lambda: train("ppo", sessions=4, settings=settings)))
"""
CATALOG = """
from pathlib import Path
import tempfile
from preroll.perception import build_catalog, render_demo_videos
folder = Path(tempfile.mkdtemp())
render_demo_videos(folder / "videos", per_category=2)
try:
    from preroll.perception.analysis.analysis import analyze
    from preroll.perception import Detector
    from preroll.perception.onnx_models.model_card import EMBEDDED, find_card
except ImportError:
    from preroll.perception.analysis import analyse as analyze
    from preroll.perception import Detector
    from preroll.perception.cards import EMBEDDED, find_card
video = next((folder / "videos").rglob("*.mp4"))
def work():
    analyze(video, Detector(EMBEDDED, find_card(EMBEDDED)))
    build_catalog(folder / "videos", folder / "catalog", workers=1)
print(traced(work))
"""


def modules(root: Path) -> Modules:
    """Returns the path of every module of the package by its full name."""
    found = {}
    for top in (*ROOMS, "preroll"):
        for path in sorted((root / top).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if top == "preroll" and parts[1] in ROOMS:  # symbolic link to a room
                continue
            name = ".".join(parts if top == "preroll" else ("preroll", *parts))
            found[name.removesuffix(".__init__")] = path
    return found


def imports(known: Modules) -> Arrows:
    """Returns (importing module, imported module) for every import: eager, inside a function, or for types only."""
    return {(name, other) for name, path in known.items() for other in _imported(path, known) if other != name}


def _imported(path: Path, known: Modules) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{path}:{node.lineno}: relative imports are not followed")
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield from [full] if full in known else [node.module] if node.module in known else []
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def folder_of(module: str, known: Modules) -> str:
    """Returns the package that contains a module; a package contains itself."""
    return module if known[module].name == "__init__.py" else module.rpartition(".")[0]


def _shape(root: Path) -> list[dict[str, object]]:
    known = modules(root)
    arrows = imports(known)
    rows = []
    for room in ROOMS:
        inside = {name for name in known if name.startswith(f"preroll.{room}.") and known[name].name != "__init__.py"}
        sizes: dict[str, int] = {}
        for name in inside:
            sizes[folder_of(name, known)] = sizes.get(folder_of(name, known), 0) + 1
        boxes = {_box(name, room, known) for name in inside}
        between = {(_box(one, room, known), _box(two, room, known)) for one, two in arrows if {one, two} <= inside}
        rows.append(
            {
                "room": room,
                "files": len(inside),
                "largest folder": max(sizes.values()),
                "median folder": statistics.median(sizes.values()),
                "boxes": len(boxes),
                "arrows": len({pair for pair in between if pair[0] != pair[1]}),
            }
        )
    return rows


def _box(module: str, room: str, known: Modules) -> str:
    """Returns what represents a module at the top level of its room: its sub-room, or the file itself."""
    parts = module.removeprefix(f"preroll.{room}.").split(".")
    return parts[0]


def _trips(root: Path) -> dict[str, int]:
    """Returns the number of files that run for one step, one short training of PPO, and from a video to a catalog."""
    environment = {**os.environ, "PYTHONPATH": str(root), "NUMBA_DISABLE_JIT": "1", "CUDA_VISIBLE_DEVICES": ""}
    lanes = "num_envs" if "num_envs" in (root / "agents" / "settings.py").read_text("utf8") else "lanes"
    trips = {"env.step": STEP, "train ppo": TRAIN % lanes, "frame → catalog": CATALOG}
    counted = {}
    for name, code in trips.items():
        command = [sys.executable, "-c", TRACED.format(root=str(root), tops=(*ROOMS, "preroll")) + code]
        done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True)
        counted[name] = int(json.loads(done.stdout.splitlines()[-1]))
    return counted


def _print(title: str, root: Path) -> None:
    rows = _shape(root)
    print(f"\n{title}\n" + "  ".join(f"{name:>14}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:>14}" for value in row.values()))
    print("files run through: " + ", ".join(f"{name} {number}" for name, number in _trips(root).items()))


def main() -> None:
    """Prints the tables of earlier revisions, then those of the current tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", help="earlier revisions to compare with")
    for revision in parser.parse_args().revisions:
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True)
            subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
            _print(revision, Path(folder))
    _print("this tree", ROOT)


if __name__ == "__main__":
    main()
