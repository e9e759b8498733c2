"""Catalog building: analyses the videos of a folder or a table in worker processes and writes the catalog."""

import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from preroll import progress
from preroll.console.write_errors import as_os_error, told
from preroll.errors import PrerollError
from preroll.files import atomic, work_folder
from preroll.files.names import beside
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.ingest.catalog_content import CatalogOptions, catalog_content
from preroll.perception.ingest.chosen_detector import Choice, check_kept, choose, judge, look_at, remember
from preroll.perception.ingest.download import DownloadLimits, check_downloader, fetch_videos
from preroll.perception.ingest.grouping import list_sources
from preroll.perception.ingest.journal import Journal, open_journal
from preroll.perception.ingest.resume import earlier_analyses, earlier_predictions, recipe_of, settled
from preroll.perception.ingest.video_folder import Listing, SourceVideo
from preroll.perception.ingest.writer import Content, VideoRow, check_replaceable, write_catalog
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.model_file import HasModelCard, ModelFile
from preroll.perception.onnx_models.networks import DRAWINGS
from preroll.perception.video.frame_folders import check_only_frames
from preroll.perception.workers.pool import VideoJob, VideoPool, drawn
from preroll.shown.card import Card
from preroll.shown.shown import Shown
from preroll.system.portable_names import kept_or_portable
from preroll.workers.job import Limits

#: So many videos tell how long a build takes.
_FIRST = 10
_KEPT = "what was found so far is kept; go on with the same command"


@dataclass(frozen=True, repr=False)
class BuildReport(Shown):
    """Outcome of :func:`build_catalog`.

    Attributes:
        catalog: the new catalog, opened from its folder.
        left_out: videos that are not in the catalog, with their status and reason.
        partial: videos that could be decoded only in part.
        empty: categories without any usable video.
        others: number of other files in the folder, which were skipped.
        resumed: number of videos whose earlier analysis was reused.
        copies: pairs of paths: a video, and a nearly identical one that the classifier had learned from when it judged
            the first, which makes the measured accuracy too high where both show one clip.
        equal: pairs of paths of equal files in two categories.

    Examples:
        A report as :func:`build_catalog` returns it:

        >>> from preroll.perception import BuildReport, Catalog
        >>> demo = Catalog.load("demo")
        >>> report = BuildReport(demo, left_out=(), partial=(), empty=("dogs",), others=2, resumed=300)
        >>> report.catalog.n_videos, report.resumed
        (300, 300)
        >>> report.status  # the category "dogs" has no usable video
        1
    """

    catalog: Catalog
    left_out: tuple[VideoRow, ...]
    partial: tuple[VideoRow, ...]
    empty: tuple[str, ...]
    others: int
    resumed: int
    copies: tuple[tuple[str, str], ...] = ()
    equal: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        """Exit status: 1 if a category is empty, else 0."""
        return 1 if self.empty else 0

    def _card(self) -> Card:
        facts = {
            "catalog": f"{self.catalog.path}, {self.catalog.n_videos:,} videos, {self.resumed:,} analysed before",
            "left out": f"{len(self.left_out):,} videos, and {self.others:,} other files",
            "in part": f"{len(self.partial):,} videos",
            **({"empty": ", ".join(self.empty)} if self.empty else {}),
            **({"copies": f"{len(self.copies):,} pairs of nearly identical videos"} if self.copies else {}),
            **({"equal": f"{len(self.equal):,} pairs of equal files in two categories"} if self.equal else {}),
        }
        rows = [(row.listed.path, row.analysis.status, row.analysis.reason) for row in (*self.left_out, *self.partial)]
        return Card("Build of a catalog", facts, ("video", "status", "why"), rows)


@dataclass(frozen=True)
class _Plan:
    """Validated inputs and outputs of a build."""

    videos: Path
    out: Path
    frames: Path | None
    downloads: Path
    listing: Listing
    given: ModelFile | None
    replace: bool
    fast: bool
    group_by: str | None
    embed: bool
    encoder: EncoderFile | None

    def encoder_beside(self, detector: ModelFile) -> EncoderFile | None:
        """Returns the network that embeds the videos: another, or the detector itself; None if none does."""
        return self.encoder or EncoderFile.of_detector(detector) if self.embed else None

    def saved(self, listed: SourceVideo) -> Path | None:
        """Returns the folder for the sampled frames of a video, or None if frames are not saved."""
        if self.frames is None:
            return None
        return self.frames / kept_or_portable(listed.category) / kept_or_portable(listed.name)


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
    plan = _Plan(source, Path(out), frames, saved, listing, given, replace, fast, group_by, embeds, other)
    _check_places(plan)
    wanted = choices or CatalogOptions()
    wanted.check(None if given is None else given.card, embed=embeds)
    if given is not None:
        plan.encoder_beside(given)  # an error before the work
    return _built(plan, _Workers(workers, limits, engine), wanted, download_limits or DownloadLimits())


