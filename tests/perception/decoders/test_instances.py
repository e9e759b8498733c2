import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.decoders.instances import Mask, cut, mask_area
from preroll.perception.decoders.nms import suppress
from preroll.perception.video.resize import Fit, View

sides = st.integers(1, 3000)
grids = st.integers(1, 40)


@given(sides, sides, st.integers(8, 300), st.integers(8, 300), st.sampled_from(["letterbox", "stretch"]), grids, grids)
def test_a_mask_of_everything_covers_the_whole_frame(
    height: int, width: int, rows: int, columns: int, how: str, down: int, across: int
) -> None:
    view = Fit(rows, columns, how).view(height, width)  # type: ignore[arg-type]
    mask = cut(np.ones((down, across), np.bool_))
    assert mask_area(mask, view, (rows, columns)) == pytest.approx(100)


def test_a_mask_of_a_cropped_frame_is_a_share_of_the_whole() -> None:
    # Of a frame of 64 × 128 the middle half is seen.
    view = Fit(32, 32, "crop").view(64, 128)
    assert view == View(height=64, width=128, top=0, left=-16, rows=32, columns=64)
    assert mask_area(cut(np.ones((8, 8), np.bool_)), view, (32, 32)) == pytest.approx(50)
    np.testing.assert_allclose(view.to_frame(np.array([[0, 0, 32, 32]], np.float32)), [[32, 0, 96, 64]])


def test_cells_on_the_edge_count_by_the_part_that_is_in_the_frame() -> None:
    view = View(height=6, width=8, top=1, left=0, rows=6, columns=8)
    mask = Mask(0, 0, np.ones((1, 4), np.bool_), (4, 4))
    # The first row of cells covers the input's rows 0 and 1; the frame begins at 1.
    assert mask_area(mask, view, (8, 8)) == pytest.approx(100 / 6)


def test_an_empty_mask_has_no_area() -> None:
    view = Fit(8, 8, "stretch").view(8, 8)
    assert mask_area(cut(np.zeros((8, 8), np.bool_)), view, (8, 8)) == 0


@given(
    st.lists(st.tuples(*[st.floats(0, 100, width=32)] * 4, st.integers(0, 2), st.floats(0, 1, width=32)), max_size=12)
)
def test_suppression_keeps_the_best_and_leaves_no_overlap(
    rows: list[tuple[float, float, float, float, int, float]],
) -> None:
    table = np.array(rows, np.float32).reshape(-1, 6)
    box = np.concatenate((table[:, :2], table[:, :2] + table[:, 2:4]), 1)
    label, confidence = table[:, 4].astype(np.intp), table[:, 5]
    stay = suppress(label, confidence, box, 0.5)
    assert (np.diff(confidence[stay]) <= 0).all()
    if len(rows):
        assert confidence[stay[0]] == confidence.max()
    for i, one in enumerate(stay):
        for other in stay[:i]:
            sides = np.minimum(box[one, 2:], box[other, 2:]) - np.maximum(box[one, :2], box[other, :2])
            both = float(np.maximum(sides, 0).prod())
            either = float((box[one, 2:] - box[one, :2]).prod() + (box[other, 2:] - box[other, :2]).prod()) - both
            assert label[one] != label[other] or both <= 0.5 * either + 1e-3


def test_what_a_classifier_finds_is_about_the_whole_frame() -> None:
    found = VideoDetections(np.array([0, 1], np.int32), np.array([2, 0], np.int16), np.array([0.5, 0.7], np.float32))
    assert found.area.tolist() == [100, 100]
    assert found.box.shape == (2, 4)
