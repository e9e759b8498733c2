"""Jobs of the tests of workers: what a request says is done to the process that has it."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from preroll.errors import PrerollError
from preroll.workers.job import FinalError, Progress, Request, Work

Answer = tuple[dict[str, Any], bytes]


def obey(request: Request, progress: Progress) -> Answer:
    """Does as the request says."""
    told = request["do"]
    if told == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if told == "crash":
        raise RuntimeError("no such luck")
    if told == "refuse":
        raise PrerollError("it is refused", status=2)
    if told == "full":
        raise FinalError("the disk is full", status=1)
    if told == "write":
        raise OSError(28, "No space left on device", "a.npy")
    if told == "allocate":
        bytes(request["size"])
    if told == "sleep":
        time.sleep(600)
    if told == "babble":
        os.write(4, b"this is no message of ours" * 1000)
        time.sleep(600)
    if told == "print":
        sys.stdout.write("a library says something")
        sys.stdout.flush()
    if told == "once":
        place = Path(request["place"])
        if not place.exists():
            place.write_text("tried")
            os.kill(os.getpid(), signal.SIGKILL)
    if told == "work":
        for done in range(request["steps"] + 1):
            progress(done, request["steps"])
    if told == "spin":
        until = time.process_time() + request["seconds"]
        while time.process_time() < until:
            pass
    if told == "tidy":
        place = Path(request["place"])
        try:
            place.write_text("half")
            while True:
                progress(0, None)
                time.sleep(0.01)
        finally:
            place.unlink()
    return {"told": told, "pid": os.getpid()}, request.get("bytes", "").encode()


def opened(greeting: str, place: str | None = None) -> Work:
    """A job that has to be opened."""
    if greeting == "no":
        raise PrerollError("the network cannot be loaded")
    if greeting == "hang":
        os.open(str(place), os.O_RDONLY)  # a pipe that nobody writes

    def work(request: Request, progress: Progress) -> Answer:
        return {"greeting": greeting, **request}, b""

    return work
