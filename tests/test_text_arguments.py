"""Text does wherever a path, a scenario or a catalog is taken, in every public function, and is what the object is."""

import inspect
import re
import shutil
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from preroll.agents import Agent, OnnxAgent, export_onnx, make_agent
from preroll.envs import Policy, Scenario, Tables
from preroll.errors import PrerollError
from preroll.perception import Catalog, render_demo_videos
from preroll.perception.onnx_models.networks import SHIPPED
from preroll.perception.prediction import Predictions, Response
from preroll.simulations import Search, train
from tests.test_faces import FACES, exported

#: What is given as an object or as its text.
TAKEN = re.compile(r"\b(Path|Scenario|Catalog|Tables|TablesSource)\b")
#: What only the package itself calls, and what stands beside a parameter ``scenario``.
NOT_TYPED = {"Catalog.path", "Agent.from_tables.tables", "SessionEnv.tables", "SessionVectorEnv.tables"}
DETECTOR = str(SHIPPED["objects"])


class Given(NamedTuple):
    """What makes an argument of its text."""

    at: Callable[[str], Any]
    scenario: Callable[[str], Any]
    tables: Callable[[str], Any]
    catalog: Callable[[str], Any]


TEXT, OBJECTS = Given(str, str, str, str), Given(Path, Scenario.load, Tables.compile, Catalog.load)


def agent() -> Agent:
    return make_agent("thompson", "classic")


def network() -> OnnxAgent:
    return OnnxAgent.from_file("policy.onnx")


ROWS = np.zeros(1, np.int64)
EQUAL = Policy(ads=ROWS)
NUMBERS = Predictions("tags", ("a",), ("Music",), np.zeros((1, 1), np.float32))
VIEWS = Response(("shop.long",), np.zeros((300, 1), np.float32))

