import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preroll.perception.visualization.thumbnails import CHANGED, GONE, Tile, draw_thumbnails, encoded
from tests.perception.visualization import conftest as made
from tests.perception.visualization.conftest import Scene

pytestmark = pytest.mark.usefixtures("without_processes")

TILE = Tile(24, 32, 4)


def test_frames_are_spread_over_a_clip_and_a_file_that_is_not_the_one_analyzed_is_not_shown(scene: Scene) -> None:
    drawn = draw_thumbnails(scene.catalog, [0, 2, made.CHANGED, made.GONE], scene.videos, TILE, workers=1)
    assert set(drawn.pictures) == {0, 2}
    for frames in drawn.pictures.values():
        assert frames.shape == (4, 24, 32, 3)
        assert np.abs(frames[:, 12, 16].astype(int) - made.COLORS).max() < 20
    assert drawn.missing == {made.CHANGED: CHANGED, made.GONE: GONE}


@pytest.mark.processes
def test_no_path_of_a_catalog_leads_to_another_file_and_no_pipe_is_waited_for(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").write_bytes((scene.videos / "cars" / "0.mp4").read_bytes() + b"\0")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    paths = {0: str(tmp_path / "secret.mp4"), 1: str(tmp_path / "pipe.mp4"), 2: "a\0b.mp4"}
    drawn = draw_thumbnails(scene.with_paths(paths).catalog, [0, 1, 2], scene.videos, TILE, workers=1)
    assert drawn.pictures == {}
    assert drawn.missing[0] == CHANGED
    assert drawn.missing[1] == GONE
    assert drawn.missing[2]


def test_a_short_clip_has_each_of_its_frames_once(scene: Scene) -> None:
    drawn = draw_thumbnails(scene.catalog, [0], scene.videos, replace(TILE, frames=100), workers=1)
    assert len(drawn.pictures[0]) == 12


def test_without_videos_nothing_is_drawn(scene: Scene) -> None:
    drawn = draw_thumbnails(scene.catalog, [0], None, TILE)
    assert (drawn.pictures, drawn.missing) == ({}, {})


def test_even_noise_is_made_as_small_as_asked() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 96, 128, 3), np.uint8)
    sizes = [len(encoded(noise, most)) for most in (20_000, 5_000, 500)]
    assert all(size <= most for size, most in zip(sizes, (20_000, 5_000, 500), strict=True))
    assert sizes[0] > 5_000
