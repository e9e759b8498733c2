"""A catalog small enough for tests: in memory and as a folder."""

import gc
import os
import signal
import sys

# As many processes as cores: libraries that compute with a thread per core in each of them wait for each other. They
# read it when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from hypothesis import HealthCheck, settings

from preroll.commands.cli import main
from preroll.console.spoken import to_command_line, to_python
from preroll.files import atomic, manifest
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.catalog.manifest import about_array
from tests.workers.in_this_process import in_this_process

# A script's `&` starts tests that ignore Ctrl-C, and nohup such that ignore a lost connection: commands that they start
# would inherit it, and those that are sent such a signal would never end.
for name in ("SIGINT", "SIGHUP"):
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)

# No test asserts a time, not even hypothesis's own; where CI is set, the same examples are tried every time.
settings.register_profile(
    "preroll",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("preroll")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Has messages name arguments, as in Python, until a test calls a command or is of what commands alone use."""
    of_commands = {"commands", "files", "terminal"} & set(item.path.parts[len(ROOT.parts) :])
    to_command_line() if of_commands else to_python()


def pytest_collection_finish() -> None:
    """Spares the garbage collector what every test needs to the end, and a look at the rest for every 700 objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


#: The repository, and beside it the real clips and models that some tests read.
ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "realdata"

#: A call of the command line: its exit status, what it wrote to stdout, and to stderr.
Run = Callable[..., tuple[int, str, str]]

CATEGORIES = ("cars", "cats", "concerts")
CLASSES = ("car", "road sign", "cat", "yarn", "guitar", "drum")


def bare(catalog: Catalog, **given: Any) -> Catalog:
    """A catalog's labels, neighbours and objects alone, in memory, with what else is given."""
    return Catalog.from_arrays(
        categories=catalog.categories,
        category=catalog.category,
        neighbors=catalog.neighbors,
        importance=catalog.importance,
        classes=catalog.classes,
        **given,
    )


def make_catalog(n_videos: int = 30, seed: int = 0) -> Catalog:
    """Videos in equal parts of three categories: two object classes of a category's own, its neighbours by cosine."""
    rng = np.random.default_rng(seed)
    category = np.arange(n_videos) % len(CATEGORIES)
    own = np.eye(len(CATEGORIES)).repeat(2, axis=1)[category]
    importance = np.clip(0.8 * own * rng.random(own.shape) + 0.15 * rng.random(own.shape), 0, 1)
    unit = importance / np.linalg.norm(importance, axis=1, keepdims=True)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -1)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :10]
    remembered = rng.integers(3, 10, n_videos) / 10
    probabilities = np.stack([own[:, 2 * k] * 0.9 + 0.1 / len(CATEGORIES) for k in range(len(CATEGORIES))], axis=1)
    return Catalog.from_arrays(
        categories=CATEGORIES,
        category=category,
        neighbors=nearest,
        neighbor_scores=np.take_along_axis(similarity, nearest, axis=1),
        importance=importance,
        classes=CLASSES,
        category_probabilities=probabilities,
        memorability=remembered,
        memorability_quantile=np.argsort(np.argsort(remembered)) / n_videos,
        name="small",
    )


def write_catalog(catalog: Catalog, folder: Path) -> Path:
    """Writes what the reader needs of a catalog, with its manifest."""
    atomic.write_json(folder / "classes.json", list(catalog.classes))
    catalog.videos().to_csv(folder / "videos.csv", index=False)
    names = ("category", "importance", "neighbors", "neighbor_scores", "category_probabilities")
    arrays = {name: getattr(catalog, name) for name in (*names, "memorability", "memorability_quantile")}
    for name, array in arrays.items():
        atomic.save_array(folder / f"{name}.npy", array)
    facts = {name: catalog.manifest[name] for name in ("command", "categories", "videos")}
    manifest.write(folder, "catalog", facts, about=lambda name: about_array(arrays.get(name.removesuffix(".npy"))))
    return folder


@pytest.fixture(scope="session")
def small_catalog(small_catalog_folder: Path) -> Catalog:
    """30 videos of cars, cats and concerts, ten of each."""
    return Catalog.load(small_catalog_folder)


@pytest.fixture(scope="session")
def small_catalog_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small catalog on disk."""
    return write_catalog(make_catalog(), tmp_path_factory.mktemp("catalog") / "small")


@pytest.fixture
def without_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pools of workers do their work in this process, one thread for each worker, but for tests marked `processes`."""
    with nullcontext() if request.node.get_closest_marker("processes") else in_this_process():
        yield


@pytest.fixture(scope="session", autouse=True)
def commands_made_once() -> Iterator[None]:
    """Typer makes all commands anew, the same ones, whenever one of them is called, as a process of its own does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the command line: its exit status, what it wrote to stdout, and to stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["preroll", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        output = capsys.readouterr()
        return (code if isinstance(code, int) else 0), output.out, output.err

    return call
