"""Points of an experiment, and what all of them have to be checked for."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preroll.envs.scenario.overrides import apply_overrides
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.names import whole
from preroll.simulations.experiment.design.spec import CATALOG, number_of
from preroll.simulations.feedback.feedback import separated

_MARK = "\0"


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of values.

    Attributes:
        values: values that differ from point to point, by dotted key; ``{"scale": x}`` for a factor.
        base: the scenario without any variation.
        catalog: name or folder.
    """

    values: dict[str, Any]
    base: Scenario
    catalog: str

    @property
    def scenario(self) -> Scenario:
        """The scenario to simulate; computed, for those of many points would fill the memory."""
        return varied(self.base, self.values)


def varied(base: Scenario, values: Mapping[str, Any]) -> Scenario:
    """Returns a scenario with the values of a point."""
    changes, _ = separated({key: value for key, value in values.items() if key != CATALOG})
    return base.replace(changes) if changes else base


def check_points(found: Sequence[Point]) -> None:
    """Checks the values of all points, of many by the ends of their ranges.

    What a scenario requires of a real number is an interval, and numbers meet as products and sums: if every
    combination of the smallest and the largest values is valid, so is all that lies between. If one is not, the points
    tell.

    Raises:
        PrerollError: a key that the scenario lacks, or a value out of range.
    """
    base, spans = found[0].base, _spans(found)
    first = _kinds(found, spans)
    if len(first) * 2 ** len(spans) < len(found):
        try:
            for kind, ends in itertools.product(first, itertools.product(*spans.values())):
                varied(base, {**kind.values, **dict(zip(spans, ends, strict=True))})
        except PrerollError:
            pass
        else:
            return
    for point in found:
        varied(base, point.values)


def kinds(found: Sequence[Point]) -> list[Point]:
    """Returns the first point of every kind: those of a kind differ in real numbers alone, so have the same shape."""
    return _kinds(found, _spans(found))


def _spans(found: Sequence[Point]) -> dict[str, tuple[Any, ...]]:
    """Returns the smallest and the largest value of every key that has numbers alone, where the scenario has floats."""
    base = found[0].base.model_dump(mode="json")
    columns = {key: [point.values[key] for point in found] for key in found[0].values if _is_real(base, key)}
    spans = {}
    for key, column in columns.items():
        numbers = [math.nan if (number := number_of(value)) is None else number for value in column]
        scaled = {isinstance(value, Mapping) for value in column}
        if len(scaled) == 1 and all(map(math.isfinite, numbers)):
            spans[key] = tuple(column[numbers.index(end(numbers))] for end in (min, max))
    return spans


def _is_real(base: Mapping[str, Any], key: str) -> bool:
    """Returns whether everything that a dotted key matches is a float, so that no value has to be whole."""
    if key == CATALOG or key.startswith(("drift", "*")):  # a drift may hold whole numbers as floats
        return False
    try:
        marked = apply_overrides(base, {key: _MARK}, "")
    except PrerollError:
        return False
    return all(isinstance(old, float) for old in _marked(base, marked))


def _marked(old: Any, new: Any) -> list[Any]:
    """Returns the values of ``old`` where ``new`` has the mark."""
    if new == _MARK:
        return [old]
    pairs = zip(old.values(), new.values(), strict=True) if isinstance(old, dict) else ()
    pairs = zip(old, new, strict=True) if isinstance(old, list) else pairs
    return [found for pair in pairs for found in _marked(*pair)]


def _kinds(found: Sequence[Point], spans: Mapping[str, Any]) -> list[Point]:
    """Returns the first point of every combination of the other values."""
    others = [key for key in found[0].values if key not in spans]
    first: dict[str, Point] = {}
    for point in found:
        first.setdefault(whole([point.values[key] for key in others]) if others else "", point)
    return list(first.values())
