"""Videos that are in a catalog twice."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from preroll.perception.build import build_catalog
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.duplicates import find_duplicates

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]
RED, GREEN, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)


@pytest.fixture
def folder(tmp_path: Path, make_clip: Clip) -> Path:
    """Four clips whose colours come and go, and one that is red all the time."""
    rng = np.random.default_rng(0)
    for i in range(4):
        colors = [(RED, GREEN, BLUE, BLACK)[k] for k in rng.integers(0, 4, 12)]
        make_clip(tmp_path / "videos" / ("cats", "dogs")[i % 2] / f"{i}.mp4", colors, rate=3)
        if i == 0:
            make_clip(tmp_path / "videos" / "dogs" / "again.mov", colors, rate=3, size=(160, 120), codec="libx264")
    for name in ("cats", "dogs"):
        make_clip(tmp_path / "videos" / name / "red.mp4", [RED] * (12 if name == "cats" else 11), rate=3)
    return tmp_path / "videos"


def test_another_file_that_shows_the_same_is_found(folder: Path, tmp_path: Path, make_network: Network) -> None:
    network = make_network(tmp_path / "network" / "colours.onnx")
    report = build_catalog(folder, tmp_path / "out", detector=network, workers=1)
    assert report.equal == ()
    (found,) = find_duplicates(report.catalog).to_numpy().tolist()
    assert found[:4] == ["cats/0.mp4", "cats", "dogs/again.mov", "dogs"]
    assert 0 <= found[4] < 0.05


def test_an_equal_file_in_another_category_is_named_by_the_build(
    folder: Path, tmp_path: Path, make_network: Network
) -> None:
    shutil.copyfile(folder / "cats" / "red.mp4", folder / "dogs" / "same.mp4")
    shutil.copyfile(folder / "cats" / "2.mp4", folder / "cats" / "3.mp4")
    network = make_network(tmp_path / "network" / "colours.onnx")
    report = build_catalog(folder, tmp_path / "out", detector=network, workers=1)
    assert report.equal == (("cats/red.mp4", "dogs/same.mp4"),)
    found = find_duplicates(report.catalog)
    pairs = found[["path", "other", "difference"]].to_numpy().tolist()
    assert ["cats/2.mp4", "cats/3.mp4", 0.0] in pairs
    assert ["cats/red.mp4", "dogs/same.mp4", 0.0] in pairs


def test_no_clip_of_the_demo_is_there_twice() -> None:
    assert find_duplicates(Catalog.load("demo")).empty
