"""Every class of a face prints itself on one screen: as a card, or, what is small, as the call that makes it."""

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len

from preroll.agents import AGENTS, CategoryContext, OnnxGraph, PrerollVecEnv, Transitions, make_agent
from preroll.envs import (
    Optimum,
    PhasedOptimum,
    SessionEnv,
    SessionVectorEnv,
    Tables,
    belief_optimum,
    best_fixed,
    check_env,
    greedy_policy,
    reference_values,
    rollout,
)  # fmt: skip
from preroll.perception import BuildReport, Catalog, CatalogOptions, Detector, DownloadLimits, Limits
from preroll.perception.prediction import Predictions, Response
from preroll.shown.card import LINES, WIDTH
from preroll.shown.shown import Shown, ShownTable
from preroll.simulations import Experiment, Feedback, Search, TuningResult
from tests.shown.test_shown import CLASSES
from tests.test_faces import FACES

SCORES = np.linspace(0, 1, 6000, dtype=np.float32).reshape(300, 20)
NAMES = tuple(f"quantity {i}" for i in range(20))
EXPERIMENT = {"name": "many", "agents": ["greedy"], "seeds": 50, "vary": {f"key.{i}": [1] for i in range(40)}}


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    """One object, and a large one, of every class that no other file here makes."""
    tables, envs = Tables.compile("fatigue", "demo"), SessionVectorEnv(64, scenario="classic", catalog="demo")
    seen, _ = envs.reset(seed=1)
    found = [
        tables.spec, tables.layout, check_env("classic", "demo", seed=0, slots=1000), PhasedOptimum("drift", 300),
        best_fixed("classic"), rollout(tables, greedy_policy(tables), seed=1, lanes=50, sessions_per_lane=20),
        Optimum(tables).visits(greedy_policy(tables)), belief_optimum("hidden-users", grid=11),
        reference_values("classic")[0], reference_values("fatigue"), tables.ads[0], SessionEnv(tables=tables), envs,
        PrerollVecEnv(4, scenario="classic", catalog="demo"),
        AGENTS["thompson"], CategoryContext(tables.spec), OnnxGraph(), make_agent("ppo", tables).settings,
        Transitions(seen, np.zeros(64, int), np.ones(64), seen, *np.zeros((3, 64), bool)),
        BuildReport(Catalog.load("demo"), (), (), ("dogs",), 2, 300, copies=(("a", "b"),) * 50), CatalogOptions(),
        DownloadLimits(), Limits(), Feedback(), Detector(), Detector().card, Search("dqn", tables, sessions=300),
        TuningResult({f"setting {i}": i for i in range(40)}, 97.5, math.nan, 18, 6, Path("x" * 200)),
        Predictions("tags", tuple(map(str, range(300))), NAMES, SCORES), Response(NAMES, SCORES),
        Experiment.model_validate(EXPERIMENT),
    ]  # fmt: skip
    return {type(one).__name__: one for one in found}


#: Made by :mod:`tests.shown.test_shown`, or bases of what is made here.
ELSEWHERE = {*CLASSES, "Agent", "OnnxAgent", "AgentSettings"}


def test_every_class_of_a_face_is_printed_here_or_there(objects: dict[str, Any]) -> None:
    faces = [importlib.import_module(face) for face in FACES]
    classes = {name for face in faces for name in face.__all__ if isinstance(getattr(face, name), type)}
    assert classes - ELSEWHERE - set(objects) == set()


def test_every_repr_fits_one_screen_and_says_more_than_an_address(objects: dict[str, Any]) -> None:
    for name, one in objects.items():
        lines = repr(one).splitlines()
        assert sum(math.ceil(cell_len(line) / WIDTH) for line in lines) <= LINES, name
        assert " at 0x" not in repr(one), name
        if isinstance(one, Shown):
            assert max(map(cell_len, lines)) <= WIDTH, name
            assert one._repr_html_().startswith('<div class="preroll">'), name


def test_transitions_say_their_arrays_as_they_are_typed(objects: dict[str, Any]) -> None:
    names = [line.split()[0] for line in repr(objects["Transitions"]).splitlines()[1:]]
    assert {"next_observations", "terminated", "truncated", "ended"} <= set(names)
    assert all(hasattr(objects["Transitions"], name) for name in names)


def test_what_is_a_table_is_one_for_pandas_too(objects: dict[str, Any]) -> None:
    tables = {name: one for name, one in objects.items() if isinstance(one, ShownTable)}
    assert {"SessionSpec", "ObservationLayout", "ConformanceReport", "PhasedOptimum", "Rollout"} <= set(tables)
    assert {"BeliefOptimum", "SearchedPolicy"} <= set(tables)
    for one in tables.values():
        pd.testing.assert_frame_equal(pd.DataFrame(one), one.to_frame(), check_dtype=False)


def test_reference_values_are_a_list_and_the_table_of_the_command(objects: dict[str, Any]) -> None:
    values = objects["ReferenceValues"]
    frame = values.to_frame().set_index("policy")
    assert frame["revenue"].to_dict() == {row.name: row.value for row in values}
    assert frame.loc["optimum", "percent_of_optimum"] == 100
    assert frame.columns[:4].tolist() == ["revenue", "percent_of_optimum", "share.short", "share.long"]
    text = repr(values)
    assert text.startswith("Reference values on scenario fatigue\n")
    assert all(name in text for name in ("policy", "% of optimum", "empty", *frame.index))


def test_the_optimum_over_phases_shows_each_of_them(objects: dict[str, Any]) -> None:
    exact = objects["PhasedOptimum"]
    frame = exact.to_frame()
    assert frame["phase"].drop_duplicates().tolist() == [0, 1, 2]
    assert frame["from_session"].drop_duplicates().tolist() == [0, 100, 200]
    assert frame.groupby("phase")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    assert [row[0] for row in exact._card().rows] == ["1 of 3", "2 of 3", "3 of 3"]
    assert exact.plot(phase=1).get_title().replace("\n", " ").endswith("(phase 2 of 3, from session 100)")