@dataclass(frozen=True)
class _Workers:
    """Number, limits and engine of the worker processes."""

    workers: int | None
    limits: Limits | None
    engine: str

    def pool(self, model: ModelFile, encoder: EncoderFile | None) -> VideoPool:
        return VideoPool(model, encoder=encoder, workers=self.workers, limits=self.limits, engine=self.engine)

    def drawn(self, videos: list[Path]) -> list[bool | None]:
        return drawn(videos, judge(), workers=self.workers, limits=self.limits, engine=self.engine)


def _built(plan: _Plan, where: _Workers, choices: CatalogOptions, limits: DownloadLimits) -> BuildReport:
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
        write_catalog(plan.out, content, _command(plan, choice, choices))
    return _report(Catalog.load(plan.out), content, listing, resumed)


def _tell(plan: _Plan, choice: Choice, before: str) -> None:
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
def _reserved(plan: _Plan) -> Iterator[None]:
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


def _fetched(plan: _Plan, limits: DownloadLimits) -> Listing:
    videos = plan.listing.videos
    if not (wanted := sum(bool(one.url) for one in videos)):
        return plan.listing
    with progress.bar(wanted, "Fetching videos") as advance:
        return replace(plan.listing, videos=fetch_videos(videos, plan.downloads, limits, advance))


def _analyzed(
    plan: _Plan, listing: Listing, engine: VideoPool, journal: Journal, known: dict[str, Analysis]
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


def _report(catalog: Catalog, content: Content, listing: Listing, resumed: int) -> BuildReport:
    rows = content.rows
    named = {row.listed.category for row in rows}.union(listing.categories)
    paths = [row.listed.path for row in rows if row.analysis.usable]
    return BuildReport(
        catalog=catalog,
        left_out=tuple(row for row in rows if not row.analysis.usable),
        partial=tuple(row for row in rows if row.analysis.status == "partial"),
        empty=tuple(sorted(named - set(catalog.categories))),
        others=listing.others,
        resumed=resumed,
        copies=tuple((paths[one], paths[other]) for one, other in content.copies.tolist()),
        equal=_equal_in_two_categories(rows),
    )


def _equal_in_two_categories(rows: list[VideoRow]) -> tuple[tuple[str, str], ...]:
    first: dict[str, SourceVideo] = {}
    pairs = []
    for row in rows:
        if row.analysis.usable:
            other = first.setdefault(row.analysis.sha256, row.listed)
            if other.category != row.listed.category:
                pairs.append((other.path, row.listed.path))
    return tuple(pairs)


def _command(plan: _Plan, choice: Choice, choices: CatalogOptions) -> str:
    """Returns the command for the manifest, with names instead of paths so that it does not depend on the machine."""
    parts = ["preroll", "catalog", "build", shlex.quote(plan.videos.absolute().name), "--out", "DIR"]
    if choice.model.model != EMBEDDED:
        parts += ["--detector", _named(choice.model)]
    elif choice.looked is not None and choice.looked.photographs:  # where another one would be chosen
        parts += ["--detector", DRAWINGS]
    parts += ["--trust", choice.model.card.sha256] * choice.model.trusted
    parts += ["--embed"] * plan.embed
    parts += [] if plan.encoder is None else ["--encoder", _named(plan.encoder)]
    usual = CatalogOptions()
    parts += ["--fast"] * plan.fast
    parts += [] if plan.group_by is None else ["--group-by", shlex.quote(plan.group_by)]
    for key in ("importance", "classifier", "neighbors_by", "embed_size"):
        if getattr(choices, key) != getattr(usual, key):
            parts += [f"--{key.replace('_', '-')}", str(getattr(choices, key))]
    parts += ["--idf"] * choices.idf + ["--approximate"] * choices.approximate
    return " ".join(parts)


def _named(network: HasModelCard) -> str:
    kept = network.model.parent.name == network.card.sha256  # it has a name, and its file is nobody's
    return shlex.quote(network.model.stem if kept else network.model.name)


def _check_places(plan: _Plan) -> None:
    """Checks that inputs and outputs are disjoint, and that no user file would be overwritten."""
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
            work_folder.check_name(work_folder.beside(folder), f"--save-frames {folder}")
        if folder in names:
            raise PrerollError(
                f"--save-frames: {names[folder]} and {listed.path} would share {listed.category}/{listed.name}"
            )
        names[folder] = listed.path
