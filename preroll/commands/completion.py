"""`preroll completion`: a script with which a shell completes commands, options and names."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

#: Bash and zsh run the same functions. No Python is started: what is packaged stands in the script, and folders of runs
#: and catalogs are looked up by the shell.
_SCRIPT = """\
# Completion of preroll @version@ for @shell@: made by `preroll completion @shell@`.
_preroll() {
    local IFS=$' \\t\\n' place="" word kind="" words="" names="" joined="" taken=""
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    case "$cur" in  # --scenario=fat is one word or three
        =) prev=${COMP_WORDS[COMP_CWORD-1]} cur="" ;;
        --*=*) prev=${cur%%=*} cur=${cur#*=} joined=$prev= ;;
        *) [ "$prev" = = ] && [ "$COMP_CWORD" -gt 1 ] && prev=${COMP_WORDS[COMP_CWORD-2]} ;;
    esac
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$place $word" in
            @commands@) place="$place $word" ;;
        esac
        case " @agents@ " in *" $word "*) taken=agents ;; esac
    done
    case "$place $prev" in
        @values@
    esac
    if [ -z "$kind" ]; then
        case "$place" in
            @places@
        esac
        [ "$kind" = "$taken" ] && kind=""  # one agent is all that a command takes
        case "$cur" in
            -*) kind="" ;;
            *) [ -n "$kind" ] && words="" ;;
        esac
    fi
    case "$kind" in
        agents) words="@agents@" ;;
        devices) words="cpu cuda" ;;
        shells) words="bash zsh" ;;
        settings) words="@settings@" ;;
        scenarios) words="@scenarios@" names=$(compgen -f -X '!*.y*ml' -- "$cur") ;;
        catalogs) words="demo" names=$(compgen -d -X '*.preroll' -S / -- "$cur") ;;
        runs) names=$(compgen -d -X '*.preroll' -S / -- "${cur:-runs/}") ;;
        stopped)
            local folder name at="runs/"
            case "$cur" in */*) at="${cur%/*}/" ;; esac
            for folder in "$at".*.preroll; do
                name="${folder##*/.}"
                [ -d "$folder" ] && names="$names$at${name%.preroll}"$'\\n'
            done ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    IFS=$'\\n'
    for word in $names; do  # a name may hold spaces, which readline escapes
        case "$word" in "$cur"*) COMPREPLY+=("$word") ;; esac
    done
    [ -n "$names" ] && compopt -o filenames 2>/dev/null
    case "${COMPREPLY[0]: -1}" in /|=) compopt -o nospace 2>/dev/null ;; esac
    [ -n "$joined" ] && COMPREPLY=("${COMPREPLY[@]/#/$joined}")
    return 0
}
complete -o default -F _preroll preroll
"""
_ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
#: What is completed, by the name of an option or by the placeholder of an argument.
_KINDS = {
    "AGENT": "agents",
    "SCENARIO": "scenarios",
    "SCENARIO SCENARIO...": "scenarios",
    "--scenario": "scenarios",
    "--like": "scenarios",
    "--catalog": "catalogs",
    "CATALOG": "catalogs",
    "RUN": "runs",
    "RUN...": "runs",
    "DIR|RUN...": "runs",
    "--run": "runs",
    "--resume": "stopped",
    "--continue": "runs",
    "--device": "devices",
    "bash|zsh": "shells",
    "KEY=VALUE": "settings",
}


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"


def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh", help="Which shell.")]) -> None:
    """Print a script that completes commands, options, agents, scenarios, catalogs and runs.

    Example: `preroll completion bash >> ~/.bashrc`
    """
    from preroll import __version__
    from preroll.agents.registry import AGENTS
    from preroll.console.output import print_data
    from preroll.envs.scenario.scenario import preset_names

    found = list(_commands())
    places = [f'"{place}") kind={_argument(place, one)} words="{_words(one)}" ;;' for place, one in found]
    values = [
        f'"{place} {name}") kind={kind} ;;'
        for place, one in found
        for name, kind in _options(one)
    ]  # fmt: skip
    filled = {
        "version": __version__,
        "shell": shell.value,
        "commands": "|".join(f'"{place}"' for place, _ in found if place),
        "places": "\n            ".join(places),
        "values": "\n        ".join(values),
        "agents": " ".join(AGENTS),
        "scenarios": " ".join(preset_names()),
        "settings": " ".join(_settings()),
    }
    script = _SCRIPT
    for name, text in filled.items():
        script = script.replace(f"@{name}@", text)
    print_data((_ZSH if shell is Shell.ZSH else "") + script)


def _commands() -> Iterator[tuple[str, Any]]:
    """Yields every command with the words that lead to it, each after a space; groups before what is in them."""
    from typer.main import get_command

    from preroll.commands.cli import app

    def below(place: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield place, command
        for name, one in getattr(command, "commands", {}).items():
            yield from below(f"{place} {name}", one)

    yield from below("", get_command(app))


def _settings() -> Iterator[str]:
    """Yields what ``--set`` takes before its value: settings of agents, then keys in which presets differ."""
    from preroll.agents.registry import AGENTS
    from preroll.envs.scenario.differences import differences
    from preroll.envs.scenario.scenario import Scenario, preset_names

    names = [name for one in AGENTS.values() for name in one.load().Settings.model_fields]
    keys = differences([Scenario.load(name) for name in preset_names()])
    yield from (f"{name}=" for name in dict.fromkeys([*names, *keys]) if not name.startswith("ads."))


def _words(command: Any) -> str:
    options = [name for one in command.params for name in one.opts if name.startswith("--")]
    return " ".join([*getattr(command, "commands", {}), *options, "--help"])


def _options(command: Any) -> Iterator[tuple[str, str]]:
    """Yields the options of a command whose values are completed, and of which kind these are."""
    for one in command.params:
        kind = next((_KINDS[name] for name in (*one.opts, one.metavar) if name in _KINDS), "")
        if kind and one.param_type_name == "option":
            yield from ((name, kind) for name in one.opts)


def _argument(place: str, command: Any) -> str:
    """Returns of which kind the arguments of a command are; empty where they are files or nothing."""
    given = [one.metavar for one in command.params if one.param_type_name == "argument"]
    if given[:1] == ["DIR"] and place.startswith(" catalog"):
        return "catalogs"
    return _KINDS.get(given[0] or "", "") if given else ""
