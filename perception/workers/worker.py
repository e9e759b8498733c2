"""A process that analyses one video after another: ``python -m preroll.perception.workers.worker``.

It is spoken to over its pipes.

Decoders and networks run on files from anywhere: one that crashes, hangs or eats all memory takes this process with it
and nothing else (see :mod:`preroll.perception.workers.pool`).
"""

import os
import queue
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from preroll.errors import PrerollError
from preroll.perception.analysis.analysis import Analysis, SavingError, analyse
from preroll.perception.analysis.detector import Detector
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.frame_folders import NO_MEMORY
from preroll.perception.workers.messages import pack, receive, send

Progress = Callable[[float, float | None], None]
# What a worker does to the video that a request names, telling how far it is.
Work = Callable[[dict[str, Any], Progress], Analysis]
# A progress report is sent after so many seconds at the earliest.
_REPORT_EVERY = 0.2


def main() -> None:
    """Serves requests until the supervisor closes its end of the pipe."""
    pipe, answers = _take_over_pipes()
    # Before the memory is limited and the network loaded: either may hang, and a thread needs memory to start.
    requests = _reader(pipe)
    settings = requests.get()
    try:
        # The limit comes first: a small file can unfold to a network that fills all memory.
        _limit_memory(settings["memory"])
        work = _JOBS[settings["job"]](Path(settings["model"]), settings["card"])
    except (PrerollError, OSError, ValueError, MemoryError) as error:
        reason = str(error) or f"network {settings['model']}: {NO_MEMORY}; --worker-memory gives it more"
        send(answers, {"event": "broken", "reason": reason})
        return
    send(answers, {"event": "ready"})
    while True:
        request = requests.get()
        try:
            send(answers, *pack(_analysed(request, work, answers)))
        except SavingError as error:
            send(answers, {"event": "broken", "reason": str(error)})


def _detecting(model: Path, card: dict[str, Any]) -> Work:
    detector = Detector(model, ModelCard.model_validate(card))
    detector.check()

    def work(request: dict[str, Any], progress: Progress) -> Analysis:
        save, overlay = (Path(request[key]) if request[key] else None for key in ("save_frames", "overlay"))
        path, fast = Path(request["path"]), bool(request["fast"])
        return analyse(path, detector, save_frames=save, overlay=overlay, fast=fast, progress=progress)

    return work


def _embedding(model: Path, card: dict[str, Any]) -> Work:
    from preroll.perception.analysis.embedding import embed
    from preroll.perception.analysis.encoder import Encoder, EncoderCard

    encoder = Encoder(model, EncoderCard.model_validate(card))
    return lambda request, progress: embed(Path(request["path"]), encoder, fast=request["fast"], progress=progress)


_JOBS: dict[str, Callable[[Path, dict[str, Any]], Work]] = {"detect": _detecting, "embed": _embedding}


def _analysed(request: dict[str, Any], work: Work, answers: IO[bytes]) -> Analysis:
    reported = time.monotonic()

    def progress(seconds: float, promised: float | None) -> None:
        nonlocal reported
        if (now := time.monotonic()) - reported >= _REPORT_EVERY:
            reported = now
            send(answers, {"event": "progress", "seconds": seconds, "promised": promised})

    try:
        return work(request, progress)
    except MemoryError:
        return Analysis("damaged", NO_MEMORY)
    except (BrokenPipeError, SavingError):
        raise
    except Exception as error:  # whatever a file can provoke is a finding about that file
        return Analysis("damaged", f"{type(error).__name__}: {' '.join(str(error).split())}")


def _take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keeps the pipes for messages: what a library prints goes to stderr instead of between them."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _reader(pipe: IO[bytes]) -> "queue.SimpleQueue[dict[str, Any]]":
    """Reads requests beside the work, so that a worker whose supervisor was killed ends at once."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        # Without memory for a request a worker would wait forever for what nobody reads.
        try:
            while (message := receive(pipe)) is not None:
                waiting.put(message[0])
        finally:
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _limit_memory(limit: int | None) -> None:
    if limit and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A crash is a finding, not something to keep hundreds of megabytes of.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
