"""Dotted keys: changing single values deep in nested settings."""

import copy
from collections.abc import Mapping
from typing import Any

from preroll.errors import PrerollError


def apply_overrides(settings: Mapping[str, Any], changes: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Gives a copy of nested ``settings`` with each dotted key of ``changes`` set.

    ``*`` stands for every key at its level, numbers index lists, and the value ``{"scale": x}`` multiplies the number
    that is there.

    Raises:
        PrerollError: a key leads nowhere; the line names the keys that exist at that place.

    >>> apply_overrides({"a": {"x": 1, "y": 2}}, {"a.*": 5}, "demo")
    {'a': {'x': 5, 'y': 5}}
    >>> apply_overrides({"a": [1, 2]}, {"a.1": {"scale": 10}}, "demo")
    {'a': [1, 20]}
    """
    result = copy.deepcopy(dict(settings))
    for dotted, value in changes.items():
        for holder, key in _places(result, dotted.split("."), dotted, source):
            holder[key] = _scaled(holder[key], value, dotted, source)
    return result


def _places(node: Any, parts: list[str], dotted: str, source: str) -> list[tuple[Any, Any]]:
    """Every (container, key) that the dotted path means."""
    if isinstance(node, dict):
        keys: list[Any] = list(node)
        chosen = keys if parts[0] == "*" else [key for key in keys if str(key) == parts[0]]
    elif isinstance(node, list):
        keys = list(range(len(node)))
        chosen = keys if parts[0] == "*" else [key for key in keys if str(key) == parts[0]]
    else:
        keys, chosen = [], []
    if not chosen:
        known = f"known here: {', '.join(map(str, keys))}" if keys else "there is nothing below it"
        raise PrerollError(f"{source}: {dotted}: unknown key {parts[0]!r}; {known}")
    if len(parts) == 1:
        return [(node, key) for key in chosen]
    return [place for key in chosen for place in _places(node[key], parts[1:], dotted, source)]


def _scaled(old: Any, value: Any, dotted: str, source: str) -> Any:
    if not (isinstance(value, Mapping) and set(value) == {"scale"}):
        return value
    if isinstance(old, bool) or not isinstance(old, int | float):
        raise PrerollError(f"{source}: {dotted}: only a number can be scaled, not {old!r}")
    factor = value["scale"]
    if isinstance(factor, bool) or not isinstance(factor, int | float):
        raise PrerollError(f"{source}: {dotted}: scale: a number is expected, not {factor!r}")
    return old * factor
