"""Catalog building: analyses the videos of a folder or a table in worker processes and writes the catalog."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from preroll import progress
from preroll.console.write_errors import as_os_error, told
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.names import beside
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.build_plan import Plan, Workers, check_places, command_of
from preroll.perception.build_report import BuildReport, report_of
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.ingest.catalog_content import CatalogOptions, catalog_content
from preroll.perception.ingest.chosen_detector import Choice, check_kept, choose, look_at, remember
from preroll.perception.ingest.download import DownloadLimits, check_downloader, fetch_videos
from preroll.perception.ingest.grouping import list_sources
from preroll.perception.ingest.journal import Journal, open_journal
from preroll.perception.ingest.resume import earlier_analyses, earlier_predictions, recipe_of, settled
from preroll.perception.ingest.video_folder import Listing
from preroll.perception.ingest.writer import VideoRow, write_catalog
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.workers.pool import VideoJob, VideoPool
from preroll.workers.job import Limits

#: So many videos tell how long a build takes.
_FIRST = 10
_KEPT = "what was found so far is kept; go on with the same command"


def build_catalog(
    videos: str | Path,
    out: str | Path,
    *,
    detector: str | Path | None = None,
    card: str | Path | None = None,
    trust: str | None = None,
    replace: bool = False,
    save_frames: str | Path | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
    fast: bool = False,
    choices: CatalogOptions | None = None,
    embed: bool = False,
    encoder: str | Path | None = None,
    group_by: str | None = None,
    engine: Literal["local", "ray"] = "local",
    downloads: str | Path | None = None,
    download_limits: DownloadLimits | None = None,
) -> BuildReport:
    """Builds a catalog from VIDEOS/CATEGORY/VIDEO.mp4, VIDEOS/CATEGORY/VIDEO/1.jpg, 2.jpg, …, or a table of videos.

    A video that cannot be used is listed with its status and reason, and the build continues. An interrupted build
    resumes where it stopped when it is called again. The result is independent of interruptions, of the number of
    workers and of the engine.

    Args:
        videos: the folder of videos, or a CSV table with the columns path or url, category and, optionally, split.
        out: the folder of the catalog; replaced only when the new catalog is complete. Unchanged videos that it already
            contains are not analysed again.
        detector: an ONNX model, or the name of one; by default that of the catalog that is there, or of the build that
            was interrupted, else the network of photographs where a sample of the videos shows other things than
            preroll's drawings and it is installed, else that of drawings.
        card: its model card; by default the one beside the model, or the package's card with the model's sha256.
        trust: sha256 of the model if its loops may have any number of rounds.
        replace: whether the detector of a catalog in ``out`` may change.
        save_frames: folder to which the sampled frames are written as CATEGORY/VIDEO/1.jpg, 2.jpg, …
        workers: number of processes; one per core by default.
        limits: time and memory limits of a worker.
        fast: skip the frames that no other frame refers to.
        choices: how importance, categories and neighbours are computed from the detections.
        embed: whether the mean vector of each video is kept, of the encoder, else of the detector's own embedding.
        encoder: an ONNX model that embeds, or the name of one, with its card beside it or in the package.
        group_by: what makes videos pieces of one clip, which no fold parts: a column of the table, ``folder`` (the
            folder above; VIDEOS/CATEGORY/CLIP/VIDEO.mp4 is read too), or ``name`` (equal names but for the mark of a
            piece, as in clip_001); by default each video stands for itself.
        engine: ``local`` (this machine) or ``ray`` (a Ray cluster).
        downloads: folder of downloaded videos; by default TABLE.downloads beside the table.
        download_limits: size and time limits of one download.

    Returns:
        The report of the build, with the catalog opened.

    Raises:
        PrerollError: before any work starts if an argument is invalid (status 2); afterwards if no video can be used or
            the disk is full (status 1).
    """
    if workers is not None and workers < 1:
        raise PrerollError(f"--workers {workers}: must be at least 1")
    if detector is None and (card is not None or trust is not None):
        detector = EMBEDDED
    source = Path(videos)
    listing = list_sources(source, saved := Path(downloads or beside(source, ".downloads")), group_by)
    check_downloader(listing.videos)
    given = None if detector is None else ModelFile.find(Path(detector), None if card is None else Path(card), trust)
    frames = None if save_frames is None else Path(save_frames)
    other = None if encoder is None else EncoderFile.find(Path(encoder))
    embeds = embed or other is not None
    plan = Plan(source, Path(out), frames, saved, listing, given, replace, fast, group_by, embeds, other)
    check_places(plan)
    wanted = choices or CatalogOptions()
    wanted.check(None if given is None else given.card, embed=embeds)
    if given is not None:
        plan.encoder_beside(given)  # an error before the work
    return _built(plan, Workers(workers, limits, engine), wanted, download_limits or DownloadLimits())


def _built(plan: Plan, where: Workers, choices: CatalogOptions, limits: DownloadLimits) -> BuildReport:
    with _reserved(plan), _kept(plan.out), ExitStack() as stack:
        before = check_kept(plan.out, plan.given, replace=plan.replace)
        if plan.given is not None:  # tried before videos are fetched for it
            pool = stack.enter_context(closing(where.pool(plan.given, plan.encoder_beside(plan.given))))
            pool.check()
        listing = _fetched(plan, limits)
        choice = choose(plan.out, plan.given, lambda: look_at(listing.videos, where.drawn), replace=plan.replace)
        if plan.given is None:
            choices.check(choice.model.card, embed=plan.embed)
            pool = stack.enter_context(closing(where.pool(choice.model, plan.encoder_beside(choice.model))))
            pool.check()
        _tell(plan, choice, before)
        encoder = plan.encoder_beside(choice.model)
        recipe = recipe_of(choice.model, plan.fast, encoder)
        journal = stack.enter_context(open_journal(plan.out, recipe))
        remember(plan.out, choice)
        known = earlier_analyses(plan.out, recipe) | journal.known
        rows, resumed = _analyzed(plan, listing, pool, journal, known)
        facts = {**recipe, **choice.facts, **({} if plan.group_by is None else {"group_by": plan.group_by})}
        facts |= {} if encoder is None else encoder.card.words
        content = catalog_content(rows, choice.model.card, choices, facts)
        write_catalog(plan.out, content, command_of(plan, choice, choices))
    return report_of(Catalog.load(plan.out), content, listing, resumed)


def _tell(plan: Plan, choice: Choice, before: str) -> None:
    """Writes a line about the detector where it changes, or where the videos are of another kind than drawings."""
    name = choice.model.card.name
    if before and before != name:
        progress.note(f"{plan.out} was made with {before}: all of its videos are analysed again with {name}.")
    if held := earlier_predictions(plan.out):
        progress.note(
            f"note: {plan.out} holds predictions ({', '.join(held)}), which a build leaves out:"
            " `preroll predict annotate` adds them again"
        )
    if line := choice.note("preroll catalog build … --replace"):
        progress.note(f"note: {line}")


@contextmanager
def _reserved(plan: Plan) -> Iterator[None]:
    """Holds the locks of all folders that the build writes, from before the work until the catalog is complete."""
    with ExitStack() as locks:
        locks.enter_context(atomic.writing(plan.out, f"--out {plan.out}"))
        if plan.frames is not None:
            locks.enter_context(atomic.writing_within(plan.frames, f"--save-frames {plan.frames}"))
        if any(one.url for one in plan.listing.videos):
            locks.enter_context(atomic.writing_within(plan.downloads, f"--downloads {plan.downloads}"))
        yield


@contextmanager
def _kept(out: Path) -> Iterator[None]:
    """Adds to a full-disk error, an interrupt or a fault the note that results so far are kept."""
    try:
        yield
    except OSError as error:
        known = as_os_error(error) or error
        known.filename = known.filename or str(out)
        raise PrerollError(f"{told(known)}; {_KEPT}", status=1) from None
    except BaseException as error:
        error.add_note(_KEPT)
        raise


def _fetched(plan: Plan, limits: DownloadLimits) -> Listing:
    videos = plan.listing.videos
    if not (wanted := sum(bool(one.url) for one in videos)):
        return plan.listing
    with progress.bar(wanted, "Fetching videos") as advance:
        return replace(plan.listing, videos=fetch_videos(videos, plan.downloads, limits, advance))


def _analyzed(
    plan: Plan, listing: Listing, engine: VideoPool, journal: Journal, known: dict[str, Analysis]
) -> tuple[list[VideoRow], int]:
    """Returns every listed video with its analysis, in the order of the list, and the number of reused analyses."""
    videos = listing.videos
    saved = [plan.saved(one) for one in videos]
    results = settled(videos, known, saved)
    resumed = len(results)
    results |= {i: Analysis(one.status, one.problem) for i, one in enumerate(videos) if one.problem}
    waiting = [i for i in range(len(videos)) if i not in results]
    for i in waiting:
        if (folder := saved[i]) is not None:
            atomic.sweep(folder)
    tasks = [VideoJob(videos[i].file, saved[i], plan.fast) for i in waiting]
    began = time.monotonic()
    title = f"Detecting objects ({resumed:,} videos known)" if resumed else "Detecting objects"
    with progress.bar(len(tasks), title) as advance:
        for done, (number, analysis) in enumerate(engine.map(tasks), start=1):
            results[waiting[number]] = analysis
            journal.add(videos[waiting[number]].path, analysis)
            advance(1)
            if done == _FIRST and (line := forecast(done, len(tasks), time.monotonic() - began)):
                progress.note(line)
    return [VideoRow(one, results[i]) for i, one in enumerate(videos)], resumed


def forecast(done: int, videos: int, seconds: float) -> str:
    """Returns a line about how long the rest of a build takes, by its first videos; empty where that is no minute.

    Examples:
        >>> forecast(10, 310, seconds=30.0).partition(",")[0]
        'About 15 minutes for the 300 videos that are left'
        >>> forecast(10, 29, seconds=30.0)
        ''
    """
    left = seconds / done * (videos - done)
    if left < 60:
        return ""
    amount = f"{left / 3600:.0f} hours" if left >= 2 * 3600 else f"{left / 60:.0f} minutes"
    return (
        f"About {amount} for the {videos - done:,} videos that are left, if they are like the first {done};"
        " Ctrl-C stops, and the same command goes on."
    )
