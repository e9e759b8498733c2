"""One video from its file to what was found in it: the function that every worker runs."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll import atomic
from preroll.hashing import sha256_of
from preroll.perception.analysis.detector import Detector
from preroll.perception.analysis.overlay import Canvas, draw_objects
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.decoders.instances import Located
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.frame_folders import SAVED_SIZE, numbered_pictures, write_picture
from preroll.perception.video.resize import Fit, Fitter, Pixels, View
from preroll.perception.video.sampling import FRAMES_PER_SECOND, Decoding, FrameSample, UnreadableError, sample

#: What a video can turn out to be; the first two are usable.
STATUSES = ("ok", "partial", "damaged", "unreadable", "timeout", "not_a_file")
USABLE = STATUSES[:2]


class SavingError(Exception):
    """Frames cannot be written, because of a full disk or the like: no finding about the video."""


@dataclass(frozen=True)
class Analysis:
    """What was found in one video, and how much of it could be seen.

    Attributes:
        status: one of :data:`STATUSES`.
        reason: why it is not ``ok``; empty where it is.
        coverage: the share of its duration that was decoded, in [0, 1]; None where the file promises no duration.
        duration: as the file promises, else as decoded [s]; None where neither is known.
        frames: number of sampled frames.
        sha256: of the file; of the hashes of its frames for a folder; empty where it cannot be read.
        found: the detections.
        vectors: the embeddings of the frames, float32 [frames, D]; empty where objects were looked for.
    """

    status: str
    reason: str = ""
    coverage: float | None = None
    duration: float | None = None
    frames: int = 0
    sha256: str = ""
    found: VideoDetections = field(default_factory=lambda: VideoDetections.join([]))
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def usable(self) -> bool:
        """Whether the video gets a row in the catalog's arrays."""
        return self.status in USABLE


def analyse(
    path: Path,
    detector: Detector,
    *,
    save_frames: Path | None = None,
    overlay: Path | None = None,
    fast: bool = False,
    progress: Callable[[float, float | None], None] | None = None,
) -> Analysis:
    """Samples a video, runs the detector on its frames and judges what could be seen.

    Args:
        path: a video file, or a folder of numbered frames.
        detector: says what is in a frame.
        save_frames: a folder that gets the sampled frames as 1.jpg, 2.jpg, … at 224 × 224, centred.
        overlay: a folder that gets them as 1.jpg, 2.jpg, … with the objects drawn into them; for a detector of objects.
        fast: skip the frames that no other frame refers to.
        progress: is called with the seconds analysed and the seconds promised (None: not known) at each sample.

    Raises:
        SavingError: frames cannot be written.
    """
    try:
        digest = content_hash(path)
    except OSError as error:
        return Analysis("unreadable", f"cannot be read: {error.strerror or error}")
    decoding = Decoding()
    samples = track_progress(sample(path, decoding, fast=fast), decoding, progress)
    frames = _fitted(samples, detector.fit, save_frames, Canvas() if overlay is not None else None)
    parts: list[VideoDetections] = []
    count = 0
    try:
        with _drawing(overlay, detector.card) as draw:
            while batch := list(islice(frames, detector.batch)):
                pixels, views = [one.pixels for one in batch], [one.view for one in batch]
                if draw is None:
                    parts.append(detector.find(pixels, count, views))
                else:
                    objects = detector.objects(pixels, views)
                    parts.append(VideoDetections.of_objects(objects, count))
                    draw(batch, objects, count)
                count += len(batch)
    except UnreadableError as error:
        return Analysis(error.status, str(error), sha256=digest)
    status, reason = judge(decoding)
    duration = float(decoding.expected or decoding.seconds)
    return Analysis(status, reason, decoding.coverage, duration, count, digest, VideoDetections.join(parts))


