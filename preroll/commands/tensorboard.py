"""`preroll tensorboard`: curves of an experiment, or of runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from preroll.errors import PrerollError

#: Time that TensorBoard has to end [s].
GRACE = 10.0
#: Runs TensorBoard and ends it where stdin does: that is a pipe, which ends with this process however it ends.
_SERVER = f"""
import os, runpy, signal, sys, threading, time

def end():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep({GRACE})
    os._exit(1)

threading.Thread(target=end, daemon=True).start()
runpy.run_module("tensorboard.main", run_name="__main__", alter_sys=True)
"""


def tensorboard(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment, or of runs.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 6006,
) -> None:
    """Start TensorBoard on this machine alone (127.0.0.1), with every cell under a readable name.

    Example: `preroll tensorboard threshold`
    """
    import subprocess

    from preroll.simulations.experiment.execution.store import CELLS

    if not folder.is_dir():
        raise PrerollError(f"{folder}: no such folder")
    logdir = folder / CELLS if (folder / CELLS).is_dir() else folder
    command = [sys.executable, "-W", "ignore", "-c", _SERVER, "--logdir", str(logdir)]
    started = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], stdin=subprocess.PIPE)
    try:
        status = started.wait()
    finally:
        started.terminate()
        try:
            started.wait(GRACE)
        except subprocess.TimeoutExpired:  # it ignores the signal, as whoever started preroll may have asked
            started.kill()
            started.wait()
    if status:
        raise PrerollError(f"tensorboard ended with exit status {status}", status=1)
