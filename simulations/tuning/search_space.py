"""Which values of an agent's settings a search tries: read off their types, bounds and defaults."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from preroll.agents.settings import AgentSettings

#: Never searched: how long to train is the searcher's budget.
BUDGET = "sessions"
TENTH = 0.1  # shares nearer to 0 or 1 than this are searched near there


@dataclass(frozen=True)
class Numbers:
    """Numbers from ``low`` to ``high``.

    Attributes:
        low, high: both included.
        log: whether to try them evenly in their logarithm.
        whole: whether they are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Categorical:
    """One of several values."""

    values: tuple[str | bool, ...]


Range = Numbers | Categorical


def search_space(settings: type[AgentSettings], fixed: Collection[str] = ()) -> dict[str, Range]:
    """Gives the range of every setting that can be searched.

    Words and switches are tried one by one; shares (numbers within [0, 1]) as a whole, or near the end that their
    default lies close to; whole numbers up to four times, other numbers up to ten times more or less than their
    default. Lists, and numbers without a scale (default 0), are left as they are.

    Args:
        settings: of the agent.
        fixed: names that are not searched.
    """
    about = settings.model_json_schema()["properties"]
    found = {name: _range(told) for name, told in about.items() if name != BUDGET and name not in fixed}
    return {name: wanted for name, wanted in found.items() if wanted is not None}


def _range(about: Mapping[str, Any]) -> Range | None:
    """The range of one setting, by its JSON schema.

    >>> _range({"type": "integer", "default": 8, "minimum": 1})
    Numbers(low=2, high=32, log=True, whole=True)
    >>> _range({"type": "number", "default": 0.75, "minimum": 0, "maximum": 1})
    Numbers(low=0, high=1, log=False, whole=False)
    >>> _range({"type": "array", "default": [64, 64]})
    """
    if "enum" in about:
        return Categorical(tuple(about["enum"]))
    if about.get("type") == "boolean":
        return Categorical((False, True))
    default = about.get("default")
    if about.get("type") not in ("integer", "number") or isinstance(default, bool) or default is None:
        return None
    low = about.get("minimum", about.get("exclusiveMinimum", float("-inf")))
    high = about.get("maximum", about.get("exclusiveMaximum", float("inf")))
    if (low, high) == (0, 1) and about["type"] == "number":
        return _share(default, 0 if "minimum" in about else TENTH / 10, 1 if "maximum" in about else 1 - TENTH / 10)
    if default <= 0:
        return None
    if about["type"] == "integer":
        return Numbers(max(low, default // 4, 1), min(high, 4 * default), log=True, whole=True)
    return Numbers(max(low, default / 10), min(high, default * 10), log=True)


def _share(default: float, low: float, high: float) -> Numbers:
    """A share: near 0 evenly in its logarithm, near 1 from ten times to a tenth of its distance to 1."""
    if 0 < default < TENTH:
        return Numbers(default / 10, default * 10, log=True)
    if 1 - TENTH < default < 1:
        return Numbers(round(1 - 10 * (1 - default), 12), round(1 - (1 - default) / 10, 12))
    return Numbers(low, high)
