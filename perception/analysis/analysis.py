"""Analysis of one video, from its file to its detections: the function that every worker runs."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.hashing import sha256_of
from preroll.perception.analysis.detector import Detector
from preroll.perception.analysis.encoder import Encoder
from preroll.perception.analysis.overlay import Canvas, draw_objects
from preroll.perception.analysis.vectors import Vectors, video_vector
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.decoders.instances import Located
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.frame_folders import SAVED_SIZE, check_only_frames, files_of, write_picture
from preroll.perception.video.resize import Fit, Fitter, Pixels, View
from preroll.perception.video.sampling import FRAMES_PER_SECOND, Decoding, FrameSample, UnreadableError, sample
from preroll.perception.video.timeline import LONGEST_HOLD

#: Status values of a video; the first two are usable.
STATUSES = ("ok", "partial", "damaged", "unreadable", "encrypted", "timeout", "not_a_file")
USABLE = STATUSES[:2]


class SavingError(Exception):
    """Raised if frames cannot be written, for example because the disk is full; not a finding about the video."""


@dataclass(frozen=True)
class Analysis:
    """Detections or embeddings of one video, and how much of it could be decoded.

    Attributes:
        status: one of :data:`STATUSES`.
        reason: why the status is not ``ok``; empty if it is.
        coverage: share of its duration that was decoded, in [0, 1]; None if the file declares no duration.
        duration: declared by the file, else as decoded [s]; None if neither is known.
        frames: number of sampled frames.
        sha256: hash of the file; for a folder, of the hashes of its frames; empty if it cannot be read.
        found: the detections.
        vectors: embeddings of the frames, float32 [frames, D]; of a catalog's video their mean, float32 [1, D]; empty
            without an encoder.
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


def analyze(
    path: Path,
    detector: Detector,
    *,
    encoder: Encoder | None = None,
    embed: bool = False,
    save_frames: Path | None = None,
    overlay: Path | None = None,
    fast: bool = False,
    progress: Callable[[float, float | None], None] | None = None,
) -> Analysis:
    """Samples a video, runs the detector on its frames and assesses how much could be decoded.

    Args:
        path: a video file, or a folder of numbered frames.
        detector: the network to run on the frames.
        encoder: another network, whose mean vector is kept.
        embed: keep the mean vector of the detector's own embedding, which its card names.
        save_frames: folder to which the sampled frames are written as 1.jpg, 2.jpg, … at 224 × 224, centred.
        overlay: folder to which they are written as 1.jpg, 2.jpg, … with the objects drawn in; requires a detector of
            objects.
        fast: skip the frames that no other frame refers to.
        progress: called at each sample with the seconds analysed so far and the duration that the file declares [s]
            (None if unknown).

    Returns:
        The detections with the status of the video; a file that cannot be read or decoded is a status, not an
        exception.

    Raises:
        SavingError: if frames cannot be written.
    """
    try:
        digest = content_hash(path)
    except OSError as error:
        return Analysis("unreadable", f"cannot be read: {error.strerror or error}")
    decoding = Decoding()
    samples = track_progress(sample(path, decoding, fast=fast), decoding, progress)
    frames = _fitted(samples, detector, encoder, save_frames, Canvas() if overlay is not None else None)
    parts: list[VideoDetections] = []
    vectors: list[Vectors] = []
    count = 0
    try:
        with _drawing(overlay, detector.card) as draw:
            while batch := list(islice(frames, detector.batch)):
                if draw is None:
                    found, embedded = _seen(detector, encoder, embed, batch, count)
                    parts.append(found)
                    vectors += embedded
                else:
                    objects = detector.objects([one.pixels for one in batch], [one.view for one in batch])
                    parts.append(VideoDetections.of_objects(objects, count))
                    draw(batch, objects, count)
                count += len(batch)
    except UnreadableError as error:
        return Analysis(error.status, str(error), sha256=digest)
    status, reason = judge(decoding)
    duration = float(decoding.expected or decoding.seconds)
    facts = status, reason, decoding.coverage, duration, count, digest, VideoDetections.join(parts)
    return Analysis(*facts, video_vector(np.concatenate(vectors))) if vectors else Analysis(*facts)


def judge(decoding: Decoding) -> tuple[str, str]:
    """Returns the status, ``ok`` or ``partial``, of a video that yielded frames, and the reason.

    The end of the last frame is not exact in every container: up to half a second, a tenth of a short clip, or two
    frames may seem to be missing from a complete file, and one per cent of a long one.
    """
    expected = decoding.expected or Fraction(0)
    slack = max(min(Fraction(1, 2), expected / 10), 2 * decoding.step) + expected / 100
    seen = f"{float(decoding.seconds):.1f} of {float(expected):.1f} s" if expected else f"{decoding.frames} frames"
    told = []
    if decoding.error:
        told.append(f"decoding stopped after {seen}: {decoding.error}")
    elif decoding.missing > slack:
        late = decoding.late > decoding.missing / 2
        told.append(f"the first {float(decoding.late):.1f} s are missing" if late else f"the file ends after {seen}")
    if decoding.lost:
        why = f": {decoding.told}" if decoding.told else ""
        told.append(f"{decoding.lost} of {decoding.packets} packets gave no frame{why}")
    if decoding.gaps:
        places = "1 place" if decoding.gaps == 1 else f"{decoding.gaps:,} places"
        told.append(f"packets of the stream are missing at {places}")
    if decoding.corrupt:
        told.append(f"{decoding.corrupt} of {decoding.frames} frames are damaged")
    if decoding.cut:
        told.append(f"of frames held for longer than {LONGEST_HOLD} s, {float(decoding.cut):.0f} s are left out")
    return ("partial", "; ".join(told)) if told else ("ok", "")


