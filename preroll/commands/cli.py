"""The `preroll` command line: all commands, and the reporting of errors and signals."""

import logging
import os
import re
import sys
import textwrap
import traceback
from typing import Any, NoReturn

import typer

from preroll import __version__
from preroll.cache import cache_folder
from preroll.commands import (
    agent,
    catalog,
    catalog_page,
    check_env,
    compare,
    completion,
    detect,
    detector,
    evaluate,
    experiment,
    experiment_report,
    experiment_results,
    explain,
    export,
    impressions,
    optimum,
    plot,
    predict,
    quickstart,
    runs,
    scenario,
    tensorboard,
    train,
    tune,
)
from preroll.console import output, signals, write_errors
from preroll.console.nearest import meant
from preroll.console.output import printable
from preroll.console.spoken import to_command_line
from preroll.errors import FAULT, PrerollError
from preroll.renamed import COMMANDS
from preroll.system.memory import COMPILED, require, shortage

#: The environment variable that asks for the traceback of a fault.
DETAILS = "PREROLL_DETAILS"
#: Characters of an error that are shown.
LONGEST_LINE = 2_000

app = typer.Typer(
    name="preroll",
    help="Which ad should a video platform show now? Start with `preroll quickstart`.",
    add_completion=False,  # typer's starts Python at every TAB; `preroll completion` does without
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    # click drops escape sequences from text in a pipe; ours shows them instead
    context_settings={"color": True, "help_option_names": ["-h", "--help"]},
)
app.command()(quickstart.quickstart)
catalog.app.command()(catalog_page.page)
app.add_typer(catalog.app, name="catalog")
app.command()(detect.detect)
app.add_typer(detector.app, name="detector")
app.add_typer(scenario.app, name="scenario")
app.command(name="check-env")(check_env.check_env)
app.command()(optimum.optimum)
app.command()(compare.compare)
scenario.app.command()(compare.diff)
app.add_typer(agent.app, name="agent")
app.command()(train.train)
app.command()(tune.tune)
app.add_typer(runs.app, name="runs")
app.command()(evaluate.evaluate)
app.command()(plot.plot)
app.command()(explain.explain)
app.command()(export.export)
app.command()(impressions.impressions)
experiment.app.command()(experiment_results.results)
experiment.app.command()(experiment_report.report)
app.add_typer(experiment.app, name="experiment")
app.command()(tensorboard.tensorboard)
app.add_typer(predict.app, name="predict")
app.command()(completion.completion)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"preroll {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Which ad should a video platform show now? Start with `preroll quickstart`."""
    to_command_line()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    elif not {"-h", "--help"} & set(sys.argv):
        require("preroll", COMPILED)  # before numpy is imported, whose threads end the process where they do not fit


# Click's class, or that of the copy which newer versions of typer carry.
_UsageError: Any = typer.BadParameter.__base__


def main() -> NoReturn:
    """Runs the command line; an error becomes one line on stderr and an exit status, never a traceback."""
    to_command_line()
    signals.listen()
    output.occupy_descriptors()
    output.wrap()
    _prepare_libraries()
    try:
        line, status = _outcome()
    except signals.Stopped as stopped:  # on its last steps
        line, status = _stopped_line(stopped)
    lost = sys.stdout.lost() if isinstance(sys.stdout, output.Output) else None
    if lost is not None and not line and not signals.is_finished():
        line, status = f"the output is not complete: {lost.strerror or lost}", status or 1
    if line:
        beginning = "" if status - 128 in signals.STOPPING else "error: "  # who stops it makes no mistake
        typer.echo(f"{beginning}{_shortened(printable(line))}", err=True)
    sys.exit(status)


def _shortened(line: str) -> str:
    """Returns a line without its middle where it quotes what fills many screens."""
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]} … {line[-LONGEST_LINE // 2 :]}"


def _outcome() -> tuple[str, int]:
    """Runs a command; returns what went wrong, in one line, and the exit status."""
    try:
        return "", _run() or 0
    except SystemExit as ended:
        return "", ended.code if isinstance(ended.code, int) else bool(ended.code)
    except PrerollError as error:
        return str(error), error.status
    except signals.Stopped as stopped:
        return _stopped_line(stopped)
    except BaseException as error:
        if (short := shortage(error)) is not None:
            return "; ".join((short, *_notes(error))), 1
        if isinstance(error, OSError):
            return "; ".join((write_errors.told(error), *_notes(error))), write_errors.status(error)
        return _fault_line(error), FAULT
    finally:
        signals.over()


def _stopped_line(stopped: signals.Stopped) -> tuple[str, int]:
    nothing = ["nothing half-written is left; begin again with the same command"] if stopped.writing else []
    notes = dict.fromkeys(_notes(stopped)) or nothing
    return "; ".join((f"stopped by {signals.told(stopped.number)}", *notes)), 128 + stopped.number


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


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
        if type(error).__name__ == "NoArgsIsHelpError":  # which printed it
            return 0
        where = error.ctx.command_path if error.ctx else "preroll"
        told = f"{_nearest(error)} (see `{where} --help`)"
        raise PrerollError(_renamed_command(where, error.format_message()) or told, status=error.exit_code) from None


def _nearest(error: Any) -> str:
    """Returns the message about a command line, with the nearest option or command instead of all similar."""
    if possible := getattr(error, "possibilities", None):
        return f"{error.message}{meant(error.option_name, possible, most=1)}"
    told = " ".join(str(error.format_message()).replace("Value error, ", "").split())
    return re.sub(r"\. Did you mean '([^']+)'.*", r"; did you mean \1?", told).rstrip(".")


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
    told = (f"this is a fault of preroll {__version__}: {what.rstrip(': ')}", *_notes(fault))
    return "; ".join((*told, f"{DETAILS}=1 shows the details; please report them where you got preroll"))
