"""Building a catalog: every video of a folder or a table through the workers, then what the catalog holds."""

import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from preroll import progress
from preroll.errors import PrerollError
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.ingest.content import CatalogOptions, catalog_content
from preroll.perception.ingest.download import DownloadLimits, check_downloader, fetch_videos
from preroll.perception.ingest.journal import Journal, open_journal
from preroll.perception.ingest.resume import earlier_analyses, recipe_of, settled
from preroll.perception.ingest.video_folder import Listing, SourceVideo, list_videos
from preroll.perception.ingest.video_table import is_table, read_table
from preroll.perception.ingest.writer import VideoRow, check_replaceable, write_catalog
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.video.frame_folders import check_only_frames
from preroll.perception.workers.pool import Pool, WorkerEngine
from preroll.perception.workers.process import Limits, VideoJob
from preroll.perception.workers.ray_pool import RayEngine
from preroll.perception.workers.supervisor import remove_parts

_KEPT = "what was found so far is kept: give the same command again"


@dataclass(frozen=True)
class BuildReport:
    """What came of building a catalog.

    Attributes:
        catalog: opened from its folder.
        left_out: the videos that are not in it, with their status and reason.
        partial: the videos of which only a part could be seen.
        empty: categories that were left without any usable video.
        others: files beside the videos that were passed over, for their names are not videos'.
        resumed: videos that were not analysed again.
    """

    catalog: Catalog
    left_out: tuple[VideoRow, ...]
    partial: tuple[VideoRow, ...]
    empty: tuple[str, ...]
    others: int
    resumed: int

    @property
    def status(self) -> int:
        """The exit status: 1 where a category ended empty."""
        return 1 if self.empty else 0


@dataclass(frozen=True)
class _Plan:
    """What is built, checked before anything is started."""

    videos: Path
    out: Path
    frames: Path | None
    downloads: Path
    listing: Listing
    model: ModelFile
    fast: bool

    def saved(self, listed: SourceVideo) -> Path | None:
        """The folder of a video's saved frames."""
        return None if self.frames is None else self.frames / listed.category / listed.name


def build_catalog(
    videos: str | Path,
    out: str | Path,
    *,
    detector: str | Path = EMBEDDED,
    card: str | Path | None = None,
    save_frames: str | Path | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    fast: bool = False,
    choices: CatalogOptions | None = None,
    engine: Literal["local", "ray"] = "local",
    downloads: str | Path | None = None,
    download_limits: DownloadLimits | None = None,
) -> BuildReport:
    """Makes a catalog of a folder of videos: VIDEOS/CATEGORY/VIDEO.mp4 or VIDEOS/CATEGORY/VIDEO/1.jpg, 2.jpg, ….

    A video that cannot be used is listed with its status and reason, and the build goes on. A build that was
    interrupted goes on where it was when it is called again. The result depends neither on that nor on the number of
    workers, nor on the engine.

    Args:
        videos: the folder of videos, or a table: a CSV file with the columns path or url, category and split.
        out: the folder of the catalog; replaced only when the new one is complete. Videos that are already in it and
            have not changed are not analysed again.
        detector: an ONNX model; the embedded one by default.
        card: its model card, where it is not found by itself.
        save_frames: a folder that gets the sampled frames as CATEGORY/VIDEO/1.jpg, 2.jpg, …
        workers: number of processes; one per core by default.
        limits: what a worker may use before it is killed.
        fast: skip the frames that no other frame refers to.
        choices: what is made of the detections.
        engine: this machine, or a Ray cluster.
        downloads: the folder of fetched videos; by default TABLE.downloads beside the table.
        download_limits: what fetching one video may cost.

    Raises:
        PrerollError: before anything is started, where an argument is wrong (status 2); afterwards, where not one video
            can be used, or the disk is full (status 1).
    """
    if workers is not None and workers < 1:
        raise PrerollError(f"--workers {workers}: must be at least 1")
    source = Path(videos)
    plan = _planned(
        source,
        Path(out),
        None if save_frames is None else Path(save_frames),
        source.with_suffix(".downloads") if downloads is None else Path(downloads),
        ModelFile.find(Path(detector), None if card is None else Path(card)),
        fast,
    )
    wanted = choices or CatalogOptions()
    wanted.check(plan.model.card)
    where = _engine(engine, plan.model, workers, limits)
    return _built(plan, where, wanted, download_limits or DownloadLimits())


def _built(plan: _Plan, where: WorkerEngine, choices: CatalogOptions, limits: DownloadLimits) -> BuildReport:
    recipe = recipe_of(plan.model, plan.fast)
    with _kept(plan.out), open_journal(plan.out, recipe) as journal, closing(where):
        where.check()
        remove_parts(plan.out)
        listing = _fetched(plan, limits)
        known = earlier_analyses(plan.out, recipe) | journal.known
        rows, resumed = _analysed(plan, listing, where, journal, known)
        content = catalog_content(rows, plan.model.card, choices, recipe)
        write_catalog(plan.out, content, _command(plan, choices))
    return _report(Catalog.open(plan.out), rows, listing, resumed)