#: The arguments of each call; files are relative to a folder that `place` fills.
CALLS: dict[str, Callable[[Given], dict[str, Any]]] = {
    "ObservationLayout.of": lambda to: {"scenario": to.scenario("classic"), "n_categories": 3, "n_classes": 0},
    "best_fixed": lambda to: {"optimum": to.tables("fatigue")},
    "best_open_loop": lambda to: {"optimum": to.tables("classic")},
    "belief_optimum": lambda to: {"optimum": to.tables("hidden-users"), "grid": 3},
    "Optimum": lambda to: {"tables": to.tables("fatigue")},
    "PhasedOptimum": lambda to: {"tables": to.tables("fatigue")},
    "Policy.on": lambda to: {"self": EQUAL, "tables": to.tables("classic")},
    "Policy.plot": lambda to: {"self": EQUAL, "tables": to.tables("classic")},
    "Policy.to_frame": lambda to: {"self": EQUAL, "tables": to.tables("classic")},
    "Scenario.load": lambda to: {"source": to.scenario("classic")},
    "Scenario.file": lambda to: {"source": to.at("mine.yaml")},
    "SessionEnv": lambda to: {"scenario": to.scenario("classic"), "catalog": to.catalog("demo")},
    "SessionVectorEnv": lambda to: {"scenario": to.scenario("classic"), "catalog": to.catalog("demo")},
    "Tables.of": lambda to: {"source": to.tables("classic")},
    "Tables.compile": lambda to: {"scenario": to.scenario("classic"), "catalog": to.catalog("demo")},
    "by_category_policy": lambda to: {"tables": to.tables("classic"), "ads": np.arange(3)},
    "check_env": lambda to: {
        "scenario": to.scenario("classic"), "catalog": to.catalog("demo"), "slots": 1000, "only": ["seeding"],
    },
    "fixed_policy": lambda to: {"tables": to.tables("classic"), "length": "long"},
    "greedy_policy": lambda to: {"tables": to.tables("classic")},
    "random_policy": lambda to: {"tables": to.tables("classic")},
    "reference_values": lambda to: {"tables": to.tables("classic")},
    "rollout": lambda to: {"tables": to.tables("classic"), "policy": EQUAL, "seed": 1, "lanes": 2},
    "scenario_for": lambda to: {
        "catalog": to.catalog("demo"), "like": to.scenario("classic"), "probabilities": to.at("matrix.csv"),
    },
    "tabulate": lambda to: {
        "tables": to.tables("classic"), "action_probabilities": lambda seen: np.full((len(seen), 6), 1 / 6),
    },
    "Agent.policy": lambda to: {"self": agent(), "tables": to.tables("classic")},
    "Agent.plot": lambda to: {"self": agent(), "tables": to.tables("classic")},
    "Agent.to_frame": lambda to: {"self": agent(), "tables": to.tables("classic")},
    "Agent.save": lambda to: {"self": agent(), "folder": to.at("agent")},
    "OnnxAgent.from_file": lambda to: {"path": to.at("policy.onnx")},
    "OnnxAgent.save": lambda to: {"self": network(), "folder": to.at("agent")},
    "export_onnx": lambda to: {"agent": to.at("run"), "path": to.at("other.onnx")},
    "import_sb3": lambda to: {"path": to.at("model.zip"), "tables": to.tables("classic")},
    "load_agent": lambda to: {"folder": to.at("run")},
    "save_agent": lambda to: {"agent": to.at("run"), "folder": to.at("agent")},
    "Catalog.load": lambda to: {"name_or_path": to.catalog("demo")},
    "Catalog.synthetic": lambda to: {"videos": to.at("videos.csv")},
    "Catalog.save": lambda to: {"self": Catalog.synthetic(["cooking", "travel"], 20), "out": to.at("made")},
    "Catalog.folder": lambda to: {"name_or_path": to.at("mine")},
    "Detector": lambda to: {"model": to.at(DETECTOR), "card": to.at(DETECTOR.replace(".onnx", ".json"))},
    "build_catalog": lambda to: {
        "videos": to.at("videos"), "out": to.at("built"), "detector": to.at(DETECTOR), "encoder": None, "workers": 1,
        "card": to.at(DETECTOR.replace(".onnx", ".json")), "save_frames": to.at("frames"), "downloads": to.at("kept"),
    },
    "detect": lambda to: {
        "source": to.at("videos/cats/cats-001.mp4"), "detector": to.at(DETECTOR), "overlay": to.at("overlay.mp4"),
        "card": to.at(DETECTOR.replace(".onnx", ".json")),
    },
    "embed_videos": lambda to: {
        "videos": to.at("videos"), "encoder": to.at("no-such-encoder.onnx"), "out": to.at("embedded"),
    },
    "find_duplicates": lambda to: {"catalog": to.catalog("demo")},
    "find_video": lambda to: {"catalog": to.catalog("demo"), "name": "cats-001.mp4"},
    "render_demo_videos": lambda to: {"folder": to.at("clips"), "per_category": 1, "workers": 1},
    "similar_videos": lambda to: {"catalog": to.catalog("demo"), "video": 0},
    "videos_like": lambda to: {"catalog": to.catalog("demo"), "vector": np.zeros(2)},
    "videos_showing": lambda to: {"catalog": to.catalog("demo"), "name": "fish"},
    "Predictions.save": lambda to: {"self": NUMBERS, "folder": to.at("numbers")},
    "Predictions.open": lambda to: {"folder": to.at("predictions")},
    "Response.read": lambda to: {"file": to.at("response.csv"), "catalog": to.catalog("demo")},
    "Response.checked": lambda to: {"self": VIEWS, "catalog": to.catalog("demo")},
    "load_settings": lambda to: {"path": to.at("tags.yaml")},
    "update_catalog": lambda to: {
        "catalog": to.catalog("demo"), "out": to.at("copy"), "calibrate": True, "picture": to.at("picture.png"),
    },
    "Experiment.load": lambda to: {"path": to.at("experiment.yaml")},
    "Run.load": lambda to: {"path": to.at("run")},
    "continue_training": lambda to: {
        "run": to.at("run"), "sessions": 20, "to": to.at("longer"), "catalog": to.catalog("demo"),
    },
    "evaluate": lambda to: {
        "players": {"run": to.at("run"), "file": to.at("policy.onnx")}, "tables": to.tables("classic"), "sessions": 99,
    },
    "fit": lambda to: {"agent": agent(), "tables": to.tables("classic"), "sessions": 20},
    "resume": lambda to: {"run": to.at("run")},
    "run_experiment": lambda to: {"file": to.at("no-such-experiment.yaml"), "out": to.at("experiment")},
    "sample_observations": lambda to: {"tables": to.tables("classic"), "count": 10},
    "train": lambda to: {
        "agent": "random", "scenario": to.scenario("classic"), "catalog": to.catalog("demo"), "sessions": 20,
        "run": to.at("made"),
    },
    "tune": lambda to: {
        "search": Search("exp3", to.tables("classic"), sessions=20), "out": to.at("tuned"), "trials": 1,
    },
    "write_impressions": lambda to: {
        "file": to.at("log.parquet"), "agent": to.at("run"), "tables": to.tables("classic"), "sessions": 10,
    },
    "write_report": lambda to: {"folders": to.at("no-such-experiment"), "path": to.at("report.html")},
}  # fmt: skip


