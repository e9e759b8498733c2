"""Jobs of workers that analyse videos: a network is loaded once, then every request names a video.

Decoders and networks run on untrusted files: one that makes them crash, hang or exhaust memory affects only the worker.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from preroll.perception.analysis.analysis import Analysis, SavingError, analyze
from preroll.perception.analysis.detector import Detector, trial_frames
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.frame_folders import NO_MEMORY
from preroll.perception.video.sampling import UnreadableError
from preroll.perception.workers.codec import pack
from preroll.workers.job import FinalError, Progress, Request, Work

_Analyse = Callable[[Request, Progress], Analysis]


def detect(model: str, card: dict[str, Any]) -> Work:
    """Loads a detector, tries it, and returns the work of detecting objects in videos."""

    def load() -> _Analyse:
        detector = Detector(Path(model), ModelCard.model_validate(card))
        detector.check()
        return lambda request, progress: _detected(detector, request, progress)

    return _work(model, load)


def trial(model: str, card: dict[str, Any]) -> Work:
    """Loads a network whose outputs are still to be read, and tries it; it analyses no video."""

    def load() -> _Analyse:
        detector = Detector(Path(model), ModelCard.model_validate(card))
        for frame in trial_frames(detector.fit):
            detector.named_outputs([frame])
        return lambda request, progress: Analysis("ok")

    return _work(model, load)


def look(request: Request, _: Progress) -> tuple[dict[str, Any], bytes]:
    """Looks at the first seconds of a video: whether preroll drew it; None where no frame can be decoded."""
    from preroll.perception.analysis.drawings import is_drawing

    try:
        return {"drawing": is_drawing(Path(request["path"]))}, b""
    except (UnreadableError, OSError, MemoryError):
        return {"drawing": None}, b""


def embed(model: str, card: dict[str, Any]) -> Work:
    """Loads an encoder and returns the work of embedding the frames of videos."""
    from preroll.perception.analysis import embedding
    from preroll.perception.analysis.encoder import Encoder, EncoderCard

    def load() -> _Analyse:
        encoder = Encoder(Path(model), EncoderCard.model_validate(card))
        return lambda request, progress: embedding.embed(
            Path(request["path"]), encoder, fast=request["fast"], progress=progress
        )

    return _work(model, load)


def _detected(detector: Detector, request: Request, progress: Progress) -> Analysis:
    save, overlay = (Path(request[key]) if request[key] else None for key in ("save_frames", "overlay"))
    path, fast = Path(request["path"]), bool(request["fast"])
    return analyze(path, detector, save_frames=save, overlay=overlay, fast=fast, progress=progress)


def _work(model: str, load: Callable[[], _Analyse]) -> Work:
    """Returns the work that analyses a video; any error that a file provokes is a finding about that file."""
    try:
        analyse_video = load()
    except MemoryError:
        raise FinalError(f"network {model}: {NO_MEMORY}; --worker-memory gives it more") from None

    def work(request: Request, progress: Progress) -> tuple[dict[str, Any], bytes]:
        try:
            return pack(analyse_video(request, progress))
        except MemoryError:
            return pack(Analysis("damaged", NO_MEMORY))
        except BrokenPipeError:
            raise
        except SavingError as error:
            raise FinalError(str(error), status=1) from None
        except Exception as error:
            return pack(Analysis("damaged", f"{type(error).__name__}: {' '.join(str(error).split())}"))

    return work
