"""Vectors of frames and videos."""

import numpy as np
import pytest

from preroll.perception.analysis.vectors import frame_vectors, video_vector


def test_tokens_are_pooled_by_name_and_never_flattened() -> None:
    tokens = np.arange(12.0).reshape(2, 3, 2)
    assert frame_vectors(tokens, "first").tolist() == [[0, 1], [6, 7]]
    assert frame_vectors(tokens, "mean").tolist() == [[2, 3], [8, 9]]
    with pytest.raises(ValueError, match=r"\[2, 3, 2\]; must be \[n, d\], or \[n, tokens, d\]"):
        frame_vectors(tokens, None)


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 1, 1), (2, 1, 4), (2, 1, 1, 4)])
def test_axes_of_size_one_are_left_out(shape: tuple[int, ...]) -> None:
    assert frame_vectors(np.arange(8.0).reshape(shape), None).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("shape", [(2, 4, 3, 3), (2,), (2, 3, 4, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="its vectors are"):
        frame_vectors(np.zeros(shape), "mean")


def test_numbers_must_be_finite() -> None:
    with pytest.raises(ValueError, match="not finite"):
        frame_vectors(np.array([[1.0, np.nan]]), None)


def test_a_video_is_the_mean_of_its_frames_of_length_1() -> None:
    assert video_vector(np.array([[2, 6], [4, 2]], np.float32)).tolist() == [[np.float16(0.6), np.float16(0.8)]]
    assert video_vector(np.array([[1, 0], [-1, 0]], np.float32)).tolist() == [[0, 0]]
