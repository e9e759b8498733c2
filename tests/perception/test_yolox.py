import numpy as np
import pytest

from preroll.perception.cards import committed_cards
from preroll.perception.yolox import box_scores, boxes, grids

CARD = next(card for card in committed_cards().values() if card.name == "yolox_nano")
CELLS = 52 * 52 + 26 * 26 + 13 * 13


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
    np.testing.assert_allclose(boxes(raw, (416, 416))[0, 53], [12, 10, 32, 8], rtol=1e-6)


def test_a_class_scores_as_its_best_box_by_objectness_times_class() -> None:
    raw = empty()
    raw[0, 0, 2:5] = (3, 3, 0.5)
    raw[0, 0, 5 + 39] = 0.8
    raw[0, 1, 2:5] = (3, 3, 0.9)
    raw[0, 1, 5 + 39] = 0.9
    scores = box_scores([raw], CARD)
    assert scores.shape == (1, 80)
    assert scores[0, 39] == pytest.approx(0.81)
    assert scores[0].argmax() == CARD.classes.index("bottle")


def test_a_box_that_is_too_small_does_not_count() -> None:
    raw = empty()
    raw[0, 0, 2:6] = (0, 0, 1, 1)
    assert box_scores([raw], CARD).max() == 0


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="but its card"):
        box_scores([np.zeros((1, 10, 85), np.float32)], CARD)
