from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from preroll.errors import PrerollError
from preroll.perception.detect_video import class_summary, detect
from tests.perception.conftest import write_beginning

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]


def test_a_video_becomes_a_table(tmp_path: Path, make_clip: Clip, make_network: Network) -> None:
    clip = make_clip(tmp_path / "a.mp4", [(255, 0, 0)] * 5 + [(0, 0, 0)] * 5)
    table = detect(clip, detector=make_network(tmp_path / "n.onnx"))
    assert list(table.columns) == ["frame", "time", "class", "confidence"]
    assert table["frame"].tolist() == [1, 2]
    assert table["class"].tolist() == ["red", "red"]
    assert table.attrs["frames"] == 3
    assert table.attrs["status"] == "ok"


def test_importance_counts_frames_without_detections() -> None:
    table = pd.DataFrame({"frame": [1, 1, 3, 3], "class": ["a", "a", "a", "b"], "confidence": [0.5, 0.75, 0.25, 1.0]})
    table.attrs["frames"] = 4
    summary = class_summary(table)
    assert summary.to_dict("list") == {
        "class": ["a", "b"],
        "frames": [2, 1],
        "mean": [0.5, 1.0],
        "importance": [0.25, 0.25],
    }


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(PrerollError, match=r"nowhere\.mp4: no such file"):
        detect(tmp_path / "nowhere.mp4")
    with pytest.raises(PrerollError, match=r"a\.mp4: unreadable: not a video"):
        detect(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("channels", "mean", "least", "most"), [("BGR", (104, 117, 123), 51, 52), ("RGB", (123, 117, 104), 0, 0)]
)
def test_a_bottle_is_a_bottle_in_the_right_channel_order_alone(
    real: Path, tmp_path: Path, channels: str, mean: tuple[float, float, float], least: int, most: int
) -> None:
    from preroll.perception.onnx_models.model_card import find_card

    model = real / "weights" / "SqueezeNet_fp16.onnx"
    card = find_card(model).model_copy(update={"channels": channels, "mean": mean})
    clip = write_beginning(real / "videos" / "bottle-detection.mp4", tmp_path / "clip.mp4", seconds=20.5)
    table = detect(clip, detector=model, card=card)
    first = table[table["frame"] <= 60]
    assert len(first) == 60
    assert least <= (first["class"] == "water bottle").sum() <= most


def test_boxes_find_the_bottle_too(real: Path) -> None:
    table = detect(real / "videos" / "bottle-detection.mp4", detector=real / "weights" / "yolox_nano.onnx")
    best = class_summary(table).iloc[0]
    assert best["class"] == "bottle"
    assert best["frames"] == 120
    assert best["importance"] == pytest.approx(0.93, abs=0.01)
