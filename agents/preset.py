"""Settings for a scenario that differ from the defaults: YAML files in ``agents/presets``, one for each scenario.

A file maps agents to settings. ``sb3-defaults.yaml`` is no scenario: it holds what stable-baselines3 would take.
"""

from pathlib import Path
from typing import Any

from preroll.errors import PrerollError
from preroll.yaml_config import load_yaml

PRESETS = Path(__file__).parent / "presets"
SB3_DEFAULTS = "sb3-defaults"


def preset(name: str, agent: str) -> dict[str, Any]:
    """Gives the settings of ``agent`` in the preset ``name``, which most often is a scenario's; {} where none are."""
    path = PRESETS / f"{name}.yaml"
    return dict(load_yaml(path).get(agent, {})) if path.parent == PRESETS and path.is_file() else {}


def presets_of(agent: str) -> dict[str, dict[str, Any]]:
    """Gives the settings of ``agent`` by name of the preset, where there are any."""
    found = {path.stem: preset(path.stem, agent) for path in sorted(PRESETS.glob("*.yaml"))}
    return {name: settings for name, settings in found.items() if settings}


def sb3_defaults(agent: str) -> dict[str, Any]:
    """Gives what stable-baselines3 would train ``agent`` with.

    Raises:
        PrerollError: the agent is not one of its algorithms.
    """
    if not (settings := preset(SB3_DEFAULTS, agent)):
        known = ", ".join(load_yaml(PRESETS / f"{SB3_DEFAULTS}.yaml"))
        raise PrerollError(f"--sb3-defaults: agent {agent!r} is none of stable-baselines3; allowed are {known}")
    return settings
