"""`preroll tensorboard`: curves of an experiment, or of runs."""

import re
import sys
from json import dumps
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from preroll.console.nearest import meant, neighbors
from preroll.console.output import printable
from preroll.errors import PrerollError
from preroll.files.names import each_below

#: Time that TensorBoard has to end [s].
GRACE = 10.0
#: Files that TensorBoard reads: curves, and points of the projector.
_SHOWN = re.compile(r"tfevents[^/]*$|(^|/)projector_config\.pbtxt$")
#: Runs TensorBoard, which tells an address with the query given first and nothing of its own insides, and ends it where
#: stdin does: that is a pipe, which ends with this process however it ends.
_SERVER = f"""
import os, runpy, signal, sys, threading, time
from contextlib import suppress
from importlib import import_module

query = sys.argv.pop(1)
def leave(number, frame):
    signal.signal(number, signal.SIG_DFL)
    sys.exit(0)

with suppress(ImportError, AttributeError):  # another version than ours tells its plain address, and more
    main_lib, program = map(import_module, ("tensorboard.main_lib", "tensorboard.program"))
    plain = program.WerkzeugServer.get_url
    program.WerkzeugServer.get_url = lambda server: plain(server) + query
    program.TensorBoard._install_signal_handler = lambda self, number, name: signal.signal(number, leave)
    program._DATA_SERVER_ADVISORY_MESSAGE = ""
    main_lib.print = lambda *text, **options: None

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
    """Start TensorBoard on this machine alone (127.0.0.1): of an experiment with the means over its seeds.

    Example: `preroll tensorboard threshold`, and `preroll tensorboard threshold/cells` for every cell
    """
    import subprocess

    from preroll.simulations.experiment.execution.overview import described, logdir_of

    if not folder.is_dir():
        raise PrerollError(f"{folder}: no such folder{meant(folder, neighbors(folder))}")
    logdir = logdir_of(folder)
    if not any(_SHOWN.search(name) for name in each_below(logdir)):
        raise PrerollError(f"{folder}: holds nothing for TensorBoard; it must be a folder of runs or of an experiment")
    for sentence in described(folder, logdir):
        typer.echo(printable(sentence), err=True)
    command = [sys.executable, "-W", "ignore", "-c", _SERVER, _query(), "--logdir", str(logdir)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # in a session of its own Ctrl-C does not reach it: it would tell its own end before this process tells one
    started = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
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


def _query() -> str:
    """Returns the query with which TensorBoard begins with what is earned, pinned above all other charts."""
    from preroll.simulations.training.board import FIRST

    pinned = dumps([{"plugin": "scalars", "tag": tag} for tag in FIRST], separators=(",", ":"))
    return f"?pinnedCards={quote(pinned)}#timeseries"
