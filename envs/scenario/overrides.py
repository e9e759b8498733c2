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
        for holder, key in _places(result, dotted, dotted, source):
            holder[key] = _scaled(holder[key], value, dotted, source)
    return result


def _places(node: Any, path: str, dotted: str, source: str) -> list[tuple[Any, Any]]:
    """Every (container, key) that the rest of a dotted path means; a key may have dots in it (a category ``vol.1``)."""
    keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    chosen = [(key, rest) for key in keys if (rest := _after(str(key), path)) is not None]
    if not chosen:
        empty = "it is empty, and can be set as a whole" if node in ({}, []) else "there is nothing below it"
        known = f"known here: {', '.join(map(str, keys))}" if keys else empty
        raise PrerollError(f"{source}: {dotted}: unknown key {path.split('.')[0]!r}; {known}")
    places = []
    for key, rest in chosen:
        places.extend(_places(node[key], rest, dotted, source) if rest else [(node, key)])
    return places


def _after(key: str, path: str) -> str | None:
    """What follows ``key``, or a ``*`` for it, in the path; empty at its end, None where the path begins otherwise."""
    for beginning in (key, "*"):
        if path == beginning:
            return ""
        if path.startswith(f"{beginning}."):
            return path[len(beginning) + 1 :]
    return None


def _scaled(old: Any, value: Any, dotted: str, source: str) -> Any:
    if not (isinstance(value, Mapping) and set(value) == {"scale"}):
        return value
    if isinstance(old, bool) or not isinstance(old, int | float):
        raise PrerollError(f"{source}: {dotted}: only a number can be scaled, not {old!r}")
    factor = value["scale"]
    if isinstance(factor, bool) or not isinstance(factor, int | float):
        raise PrerollError(f"{source}: {dotted}: scale: a number is expected, not {factor!r}")
    return old * factor
