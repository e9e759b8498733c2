import io
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from preroll.errors import PrerollError
from preroll.perception.visualization import projector
from preroll.perception.visualization.projector import LONGEST_SIDE, MOST_POINTS, TILE, write_projector
from tests.perception.visualization import conftest as made
from tests.perception.visualization.conftest import Scene
from tests.simulations.experiment.execution.test_tensorboard import await_address

HOSTILE = "cars/a\tb\nc\u202e.mp4"


@pytest.fixture(scope="module")
def address(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where TensorBoard answers for its projector."""
    folder = tmp_path_factory.mktemp("projector")
    hostile = scene.with_paths({20: HOSTILE})
    written = write_projector(hostile.catalog, folder / "points", videos=scene.videos, workers=1)
    assert (written.points, written.pictures) == (30, 4)
    command = [sys.executable, "-m", "preroll", "tensorboard", str(folder / "points"), "--port", "0"]
    with (folder / "told").open("wb") as told:
        process = subprocess.Popen(command, stderr=told, stdout=told, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        yield f"{await_address(folder / 'told')}data/plugin/projector"
    finally:
        process.terminate()
        process.wait()


def asked(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def test_tensorboards_own_projector_gives_the_numbers_of_the_catalog(address: str, scene: Scene) -> None:
    (run,) = json.loads(asked(f"{address}/runs"))
    info = json.loads(asked(f"{address}/info?run={run}"))
    shapes = {one["tensorName"]: one["tensorShape"] for one in info["embeddings"]}
    arrays: dict[str, Any] = {name: getattr(scene.catalog, name) for name in ("importance", "category_probabilities")}
    assert shapes == {name: list(np.shape(array)) for name, array in arrays.items()}
    for name, array in arrays.items():
        values = np.frombuffer(asked(f"{address}/tensor?run={run}&name={name}"), np.float32)
        assert np.array_equal(values.reshape(array.shape), array)


def test_its_points_have_names_in_one_line_each(address: str, scene: Scene) -> None:
    lines = asked(f"{address}/metadata?run=.&name=importance").decode().split("\n")[:-1]
    head, *rows = [line.split("\t") for line in lines]
    assert head == ["path", "category", "likeliest category", "objects", "status", "group"]
    assert {len(row) for row in rows} == {6}
    table = scene.catalog.videos()
    assert [row[1] for row in rows] == list(table["category"][table["index"] >= 0])
    assert rows[20][0] == "cars/a\\tb\\nc\\u202e.mp4"
    assert rows[2][4] == "partial"


def test_its_sprite_has_the_picture_of_every_point_in_its_place(address: str) -> None:
    sprite = np.asarray(Image.open(io.BytesIO(asked(f"{address}/sprite_image?run=.&name=importance"))))
    side = 6  # of 30 points
    assert sprite.shape == (side * TILE.height, side * TILE.width, 3)
    for point in range(30):
        middle = sprite[point // side * 64 + 32, point % side * 64 + 32].astype(int)
        expected = made.COLORS[2] if point < 4 else 200
        assert np.abs(middle - expected).max() < 20


def test_a_sprite_is_never_larger_than_a_browser_draws() -> None:
    side = int(np.ceil(np.sqrt(MOST_POINTS)))
    assert side * TILE.width == side * TILE.height == LONGEST_SIDE == 8192


def test_of_a_larger_catalog_points_are_evenly_spread(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "MOST_POINTS", 4)
    written = write_projector(scene.catalog, tmp_path / "points")
    assert (written.points, written.pictures) == (4, 0)
    values = np.loadtxt(tmp_path / "points" / "importance.tsv", np.float32)
    assert np.array_equal(values, scene.catalog.importance[[0, 10, 19, 29]])
    assert not (tmp_path / "points" / "sprite.png").exists()


def test_nothing_of_anybodys_is_replaced(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(PrerollError, match="must be a new or an empty folder"):
        write_projector(scene.catalog, tmp_path)
