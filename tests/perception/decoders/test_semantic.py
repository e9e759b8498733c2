from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector
from preroll.perception.video.resize import View
from tests.perception.object_networks import SIDE, write_colors, write_constants

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 153)


def frame_of(
    *rectangles: tuple[tuple[int, int, int], int, int, int, int],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A black frame with rectangles of a colour from (x0, y0) to (x1, y1)."""
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    for color, x0, y0, x1, y1 in rectangles:
        frame[y0:y1, x0:x1] = color
    return frame


def test_connected_pixels_of_a_class_are_one_object_with_its_mean_probability(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "a.onnx"))
    frame = frame_of((RED, 2, 2, 10, 10), (RED, 20, 20, 24, 28), (BLUE, 10, 2, 14, 10))
    frame[2:6, 2:10] = (204, 0, 0)
    (found,) = detector.objects([frame])
    assert found.label.tolist() == [0, 0, 2]
    np.testing.assert_allclose(found.confidence, [1, 0.9, 0.6], atol=1e-6)
    np.testing.assert_allclose(found.area, np.array([32, 64, 32]) / SIDE**2 * 100, rtol=1e-5)
    np.testing.assert_allclose(found.box, [[20, 20, 24, 28], [2, 2, 10, 10], [10, 2, 14, 10]])


def test_touching_objects_of_one_class_count_as_one_also_at_a_corner(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "a.onnx"))
    (found,) = detector.objects([frame_of((RED, 0, 0, 8, 8), (RED, 8, 8, 16, 16))])
    assert found.label.tolist() == [0]
    assert found.box.tolist() == [[0, 0, 16, 16]]


def test_what_is_too_small_or_too_uncertain_is_left_out(tmp_path: Path) -> None:
    # Two pixels of 1,024 are 0.2 % of the frame, three are 0.29 %, four are 0.39 %.
    frame = frame_of((RED, 0, 0, 3, 1), (GREEN, 8, 8, 10, 10), (BLUE, 20, 20, 30, 30))
    (found,) = Detector(write_colors(tmp_path / "a.onnx")).objects([frame])
    assert found.label.tolist() == [1, 2]
    (found,) = Detector(write_colors(tmp_path / "b.onnx", min_area=0.0, score_threshold=0.7)).objects([frame])
    assert found.label.tolist() == [0, 1]


def test_area_and_box_are_those_of_the_frame_and_not_of_its_letterbox(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "a.onnx"))
    # A frame of 640 × 320 pixels in the middle rows of the input; the object reaches over its lower edge.
    view = View(height=320, width=640, top=8, left=0, rows=16, columns=32)
    (found,) = detector.objects([frame_of((RED, 0, 16, 16, 28))], [view])
    np.testing.assert_allclose(found.area, [25])
    np.testing.assert_allclose(found.box, [[0, 160, 320, 320]])


def test_background_may_come_last_and_sigmoid_needs_one_half(tmp_path: Path) -> None:
    last = Detector(write_colors(tmp_path / "a.onnx", background="last", min_area=0))
    # The scores are read as red, green, blue, background now: background (0.4) stands for red, blue for background.
    (found,) = last.objects([frame_of((RED, 0, 0, 8, 8), (BLUE, 8, 8, 16, 16))])
    assert found.label.tolist() == [0, 1]
    sigmoid = Detector(write_colors(tmp_path / "b.onnx", activation="sigmoid"))
    (found,) = sigmoid.objects([frame_of(((110, 0, 0), 0, 0, 8, 8), (BLUE, 8, 8, 16, 16))])
    assert found.label.tolist() == [2]


def test_logits_get_the_softmax_that_is_missing(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "a.onnx", outputs="logits"))
    (found,) = detector.objects([frame_of((RED, 0, 0, 8, 8))])
    np.testing.assert_allclose(found.confidence, [np.e / (np.e + np.exp(0.4) + 2)], rtol=1e-5)


def test_each_frame_of_a_batch_has_its_own_objects(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "a.onnx"))
    found = detector.find([frame_of(), frame_of((RED, 0, 0, 8, 8)), frame_of((GREEN, 0, 0, 16, 16))], first=5)
    assert found.frame.tolist() == [6, 7]
    assert found.label.tolist() == [0, 1]
    np.testing.assert_allclose(found.area, [6.25, 25])


def test_another_number_of_classes_is_found_out_at_once(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "a.onnx", classes=["red", "green"]))
    with pytest.raises(PrerollError, match=r"output shape is \[1, 4, 32, 32\], but its card needs \[n, 3, h, w\]"):
        detector.check()


def labels(**kinds: Any) -> np.ndarray[Any, Any]:
    """Numbers of classes counted from the background: a red and a green square, and a corner that nobody labelled."""
    numbers = np.zeros((1, SIDE, SIDE), kinds.get("dtype", np.int64))
    numbers[0, 0:8, 0:8], numbers[0, 16:20, 16:24], numbers[0, 28:, 28:] = 1, 2, 255
    return numbers


@pytest.mark.parametrize("axis", [None, 1, 3])
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_the_number_of_the_best_class_of_each_pixel_is_an_output_too(
    tmp_path: Path, axis: int | None, dtype: type
) -> None:
    numbers = labels(dtype=dtype)
    values = [numbers if axis is None else np.expand_dims(numbers, axis)]
    card: dict[str, Any] = {"decoder": "semantic", "outputs": "labels", "background": "first"}
    (found,) = Detector(write_constants(tmp_path / "a.onnx", values, **card)).objects([frame_of()])
    assert found.label.tolist() == [0, 1]
    assert found.confidence.tolist() == [1, 1]
    np.testing.assert_allclose(found.area, np.array([64, 32]) / SIDE**2 * 100, rtol=1e-6)
    assert found.box.tolist() == [[0, 0, 8, 8], [16, 16, 24, 20]]


def test_a_number_that_the_card_does_not_name_is_found_out(tmp_path: Path) -> None:
    card: dict[str, Any] = {"decoder": "semantic", "outputs": "labels", "classes": ["red", "green"]}
    with pytest.raises(PrerollError, match="returns label 2, but its card names 2 classes"):
        Detector(write_constants(tmp_path / "a.onnx", [labels()], **card)).check()


def test_the_output_that_the_card_names_is_read(tmp_path: Path) -> None:
    scores = np.zeros((1, 3, SIDE, SIDE), np.float32)
    scores[0, 2, :16] = 0.9
    values = [np.ones((1, 3, SIDE, SIDE), np.float32), scores]
    card: dict[str, Any] = {"decoder": "semantic", "output": "out1"}
    (found,) = Detector(write_constants(tmp_path / "a.onnx", values, **card)).objects([frame_of()])
    assert found.label.tolist() == [2]
    np.testing.assert_allclose(found.area, [50])
    with pytest.raises(PrerollError, match="it has no output 'aux'; it has out0, out1"):
        Detector(write_constants(tmp_path / "b.onnx", values, decoder="semantic", output="aux"))
