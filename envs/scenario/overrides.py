"""Overrides of single values in nested settings, by dotted keys."""

import copy
from collections.abc import Mapping
from typing import Any

from preroll.console.nearest import known
from preroll.errors import PrerollError


def apply_overrides(settings: Mapping[str, Any], changes: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Returns a copy of nested ``settings`` in which each dotted key of ``changes`` is set.

    ``*`` matches every key of its level below which the rest of the dotted key exists, numbers index lists, and the
    value ``{"scale": x}`` multiplies the existing number, or every number of a mapping.

    Args:
        settings: nested settings.
        changes: new values by dotted key.
        source: name of the settings in error messages.

    Raises:
        PrerollError: If a key does not exist; the message lists the keys that exist at that place.

    Examples:
        >>> apply_overrides({"a": {"x": 1, "y": 2}}, {"a.*": 5}, "demo")
        {'a': {'x': 5, 'y': 5}}
        >>> apply_overrides({"a": [1, 2]}, {"a.1": {"scale": 10}}, "demo")
        {'a': [1, 20]}
        >>> apply_overrides({"a": {"x": 1, "y": {"b": 2, "c": 3}}}, {"a.*": {"scale": 10}, "a.*.c": 4}, "demo")
        {'a': {'x': 10, 'y': {'b': 20, 'c': 4}}}
    """
    result = copy.deepcopy(dict(settings))
    for dotted, value in changes.items():
        for holder, key in _places(result, dotted, dotted, source):
            # A copy: a later key may change what lies inside of it.
            holder[key] = copy.deepcopy(_scaled(holder[key], value, dotted, source))
    return result


def _places(node: Any, path: str, dotted: str, source: str) -> list[tuple[Any, Any]]:
    """Finds every (container, key) that a dotted path matches; keys may contain dots (a category ``vol.1``)."""
    keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    chosen = [(key, rest) for key in keys if (rest := _after(str(key), path)) is not None]
    if not chosen:
        whole = "it is empty, and can be set as a whole"
        empty = whole if node in ({}, []) else "nothing is given here" if node is None else "there is nothing below it"
        wrong = path.split(".")[0]
        told = known(wrong, "known here:", keys) if keys else empty
        raise PrerollError(f"{source}: {dotted}: unknown key {wrong!r}; {told}")
    places, lacking = [], None
    for key, rest in chosen:
        try:
            places.extend(_places(node[key], rest, dotted, source) if rest else [(node, key)])
        except PrerollError as error:
            lacking = lacking or error
    if lacking and not places:
        raise lacking
    return places


def _after(key: str, path: str) -> str | None:
    """Returns the path after ``key`` or ``*``: empty at its end, None if the path does not start with either."""
    for beginning in (key, "*"):
        if path == beginning:
            return ""
        if path.startswith(f"{beginning}."):
            return path[len(beginning) + 1 :]
    return None


def _scaled(old: Any, value: Any, dotted: str, source: str) -> Any:
    if not (isinstance(value, Mapping) and set(value) == {"scale"}):
        return value
    if isinstance(old, Mapping) and old:
        return {key: _scaled(number, value, dotted, source) for key, number in old.items()}
    if isinstance(old, bool) or not isinstance(old, int | float):
        told = "and none is given" if old is None else f"not {old!r}"
        raise PrerollError(f"{source}: {dotted}: only a number can be scaled, {told}")
    factor = value["scale"]
    if isinstance(factor, bool) or not isinstance(factor, int | float):
        raise PrerollError(f"{source}: {dotted}: scale: a number is expected, not {factor!r}")
    return old * factor
