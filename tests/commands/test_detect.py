from pathlib import Path

import pandas as pd
import pytest

from preroll.perception.onnx_models.model_card import EMBEDDED
from tests.commands.conftest import Run
from tests.conftest import REAL
from tests.perception.conftest import write_beginning

WEIGHTS, BOTTLE = REAL / "weights", REAL / "videos" / "bottle-detection.mp4"
needs_real_clips = pytest.mark.skipif(not REAL.is_dir(), reason="needs the real clips of ../shared/realdata")


pytestmark = pytest.mark.usefixtures("here")
without_processes = pytest.mark.usefixtures("without_processes")  # all but that of the limits of a process


@without_processes
@needs_real_clips
def test_a_real_clip_shows_a_water_bottle(run: Run, tmp_path: Path) -> None:
    status, told, _ = run("detect", BOTTLE, "--detector", WEIGHTS / "SqueezeNet_fp16.onnx", "--out", "found.csv")
    assert status == 0
    table = pd.read_csv(tmp_path / "found.csv")
    assert list(table.columns) == ["frame", "time", "class", "confidence"]
    assert (table["class"] == "water bottle").mean() > 0.5
    lines = told.splitlines()
    assert "120 frames sampled, objects in 120." in lines[0]
    assert lines[1].split() == ["class", "frames", "mean", "confidence", "importance"]
    assert lines[2].startswith("water bottle")
    assert lines[-1] == "120 rows written to found.csv."


@without_processes
@needs_real_clips
def test_a_damaged_clip_says_how_far_it_goes(run: Run, tmp_path: Path) -> None:
    status, told, _ = run("detect", REAL / "videos" / "edge_corrupted.mp4")
    assert status == 0
    assert "Only a part could be seen: 1 of 50 packets gave no frame" in told


@without_processes
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.mp4",), "error: video nowhere.mp4: no such file or folder"),
        (("text.mp4", "--out", "found.csv"), "error: video text.mp4: unreadable: not a video that can be opened"),
        (("text.mp4", "--detector", "nowhere.onnx"), "error: detector nowhere.onnx: no such file"),
        (
            ("text.mp4", "--detector", "text.mp4"),
            "error: detector text.mp4: no model card: `preroll detector card text.mp4",
        ),
        (("text.mp4", "--card", "text.mp4"), "error: model card text.mp4: not valid JSON"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    status, told, errors = run("detect", *arguments)
    assert status == 2
    assert told == ""
    assert errors.strip().splitlines()[-1].startswith(message)
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


@without_processes
@needs_real_clips
def test_bottles_have_their_place_in_most_frames_of_a_real_clip(run: Run, tmp_path: Path) -> None:
    arguments = ("--segment", "--detector", WEIGHTS / "yolox_nano.onnx", "--out", "objects.csv", "--overlay", "drawn")
    clip = write_beginning(BOTTLE, tmp_path / "clip.mp4", seconds=10)
    status, _, errors = run("detect", clip, *arguments)
    assert status == 0, errors
    table = pd.read_csv(tmp_path / "objects.csv")
    assert list(table.columns) == ["frame", "time", "class", "confidence", "area", "x0", "y0", "x1", "y1"]
    bottles = table[table["class"] == "bottle"]
    assert bottles["frame"].nunique() >= 28
    # One to three bottles stand on the table; each takes about a twentieth of the picture of 640 × 360.
    assert 1 <= len(bottles) / bottles["frame"].nunique() <= 3
    assert bottles["area"].between(3, 8).mean() > 0.9
    assert bottles["x1"].between(0, 640).all()
    assert bottles["y1"].between(0, 360).all()
    filled = 100 * (bottles["x1"] - bottles["x0"]) * (bottles["y1"] - bottles["y0"]) / (640 * 360)
    assert (filled - bottles["area"]).abs().max() < 0.1
    assert len(list((tmp_path / "drawn").iterdir())) == 31


@without_processes
@needs_real_clips
def test_a_classifier_gives_as_many_classes_as_are_wanted(run: Run, tmp_path: Path) -> None:
    model = WEIGHTS / "SqueezeNet_fp16.onnx"
    clip = write_beginning(BOTTLE, tmp_path / "clip.mp4", seconds=4)
    status, _, errors = run("detect", clip, "--detector", model, "--top", "3", "--out", "found.csv")
    assert status == 0, errors
    table = pd.read_csv(tmp_path / "found.csv")
    assert table["frame"].nunique() >= 12
    assert (table.groupby("frame").size() == 3).all()
    assert table.groupby("frame")["class"].nunique().eq(3).all()


@without_processes
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--segment", "--detector", EMBEDDED), "error: --segment: "),
        (("--overlay", "drawn"), "error: --overlay: only objects can be drawn; give --segment too"),
        (("--top", "0"), "error: Invalid value for '--top': 0: must be a whole number from 1"),
        (("--worker-memory", "much"), "error: --worker-memory much: must be a size"),
        (("--video-timeout", "10x"), "error: --video-timeout 10x: must be seconds"),
    ],
)
def test_options_that_do_not_fit_are_told(run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    status, _, errors = run("detect", "text.mp4", *arguments)
    assert status == 2
    assert errors.strip().splitlines()[-1].startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


@needs_real_clips
def test_limits_and_fast_decoding_are_those_of_a_build(run: Run, tmp_path: Path) -> None:
    status, told, errors = run("detect", BOTTLE, "--fast", "--worker-memory", "1.5GiB")
    assert status == 0, errors
    assert "120 frames sampled" in told
    status, told, errors = run("detect", BOTTLE, "--video-timeout", "0.01")
    assert status == 2
    assert errors.strip().endswith("timeout: it took longer than the time limit")
