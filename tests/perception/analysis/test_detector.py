from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector
from preroll.perception.decoders.classifier import class_scores
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.onnx_models.model_card import ModelCard

Network = Callable[..., Path]
RED = np.full((16, 16, 3), (255, 51, 0), np.uint8)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_channels_layout_and_type_are_as_the_card_says(
    tmp_path: Path, make_network: Network, layout: str, dtype: str
) -> None:
    straight = Detector(make_network(tmp_path / "a.onnx", layout=layout, dtype=dtype))
    np.testing.assert_allclose(straight.scores([RED]), [[1, 0.2, 0]], atol=1e-3)
    reversed_order = Detector(make_network(tmp_path / "b.onnx", layout=layout, dtype=dtype, channels="BGR"))
    np.testing.assert_allclose(reversed_order.scores([RED]), [[0, 0.2, 1]], atol=1e-3)


def test_mean_and_scale_are_applied_channel_by_channel(tmp_path: Path, make_network: Network) -> None:
    detector = Detector(make_network(tmp_path / "a.onnx", mean=[127.5, 0, 0], scale=[1, 2, 1]))
    np.testing.assert_allclose(detector.scores([RED]), [[0.5, 0.4, 0]], atol=1e-6)


def test_a_network_for_one_frame_at_a_time_is_fed_so(tmp_path: Path, make_network: Network) -> None:
    assert Detector(make_network(tmp_path / "a.onnx", batch=1)).batch == 1
    four = Detector(make_network(tmp_path / "b.onnx", batch=4))
    assert four.batch == 4
    assert four.scores([RED, RED]).shape == (2, 3)


def test_sigmoid_gives_every_class_above_the_threshold(tmp_path: Path, make_network: Network) -> None:
    detector = Detector(make_network(tmp_path / "a.onnx", score_threshold=0.2))
    found = detector.find([RED, np.zeros_like(RED), RED], first=5)
    assert found.frame.tolist() == [5, 5, 7, 7]
    assert found.label.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found.confidence, [1, 0.2, 1, 0.2], atol=1e-6)


def test_softmax_gives_the_best_class_of_a_frame(tmp_path: Path, make_network: Network) -> None:
    detector = Detector(make_network(tmp_path / "a.onnx", activation="softmax", score_threshold=0))
    found = detector.find([RED])
    assert (found.frame.tolist(), found.label.tolist()) == ([0], [0])


def card_of(**changes: Any) -> ModelCard:
    fields: dict[str, Any] = {
        "name": "colours",
        "sha256": "0" * 64,
        "decoder": "classifier",
        "input_size": (16, 16),
        "fit": "crop",
        "channels": "RGB",
        "dtype": "float32",
        "layout": "NCHW",
        "activation": "softmax",
        "outputs": "logits",
        "classes": ("a", "b"),
    }
    return ModelCard(**(fields | changes))


def test_logits_get_the_activation_that_is_missing() -> None:
    logits = np.array([0.0, np.log(3), 1000.0, -1000.0], np.float32).reshape(2, 2, 1, 1)
    np.testing.assert_allclose(class_scores([logits], card_of()), np.array([[0, 0.75], [1, 0]]), rtol=1e-6)
    both = class_scores([logits], card_of(activation="sigmoid"))
    np.testing.assert_allclose(both, np.array([[0.5, 0.75], [1, 0]]), rtol=1e-6)


def test_a_card_with_another_number_of_classes_is_found_out_at_once(tmp_path: Path, make_network: Network) -> None:
    detector = Detector(make_network(tmp_path / "a.onnx", classes=["red", "green"]))
    with pytest.raises(PrerollError, match="returns 3 scores a frame, but its card names 2"):
        detector.check()


def test_a_card_with_another_input_is_refused(tmp_path: Path, make_network: Network) -> None:
    with pytest.raises(PrerollError, match=r"its input is \['n', 3, 16, 16\], but its card says"):
        Detector(make_network(tmp_path / "a.onnx", input_size=[32, 32]))


def test_what_is_no_network_is_refused_in_one_line(tmp_path: Path) -> None:
    model = tmp_path / "a.onnx"
    model.write_bytes(b"no network")
    with pytest.raises(PrerollError, match="cannot be loaded") as caught:
        Detector(model, card_of())
    assert "\n" not in str(caught.value)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"nowhere\.onnx: no such file"):
        Detector(tmp_path / "nowhere.onnx")


def test_parts_are_joined_in_order() -> None:
    assert len(VideoDetections.join([]).frame) == 0
    one = VideoDetections(np.array([0], np.int32), np.array([2], np.int16), np.array([0.5], np.float32))
    two = VideoDetections(np.array([3], np.int32), np.array([1], np.int16), np.array([0.7], np.float32))
    joined = VideoDetections.join([one, two])
    assert joined.frame.tolist() == [0, 3]
    assert joined.label.dtype == np.int16
