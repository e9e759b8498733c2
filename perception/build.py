"""Building a catalog: every video of a folder through the workers, then importance, neighbours and categories."""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from preroll import progress
from preroll.errors import PrerollError
from preroll.perception.analysis import Analysis
from preroll.perception.cards import EMBEDDED
from preroll.perception.catalog import Catalog
from preroll.perception.catalog_writer import Content, Row, check_replaceable, write_catalog
from preroll.perception.categories import out_of_fold_probabilities
from preroll.perception.frames import FRAMES_PER_SECOND
from preroll.perception.importance import importance
from preroll.perception.listing import Listed, Listing, list_videos
from preroll.perception.model_file import ModelFile
from preroll.perception.neighbors import nearest_neighbors
from preroll.perception.pictures import check_only_frames
from preroll.perception.pool import Pool
from preroll.perception.supervised import Limits, Task


@dataclass(frozen=True)
class BuildReport:
    """What came of building a catalog.

    Attributes:
        catalog: opened from its folder.
        left_out: the videos that are not in it, with their status and reason.
        partial: the videos of which only a part could be seen.
        empty: categories that were left without any usable video.
        others: files beside the videos that were passed over, for their names are not videos'.
    """

    catalog: Catalog
    left_out: tuple[Row, ...]
    partial: tuple[Row, ...]
    empty: tuple[str, ...]
    others: int

    @property
    def status(self) -> int:
        """The exit status: 1 where a category ended empty."""
        return 1 if self.empty else 0


def build_catalog(
    videos: str | Path,
    out: str | Path,
    *,
    detector: str | Path = EMBEDDED,
    card: str | Path | None = None,
    save_frames: str | Path | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
) -> BuildReport:
    """Makes a catalog of a folder of videos: VIDEOS/CATEGORY/VIDEO.mp4 or VIDEOS/CATEGORY/VIDEO/1.jpg, 2.jpg, ….

    A video that cannot be used is listed with its status and reason, and the build goes on. The result does not depend
    on the number of workers.

    Args:
        videos: the folder of videos.
        out: the folder of the catalog; replaced only when the new one is complete.
        detector: an ONNX model; the embedded one by default.
        card: its model card, where it is not found by itself.
        save_frames: a folder that gets the sampled frames as CATEGORY/VIDEO/1.jpg, 2.jpg, …
        workers: number of processes; one per core by default.
        limits: what a worker may use before it is killed.

    Raises:
        PrerollError: before anything is started, where an argument is wrong (status 2); afterwards, where not one video
            can be used (status 1).
    """
    videos, out = Path(videos), Path(out)
    if workers is not None and workers < 1:
        raise PrerollError(f"--workers {workers}: must be at least 1")
    listing = list_videos(videos)
    frames_folder = None if save_frames is None else Path(save_frames)
    _check_places(videos, out, frames_folder, listing)
    model = ModelFile.find(Path(detector), None if card is None else Path(card))
    pool = Pool(model, workers=workers, limits=limits)
    pool.check()
    rows = _analysed(listing, pool, frames_folder)
    write_catalog(out, _content(rows, model), _command(videos, Path(detector)))
    return _report(Catalog.open(out), rows, listing)


def _analysed(listing: Listing, pool: Pool, frames: Path | None) -> list[Row]:
    """Every listed video with its analysis, in the order of the list."""
    results = {i: Analysis("not_a_file", one.problem) for i, one in enumerate(listing.videos) if one.problem}
    waiting = [i for i in range(len(listing.videos)) if i not in results]
    tasks = [_task(listing.videos[i], frames) for i in waiting]
    with progress.bar(len(tasks), "Detecting objects") as advance:
        for number, analysis in pool.map(tasks):
            results[waiting[number]] = analysis
            advance(1)
    return [Row(one, results[i]) for i, one in enumerate(listing.videos)]


def _task(listed: Listed, frames: Path | None) -> Task:
    return Task(listed.file, None if frames is None else _frames_of(listed, frames))


def _frames_of(listed: Listed, frames: Path) -> Path:
    return frames / listed.file.parent.name / listed.file.name


def _content(rows: list[Row], model: ModelFile) -> Content:
    usable = [row for row in rows if row.analysis.usable]
    if not usable:
        first = rows[0]
        raise PrerollError(
            f"none of {len(rows)} videos can be used; the first, {first.listed.path}: {first.analysis.reason}", status=1
        )
    categories = tuple(sorted({row.listed.category for row in usable}))
    names, c = model.card.classes, len(model.card.classes)
    category = np.array([categories.index(row.listed.category) for row in usable], np.int16)
    shown = np.stack([importance(row.analysis.found, row.analysis.frames, c) for row in usable])
    neighbors, scores = nearest_neighbors(shown)
    arrays: dict[str, Any] = {
        "category": category,
        "importance": shown,
        "neighbors": neighbors,
        "neighbor_scores": scores,
    }
    if (probabilities := out_of_fold_probabilities(shown, category, len(categories))) is not None:
        arrays["category_probabilities"] = probabilities
    facts = {
        "left_out": len(rows) - len(usable),
        "frames_per_second": FRAMES_PER_SECOND,
        "detector": {"name": model.card.name, "sha256": model.card.sha256, "card_sha256": _card_hash(model)},
    }
    return Content(rows, categories, names, arrays, facts)


def _card_hash(model: ModelFile) -> str:
    return hashlib.sha256(model.card.model_dump_json().encode()).hexdigest()


def _report(catalog: Catalog, rows: list[Row], listing: Listing) -> BuildReport:
    named = {row.listed.category for row in rows}
    return BuildReport(
        catalog=catalog,
        left_out=tuple(row for row in rows if not row.analysis.usable),
        partial=tuple(row for row in rows if row.analysis.status == "partial"),
        empty=tuple(sorted(named - set(catalog.categories))),
        others=listing.others,
    )


def _command(videos: Path, detector: Path) -> str:
    """The command as the manifest tells it: names instead of paths, so that it is the same wherever it was run."""
    parts = ["preroll", "catalog", "build", shlex.quote(videos.absolute().name), "--out", "DIR"]
    if detector != EMBEDDED:
        parts += ["--detector", shlex.quote(detector.name)]
    return " ".join(parts)


def _check_places(videos: Path, out: Path, frames: Path | None, listing: Listing) -> None:
    """Makes sure that what is written and what is read lie apart, and that nothing of the user's is replaced."""
    places = {"VIDEOS": videos.resolve(), "--out": out.resolve()}
    if frames is not None:
        places["--save-frames"] = frames.resolve()
    names = list(places)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, other = places[first], places[second]
            if one == other or one in other.parents or other in one.parents:
                raise PrerollError(f"{second} {other.name}: must not lie in {first}, nor hold it; give another folder")
    check_replaceable(out)
    if frames is not None:
        for listed in listing.videos:
            check_only_frames(_frames_of(listed, frames))