def track_progress(
    samples: Iterator[FrameSample], decoding: Decoding, progress: Callable[[float, float | None], None] | None
) -> Iterator[FrameSample]:
    """Yields the samples and calls ``progress`` for each with the seconds done and the declared duration [s]."""
    for number, one in enumerate(samples):
        if progress is not None:
            progress(number / FRAMES_PER_SECOND, None if decoding.expected is None else float(decoding.expected))
        yield one


@dataclass(frozen=True)
class _Fitted:
    """A sample at the detector's input size, the view of its frame, and a picture of the whole frame to draw on.

    ``encoded`` is the sample at the encoder's input size, None without one.
    """

    pixels: Pixels
    view: View
    picture: Pixels | None
    encoded: Pixels | None


def _seen(
    detector: Detector, encoder: Encoder | None, embed: bool, batch: list[_Fitted], first: int
) -> tuple[VideoDetections, list[Vectors]]:
    """Returns what a batch shows, whose frames are counted from ``first``, and its vectors, if any are kept."""
    pixels, views = [one.pixels for one in batch], [one.view for one in batch]
    if embed:
        found, vectors = detector.find_and_embed(pixels, first, views)
        return found, [vectors]
    found = detector.find(pixels, first, views)
    if encoder is None:
        return found, []
    frames, size = [one.encoded for one in batch if one.encoded is not None], encoder.batch
    return found, [encoder.embed(frames[start : start + size]) for start in range(0, len(frames), size)]


def _fitted(
    samples: Iterator[FrameSample],
    detector: Detector,
    encoder: Encoder | None,
    save_frames: Path | None,
    canvas: Canvas | None,
) -> Iterator[_Fitted]:
    """Yields the samples at the networks' input sizes; with ``save_frames`` also writes them at the saved size."""
    fitter = Fitter(detector.fit)
    other = None if encoder is None else Fitter(encoder.fit)

    def fitted(one: FrameSample) -> _Fitted:
        view = fitter.view(one.frame, turns=one.turns, aspect=one.aspect)
        pixels = fitter(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored)
        encoded = None if other is None else other(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored)
        return _Fitted(pixels, view, canvas(one) if canvas is not None else None, encoded)

    if save_frames is None:
        yield from map(fitted, samples)
        return
    saver = Fitter(Fit(SAVED_SIZE, SAVED_SIZE, "crop"))
    with ExitStack() as stack:
        with _saving("--save-frames", save_frames):
            check_only_frames(save_frames)
            folder = stack.enter_context(atomic.folder(save_frames, None))
        for number, one in enumerate(samples, start=1):
            with _saving("--save-frames", save_frames):
                picture = saver(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored)
                write_picture(folder / f"{number}.jpg", picture)
            yield fitted(one)


_Draw = Callable[[list[_Fitted], list[Located], int], None]


@contextmanager
def _drawing(overlay: Path | None, card: ModelCard) -> Iterator[_Draw | None]:
    """Yields a function that draws a batch, counted from the given frame, into ``overlay``; None without a folder."""
    if overlay is None:
        yield None
        return
    with ExitStack() as stack:
        with _saving("--overlay", overlay):
            check_only_frames(overlay, "--overlay")
            folder = stack.enter_context(atomic.folder(overlay, None))

        def draw(batch: list[_Fitted], objects: list[Located], first: int) -> None:
            for number, (one, located) in enumerate(zip(batch, objects, strict=True), start=first + 1):
                assert one.picture is not None
                drawn = draw_objects(one.picture, located, card.classes, card.input_size)
                with _saving("--overlay", overlay):
                    write_picture(folder / f"{number}.jpg", drawn)

        yield draw


@contextmanager
def _saving(option: str, folder: Path) -> Iterator[None]:
    """Converts an error in the block to a :class:`SavingError`: it is about the disk, not about the video."""
    try:
        yield
    except PrerollError as error:  # such as another process that writes the same folder
        raise SavingError(str(error)) from None
    except OSError as error:
        raise SavingError(f"{option} {folder}: {error.strerror or error}") from None


def content_hash(path: Path) -> str:
    """Returns the sha256 of a video's file; for a folder of frames that of their hashes, in order."""
    if not path.is_dir():
        return sha256_of(path)
    digests = [sha256_of(file) for file in files_of(path)]
    return hashlib.sha256("".join(digests).encode()).hexdigest()
