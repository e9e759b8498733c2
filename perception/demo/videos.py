"""The demo videos: short H.264 clips of drawn objects in three categories, rendered from a seed alone.

A category is defined by the objects that appear in its clips. Most of a clip's objects are typical of its category,
some are shared with other categories, and a few clips show another category's objects throughout, so that no detector
can separate all categories perfectly (`preroll.perception.demo.accuracy_bound` computes the bound).
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from preroll.console.write_errors import writes
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.system.processors import cores
from preroll.workers.job import Job, Progress, Request, Work
from preroll.workers.pool import Pool

CATEGORIES = ("cars", "cats", "concerts")
#: Probability that a class appears in a clip of the category; `STRAY` for classes not named.
APPEARS: dict[str, dict[str, float]] = {
    "cars": {"car": 0.85, "traffic light": 0.55, "road sign": 0.55, "tree": 0.4, "person": 0.25},
    "cats": {"cat": 0.85, "yarn": 0.55, "fish": 0.5, "chair": 0.35, "person": 0.25, "tree": 0.2},
    "concerts": {"guitar": 0.7, "microphone": 0.65, "drum": 0.6, "person": 0.45, "chair": 0.25},
}
STRAY = 0.025
#: Probability that a clip shows the objects of another category.
ODD = 0.015
#: Fewest and most object classes in a clip.
FEWEST, MOST = 2, 5


@dataclass(frozen=True)
class DemoClip:
    """One clip before it is rendered.

    Attributes:
        seed: seed of the whole set.
        category: one of :data:`CATEGORIES`.
        index: number within its category, from 0.
        objects: the object classes that appear, back to front.
    """

    seed: int
    category: str
    index: int
    objects: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Path of the clip relative to the folder of videos."""
        return Path(self.category) / f"{self.category}-{self.index + 1:03d}.mp4"

    def generator(self) -> np.random.Generator:
        """Returns the clip's own random generator, independent of which other clips are rendered."""
        return np.random.default_rng([self.seed, CATEGORIES.index(self.category), self.index, 1])


def demo_objects(per_category: int = 100, seed: int = 0) -> list[DemoClip]:
    """Draws the clips with their true object lists; the first clips do not depend on ``per_category``."""
    return [_clip(seed, category, index) for category in CATEGORIES for index in range(per_category)]


def _clip(seed: int, category: str, index: int) -> DemoClip:
    rng = np.random.default_rng([seed, CATEGORIES.index(category), index])
    shown = category
    if rng.random() < ODD:
        shown = str(rng.choice([other for other in CATEGORIES if other != category]))
    probabilities = np.array([APPEARS[shown].get(name, STRAY) for name in OBJECT_CLASSES])
    while True:
        appears = np.flatnonzero(rng.random(len(OBJECT_CLASSES)) < probabilities)
        if FEWEST <= len(appears) <= MOST:
            return DemoClip(seed, category, index, tuple(OBJECT_CLASSES[i] for i in rng.permutation(appears)))


def render_demo_videos(
    folder: str | Path,
    *,
    per_category: int = 100,
    seed: int = 0,
    workers: int | None = None,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Renders the demo videos as ``folder``/CATEGORY/NAME.mp4, each file written atomically.

    The bytes depend on the seed alone, not on the number of workers; the first clips are the same for every
    ``per_category``.

    Args:
        folder: destination; created if missing; clips that are there stay, so that a killed rendering goes on.
        per_category: number of clips per category.
        seed: seed of all randomness, ≥ 0.
        workers: number of processes, by default one per core; 1 renders in this process.
        advance: called with 1 after every clip.

    Raises:
        PrerollError: if ``folder`` is a file, a number is out of range, another process is writing it, a file of the
            name of a clip is something else, or a process was killed.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise PrerollError(f"{folder}: is a file; the demo videos need a folder")
    for name, value, least in (
        ("per_category", per_category, 1),
        ("seed", seed, 0),
        ("workers", 1 if workers is None else workers, 1),
    ):
        if value < least:
            raise PrerollError(f"demo videos: {name} = {value}; it must be {least} or more")
    with atomic.writing_within(folder, str(folder)):
        _render(folder, per_category, seed, workers, advance or (lambda _: None))


def _render(folder: Path, per_category: int, seed: int, workers: int | None, report: Callable[[int], None]) -> None:
    clips = demo_objects(per_category, seed)
    processes = min(workers or cores(), len(clips))
    if processes == 1:
        for clip in clips:
            _write(folder, clip)
            report(1)
        return
    job = Job(f"{__name__}:rendering", {"folder": str(folder), "per_category": per_category, "seed": seed})
    with closing(Pool(job, workers=processes).map([{"number": number} for number in range(len(clips))])) as outcomes:
        for outcome in outcomes:
            if outcome.reason == "died":
                raise PrerollError(f"{folder}: a process that rendered demo videos was killed; run it again", status=1)
            if outcome.error is not None:
                raise PrerollError(outcome.error, status=1)
            report(1)


def rendering(folder: str, per_category: int, seed: int) -> Work:
    """Returns the work of rendering one clip, by its number, in a worker process."""
    clips = demo_objects(per_category, seed)

    def work(request: Request, _: Progress) -> tuple[dict[str, Any], bytes]:
        _write(Path(folder), clips[request["number"]])
        return {}, b""

    return work


def _write(folder: Path, clip: DemoClip) -> None:
    from preroll.perception.demo.clip import encode_clip

    path, content = folder / clip.path, encode_clip(clip.category, clip.objects, clip.generator())
    if not path.exists() and not path.is_symlink():
        with writes(path):
            atomic.write_bytes(path, content)
        return
    if not path.is_file() or path.read_bytes() != content:
        raise PrerollError(f"{path}: exists and is not this clip, and would be lost; choose another folder")
    atomic.sweep(path)  # a kill after the last step leaves its work folder
