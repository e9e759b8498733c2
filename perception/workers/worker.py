"""Worker process that analyses one video after another: ``python -m preroll.perception.workers.worker``.

It receives requests and returns results over its standard input and output.

Decoders and networks run on untrusted files: a file that makes them crash, hang or exhaust memory affects only this
process (see :mod:`preroll.perception.workers.pool`).
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
# Processes the video of a request and reports progress.
Work = Callable[[dict[str, Any], Progress], Analysis]
# Shortest interval between progress reports [s].
_REPORT_EVERY = 0.2


def main() -> None:
    """Serves requests until the supervisor closes its end of the pipe."""
    pipe, answers = _take_over_pipes()
    # Started before the memory limit and the network: either may hang, and a thread needs memory to start.
    requests = _reader(pipe)
    settings = requests.get()
    try:
        # The limit is set first: a small file can expand to a network that fills all memory.
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
    except Exception as error:  # any error that a file provokes is a finding about that file
        return Analysis("damaged", f"{type(error).__name__}: {' '.join(str(error).split())}")


def _take_over_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Reserves the pipes for messages; what a library prints is redirected to stderr."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _reader(pipe: IO[bytes]) -> "queue.SimpleQueue[dict[str, Any]]":
    """Reads requests in a separate thread, so that a worker whose supervisor was killed exits immediately."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        # The process exits even if reading fails for lack of memory; otherwise the worker would wait forever.
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
    # No core dumps: a crash is a finding, and a dump takes hundreds of megabytes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
