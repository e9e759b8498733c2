import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from preroll.perception.found import Found
from preroll.perception.importance import importance

entries = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.just(0.0) | st.floats(0.125, 1.0, width=32)), max_size=30
)


def found_of(rows: list[tuple[int, int, float]]) -> Found:
    frame, label, confidence = ([row[i] for row in rows] for i in range(3))
    return Found(np.array(frame, np.int32), np.array(label, np.int16), np.array(confidence, np.float32))


def test_it_is_the_mean_over_all_frames_of_the_best_confidence() -> None:
    found = found_of([(0, 0, 0.5), (0, 0, 0.75), (2, 0, 0.25), (2, 2, 1.0)])
    # Four frames: in class 0 they give .75, 0, .25, 0; the frames without any detection count too.
    assert importance(found, frames=4, classes=3).tolist() == [0.25, 0, 0.25]


@given(entries)
def test_it_lies_between_0_and_1_and_is_0_where_nothing_was_found(rows: list[tuple[int, int, float]]) -> None:
    values = importance(found_of(rows), frames=7, classes=4)
    assert ((values >= 0) & (values <= 1)).all()
    assert {c for c in range(4) if values[c] > 0} == {c for _, c, confidence in rows if confidence > 0}
