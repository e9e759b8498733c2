import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tensorboard import METRICS, POLICY
from preroll.simulations.training.curves import TAGS
from preroll.tensorboard_writer import NAME
from tests.browser import dump


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cell_holds_curves_a_picture_of_its_policy_and_its_metrics(small_store: Store) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(small_store.logdir / "long.view_probability=x1" / "optimum" / "seed-0")).Reload()
    assert set(TAGS) <= set(read.Tags()["scalars"])
    assert {f"final/{name}" for name in METRICS} <= set(read.Tags()["scalars"])
    assert read.Scalars("final/percent_of_optimum")[0].value == 100
    assert read.Tags()["images"] == [POLICY]
    assert read.Images(POLICY)[0].encoded_image_string.startswith(b"\x89PNG")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_settings_and_layout_are_read_by_their_plugins(small_store: Store) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    cell = EventAccumulator(str(small_store.logdir / "long.view_probability=x0.5" / "thompson-num_envs=16" / "seed-1"))
    content = cell.Reload().SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    given = HParamsPluginData.FromString(content).session_start_info.hparams
    assert given["agent"].string_value == "thompson-num_envs=16"
    assert given["long.view_probability"].number_value == 0.5
    assert given["thompson.num_envs"].number_value == 16
    top = EventAccumulator(str(small_store.logdir / "layout")).Reload()
    layout = Layout.FromString(top.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])
    assert [chart.multiline.tag[0] for chart in layout.category[0].chart][:1] == ["^session/percent_of_optimum$"]
    assert (small_store.logdir / "layout" / NAME).is_file()


def test_tensorboard_opens_on_this_machine_alone_and_shows_reward_curves(small_store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "preroll", "tensorboard", str(small_store.path), "--port", "0"]
    with (tmp_path / "told").open("wb") as told:
        process = subprocess.Popen(command, stderr=told, stdout=told, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        address = await_address(tmp_path / "told")
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}data/runs") as answer:
            runs = answer.read().decode()
        assert "long.view_probability=x1/thompson-num_envs=16/seed-0" in runs
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
    """Waits until TensorBoard has said where it listens."""
    for _ in range(1200):
        for word in path.read_text().split():
            if word.startswith("http://"):
                return word
        time.sleep(0.05)
    pytest.fail(f"TensorBoard did not start: {path.read_text()}")
