from typing import Any

import numpy as np
import pytest

from preroll.perception.decoders.instances import Located
from preroll.perception.decoders.nms import located
from preroll.perception.decoders.yolox import boxes, grids, yolox_candidates
from preroll.perception.onnx_models.model_card import ModelCard, committed_cards
from preroll.perception.video.resize import View

CARD = next(card for card in committed_cards().values() if card.name == "yolox_nano")
CELLS = 52 * 52 + 26 * 26 + 13 * 13
BOTTLE = CARD.classes.index("bottle")
# A frame of 832 × 416 pixels in the upper half of the letterbox.
WIDE = View(416, 832, 0, 0, 208, 416)


def yolox_objects(outputs: list[np.ndarray[Any, Any]], card: ModelCard, views: list[View]) -> list[Located]:
    return located(yolox_candidates([*outputs], card), card, views)


def empty() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.zeros((1, CELLS, 85), np.float32)


def test_the_grid_goes_by_rows_through_three_strides() -> None:
    cells, strides = grids((416, 416))
    assert cells.shape == (CELLS, 2)
    assert cells[53].tolist() == [1, 1]
    assert [strides[i, 0] for i in (0, 52 * 52, CELLS - 1)] == [8, 16, 32]


def test_boxes_are_cells_plus_offsets_times_stride() -> None:
    raw = empty()
    raw[0, 53, :4] = (0.5, 0.25, np.log(4), 0)
    np.testing.assert_allclose(boxes(raw, (416, 416))[0, 53], [-4, 6, 28, 14], rtol=1e-6)


def box(raw: np.ndarray[tuple[int, ...], np.dtype[np.float32]], cell: int, side: float, score: float) -> None:
    """Puts a square bottle of a side [pixels of the input] into a cell of stride 8."""
    raw[0, cell, :5] = (0, 0, np.log(side / 8), np.log(side / 8), score)
    raw[0, cell, 5 + BOTTLE] = 1


def test_an_object_is_scored_by_objectness_times_class_and_measured_in_the_frame() -> None:
    raw = empty()
    box(raw, 52 * 10 + 10, 80, 0.9)
    (found,) = yolox_objects([raw], CARD, [WIDE])
    assert found.label.tolist() == [BOTTLE]
    np.testing.assert_allclose(found.confidence, [0.9], rtol=1e-6)
    # From (40, 40) to (120, 120) in the input, at twice the size in the frame.
    np.testing.assert_allclose(found.box, [[80, 80, 240, 240]], rtol=1e-5)
    np.testing.assert_allclose(found.area, [100 * 160 * 160 / (416 * 832)], rtol=1e-5)
    assert found.masks is None


def test_an_object_seen_twice_counts_once_and_two_classes_do_not_hide_each_other() -> None:
    raw = empty()
    for cell, score in ((530, 0.7), (531, 0.9), (545, 0.5)):
        box(raw, cell, 80, score)
    raw[0, 531, 5] = 0.8
    (found,) = yolox_objects([raw], CARD, [WIDE])
    assert [CARD.classes[label] for label in found.label] == ["person", "bottle", "bottle"]
    np.testing.assert_allclose(found.confidence, [0.72, 0.9, 0.5], rtol=1e-6)


def test_a_box_counts_as_far_as_it_lies_in_the_frame() -> None:
    raw = empty()
    box(raw, 52 * 26 + 10, 80, 0.9)
    (found,) = yolox_objects([raw], CARD, [WIDE])
    assert found.box[0, 3] == 416
    np.testing.assert_allclose(found.area, [100 * 160 * 80 / (416 * 832)], rtol=1e-5)


def test_a_box_that_is_too_small_does_not_count() -> None:
    raw = empty()
    box(raw, 530, 1, 0.9)
    assert len(yolox_objects([raw], CARD, [WIDE])[0].label) == 0


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="its card needs"):
        yolox_objects([np.zeros((1, 10, 85), np.float32)], CARD, [WIDE])
