"""Which videos preroll drew: its demo clips, and nothing that a camera, a screen or another hand made."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preroll.perception.analysis.drawings import DRAWN_SIZES, colors, is_drawing
from preroll.perception.demo.clip import FRAMES
from preroll.perception.demo.videos import render_demo_videos
from preroll.perception.video.sampling import UnreadableError
from preroll.perception.workers.pool import drawn


def test_every_size_in_which_preroll_draws_is_known() -> None:
    assert set(FRAMES) <= DRAWN_SIZES


@pytest.mark.parametrize("seed", [0, 7])
def test_demo_clips_are_drawings(tmp_path: Path, seed: int) -> None:
    """``bench_perception.py default`` looks at all 300."""
    render_demo_videos(tmp_path, per_category=4, seed=seed, workers=1)
    assert [is_drawing(clip) for clip in sorted(tmp_path.glob("*/*.mp4"))] == [True] * 12


def test_every_real_clip_that_plays_is_none(real: Path) -> None:
    clips = sorted((real / "videos").iterdir())
    assert len(clips) == 6
    assert drawn(clips, workers=1) == [False] * 6


@pytest.mark.parametrize("size", [(64, 48), (320, 240)])
def test_a_picture_of_few_colors_is_none_whatever_its_size(
    tmp_path: Path, make_clip: Callable[..., Path], size: tuple[int, int]
) -> None:
    """As gray film, black, noise of luma alone, slides and screens."""
    assert not is_drawing(make_clip(tmp_path / "clip.mp4", [(0, 0, 0), (200, 30, 30)] * 20, size=size))


def test_of_a_folder_of_frames_each_second_is_looked_at(tmp_path: Path) -> None:
    colorful = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    for number in range(1, 14):
        looked_at = number == 10  # the fourth of one a second
        Image.fromarray(colorful if looked_at else colorful * 0).save(tmp_path / f"{number}.jpg")
    assert is_drawing(tmp_path)
    (tmp_path / "10.jpg").unlink()
    assert not is_drawing(tmp_path)


def test_colors_are_told_apart_in_steps() -> None:
    picture = np.array([[[0, 0, 0], [7, 7, 7], [8, 0, 0], [0, 8, 0], [0, 0, 8], [255, 255, 255]]], np.uint8)
    assert colors(picture) == 5


def test_what_cannot_be_decoded_is_neither(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableError):
        is_drawing(tmp_path / "no.mp4")
    assert drawn([tmp_path / "no.mp4", tmp_path / "missing.mp4"], workers=1) == [None, None]
