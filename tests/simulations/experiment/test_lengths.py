"""An experiment tells the share of every length class of its scenarios, whatever they are called."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from preroll.simulations.experiment.execution.cell import CELL
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.summary import COLUMNS, summary
from preroll.simulations.experiment.execution.tidy_table import results
from preroll.simulations.report.data import Material
from preroll.simulations.report.page import page
from preroll.simulations.report.tables import agents_table
from tests.resealed import reseal
from tests.simulations.conftest import LENGTHS, MakeFile, load, of_lengths
from tests.simulations.experiment.execution.test_runner import in_this_process


def run(make_file: MakeFile, folder: Path, **changes: Any) -> Store:
    small = {"agents": ["random", "optimum"], "seeds": 1, "sessions": 50, "evaluate": {"sessions": 30}}
    path, store = make_file(**(small | changes)), Store(folder / "out")
    assert not run_plan(load(path), path.read_text("utf8"), store, in_this_process).failures
    return store


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("lengths", LENGTHS)
def test_tables_and_tags_have_every_length_class(lengths: tuple[str, ...], make_file: MakeFile, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    store = run(make_file, tmp_path, scenario=of_lengths(*lengths), vary={}, agents=["random"])
    plan = store.read_plan()
    table = pd.read_csv(io.StringIO(results(store).to_csv(index=False)))
    assert np.allclose(table[[f"share.{length}" for length in lengths]].sum(axis=1), 1)
    titles, rows = summary(store, plan, store.states(plan))
    assert titles == [*COLUMNS, *lengths, "slots"]
    assert all(len(row) == len(titles) for row in rows)

    read = EventAccumulator(str(store.folder(plan.cells[0]))).Reload()
    written = set(read.Tags()["scalars"])
    assert {f"{kind}/share.{length}" for kind in ("session", "trained") for length in lengths} <= written
    layout = Layout.FromString(read.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])
    shown = [chart.title for chart in layout.category[1].chart]
    assert shown[: len(lengths)] == [f"share of the ads shown that were of the length class {one}" for one in lengths]
    content = read.SummaryMetadata("_hparams_/experiment").plugin_data.content
    names = {info.name.tag for info in HParamsPluginData.FromString(content).experiment.metric_infos}
    assert {f"trained/share.{length}" for length in lengths} <= names


@pytest.mark.parametrize("lengths", LENGTHS[2:4])
def test_the_page_has_every_length_class(lengths: tuple[str, ...], make_file: MakeFile, tmp_path: Path) -> None:
    vary = {f"ads.*.{lengths[-1]}.reward": {"scale": [0.5, 2.0]}}
    store = run(make_file, tmp_path, scenario=of_lengths(*lengths), vary=vary, agents=["optimum"])
    material = Material.of(store)
    assert agents_table(material).head[7:-3] == [f"{length} %" for length in lengths]
    html = page(material)
    assert all((f"{length} ads, % of ads shown over" in html) == (len(lengths) > 1) for length in lengths)
    assert all((f">always {length}<" in html) == (len(lengths) > 1) for length in lengths)  # of one, none is better


def test_empty_slots_have_a_column_where_there_are_some(make_file: MakeFile, tmp_path: Path) -> None:
    store = run(make_file, tmp_path, vary={"session.no_ad": [True]}, agents=["random"])
    titles, ((*_, empty, _),) = summary(store, store.read_plan(), store.states(store.read_plan()))
    assert titles[-2:] == ["empty", "slots"]
    assert 0 < float(empty.removesuffix(" %")) < 30  # a seventh of the slots is expected


def test_a_class_that_a_point_lacks_leaves_its_place_empty(make_file: MakeFile, tmp_path: Path) -> None:
    vary = {"ads.*.b.length": ["b", "c"]}
    store = run(make_file, tmp_path, scenario=of_lengths("a", "b"), vary=vary, agents=["optimum"])
    plan = store.read_plan()
    assert plan.lengths == ("a", "b", "c")
    table = results(store)
    assert table["share.c"].isna().tolist() == [True, False]
    assert table["share.b"].isna().tolist() == [False, True]
    titles, rows = summary(store, plan, store.states(plan))
    b, c = (titles.index(name) for name in "bc")
    assert [(row[b] == "", row[c] == "") for row in rows] == [(False, True), (True, False)]
    shown = agents_table(Material.of(store))
    assert [row[shown.head.index("b %")][0] == "" for row in shown.rows] == [False, True]


def test_a_cell_that_was_stored_with_other_columns_is_refused_in_one_line(make_file: MakeFile, tmp_path: Path) -> None:
    store = run(make_file, tmp_path, vary={}, agents=["random"])
    (cell,) = store.read_plan().cells
    file = store.folder(cell) / CELL
    file.write_text(file.read_text("utf8").replace('"format": 3', '"format": 2'), "utf8")
    reseal(store.folder(cell))
    assert results(store)["failure"].tolist() == [
        "cell.json: format must be 3; this is no cell that this version reads"
    ]
