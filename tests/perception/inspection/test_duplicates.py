"""Videos that are in a catalog twice."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from preroll.perception.build import build_catalog
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.duplicates import LEAST_COSINES, find_duplicates
from preroll.perception.onnx_models.networks import PHOTOGRAPHS, card_of

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
    assert found[5] == "objects"


def test_an_equal_file_in_another_category_is_named_by_the_build(
    folder: Path, tmp_path: Path, make_network: Network
) -> None:
    shutil.copyfile(folder / "cats" / "red.mp4", folder / "dogs" / "same.mp4")
    shutil.copyfile(folder / "cats" / "2.mp4", folder / "cats" / "3.mp4")
    network = make_network(tmp_path / "network" / "colours.onnx")
    report = build_catalog(folder, tmp_path / "out", detector=network, workers=1)
    assert report.equal == (("cats/red.mp4", "dogs/same.mp4"),)
    found = find_duplicates(report.catalog)
    pairs = found[["path", "other", "difference", "by"]].to_numpy().tolist()
    assert ["cats/2.mp4", "cats/3.mp4", 0.0, "file"] in pairs
    assert ["cats/red.mp4", "dogs/same.mp4", 0.0, "file"] in pairs


def planted(cosines: tuple[float, ...], frames: tuple[int, ...], groups: str = "") -> Catalog:
    """Videos whose embeddings have these cosines with that of the first, and −1 … 0 with each other's."""
    angles = np.arccos(cosines) * np.where(np.arange(len(cosines)) % 2, 1, -1)
    n = len(cosines)
    catalog = Catalog.from_arrays(
        categories=("cats",),
        category=np.zeros(n, int),
        neighbors=np.full((n, 10), -1),
        importance=np.zeros((n, 1)),
        classes=("cat",),
        embedding=np.column_stack([np.cos(angles), np.sin(angles)]),
    )
    table = catalog.videos()
    table["frames"] = frames
    if groups:
        table["group"] = list(groups)
        catalog.manifest["group_by"] = "group"
    catalog.__dict__["videos"] = table.copy
    return catalog


def pairs_of(catalog: Catalog, encoder: str = next(iter(LEAST_COSINES))) -> list[tuple[int, int, float, str]]:
    catalog.manifest["encoder"] = {"sha256": encoder}
    found, paths = find_duplicates(catalog), list(catalog.videos()["path"])
    return [
        (paths.index(one), paths.index(other), round(difference, 2), by)
        for one, _, other, _, difference, by in found.to_numpy().tolist()
    ]


def test_embeddings_tell_what_is_the_same_where_their_cosines_are_known() -> None:
    """The first two are the same; the third has another cosine, the fourth another length."""
    catalog = planted((1, 0.9, 0.8, 0.95), (9, 10, 9, 12))
    assert pairs_of(catalog) == [(0, 1, 0.1, "embedding")]
    assert pairs_of(catalog, "0" * 64) == []
    assert pairs_of(planted((1, 0.9), (9, 10), "ab")) == [(0, 1, 0.1, "embedding")]
    assert pairs_of(planted((1, 0.9), (9, 10), "aa")) == []


def test_the_cosine_is_that_of_the_network_of_photographs() -> None:
    assert list(LEAST_COSINES) == [card_of(PHOTOGRAPHS).sha256]


@pytest.mark.parametrize("count", [1, 2, 600])
def test_every_pair_of_one_length_is_compared(count: int) -> None:
    """More than are compared at once."""
    vectors = np.random.default_rng(count).normal(size=(count, 40))
    catalog = planted((1.0,) * count, tuple(np.random.default_rng(0).integers(5, 8, count)))
    vectors[count // 2 :] = vectors[: count - count // 2] + 0.01
    catalog._arrays["embedding"] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    frames = catalog.videos()["frames"].to_numpy()
    expected = {(i, i + count // 2) for i in range(count // 2) if abs(frames[i] - frames[i + count // 2]) <= 1}
    assert {pair[:2] for pair in pairs_of(catalog)} == expected


def test_no_clip_of_the_demo_is_there_twice() -> None:
    assert find_duplicates(Catalog.load("demo")).empty
