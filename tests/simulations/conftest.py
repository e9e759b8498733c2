"""A small experiment, run once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preroll.bounded.yaml_text import dump_yaml
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.execution import overview
from preroll.simulations.experiment.execution.runner import cell_pool, run_plan
from preroll.simulations.experiment.execution.store import Store


@pytest.fixture(scope="session", autouse=True)
def no_pictures() -> Iterator[None]:
    """Draws no pictures of policies, which take longer than a small experiment and which one test looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overview, "policy_picture", lambda *_: None)
        yield


MakeFile = Callable[..., Path]


def settings(**changes: Any) -> dict[str, Any]:
    """A small experiment: two points, three agents, two seeds."""
    return {
        "name": "small",
        "scenario": "classic",
        "vary": {"ads.*.long.view_probability": {"scale": [0.5, 1.0]}},
        "agents": ["random", "optimum", {"thompson": {"num_envs": 16}}],
        "seeds": 2,
        "sessions": 150,
        "evaluate": {"sessions": 600},
        **changes,
    }


#: Names of length classes that are not short and long; some are also those of columns.
LENGTHS = [("teaser", "spot"), ("mid", "long", "30s"), ("one",), ("_a-b", "кратко", "長い"), ("empty", "slots")]


def of_lengths(*lengths: str, **changes: Any) -> dict[str, Any]:
    """A scenario with an ad of every length class before every video, worth more the longer it is."""
    ads = {
        length: {"seconds": 10 * (k + 1), "view_probability": 0.9 - 0.2 * k, "reward": k + 1.0}
        for k, length in enumerate(lengths)
    }
    world = {"ads": dict.fromkeys(("cars", "cats", "concerts"), ads), "session": {"horizon": 3}}
    return world | {"user": {"mismatch": 0.5}} | changes


@pytest.fixture(scope="session")
def make_file(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeFile:
    """Writes an experiment file on the small catalog, with changed keys."""

    def make(**changes: Any) -> Path:
        path = tmp_path_factory.mktemp("file") / "small.yaml"
        path.write_text(dump_yaml(settings(catalog=str(small_catalog_folder), **changes)))
        return path

    return make


def load(path: Path) -> Plan:
    """The plan of a file."""
    return Plan.of(Experiment.load(path))


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts of pages are drawn, but not painted, which takes half of the time of a page: for tests of its words."""
    monkeypatch.setattr("preroll.simulations.report.charts.figure_bytes", lambda *_, **__: b"<svg></svg>")
    monkeypatch.setattr("preroll.simulations.report.policies.policy_png", lambda *_: b"")


@pytest.fixture(scope="session")
def small_store(make_file: MakeFile, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The small experiment, done by two workers."""
    store = Store(tmp_path_factory.mktemp("experiment") / "out")
    path = make_file()
    report = run_plan(load(path), path.read_text(), store, cell_pool(2))
    assert report.done == 12
    assert not report.failures
    return store