def functions() -> dict[str, Callable[..., Any]]:
    """Every public function, class and method of a class; a record is only made by what returns it."""
    found: dict[str, Callable[..., Any]] = {}
    for face in FACES:
        for name, value in exported(face):
            if not inspect.isclass(value):
                found |= {name: value} if callable(value) else {}
                continue
            found |= {} if is_dataclass(value) else {name: value}
            found |= {
                f"{name}.{key}": getattr(value, key) for key in vars(value) if callable(getattr(value, key, None))
            }
    return {name: function for name, function in found.items() if "._" not in name}


def taken(name: str) -> dict[str, str]:
    """The parameters of a function that are a path, scenario, catalog or tables, with their types."""
    parameters = inspect.signature(functions()[name]).parameters
    told = {key: inspect.formatannotation(one.annotation) for key, one in parameters.items()}
    return {key: kind for key, kind in told.items() if TAKEN.search(kind) and f"{name}.{key}" not in NOT_TYPED}


def test_text_is_allowed_by_the_types_and_every_such_parameter_is_given_here(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a call leaves out would not be tried."""
    monkeypatch.chdir(files)
    found = {name: taken(name) for name in functions() if taken(name)}
    assert {(name, key) for name, keys in found.items() for key, kind in keys.items() if not typed(kind)} == set()
    assert found.keys() == CALLS.keys()
    assert {(name, key) for name, keys in found.items() for key in keys if key not in CALLS[name](TEXT)} == set()


def typed(kind: str) -> bool:
    return bool(re.search(r"\bstr\b|TablesSource", kind))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    train("thompson", sessions=20, run=folder / "run")
    export_onnx(agent(), folder / "policy.onnx")
    render_demo_videos(folder / "videos", per_category=1, workers=1)
    NUMBERS.save(folder / "predictions")
    (folder / "matrix.csv").write_text("ad,other\nshop.short,0.5\n")
    (folder / "videos.csv").write_text("category\ncooking\ntravel\n")
    (folder / "tags.yaml").write_text("task: tags\n")
    (folder / "experiment.yaml").write_text("name: tiny\nscenario: classic\nagents: [random]\nseeds: 1\nsessions: 20\n")
    videos = Catalog.load("demo").videos()["path"]
    pd.DataFrame({"video": videos, "ad": "shop.long", "probability": 0.25}).to_csv(folder / "response.csv")
    return folder


def outcome(name: str, given: Given, files: Path, at: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The type of the result, or the error in one line; and the files written."""
    shutil.copytree(files, at)
    monkeypatch.chdir(at)
    try:
        told = type(functions()[name](**CALLS[name](given))).__name__
    except PrerollError as error:
        told = str(error)
    return f"{told}: {sorted(path.name for path in at.iterdir() if not path.name.startswith('.'))}"


@pytest.mark.parametrize("name", CALLS)
def test_text_does_what_the_object_does(
    name: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, objects = (
        outcome(name, given, files, tmp_path / form, monkeypatch)
        for form, given in (("text", TEXT), ("objects", OBJECTS))
    )
    assert text == objects
