"""Endless random training pictures: scenes at video-like sizes, compressed, then letterboxed to the network's input."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from preroll.perception.demo.backgrounds import BACKGROUNDS, draw_background
from preroll.perception.demo.objects import OBJECT_CLASSES, draw_object
from preroll.perception.demo.scenes import Placement, fit_sprite, paste, paste_mask, place

SIDE, CELLS = 128, 8
#: Grey of the letterbox.
PAD = 114
#: Probability of 0, 1, 2, … objects in a picture.
OBJECTS_PER_PICTURE = (0.08, 0.18, 0.27, 0.25, 0.14, 0.08)
#: An object's longer side as a share of the frame's shorter side.
SIZES = (0.3, 0.75)
ASPECTS = (9 / 16, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 16 / 9)


@dataclass(frozen=True)
class Batch:
    """Pictures with their objects.

    Attributes:
        pictures: uint8 [n, 3, 128, 128], RGB.
        present: float32 [n, classes], 1 if the class is in the picture.
        cells: int8 [n, classes, 8, 8], 1 in the cell of an object's centre, −1 (undefined) in the surrounding cells
            that the object reaches, 0 elsewhere.
        labels: uint8 [n, 128, 128], 1 + the class of the frontmost object at each pixel, 0 if there is none.
        frames: int [n, 4], position of the scene in its letterbox: first row and column, rows, columns.
    """

    pictures: NDArray[np.uint8]
    present: NDArray[np.float32]
    cells: NDArray[np.int8]
    labels: NDArray[np.uint8]
    frames: NDArray[np.int64]


class Pictures:
    """A stream of random pictures; objects come from a pool of drawings, each used at many sizes and places."""

    def __init__(self, seed: list[int], drawings_per_class: int) -> None:
        """Draws the pool of objects.

        Args:
            seed: seed of the stream; streams with the same seed are equal.
            drawings_per_class: size of the pool; fresh drawings cost about 3 ms each.
        """
        self.rng = np.random.default_rng(seed)
        self.pool = [[draw_object(name, self.rng) for _ in range(drawings_per_class)] for name in OBJECT_CLASSES]

    def batch(self, n: int) -> Batch:
        """Renders the next ``n`` pictures."""
        pictures = np.empty((n, 3, SIDE, SIDE), np.uint8)
        cells = np.zeros((n, len(OBJECT_CLASSES), CELLS, CELLS), np.int8)
        labels = np.zeros((n, SIDE, SIDE), np.uint8)
        frames = np.zeros((n, 4), np.int64)
        for row in range(n):
            rng = self.rng
            count = int(rng.choice(len(OBJECTS_PER_PICTURE), p=OBJECTS_PER_PICTURE))
            classes = [int(i) for i in rng.choice(len(OBJECT_CLASSES), count, replace=rng.random() < 0.2)]
            placements = place(rng, [OBJECT_CLASSES[index] for index in classes], sizes=SIZES, lean=1.1)
            scene, mask = self._scene(classes, placements)
            for index, placement in zip(classes, placements, strict=True):
                _mark(cells[row, index], placement, scene.size)
            pictures[row] = np.asarray(letterbox(_compressed(rng, scene), rng)).transpose(2, 0, 1)
            frames[row] = top, left, rows, columns = letterboxed(scene.size)
            fitted = mask.resize((columns, rows), Image.Resampling.NEAREST)
            labels[row, top : top + rows, left : left + columns] = np.asarray(fitted)
        return Batch(pictures, (cells == 1).any((2, 3)).astype(np.float32), cells, labels, frames)

    def _scene(self, classes: list[int], placements: list[Placement]) -> tuple[Image.Image, Image.Image]:
        """Draws a scene, and a mask with 1 + the class of the frontmost object at each pixel."""
        rng = self.rng
        aspect, longer = float(rng.choice(ASPECTS)), int(rng.integers(128, 257))
        size = (longer, round(longer / aspect)) if aspect >= 1 else (round(longer * aspect), longer)
        scene = draw_background(rng, size, str(rng.choice(list(BACKGROUNDS))))
        mask = Image.new("L", size)
        for index, placement in zip(classes, placements, strict=True):
            sprite = self.pool[index][int(rng.integers(len(self.pool[index])))]
            fitted = fit_sprite(sprite, placement, size)
            paste(scene, fitted, placement.x, placement.y)
            paste_mask(mask, fitted, placement.x, placement.y, index + 1)
        return scene, mask


def _mark(cells: NDArray[np.int8], placement: Placement, frame: tuple[int, int]) -> None:
    """Marks an object in the cells [8, 8] of its class, in place."""
    longer = max(frame)
    x = 0.5 + (placement.x - 0.5) * frame[0] / longer
    y = 0.5 + (placement.y - 0.5) * frame[1] / longer
    centers = (np.arange(CELLS) + 0.5) / CELLS
    reach = 0.5 * placement.size * min(frame) / longer
    near = np.hypot(centers[None, :] - x, centers[:, None] - y) < max(reach, 1 / CELLS)
    cells[near & (cells == 0)] = -1
    cells[int(y * CELLS), int(x * CELLS)] = 1


def _compressed(rng: np.random.Generator, scene: Image.Image) -> Image.Image:
    """Simulates camera and codec: brightness, contrast, noise, chroma subsampling, block artefacts."""
    pixels = np.asarray(scene).astype(np.float32)
    pixels = (pixels - 128) * np.float32(rng.uniform(0.75, 1.15)) + np.float32(128 + rng.uniform(-25, 25))
    noise = rng.standard_normal(pixels.shape[:2], dtype=np.float32) * np.float32(rng.uniform(0, 10))
    pixels += noise[..., None]
    np.clip(pixels, 0, 255, out=pixels)
    memory = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(memory, "JPEG", quality=int(rng.integers(30, 92)))
    return Image.open(memory).convert("RGB")


def letterbox(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Fits a picture into the network's square input, centred on grey; the resampling method is drawn at random."""
    top, left, rows, columns = letterboxed(image.size)
    methods = (Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
    square = Image.new("RGB", (SIDE, SIDE), (PAD, PAD, PAD))
    fitted = image.resize((columns, rows), methods[int(rng.integers(len(methods)))])
    square.paste(fitted, (left, top))
    return square


def letterboxed(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns the position of a picture of the given width and height in the square input.

    Returns:
        First row, first column, number of rows, number of columns.
    """
    factor = SIDE / max(size)
    columns, rows = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    return (SIDE - rows) // 2, (SIDE - columns) // 2, rows, columns
