import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

REAL = Path(__file__).parents[3] / "shared" / "realdata"
WEIGHTS, BOTTLE = REAL / "weights", REAL / "videos" / "bottle-detection.mp4"
needs_real_clips = pytest.mark.skipif(not REAL.is_dir(), reason="needs the real clips of ../shared/realdata")


def preroll(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preroll", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )


@needs_real_clips
def test_a_real_clip_shows_a_water_bottle(tmp_path: Path) -> None:
    done = preroll("detect", BOTTLE, "--detector", WEIGHTS / "SqueezeNet_fp16.onnx", "--out", "found.csv", cwd=tmp_path)
    assert done.returncode == 0
    table = pd.read_csv(tmp_path / "found.csv")
    assert list(table.columns) == ["frame", "class", "confidence"]
    assert (table["class"] == "water bottle").mean() > 0.5
    lines = done.stdout.splitlines()
    assert "120 frames sampled, objects in 120." in lines[0]
    assert lines[1].split() == ["class", "frames", "mean", "confidence", "importance"]
    assert lines[2].startswith("water bottle")
    assert lines[-1] == "120 rows written to found.csv."


@needs_real_clips
def test_a_damaged_clip_says_how_far_it_goes(tmp_path: Path) -> None:
    done = preroll("detect", REAL / "videos" / "edge_corrupted.mp4", cwd=tmp_path)
    assert done.returncode == 0
    assert "Only a part could be seen: decoding stopped after 2.8 of 5.0 s" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.mp4",), "error: video nowhere.mp4: no such file or folder"),
        (("text.mp4", "--out", "found.csv"), "error: video text.mp4: unreadable: not a video that can be opened"),
        (("text.mp4", "--detector", "nowhere.onnx"), "error: detector nowhere.onnx: no such file"),
        (("text.mp4", "--detector", "text.mp4"), "error: detector text.mp4: no model card: write text.json beside it"),
        (("text.mp4", "--card", "text.mp4"), "error: model card text.mp4: not valid JSON"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    done = preroll("detect", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.strip().splitlines()[-1].startswith(message)
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]
