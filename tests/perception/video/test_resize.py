from fractions import Fraction

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from preroll.perception.video.resize import Fit, Fitter

sides = st.integers(1, 5000)
targets = st.integers(8, 512)
aspects = st.fractions(Fraction(1, 8), 8)


@given(sides, sides, targets, targets, aspects)
def test_a_crop_covers_its_target_and_a_letterbox_lies_in_it(
    height: int, width: int, rows: int, columns: int, aspect: Fraction
) -> None:
    covering = Fit(rows, columns, "crop").scaled(height, width, aspect)
    assert covering[0] >= rows
    assert covering[1] >= columns
    assert covering[0] == rows or covering[1] == columns
    inside = Fit(rows, columns, "letterbox").scaled(height, width, aspect)
    assert 1 <= inside[0] <= rows
    assert 1 <= inside[1] <= columns
    assert inside[0] == rows or inside[1] == columns


def striped() -> VideoFrame:
    """Red to the left, green in the middle half, blue to the right: 64 × 32."""
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:, :16, 0] = picture[:, 16:48, 1] = picture[:, 48:, 2] = 255
    return VideoFrame.from_ndarray(picture, format="rgb24")


def test_a_crop_takes_the_center() -> None:
    picture = Fitter(Fit(16, 16, "crop"))(striped())
    assert (picture == (0, 255, 0)).all()


def test_a_letterbox_keeps_everything_and_pads_with_gray() -> None:
    picture = Fitter(Fit(32, 32, "letterbox", pad=114))(striped())
    assert (picture[:8] == 114).all()
    assert (picture[24:] == 114).all()
    assert (picture[8:24, 0] == (255, 0, 0)).all()
    assert (picture[8:24, -1] == (0, 0, 255)).all()


def test_a_letterbox_can_begin_at_the_top_left() -> None:
    picture = Fitter(Fit(32, 32, "letterbox", place="top-left"))(striped())
    assert (picture[0, 0] == (255, 0, 0)).all()
    assert (picture[16:] == 114).all()


def test_stretching_fills_the_target() -> None:
    assert Fitter(Fit(24, 8, "stretch"))(striped()).shape == (24, 8, 3)


def test_a_quarter_turn_to_the_left_brings_the_right_side_to_the_top() -> None:
    picture = Fitter(Fit(32, 16, "stretch"))(striped(), turns=1)
    assert (picture[0] == (0, 0, 255)).all()
    assert (picture[-1] == (255, 0, 0)).all()


@pytest.mark.parametrize("turns", [0, 1])
def test_wide_pixels_make_a_wide_picture(turns: int) -> None:
    # 64 × 32 pixels, each half as wide as it is high: a square picture, of which a square crop keeps all.
    picture = Fitter(Fit(32, 32, "crop"))(striped(), turns=turns, aspect=Fraction(1, 2))
    upright = np.rot90(picture, -turns)
    assert (upright[:, 0] == (255, 0, 0)).all()
    assert (upright[:, -1] == (0, 0, 255)).all()
