"""How messages name what a caller gives: options of a command there, arguments in Python and nowhere else."""

import re

#: Options that take no value.
_FLAGS = (
    *("approximate", "calibrate", "embed", "fast", "idf", "replace", "sb3-defaults", "segment", "skip-bad"),
    "trust-pickle",
)
# A command to copy stays as it is. What follows an option is its value where the message begins with it, where it is a
# placeholder such as FILE, and where the clause ends with it.
_VALUE = r"[A-Z]{2}|[^\s`]+(?: or |[;,]|$)"
_OPTION = re.compile(
    rf"`[^`]*`|(?:(?P<first>^)|(?<=[\s(]))--(?P<name>[a-z][a-z0-9-]*)(?P<gap> (?(first)|(?={_VALUE})))?"
)


class _Mode:
    """Who reads what this process says."""

    options = False


def to_command_line() -> None:
    """Has messages name options from now on: a command reads them, or the process that asked a worker."""
    _Mode.options = True


def to_python() -> None:
    """Has messages name arguments from now on, as they do unless a command runs."""
    _Mode.options = False


def spoken(text: str) -> str:
    """Returns a message that names options as whoever made the call knows them.

    >>> to_python()
    >>> spoken("--run mine: the run exists; choose another folder, or replace it with --replace")
    'run=mine: the run exists; choose another folder, or replace it with replace=True'
    >>> spoken("--truth: must lie in [0, 1]; `preroll scenario list --json`, --card FILE")
    'truth: must lie in [0, 1]; `preroll scenario list --json`, card=FILE'
    """
    return text if _Mode.options or "--" not in text else _OPTION.sub(_argument, text)


def way(command: str, call: str) -> str:
    """Returns how something is done by whoever reads a message: the command to copy, or the call in Python.

    >>> to_python()
    >>> way("preroll agent list", "AGENTS")
    'AGENTS'
    """
    return f"`{command}`" if _Mode.options else call


def _argument(found: re.Match[str]) -> str:
    if (option := found["name"]) is None:
        return found[0]
    name = option.replace("-", "_")
    if option in _FLAGS:
        return f"{name}=True{found['gap'] or ''}"
    return name if found.string.startswith(":", found.end()) else f"{name}="
