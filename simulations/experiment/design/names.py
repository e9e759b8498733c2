"""Readable names of points and agents, used as names of folders and of runs in TensorBoard."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from preroll.simulations.experiment.design.spec import CATALOG

BASE = "base"  # name of the only point if nothing varies
LONGEST = 100
_GROUPS = ("ads", "user", "session", "recommender", "observe")


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Returns a short name for each dotted key, without uninformative groups; the whole key where two would be equal.

    Examples:
        >>> short_keys(["ads.*.long.view_probability", "user.mismatch"])
        {'ads.*.long.view_probability': 'long.view_probability', 'user.mismatch': 'mismatch'}
    """
    short = {key: ".".join(part for part in key.split(".") if part != "*") for key in keys}
    short = {key: name.split(".", 1)[1] if _grouped(name) else name for key, name in short.items()}
    names = list(short.values())
    return {key: name if names.count(name) == 1 else key for key, name in short.items()}


def value_text(value: Any, key: str = "") -> str:
    """Returns a value as text for a name.

    Examples:
        >>> value_text(0.25), value_text({"scale": 2}), value_text(True), value_text([1, 2])
        ('0.25', 'x2', 'true', '[1, 2]')
    """
    if isinstance(value, Mapping) and set(value) == {"scale"}:
        return f"x{value_text(value['scale'])}"
    if key == CATALOG:
        return PurePath(str(value)).name
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def pairs_name(values: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    """Returns the name of a combination of values, safe as the name of a folder.

    Args:
        values: value by key.
        keys: short name by key.

    Examples:
        >>> pairs_name({"user.mismatch": 0.2, "num_envs": 8}, {"user.mismatch": "mismatch", "num_envs": "num_envs"})
        'mismatch=0.2,num_envs=8'
    """
    text = ",".join(f"{keys[key]}={value_text(value, key)}" for key, value in values.items())
    safe = re.sub(r"[^\w.=,+-]+", "_", text)
    if len(safe) <= LONGEST and safe == text:
        return safe
    # The hash distinguishes combinations that differ only in what was cut off or replaced.
    digest = hashlib.blake2b(json.dumps(dict(values), sort_keys=True).encode(), digest_size=3).hexdigest()
    return f"{safe[:LONGEST]}-{digest}"


def point_name(values: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    """Returns the name of a point."""
    return pairs_name(values, keys) if values else BASE


def agent_name(agent: str, settings: Mapping[str, Any]) -> str:
    """Returns the name of an agent with its settings.

    Examples:
        >>> agent_name("dqn", {"num_envs": 256})
        'dqn-num_envs=256'
    """
    return f"{agent}-{pairs_name(settings, {key: key for key in settings})}" if settings else agent


def _grouped(name: str) -> bool:
    return "." in name and name.split(".", 1)[0] in _GROUPS
