import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.simulations.experiment.execution import overview
from preroll.simulations.experiment.execution.overview import (
    POLICY,
    all_pairs,
    described,
    logdir_of,
    shown_pairs,
    write_overview,
)
from preroll.simulations.experiment.execution.overview import policy_picture as drawn
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tensorboard import METRICS
from preroll.simulations.training.board import FIRST, HIGH, LOW
from preroll.simulations.training.curves import PERCENT, TAGS, Curve
from preroll.simulations.training.run import Run
from preroll.tensorboard_writer import NAME
from tests.browser import dump
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process


def layout_of(read: Any) -> Any:
    """The layout that an event file holds."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

    return Layout.FromString(read.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cell_holds_curves_its_metrics_a_layout_and_what_the_tags_mean(small_store: Store) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(small_store.logdir / "long.view_probability=x1" / "optimum" / "seed-0")).Reload()
    assert set(TAGS) <= set(read.Tags()["scalars"])
    assert {f"trained/{name}" for name in METRICS} <= set(read.Tags()["scalars"])
    assert read.Scalars("trained/percent_of_optimum")[0].value == 100
    assert not read.Tags()["images"]
    assert [chart.multiline.tag[0] for chart in layout_of(read).category[0].chart[:2]] == [
        "^session/percent_of_optimum$",
        "^session/revenue$",
    ]
    assert layout_of(read).category[-1].chart[0].multiline.tag[0] == "^agent/"
    meanings = read.Tensors("what the tags mean/text_summary")[0].tensor_proto.string_val[0].decode()
    assert all(f"| {tag} | {meaning} |" in meanings for tag, meaning in TAGS.items())


def test_bands_are_cut_at_what_is_possible() -> None:
    curves = [Curve([50], {PERCENT: [value], "session/revenue": [value]}) for value in (99.0, 97.0)]
    point = overview._mean_points(curves, [])[50]
    assert point[PERCENT + HIGH] == 100 < point["session/revenue" + HIGH]
    assert point[PERCENT + LOW] == point["session/revenue" + LOW] > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_overview_holds_the_mean_over_seeds_with_its_band_and_one_policy(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    store = Store(Path(shutil.copytree(small_store.path, tmp_path / "out")))
    shutil.rmtree(store.overview)
    monkeypatch.setattr(overview, "policy_picture", drawn)
    write_overview(store, store.read_plan())
    names = sorted(path.parent.relative_to(store.overview).as_posix() for path in store.overview.rglob(NAME))
    assert names == sorted("/".join(pair) for pair in all_pairs(store.read_plan()))
    pair = ("long.view_probability=x1", "thompson-num_envs=16")
    read = EventAccumulator(str(store.overview.joinpath(*pair))).Reload()
    for tag in FIRST:
        curves = [Run.load(store.folder(cell)).curve.values[tag] for cell in all_pairs(store.read_plan())[pair]]
        mean, low, high = ([one.value for one in read.Scalars(name)] for name in (tag, tag + LOW, tag + HIGH))
        assert mean == pytest.approx(np.mean(np.array(curves, np.float64), axis=0), rel=1e-6)
        assert all(a <= b <= c for a, b, c in zip(low, mean, high, strict=True))
        assert low != high
    assert read.Images(POLICY)[0].encoded_image_string.startswith(b"\x89PNG")
    bands, *others = layout_of(read).category
    first = bands.chart[0].margin.series[0]
    assert (first.value, first.lower, first.upper) == (FIRST[0], FIRST[0] + LOW, FIRST[0] + HIGH)
    assert [chart.title for chart in bands.chart] == ["percent of the optimum", "revenue of a session"]
    assert all(chart.WhichOneof("content") == "multiline" for category in others for chart in category.chart)
    assert read.SummaryMetadata("_hparams_/experiment").plugin_data.content


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("of", ["overview", "cells"])
def test_every_chart_has_a_curve_and_the_texts_explain_the_tags_that_are_there(of: str, small_store: Store) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    pair = small_store.path / of / "long.view_probability=x1" / "thompson-num_envs=16"
    read = EventAccumulator(str(pair if of == "overview" else pair / "seed-0")).Reload()
    written = set(read.Tags()["scalars"])
    charts = [chart for category in layout_of(read).category for chart in category.chart]
    patterns = [tag for chart in charts for tag in chart.multiline.tag]
    patterns += [re.escape(series.value) for chart in charts for series in chart.margin.series]
    assert len(charts) == len(patterns)
    assert [pattern for pattern in patterns if not any(re.match(pattern, tag) for tag in written)] == []
    texts = [read.Tensors(f"what the {tags} mean/text_summary")[0] for tags in ("tags", "final tags")]
    told = "\n".join(text.tensor_proto.string_val[0].decode() for text in texts)
    kinds = {row.split(" ")[1] for row in told.splitlines() if row.startswith("| ")} - {"tag"}
    explained = {
        tag for tag in written if tag in kinds or any(one.endswith("…") and tag.startswith(one[:-1]) for one in kinds)
    }
    bands = {tag for tag in written if tag.endswith((LOW, HIGH))}
    assert explained | bands == written
    assert not [one for one in kinds if not any(tag.startswith(one.rstrip("…,")) for tag in written)]


def test_the_overview_is_written_once_and_loses_what_is_no_cell_any_more(
    small_store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    store = Store(Path(shutil.copytree(small_store.path, tmp_path / "out")))
    before = {path: path.stat().st_ino for path in store.overview.glob(f"*/*/{NAME}")}
    write_overview(store, store.read_plan())
    assert {path: path.stat().st_ino for path in store.overview.glob(f"*/*/{NAME}")} == before
    (store.overview / "mine" / "notes").mkdir(parents=True)
    less = load(make_file(agents=["random"], vary={}))
    run_plan(less, "", store, in_this_process)
    assert {path.relative_to(store.overview).parts for path in store.overview.glob("*/*") if path.is_dir()} == {
        ("base", "random"),
        ("mine", "notes"),
    }


def test_of_many_agents_and_points_at_most_30_are_shown_and_the_command_says_what_is_hidden(
    make_file: MakeFile, tmp_path: Path
) -> None:
    horizons, agents = list(range(2, 16)), ["random", "greedy", "optimum"]
    path = make_file(vary={"session.horizon": horizons}, agents=agents, seeds=1, sessions=1)
    plan, store = load(path), Store(tmp_path / "out")
    shown = shown_pairs(plan)
    assert len(shown) == 30
    assert {agent for _, agent in shown} == set(agents)
    assert [point for point, agent in shown if agent == "random"][0::9] == ["horizon=2", "horizon=15"]
    store.write_plan(plan, "")
    store.overview.mkdir()
    means, cells = described(store.path, store.overview)
    assert "30 of 42 pairs, evenly chosen, of an agent and a point" in means
    assert cells == f"The 42 cells one by one: preroll tensorboard {store.logdir}"
    for cell in plan.cells:
        store.folder(cell).mkdir(parents=True)
        (store.folder(cell) / NAME).touch()
    (hidden,) = described(store.logdir, logdir_of(store.logdir))
    assert hidden.startswith("TensorBoard shows none of 42 runs at first")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_settings_and_layout_are_read_by_their_plugins(small_store: Store) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    cell = EventAccumulator(str(small_store.logdir / "long.view_probability=x0.5" / "thompson-num_envs=16" / "seed-1"))
    content = cell.Reload().SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    given = HParamsPluginData.FromString(content).session_start_info.hparams
    assert given["agent"].string_value == "thompson-num_envs=16"
    assert given["long.view_probability"].number_value == 0.5
    assert given["thompson.num_envs"].number_value == 16
    assert given["seed"].string_value == "1"
    content = cell.SummaryMetadata("_hparams_/experiment").plugin_data.content
    known = {info.name for info in HParamsPluginData.FromString(content).experiment.hparam_infos}
    assert known == {"agent", "seed", "sessions", "long.view_probability", "thompson.num_envs"}
    runs = {path.parent.relative_to(small_store.logdir) for path in small_store.logdir.rglob(NAME)}
    assert len(runs) == len(small_store.read_plan().cells)  # none that has no curve


def test_tensorboard_opens_on_this_machine_alone_and_shows_reward_curves(small_store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "preroll", "tensorboard", str(small_store.path), "--port", "0"]
    with (tmp_path / "told").open("wb") as told:
        process = subprocess.Popen(command, stderr=told, stdout=told, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        address = await_address(tmp_path / "told")
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}data/runs") as answer:
            runs = answer.read().decode()
        assert "long.view_probability=x1/thompson-num_envs=16" in runs
        assert "seed-0" not in runs
        url = f"{address}?tagFilter=session%2Frevenue#timeseries"
        card = 'title="session/revenue"'
        for milliseconds in (
            20_000,
            60_000,
            180_000,
            180_000,
            180_000,
        ):  # of virtual time: a busy machine may need more
            document, _ = dump(url, tmp_path, milliseconds=milliseconds, width=1600)
            if card in document and document.count("<path") > 12:
                break
        assert card in document
        assert document.count("<path") > 12  # a line for each of the cells
    finally:
        process.terminate()
        process.wait()


def await_address(path: Path) -> str:
    """Waits until TensorBoard has said where it listens; gives the address without the query that pins charts."""
    for _ in range(1200):
        for word in path.read_text().split():
            if word.startswith("http://"):
                return word.partition("?")[0]
        time.sleep(0.05)
    pytest.fail(f"TensorBoard did not start: {path.read_text()}")