def _planned(videos: Path, out: Path, frames: Path | None, downloads: Path, model: ModelFile, fast: bool) -> _Plan:
    listing = read_table(videos, downloads) if is_table(videos) else list_videos(videos)
    check_downloader(listing.videos)
    plan = _Plan(videos, out, frames, downloads, listing, model, fast)
    _check_places(plan)
    return plan


def _engine(name: str, model: ModelFile, workers: int | None, limits: Limits | None) -> WorkerEngine:
    if name == "ray":
        return RayEngine(model, workers=workers, limits=limits)
    if name != "local":
        raise PrerollError(f"--engine {name}: must be local or ray")
    return Pool(model, workers=workers, limits=limits)


@contextmanager
def _kept(out: Path) -> Iterator[None]:
    """Says of a full disk, and of a signal that asks to stop, that what was found so far is kept."""
    try:
        yield
    except OSError as error:
        raise PrerollError(f"{error.filename or out}: {error.strerror or error}; {_KEPT}", status=1) from None
    except BaseException as error:
        if not isinstance(error, Exception):
            error.add_note(_KEPT)
        raise


def _fetched(plan: _Plan, limits: DownloadLimits) -> Listing:
    videos = plan.listing.videos
    if not (wanted := sum(bool(one.url) for one in videos)):
        return plan.listing
    with progress.bar(wanted, "Fetching videos") as advance:
        return Listing(fetch_videos(videos, plan.downloads, limits, advance), plan.listing.others)


def _analysed(
    plan: _Plan, listing: Listing, engine: WorkerEngine, journal: Journal, known: dict[str, Analysis]
) -> tuple[list[VideoRow], int]:
    """Every listed video with its analysis, in the order of the list, and how many were known before."""
    videos = listing.videos
    saved = [plan.saved(one) for one in videos]
    results = settled(videos, known, saved)
    resumed = len(results)
    results |= {i: Analysis(one.status, one.problem) for i, one in enumerate(videos) if one.problem}
    waiting = [i for i in range(len(videos)) if i not in results]
    for i in waiting:
        if (folder := saved[i]) is not None:
            remove_parts(folder)
    tasks = [VideoJob(videos[i].file, saved[i], plan.fast) for i in waiting]
    title = f"Detecting objects ({resumed:,} videos known)" if resumed else "Detecting objects"
    with progress.bar(len(tasks), title) as advance:
        for number, analysis in engine.map(tasks):
            results[waiting[number]] = analysis
            journal.add(videos[waiting[number]].path, analysis)
            advance(1)
    return [VideoRow(one, results[i]) for i, one in enumerate(videos)], resumed


def _report(catalog: Catalog, rows: list[VideoRow], listing: Listing, resumed: int) -> BuildReport:
    named = {row.listed.category for row in rows}
    return BuildReport(
        catalog=catalog,
        left_out=tuple(row for row in rows if not row.analysis.usable),
        partial=tuple(row for row in rows if row.analysis.status == "partial"),
        empty=tuple(sorted(named - set(catalog.categories))),
        others=listing.others,
        resumed=resumed,
    )


def _command(plan: _Plan, choices: CatalogOptions) -> str:
    """The command as the manifest tells it: names instead of paths, so that it is the same wherever it was run."""
    parts = ["preroll", "catalog", "build", shlex.quote(plan.videos.absolute().name), "--out", "DIR"]
    if plan.model.model != EMBEDDED:
        parts += ["--detector", shlex.quote(plan.model.model.name)]
    usual = CatalogOptions()
    parts += ["--fast"] * plan.fast
    for key in ("importance", "classifier"):
        if getattr(choices, key) != getattr(usual, key):
            parts += [f"--{key}", getattr(choices, key)]
    parts += ["--idf"] * choices.idf + ["--approximate"] * choices.approximate
    return " ".join(parts)


def _check_places(plan: _Plan) -> None:
    """Makes sure that what is written and what is read lie apart, and that nothing of the user's is replaced."""
    places = {"VIDEOS": plan.videos.resolve(), "--out": plan.out.resolve()}
    if plan.frames is not None:
        places["--save-frames"] = plan.frames.resolve()
    if any(one.url for one in plan.listing.videos):
        places["--downloads"] = plan.downloads.resolve()
    names = list(places)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, other = places[first], places[second]
            if one == other or one in other.parents or other in one.parents:
                raise PrerollError(f"{second} {other.name}: must not lie in {first}, nor hold it; give another folder")
    check_replaceable(plan.out)
    if plan.frames is not None:
        _check_saved(plan)


def _check_saved(plan: _Plan) -> None:
    names: dict[Path | None, str] = {}
    for listed in plan.listing.videos:
        folder = plan.saved(listed)
        if folder is not None:
            check_only_frames(folder)
        if folder in names:
            raise PrerollError(
                f"--save-frames: {names[folder]} and {listed.path} would share {listed.category}/{listed.name}"
            )
        names[folder] = listed.path
