"""The `preroll` command line: all commands, and the reporting of errors and signals."""

import errno
import io
import logging
import os
import re
import signal
import sys
import textwrap
import traceback
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

import typer

from preroll import __version__
from preroll.cache import cache_folder
from preroll.commands import (
    agent,
    catalog,
    check_env,
    detect,
    detector,
    evaluate,
    experiment,
    experiment_report,
    experiment_results,
    export,
    impressions,
    optimum,
    predict,
    quickstart,
    runs,
    scenario,
    tensorboard,
    train,
    tune,
)
from preroll.errors import FAULT, PrerollError
from preroll.renamed import COMMANDS
from preroll.system.memory import COMPILED, require, shortage

#: The environment variable that asks for the traceback of a fault.
DETAILS = "PREROLL_DETAILS"

app = typer.Typer(
    name="preroll",
    help="Which ad should a video platform show now? Start with `preroll quickstart`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(quickstart.quickstart)
app.add_typer(catalog.app, name="catalog")
app.command()(detect.detect)
app.add_typer(detector.app, name="detector")
app.add_typer(scenario.app, name="scenario")
app.command(name="check-env")(check_env.check_env)
app.command()(optimum.optimum)
app.add_typer(agent.app, name="agent")
app.command()(train.train)
app.command()(tune.tune)
app.add_typer(runs.app, name="runs")
app.command()(evaluate.evaluate)
app.command()(export.export)
app.command()(impressions.impressions)
experiment.app.command()(experiment_results.results)
experiment.app.command()(experiment_report.report)
app.add_typer(experiment.app, name="experiment")
app.command()(tensorboard.tensorboard)
app.add_typer(predict.app, name="predict")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"preroll {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Which ad should a video platform show now? Start with `preroll quickstart`."""
    if not {"--help", "--version"} & set(sys.argv):
        require("preroll", COMPILED)  # before numpy is imported, whose threads end the process where they do not fit


# Click's class, or that of the copy which newer versions of typer carry.
_UsageError: Any = typer.BadParameter.__base__


class _Stopped(BaseException):
    """Raised by a signal that asks to stop; no ``except Exception`` on the way to :func:`main` catches it."""

    def __init__(self, number: int) -> None:
        self.number = number


def _stop(number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the tidying up of the first.
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    raise _Stopped(number)


def main() -> None:
    """Runs the command line; an error becomes one line on stderr and an exit status, never a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    _take_any_text()
    _prepare_libraries()
    try:
        status = _run()
        sys.stdout.flush()
    except SystemExit:
        raise
    except PrerollError as error:
        _fail(str(error), error.status)
    except _Stopped as stopped:
        name = signal.Signals(stopped.number).name
        notes = getattr(stopped, "__notes__", ["nothing half-written is left behind"])
        _fail("; ".join((f"stopped by {name}", *notes)), 128 + stopped.number)
    except BrokenPipeError:  # whoever reads the output has seen enough, as in `preroll agent list | head -1`
        _fail("", 1)
    except OSError as error:
        if (short := shortage(error)) is not None:
            _fail(short, 1)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        _fail(f"{error.filename or 'a file or the output'}: {error.strerror or error}", 1 if full else 2)
    except BaseException as fault:
        if (short := shortage(fault)) is not None:
            _fail("; ".join((short, *getattr(fault, "__notes__", ()))), 1)
        _fail(_fault_line(fault), FAULT)
    sys.exit(status)


def _take_any_text() -> None:
    """Has the output take text that its encoding lacks, escaped, and anything at all where it is closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (open until the end)
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _prepare_libraries() -> None:
    """Keeps the list of fonts of matplotlib with all else that is kept; without a home it would complain at length."""
    if (fonts := cache_folder("matplotlib")) is not None:
        os.environ.setdefault("MPLCONFIGDIR", str(fonts))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _run() -> Any:
    """Runs a command and returns its exit status.

    Raises:
        PrerollError: the command line is wrong.
    """
    try:
        return app(prog_name="preroll", standalone_mode=False)
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
            return error.exit_code
        where = error.ctx.command_path if error.ctx else "preroll"
        told = f"{error.format_message().rstrip('.')} (see `{where} --help`)"
        raise PrerollError(_renamed_command(where, error.format_message()) or told, status=error.exit_code) from None


def _renamed_command(where: str, message: str) -> str | None:
    """Returns the message about a renamed command, or None if there is no such command."""
    named = re.match("No such command '(.+?)'", message)
    old = f"{where} {named[1]}".removeprefix("preroll ") if named else ""
    return f"`preroll {old}` is now `preroll {COMMANDS[old]}`" if old in COMMANDS else None


def _fault_line(fault: BaseException) -> str:
    """Returns the line about an error that no command expects, after its details where they are asked for."""
    if type(fault).__name__ == "Abort" and fault.__cause__:  # typer raises it in place of an EOFError
        fault = fault.__cause__
    if os.environ.get(DETAILS):
        traceback.print_exception(fault)
    what = textwrap.shorten(f"{type(fault).__name__}: {fault}", 300, placeholder=" …")
    told = (f"this is a fault of preroll {__version__}: {what.rstrip(': ')}", *getattr(fault, "__notes__", ()))
    return "; ".join((*told, f"{DETAILS}=1 shows the details; please report them where you got preroll"))


def _fail(line: str, status: int) -> NoReturn:
    """Ends with a line on stderr, after all that was printed before it."""
    try:
        sys.stdout.flush()
    except OSError:  # Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        if line:
            typer.echo(f"error: {line}", err=True)
    sys.exit(status)
