"""Files for TensorBoard's embedding projector: a point of each video, with what is known of it and a small picture."""

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from preroll.console.output import printable
from preroll.files import atomic
from preroll.files.targets import new_folder
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.visualization.thumbnails import Thumbnails, Tile, draw_thumbnails
from preroll.workers.job import Limits

#: Name of the file that TensorBoard looks for.
CONFIG = "projector_config.pbtxt"
#: Longest side of a sprite that TensorBoard shows [pixels].
LONGEST_SIDE = 8192
TILE = Tile(64, 64, 1, "crop")
MOST_POINTS = (LONGEST_SIDE // TILE.width) ** 2
_METADATA, _SPRITE = "metadata.tsv", "sprite.png"
_NO_PICTURE = 200  # a grey


@dataclass(frozen=True)
class WrittenProjector:
    """What was written: the number of points, of pictures among them, the names of the tensors, and what has none."""

    points: int
    pictures: int
    tensors: tuple[str, ...]
    lacking: str


def write_projector(
    catalog: Catalog,
    out: Path,
    *,
    videos: Path | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
) -> WrittenProjector:
    """Writes a folder that ``tensorboard --logdir`` shows in its projector.

    Its points are the importances and, where they were predicted, the probabilities of the categories. Of more than
    16,384 videos, for which a sprite has no room, as many are shown, evenly spread over the catalog.

    Args:
        catalog: the catalog.
        out: a new or empty folder.
        videos: the folder of videos, or the table, from which it was built; without it there are no pictures.
        workers: number of processes that draw pictures; by default one per core.
        limits: time and memory limits of each.

    Raises:
        PrerollError: the folder is not empty or is a file, or there is no such folder of videos.
    """
    rows = np.linspace(0, catalog.n_videos - 1, min(catalog.n_videos, MOST_POINTS)).round().astype(int)
    tensors = {"importance": catalog.importance, "category_probabilities": catalog.category_probabilities}
    given = {name: array[rows] for name, array in tensors.items() if array is not None}
    with new_folder(out, f"--tensorboard {out}") as folder:
        drawn = draw_thumbnails(catalog, rows.tolist(), videos, TILE, workers=workers, limits=limits)
        for name, array in given.items():
            atomic.write_text(folder / f"{name}.tsv", _table(map(repr, row) for row in array.tolist()))
        atomic.write_text(folder / _METADATA, _table(_metadata(catalog, rows)))
        if drawn.pictures:
            atomic.write_bytes(folder / _SPRITE, _sprite(rows.tolist(), drawn))
        atomic.write_text(folder / CONFIG, _config(given, bool(drawn.pictures)))
    return WrittenProjector(len(rows), len(drawn.pictures), tuple(given), drawn.lacking)


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "".join("\t".join(map(printable, row)) + "\n" for row in rows)


def _metadata(catalog: Catalog, rows: NDArray[np.int64]) -> Iterable[Sequence[str]]:
    """Yields a heading, and what is known of each video."""
    table = catalog.videos()
    table = table[table["index"] >= 0].set_index("index")
    probabilities = catalog.category_probabilities
    yield ("path", "category", "likeliest category", "objects", "status", "group")
    for row in rows.tolist():
        shown = catalog.importance[row]
        best = [c for c in np.argsort(-shown, kind="stable")[:3] if shown[c] > 0]
        likeliest = "" if probabilities is None else catalog.categories[int(probabilities[row].argmax())]
        known: Any = table.loc[row]
        objects = ", ".join(catalog.classes[c] for c in best)
        yield known["path"], known["category"], likeliest, objects, known["status"], known["group"]


def _sprite(rows: Sequence[int], drawn: Thumbnails) -> bytes:
    """Returns a PNG with the pictures row by row, in a square; grey where a video has none."""
    side = math.ceil(math.sqrt(len(rows)))
    sprite = np.full((side * TILE.height, side * TILE.width, 3), _NO_PICTURE, np.uint8)
    for place, row in enumerate(rows):
        if row in drawn.pictures:
            top, left = place // side * TILE.height, place % side * TILE.width
            sprite[top : top + TILE.height, left : left + TILE.width] = drawn.pictures[row][0]
    memory = io.BytesIO()
    Image.fromarray(sprite).save(memory, "PNG")
    return memory.getvalue()


def _config(tensors: dict[str, NDArray[np.float32]], has_sprite: bool) -> str:
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    config = ProjectorConfig()
    for name, array in tensors.items():
        embedding = config.embeddings.add(tensor_name=name, tensor_path=f"{name}.tsv", metadata_path=_METADATA)
        embedding.tensor_shape.extend(array.shape)
        if has_sprite:
            embedding.sprite.image_path = _SPRITE
            embedding.sprite.single_image_dim.extend((TILE.width, TILE.height))
    return str(text_format.MessageToString(config))
