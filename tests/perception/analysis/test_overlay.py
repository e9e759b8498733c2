from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame

from preroll.errors import PrerollError
from preroll.perception.analysis.overlay import Canvas, color_of, draw_objects
from preroll.perception.decoders.instances import Located, Mask
from preroll.perception.detect_video import detect
from preroll.perception.video.frame_folders import read_picture
from preroll.perception.video.resize import View
from preroll.perception.video.sampling import FrameSample
from tests.perception.object_networks import write_colors

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]


def located(view: View, *, masked: bool) -> Located:
    """One object in the right half of the frame."""
    mask = Mask(0, 4, np.ones((4, 4), np.bool_), (8, 8))
    return Located(
        np.array([1], np.int16),
        np.array([0.5], np.float32),
        np.array([50], np.float32),
        np.array([[view.width / 2, 0, view.width, view.height]], np.float32),
        (mask,) if masked else None,
        view,
    )


def test_an_objects_pixels_take_on_its_color_and_no_others() -> None:
    # The frame lies in the upper half of a square input of 32 pixels.
    view = View(height=200, width=400, top=0, left=0, rows=16, columns=32)
    gray = np.full((100, 200, 3), 100, np.uint8)
    drawn = draw_objects(gray, located(view, masked=True), ("a", "b"), (32, 32))
    halfway = (np.array(color_of(1)) + 100) / 2
    np.testing.assert_allclose(drawn[60:90, 110:190], np.broadcast_to(halfway, (30, 80, 3)), atol=1)
    assert (drawn[:, :90] == 100).all()
    assert (drawn[99, 150] == color_of(1)).all()
    assert (gray == 100).all()


def test_without_masks_only_the_box_is_drawn() -> None:
    view = View(height=200, width=400, top=0, left=0, rows=16, columns=32)
    drawn = draw_objects(np.full((100, 200, 3), 100, np.uint8), located(view, masked=False), ("a", "b"), (32, 32))
    assert (drawn[60:90, 110:190] == 100).all()
    assert (drawn[60, 100] == color_of(1)).all()


@pytest.mark.parametrize(
    ("turns", "aspect", "shape"),
    [(0, 1, (320, 640)), (1, 1, (640, 320)), (0, Fraction(1, 2), (640, 640)), (1, 2, (640, 160))],
)
def test_pictures_are_upright_and_have_square_pixels(turns: int, aspect: Fraction, shape: tuple[int, int]) -> None:
    frame = VideoFrame.from_ndarray(np.zeros((640, 1280, 3), np.uint8), format="rgb24")
    assert Canvas()(FrameSample(frame, Fraction(0), turns, Fraction(aspect))).shape[:2] == shape


def test_a_small_frame_is_enlarged_so_that_names_can_be_read() -> None:
    frame = VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
    assert Canvas()(FrameSample(frame, Fraction(0))).shape == (480, 640, 3)


def test_every_sampled_frame_is_drawn_and_rows_are_objects(tmp_path: Path, make_clip: Clip) -> None:
    clip = make_clip(tmp_path / "a.mp4", [(255, 0, 0)] * 5 + [(0, 0, 0)] * 5)
    model = write_colors(tmp_path / "n" / "colours.onnx")
    table = detect(clip, detector=model, segment=True, overlay=tmp_path / "drawn")
    assert list(table.columns) == ["frame", "time", "class", "confidence", "area", "x0", "y0", "x1", "y1"]
    assert table["frame"].tolist() == [1, 2]
    assert table["class"].tolist() == ["red", "red"]
    # The frame of 64 × 48 is letterboxed; the object fills it.
    assert table["area"].tolist() == [100, 100]
    assert table[["x0", "y0", "x1", "y1"]].to_numpy().tolist() == [[0, 0, 64, 48]] * 2
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    assert read_picture(tmp_path / "drawn" / "1.jpg").shape == (480, 640, 3)


def test_without_segment_a_detector_of_objects_gives_a_row_per_class(tmp_path: Path, make_clip: Clip) -> None:
    clip = make_clip(tmp_path / "a.mp4", [(255, 0, 0)] * 4)
    table = detect(clip, detector=write_colors(tmp_path / "n" / "colours.onnx"))
    assert list(table.columns) == ["frame", "time", "class", "confidence"]
    assert table["frame"].tolist() == [1, 2]


def test_an_overlay_never_replaces_what_is_not_its_own(tmp_path: Path, make_clip: Clip) -> None:
    clip = make_clip(tmp_path / "videos" / "a.mp4", [(255, 0, 0)] * 4)
    model = write_colors(tmp_path / "n" / "colours.onnx")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(PrerollError, match=r"overlay: .*letter\.txt is no frame"):
        detect(clip, detector=model, segment=True, overlay=tmp_path / "full")
    with pytest.raises(PrerollError, match="must not lie in"):
        detect(clip, detector=model, segment=True, overlay=tmp_path / "videos")
    with pytest.raises(PrerollError, match="only objects can be drawn; give segment=True"):
        detect(clip, detector=model, overlay=tmp_path / "new")