def judge(decoding: Decoding) -> tuple[str, str]:
    """Says whether a video that gave frames is ``ok`` or ``partial``, and why.

    The end of the last frame is not exact in every container: up to half a second, a tenth of a short clip, or two
    frames may seem to be missing from a whole one, and one in a hundred of a long one.
    """
    expected = decoding.expected or Fraction(0)
    slack = max(min(Fraction(1, 2), expected / 10), 2 * decoding.step) + expected / 100
    seen = f"{float(decoding.seconds):.1f} of {float(expected):.1f} s" if expected else f"{decoding.frames} frames"
    if decoding.error:
        return "partial", f"decoding stopped after {seen}: {decoding.error}"
    if decoding.missing > slack:
        return "partial", f"the file ends after {seen}"
    if decoding.corrupt:
        return "partial", f"{decoding.corrupt} of {decoding.frames} frames are damaged"
    return "ok", ""


def track_progress(
    samples: Iterator[FrameSample], decoding: Decoding, progress: Callable[[float, float | None], None] | None
) -> Iterator[FrameSample]:
    """The samples, each told to ``progress``: seconds done, and seconds that the file promises."""
    for number, one in enumerate(samples):
        if progress is not None:
            progress(number / FRAMES_PER_SECOND, None if decoding.expected is None else float(decoding.expected))
        yield one


@dataclass(frozen=True)
class _Fitted:
    """A sample at the detector's size, where its frame lies in it, and a picture of the whole frame to draw on."""

    pixels: Pixels
    view: View
    picture: Pixels | None


def _fitted(
    samples: Iterator[FrameSample], fit: Fit, save_frames: Path | None, canvas: Canvas | None
) -> Iterator[_Fitted]:
    """The samples at the detector's size, which are also written at the saved size where that was asked for."""
    fitter = Fitter(fit)

    def fitted(one: FrameSample) -> _Fitted:
        view = fitter.view(one.frame, turns=one.turns, aspect=one.aspect)
        pixels = fitter(one.frame, turns=one.turns, aspect=one.aspect)
        return _Fitted(pixels, view, canvas(one) if canvas is not None else None)

    if save_frames is None:
        yield from map(fitted, samples)
        return
    saver = Fitter(Fit(SAVED_SIZE, SAVED_SIZE, "crop"))
    with ExitStack() as stack:
        with _saving("--save-frames", save_frames):
            folder = stack.enter_context(atomic.folder(save_frames))
        for number, one in enumerate(samples, start=1):
            with _saving("--save-frames", save_frames):
                write_picture(folder / f"{number}.jpg", saver(one.frame, turns=one.turns, aspect=one.aspect))
            yield fitted(one)


_Draw = Callable[[list[_Fitted], list[Located], int], None]


@contextmanager
def _drawing(overlay: Path | None, card: ModelCard) -> Iterator[_Draw | None]:
    """Gives what draws a batch of frames, the first of which has the given number, into the folder of overlays."""
    if overlay is None:
        yield None
        return
    with ExitStack() as stack:
        with _saving("--overlay", overlay):
            folder = stack.enter_context(atomic.folder(overlay))

        def draw(batch: list[_Fitted], objects: list[Located], first: int) -> None:
            for number, (one, located) in enumerate(zip(batch, objects, strict=True), start=first + 1):
                assert one.picture is not None
                drawn = draw_objects(one.picture, located, card.classes, card.input_size)
                with _saving("--overlay", overlay):
                    write_picture(folder / f"{number}.jpg", drawn)

        yield draw


@contextmanager
def _saving(option: str, folder: Path) -> Iterator[None]:
    """What goes wrong in the block is the disk's fault and not the video's."""
    try:
        yield
    except OSError as error:
        raise SavingError(f"{option} {folder}: {error.strerror or error}") from None


def content_hash(path: Path) -> str:
    """The sha256 of a video's file; for a folder of frames that of their hashes, in their order."""
    if not path.is_dir():
        return sha256_of(path)
    digests = [sha256_of(picture) for picture in numbered_pictures(path)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
