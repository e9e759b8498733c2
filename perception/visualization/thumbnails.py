"""Small pictures of the videos of a catalog, drawn by supervised workers: videos are strangers' files."""

import io
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from av import VideoFrame
from PIL import Image

from preroll import progress
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.perception.analysis.analysis import content_hash
from preroll.perception.analysis.overlay import Canvas
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.video.resize import Fit, Fitter, Pixels
from preroll.perception.video.sampling import Decoding, sample
from preroll.perception.visualization.selection import shortest
from preroll.system.memory import VIDEOS
from preroll.workers.job import Job, Limits, Request
from preroll.workers.job import Progress as Reported
from preroll.workers.pool import Pool

GONE, CHANGED = "not found", "changed since the catalog was built"
#: What became of a worker that gave no answer.
_ENDED = {"timeout": "takes longer than the time limit", "died": "ends the worker that decodes it", "error": "not read"}
_QUALITIES = (60, 40, 20, 5)


@dataclass(frozen=True)
class Tile:
    """The size of a small picture, how frames are fitted to it, and how many there are of a video."""

    height: int
    width: int
    frames: int
    fit: Literal["crop", "letterbox"] = "letterbox"


@dataclass
class Thumbnails:
    """Small pictures of videos.

    Attributes:
        pictures: uint8 [frames, height, width, 3], RGB, by row of the catalog; a short clip has fewer frames.
        missing: why a video has none, by row of the catalog.
    """

    pictures: dict[int, Pixels] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)

    @property
    def lacking(self) -> str:
        """How many videos have none, and why, in words; empty if all have some."""
        reasons = Counter(self.missing.values()).most_common()
        if not reasons:
            return ""
        told = "; ".join(f"{shortest(reason, 100)} ({count:,})" for reason, count in reasons[:5])
        more = f"; and {len(reasons) - 5:,} more reasons" if len(reasons) > 5 else ""
        total = len(self.missing) + len(self.pictures)
        return f"{len(self.missing):,} of {counted(total, 'video')} without thumbnails: {told}{more}"


def draw_thumbnails(
    catalog: Catalog,
    rows: Sequence[int],
    videos: Path | None,
    tile: Tile,
    *,
    workers: int | None = None,
    limits: Limits | None = None,
) -> Thumbnails:
    """Draws frames of videos, evenly spread over each.

    A file that is not the one that was analysed is not shown: paths in a catalog are a stranger's too.

    Args:
        catalog: the catalog.
        rows: of its arrays.
        videos: the folder of videos, or the table, from which it was built; without it there are no pictures.
        tile: their size and number.
        workers: number of processes; by default one per core.
        limits: time and memory limits of each.

    Raises:
        PrerollError: as :func:`check_source`, or no worker can start.
    """
    drawn = Thumbnails()
    if videos is None or not rows:
        return drawn
    check_source(videos)
    folder = videos if videos.is_dir() else videos.parent
    requests = _requests(catalog, rows, folder.absolute(), tile)
    job = Job("preroll.perception.visualization.thumbnails:draw", limits=limits or Limits(), grace=0.0, need=VIDEOS)
    with (
        closing(Pool(job, workers=workers)) as pool,
        progress.bar(len(rows), "Drawing thumbnails") as advance,
        closing(pool.map(requests)) as outcomes,
    ):
        for outcome in outcomes:
            row = rows[outcome.number]
            if outcome.message and (count := outcome.message.get("frames")):
                shape = count, tile.height, tile.width, 3
                drawn.pictures[row] = np.frombuffer(outcome.payload, np.uint8).reshape(shape)
            else:
                drawn.missing[row] = outcome.message["reason"] if outcome.message else _ENDED[outcome.reason]
            advance(1)
    return Thumbnails(dict(sorted(drawn.pictures.items())), dict(sorted(drawn.missing.items())))


def check_source(videos: Path | None) -> None:
    """Raises if videos are said to be where nothing is.

    Raises:
        PrerollError: there is no such folder and no such table.
    """
    if videos is not None and not videos.exists():
        raise PrerollError(f"--videos {videos}: no such folder, and no such table")


def _requests(catalog: Catalog, rows: Sequence[int], folder: Path, tile: Tile) -> list[Request]:
    table = catalog.videos()
    table = table[table["index"] >= 0].set_index("index")
    requests = []
    for row in rows:
        count = int(table["frames"][row])
        ticks = sorted({(2 * i + 1) * count // (2 * tile.frames) for i in range(tile.frames)})
        path = str(folder / table["path"][row])
        wanted = {"ticks": ticks, "height": tile.height, "width": tile.width, "fit": tile.fit}
        requests.append({"path": path, "sha256": table["sha256"][row], **wanted})
    return requests


def draw(request: Request, report: Reported) -> tuple[dict[str, Any], bytes]:
    """Draws the wanted frames of one video, in a worker; what a file provokes is a reason to show none."""
    try:
        path = Path(request["path"])
        if not path.is_file() and not path.is_dir():  # a pipe would have to be waited for
            return {"reason": GONE}, b""
        if content_hash(path) != request["sha256"]:
            return {"reason": CHANGED}, b""
        frames = _frames(path, request, report)
    except BrokenPipeError:
        raise
    except Exception as error:
        return {"reason": " ".join(str(error).split()) or type(error).__name__}, b""
    return {"frames": len(frames)}, b"".join(frame.tobytes() for frame in frames)


def _frames(path: Path, request: Request, report: Reported) -> list[Pixels]:
    upright, fitter = Canvas(), Fitter(Fit(request["height"], request["width"], request["fit"], pad=255))
    decoding, frames = Decoding(), []
    for number, one in enumerate(sample(path, decoding)):
        report(float(one.time), None if decoding.expected is None else float(decoding.expected))
        if number in request["ticks"]:
            whole = np.ascontiguousarray(upright(one))
            frames.append(fitter(VideoFrame.from_ndarray(whole, format="rgb24")))
        if number >= request["ticks"][-1]:
            break
    return frames


def encoded(frames: Pixels, most: int) -> bytes:
    """Returns frames side by side as a WebP picture of at most so many bytes, smaller where it must be.

    Args:
        frames: uint8 [n, height, width, 3], RGB.
        most: number of bytes; a few hundred are always enough.
    """
    strip = Image.fromarray(np.concatenate(list(frames), axis=1))
    while True:
        for quality in _QUALITIES:
            memory = io.BytesIO()
            strip.save(memory, "WEBP", quality=quality, method=4)
            if memory.tell() <= most:
                return memory.getvalue()
        if strip.size == (1, 1):
            return memory.getvalue()
        strip = strip.resize((max(1, strip.width // 2), max(1, strip.height // 2)))
