"""Presets: settings for a scenario that differ from the defaults, as YAML files in ``agents/presets``.

Each file maps agent names to settings and is named after its scenario, except ``sb3-defaults.yaml``, which holds the
defaults of stable-baselines3.
"""

from functools import cache
from pathlib import Path
from typing import Any

from preroll.bounded.yaml_text import load_yaml
from preroll.console.nearest import known
from preroll.errors import PrerollError

PRESETS = Path(__file__).parent / "presets"
SB3_DEFAULTS = "sb3-defaults"


def preset(name: str, agent: str) -> dict[str, Any]:
    """Returns the settings of ``agent`` in the preset ``name`` (usually a scenario), or {} if there are none."""
    return dict(_read(PRESETS / f"{name}.yaml").get(agent, {}))


@cache
def _read(path: Path) -> dict[str, Any]:
    """Reads a preset once, for experiments of many agents ask often."""
    return load_yaml(path) if path.parent == PRESETS and path.is_file() else {}


def presets_of(agent: str) -> dict[str, dict[str, Any]]:
    """Returns the settings of ``agent`` in every preset that has any, by name of the preset."""
    found = {path.stem: preset(path.stem, agent) for path in sorted(PRESETS.glob("*.yaml"))}
    return {name: settings for name, settings in found.items() if settings}


def sb3_defaults(agent: str) -> dict[str, Any]:
    """Returns the settings with which stable-baselines3 trains ``agent`` by default.

    Raises:
        PrerollError: the agent is not one of its algorithms.
    """
    if not (settings := preset(SB3_DEFAULTS, agent)):
        told = known(agent, "allowed are", load_yaml(PRESETS / f"{SB3_DEFAULTS}.yaml"))
        raise PrerollError(f"--sb3-defaults: agent {agent!r} is none of stable-baselines3; {told}")
    return settings
