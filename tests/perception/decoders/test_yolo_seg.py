from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector
from tests.perception.object_networks import SIDE, write_constants

FRAME = np.zeros((SIDE, SIDE, 3), np.uint8)
PROTOTYPES, GRID = 32, SIDE // 4


def layout() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Four boxes: one object seen twice, one of another class, and one that is too uncertain."""
    rows = np.zeros((1, 4 + 3 + PROTOTYPES, 4), np.float32)
    rows[0, :4] = np.array([(8, 8, 16, 16), (8, 8, 16, 15), (24, 24, 16, 16), (16, 16, 8, 8)], np.float32).T
    rows[0, 4:7] = np.array([(0.8, 0, 0), (0.9, 0, 0), (0, 0, 0.7), (0, 0.2, 0)], np.float32).T
    # The first prototype is positive in the left half of the input, the second in its lower half.
    rows[0, 7] = (1, 1, 0, 1)
    rows[0, 8] = (0, 0, 1, 0)
    prototypes = np.full((1, PROTOTYPES, GRID, GRID), -1, np.float32)
    prototypes[0, 0, :, : GRID // 2] = 1
    prototypes[0, 1, GRID // 2 :] = 1
    return [rows, prototypes]


def detector_of(path: Path, *values: np.ndarray[tuple[int, ...], np.dtype[np.float32]], **card: Any) -> Detector:
    changes = {"decoder": "yolo-seg", "activation": "sigmoid", **card}
    return Detector(write_constants(path, list(values or layout()), **changes))


def test_a_mask_is_where_its_prototypes_are_positive_inside_of_its_box(tmp_path: Path) -> None:
    (found,) = detector_of(tmp_path / "a.onnx").objects([FRAME])
    assert found.label.tolist() == [0, 2]
    np.testing.assert_allclose(found.confidence, [0.9, 0.7])
    np.testing.assert_allclose(found.box, np.array([[0, 0.5, 16, 15.5], [16, 16, 32, 32]]))
    # 4 × 4 cells of 4 × 4 pixels each.
    np.testing.assert_allclose(found.area, [25, 25])
    assert found.masks is not None
    assert (found.masks[1].top, found.masks[1].left, found.masks[1].cells.shape) == (4, 4, (4, 4))


def test_overlap_is_suppressed_as_far_as_the_card_says(tmp_path: Path) -> None:
    (found,) = detector_of(tmp_path / "a.onnx", iou_threshold=0.99).objects([FRAME])
    assert found.label.tolist() == [0, 0, 2]


def test_an_object_whose_mask_is_empty_does_not_count(tmp_path: Path) -> None:
    rows, prototypes = layout()
    rows[0, 7, 1] = -1
    (found,) = detector_of(tmp_path / "a.onnx", rows, prototypes).objects([FRAME])
    assert found.label.tolist() == [2]


def test_prototypes_may_come_first(tmp_path: Path) -> None:
    (found,) = detector_of(tmp_path / "a.onnx", *layout()[::-1]).objects([FRAME])
    assert found.label.tolist() == [0, 2]


def test_another_number_of_classes_is_found_out_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        PrerollError, match=r"returns 39 numbers a box; its card needs 4 \+ 2 classes \+ 32 prototypes = 38"
    ):
        detector_of(tmp_path / "a.onnx", classes=["a", "b"]).check()
    with pytest.raises(PrerollError, match="yolo-seg needs"):
        detector_of(tmp_path / "b.onnx", layout()[0]).check()
