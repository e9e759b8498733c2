"""Differences between scenarios, by the dotted keys that ``--set`` takes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preroll.envs.scenario.scenario import Scenario


def differences(scenarios: Sequence[Scenario]) -> dict[str, tuple[str, ...]]:
    """Returns the value of every scenario, as text, at each dotted key where not all are equal.

    The text is empty where a scenario has no such key. Names and descriptions are left out. Ads of all categories that
    differ in the same way are one key, ``ads.*.…``.

    Examples:
        >>> one = Scenario.load("classic")
        >>> differences([one, one.replace({"user.mismatch": 0.2, "ads.*.long.seconds": 20})])
        {'ads.*.long.seconds': ('30.0', '20.0'), 'user.mismatch': ('0.4', '0.2')}
    """
    flat = [dict(_leaves(scenario.model_dump(mode="json", exclude={"name", "description"}))) for scenario in scenarios]
    keys = dict.fromkeys(key for leaves in flat for key in leaves)
    values = {key: tuple(leaves.get(key, "") for leaves in flat) for key in keys}
    return {name: found for name, found in _starred(values).items() if len(set(found)) > 1}


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields the path and the text of every value; lists of mappings are numbered."""
    inner = node if isinstance(node, Mapping) else None
    if isinstance(node, list) and all(isinstance(one, Mapping) for one in node):
        inner = {str(number): one for number, one in enumerate(node)}
    if inner is None:
        yield path, node if isinstance(node, str) else json.dumps(node, ensure_ascii=False)
        return
    for key, value in inner.items():
        yield from _leaves(value, (*path, str(key)))


def _starred(values: Mapping[tuple[str, ...], tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Returns values by dotted key; those that are the same below every group of ads have one with a star."""
    groups: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for path, found in values.items():
        groups.setdefault(_below_star(path), set()).add(found)
    return {
        ".".join(_below_star(path) if len(groups[_below_star(path)]) == 1 else path): found
        for path, found in values.items()
    }


def _below_star(path: tuple[str, ...]) -> tuple[str, ...]:
    return ("ads", "*", *path[2:]) if path[0] == "ads" and len(path) > 2 else path
