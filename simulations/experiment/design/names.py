"""Readable names of points and agents, used as names of folders and of runs in TensorBoard.

A point and an agent are known by their :func:`whole` values, never by their names: a name has six digits of every
number where that tells it apart, else all digits, and whoever has a name keeps it.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from preroll.simulations.experiment.design.spec import CATALOG
from preroll.system.portable_names import kept_or_portable

BASE = "base"  # name of the only point if nothing varies
LONGEST = 100  # characters
MOST_BYTES = 160  # with those of the agent and of temporary names beside it a folder's name stays below 255
#: Values of the point, hash of the catalog, agent and settings of a cell.
Described = tuple[Mapping[str, Any], str, str, Mapping[str, Any]]
_GROUPS = ("ads", "user", "session", "recommender", "observe")


def short_keys(keys: Sequence[str]) -> dict[str, str]:
    """Returns a short name for each dotted key, without uninformative groups; the whole key where two would be equal.

    Examples:
        >>> short_keys(["ads.*.long.view_probability", "user.mismatch"])
        {'ads.*.long.view_probability': 'long.view_probability', 'user.mismatch': 'mismatch'}
    """
    short = {key: ".".join(part for part in key.split(".") if part != "*") for key in keys}
    short = {key: name.split(".", 1)[1] if _grouped(name) else name for key, name in short.items()}
    times = Counter(short.values())
    return {key: name if times[name] == 1 else key for key, name in short.items()}


def value_text(value: Any, key: str = "", *, exact: bool = False) -> str:
    """Returns a value as text for a name, a float with six digits; ``exact``: with all digits that it has.

    Examples:
        >>> value_text(0.25), value_text({"scale": 2}), value_text(True), value_text([1, 2])
        ('0.25', 'x2', 'true', '[1, 2]')
        >>> value_text(0.1234567), value_text(0.1234567, exact=True)
        ('0.123457', '0.1234567')
    """
    if isinstance(value, Mapping) and set(value) == {"scale"}:
        return f"x{value_text(value['scale'], exact=exact)}"
    if key == CATALOG:
        return PurePath(str(value)).name
    if isinstance(value, float):
        text = f"{value:.6g}"
        return repr(value) if exact and float(text) != value else text
    return value if isinstance(value, str) else json.dumps(value)


def pairs_name(values: Mapping[str, Any], keys: Mapping[str, str], *, exact: bool = False) -> str:
    """Returns the name of a combination of values, safe as the name of a folder.

    Args:
        values: value by key.
        keys: short name by key.
        exact: whether floats have all digits.

    Examples:
        >>> pairs_name({"user.mismatch": 0.2, "num_envs": 8}, {"user.mismatch": "mismatch", "num_envs": "num_envs"})
        'mismatch=0.2,num_envs=8'
    """
    text = ",".join(f"{keys[key]}={value_text(value, key, exact=exact)}" for key, value in values.items())
    safe = re.sub(r"[^\w.=,+-]+", "_", text)
    if len(safe) <= LONGEST and safe == text:
        return kept_or_portable(safe, MOST_BYTES)
    # The hash distinguishes combinations that differ only in what was cut off or replaced.
    digest = hashlib.blake2b(json.dumps(dict(values), sort_keys=True).encode(), digest_size=3).hexdigest()
    return kept_or_portable(f"{safe[:LONGEST]}-{digest}", MOST_BYTES)


def point_names(values: Mapping[str, Any], keys: Mapping[str, str]) -> Iterator[str]:
    """Returns the names that a point can have, the shortest first; the last one is free in any case."""
    if not values:
        yield BASE
        return
    yield pairs_name(values, keys)
    yield pairs_name(values, keys, exact=True)
    yield f"{pairs_name(values, keys)}-{hashlib.blake2b(whole(values).encode(), digest_size=8).hexdigest()}"


def agent_names(agent: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Returns the names that an agent with its settings can have, as :func:`point_names`.

    Examples:
        >>> next(agent_names("dqn", {"num_envs": 256}))
        'dqn-num_envs=256'
    """
    if settings:
        yield from (f"{agent}-{name}" for name in point_names(settings, {key: key for key in settings}))
    else:
        yield agent


def whole(value: Any) -> str:
    """Returns text that is the same for equal values alone; 1 and 1.0 are equal.

    Examples:
        >>> whole({"b": 1.0, "a": 0.1234567}), whole({"a": 0.12345671, "b": 1})
        ('{"a": 0.1234567, "b": 1}', '{"a": 0.12345671, "b": 1}')
    """
    return json.dumps(_plain(value), sort_keys=True)


def distinct(wanted: Mapping[str, Iterable[str]], given: Mapping[str, str]) -> dict[str, str]:
    """Returns a name for everything: the one that it has already, else the first that nothing else has.

    Args:
        wanted: names that are possible, the best first, by what is to be named as :func:`whole` text.
        given: names that were given before.

    Examples:
        >>> distinct({"0.12": ["0.1", "0.12"], "0.11": ["0.1", "0.11"]}, {"0.11": "0.1"})
        {'0.12': '0.12', '0.11': '0.1'}
    """
    taken, names = set(given.values()), {}
    for one, possible in wanted.items():
        names[one] = given[one] if one in given else next(name for name in possible if name not in taken)
        taken.add(names[one])
    return names


def known_as(cells: Sequence[Described]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Returns what the point and the agent of every cell are known as, and the values of the point to be named."""
    named = _with_catalog_names(cells)
    # Cells of a point share its values, and those of an agent its settings.
    texts: dict[int, str] = {}
    for one in (*named, *(settings for _, _, _, settings in cells)):
        if id(one) not in texts:
            texts[id(one)] = whole(one)
    return [
        (texts[id(values)], f"{agent} {texts[id(settings)]}", values)
        for values, (_, _, agent, settings) in zip(named, cells, strict=True)
    ]


def _with_catalog_names(cells: Sequence[Described]) -> list[Mapping[str, Any]]:
    """Returns the values of points with names of catalogs instead of folders, so that these may be moved.

    Of two catalogs in folders of the same name, the second one's has the hash of its content.
    """
    names: dict[str, str] = {}
    for values, digest, _, _ in cells:
        if CATALOG in values and values[CATALOG] not in names:
            name = PurePath(values[CATALOG]).name
            names[values[CATALOG]] = name if name not in names.values() else f"{name}-{digest[:8]}"
    return [{**values, CATALOG: names[values[CATALOG]]} if names else values for values, _, _, _ in cells]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _grouped(name: str) -> bool:
    return "." in name and name.split(".", 1)[0] in _GROUPS
