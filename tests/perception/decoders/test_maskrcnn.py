from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector
from preroll.perception.video.resize import View
from tests.perception.object_networks import SIDE, write_constants

FRAME = np.zeros((SIDE, SIDE, 3), np.uint8)


def layout(n: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Boxes, labels, scores and masks of n objects, as torchvision gives them: label 2 is the second class."""
    boxes = np.array([[4, 4, 20, 12], [0, 0, 8, 8], [8, 8, 10, 10]], np.float32)[:n]
    labels = np.array([2, 1, 3], np.int64)[:n]
    scores = np.array([0.9, 0.8, 0.1], np.float32)[:n]
    masks = np.zeros((n, 1, SIDE, SIDE), np.float32)
    for i, (x0, y0, x1, y1) in enumerate(boxes.astype(int)):
        masks[i, 0, y0:y1, x0:x1] = 0.4
        masks[i, 0, y0:y1, x0 : (x0 + x1) // 2] = 0.7
    return [boxes, labels, scores, masks]  # type: ignore[list-item]


def detector_of(path: Path, n: int, **card: Any) -> Detector:
    values = layout(n)
    order = card.pop("order", (0, 1, 2, 3))
    assert isinstance(order, tuple)
    changes = {"decoder": "maskrcnn", "background": "first", "activation": "sigmoid", **card}
    return Detector(write_constants(path, [values[i] for i in order], **changes))


def test_objects_have_the_area_of_their_masks_and_the_place_of_their_boxes(tmp_path: Path) -> None:
    (found,) = detector_of(tmp_path / "a.onnx", 3).objects([FRAME])
    assert found.label.tolist() == [0, 1]
    np.testing.assert_allclose(found.confidence, [0.8, 0.9])
    np.testing.assert_allclose(found.area, [100 * 32 / SIDE**2, 100 * 64 / SIDE**2])
    np.testing.assert_allclose(found.box, [[0, 0, 8, 8], [4, 4, 20, 12]])


def test_there_may_be_no_object_at_all(tmp_path: Path) -> None:
    detector = detector_of(tmp_path / "a.onnx", 0)
    detector.check()
    found = detector.find([FRAME])
    assert found.box.shape == (0, 4)
    assert len(found.area) == len(found.frame) == 0


def test_the_order_of_the_outputs_does_not_matter(tmp_path: Path) -> None:
    (found,) = detector_of(tmp_path / "a.onnx", 2, order=(3, 2, 1, 0)).objects([FRAME])
    assert found.label.tolist() == [0, 1]


def test_a_network_without_the_axis_of_the_batch_is_fed_one_frame(tmp_path: Path) -> None:
    detector = detector_of(tmp_path / "a.onnx", 2, axes=3)
    assert detector.batch == 1
    assert len(detector.find([FRAME]).frame) == 2


def test_boxes_and_masks_are_measured_in_the_frame(tmp_path: Path) -> None:
    view = View(height=100, width=200, top=0, left=0, rows=16, columns=32)
    (found,) = detector_of(tmp_path / "a.onnx", 1).objects([FRAME], [view])
    np.testing.assert_allclose(found.area, [100 * 64 / (16 * 32)])
    np.testing.assert_allclose(found.box, [[25, 25, 125, 75]])


def test_labels_that_the_card_does_not_name_are_found_out(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="returns label 3, but its card names 3 classes from 0"):
        detector_of(tmp_path / "a.onnx", 3, background="none").check()


def test_another_layout_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="maskrcnn needs boxes"):
        detector_of(tmp_path / "a.onnx", 2, order=(0, 1, 2)).check()


def boxed(tmp_path: Path, given: np.ndarray[Any, Any], boxes: list[list[float]], **card: Any) -> Detector:
    n = len(boxes)
    values: list[np.ndarray[Any, Any]] = [
        np.array(boxes, np.float32),
        np.ones(n, np.int64),
        np.full(n, 0.9, np.float32),
        given,
    ]
    changes = {"decoder": "maskrcnn", "background": "first", "activation": "sigmoid", "masks": "box", **card}
    return Detector(write_constants(tmp_path / "a.onnx", values, **changes))


def test_a_mask_over_its_box_covers_the_box_and_no_more(tmp_path: Path) -> None:
    # A box of 16 × 8 pixels is 12.5 % of the frame; its left half is half of that.
    masks = np.ones((2, 1, 28, 28), np.float32)
    masks[1, :, :, 14:] = 0
    (found,) = boxed(tmp_path, masks, [[4, 4, 20, 12], [8, 20, 24, 28]]).objects([FRAME])
    np.testing.assert_allclose(found.area, [12.5, 6.25])
    np.testing.assert_allclose(found.box, [[4, 4, 20, 12], [8, 20, 24, 28]])
    assert found.masks is not None
    assert [(mask.left, mask.top, mask.cells.shape) for mask in found.masks] == [(4, 4, (8, 16)), (8, 20, (8, 8))]


def test_an_ellipse_over_its_box_has_the_area_of_an_ellipse(tmp_path: Path) -> None:
    rows, columns = (np.mgrid[:28, :28] + 0.5) / 14 - 1
    masks = (rows**2 + columns**2 <= 1).astype(np.float32)[None, None]
    (found,) = boxed(tmp_path, masks, [[2, 6, 30, 26]]).objects([FRAME])
    np.testing.assert_allclose(found.area, [100 * np.pi * 14 * 10 / SIDE**2], rtol=0.03)


def test_a_box_that_reaches_out_of_the_input_counts_as_far_as_it_lies_in_it(tmp_path: Path) -> None:
    (found,) = boxed(tmp_path, np.ones((1, 1, 28, 28), np.float32), [[-16, 0, 16, 64]]).objects([FRAME])
    np.testing.assert_allclose(found.area, [50])


def test_masks_of_another_size_than_the_input_need_a_word_of_the_card(tmp_path: Path) -> None:
    masks = np.ones((1, 1, 28, 28), np.float32)
    with pytest.raises(PrerollError, match=r"masks are 28 × 28; its card must say in masks whether"):
        boxed(tmp_path, masks, [[4, 4, 20, 12]], masks=None).check()
    (found,) = boxed(tmp_path, masks, [[4, 4, 20, 12]], masks="input").objects([FRAME])
    np.testing.assert_allclose(found.area, [100])
