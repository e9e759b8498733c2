import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.features.importance import KINDS, Kind, idf_weighted, importance

entries = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.just(0.0) | st.floats(0.125, 1.0, width=32)), max_size=30
)


def found_of(rows: list[tuple[int, int, float]]) -> VideoDetections:
    frame, label, confidence = ([row[i] for row in rows] for i in range(3))
    return VideoDetections(np.array(frame, np.int32), np.array(label, np.int16), np.array(confidence, np.float32))


def test_it_is_the_mean_over_all_frames_of_the_best_confidence() -> None:
    found = found_of([(0, 0, 0.5), (0, 0, 0.75), (2, 0, 0.25), (2, 2, 1.0)])
    # Four frames: in class 0 they give .75, 0, .25, 0; the frames without any detection count too.
    assert importance(found, frames=4, classes=3).tolist() == [0.25, 0, 0.25]


def test_presence_is_the_share_of_frames_however_sure() -> None:
    found = found_of([(0, 0, 0.5), (0, 0, 0.75), (2, 0, 0.25), (2, 2, 1.0)])
    assert importance(found, frames=4, classes=3, kind="presence").tolist() == [0.5, 0, 0.25]


def test_area_sums_the_objects_of_a_frame_up_to_the_whole_frame() -> None:
    rows = found_of([(0, 0, 0.5), (0, 0, 1.0), (1, 0, 1.0), (1, 0, 1.0), (1, 1, 0.5)])
    found = VideoDetections(rows.frame, rows.label, rows.confidence, np.array([20, 30, 80, 70, 10], np.float32))
    # Frame 0: .5 · .2 + .3 = .4; frame 1: .8 + .7 is more than the frame.
    np.testing.assert_allclose(importance(found, frames=2, classes=2, kind="area"), [0.7, 0.025], rtol=1e-6)


def test_a_class_that_every_video_shows_weighs_least() -> None:
    shown = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0]], np.float32)
    weighted = idf_weighted(shown)
    rare, common = (np.log(4 / 2) + 1) / (np.log(4) + 1), 1 / (np.log(4) + 1)
    np.testing.assert_allclose(weighted, [[common, rare, 0], [common, 0, 0], [common, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@given(rows=entries)
def test_it_lies_between_0_and_1_and_is_0_where_nothing_was_found(
    kind: Kind, rows: list[tuple[int, int, float]]
) -> None:
    values = importance(found_of([row for row in rows if row[2] > 0]), frames=7, classes=4, kind=kind)
    assert ((values >= 0) & (values <= 1)).all()
    assert {c for c in range(4) if values[c] > 0} == {c for _, c, confidence in rows if confidence > 0}
