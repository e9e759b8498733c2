"""Search space of an agent's settings, derived from their types, bounds and defaults."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from preroll.agents.settings import AgentSettings

#: Setting that is never searched: the length of training is the budget of the search.
BUDGET = "sessions"
DEVICE = "device"  # where an agent computes changes what it costs alone
TENTH = 0.1  # shares with a default closer than this to 0 or 1 are searched near that end


@dataclass(frozen=True)
class Numbers:
    """Range of a number.

    Attributes:
        low, high: bounds, both included.
        log: whether to sample uniformly in the logarithm.
        whole: whether only integers are sampled.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Categorical:
    """Choice of one of several values."""

    values: tuple[str | bool, ...]


Range = Numbers | Categorical


def search_space(
    settings: type[AgentSettings], fixed: Collection[str] = (), start: Mapping[str, Any] | None = None
) -> dict[str, Range]:
    """Returns the range of every setting that can be searched.

    Words and switches are categorical. Shares (numbers within [0, 1]) are searched over the whole range, or near the
    end that their default is close to; integers up to four times, other numbers up to ten times more or less than their
    default. Lists, and numbers without a scale (default 0), keep their defaults. A value of ``start`` stands for the
    default.

    Args:
        settings: settings class of the agent.
        fixed: names that are not searched.
        start: settings that the search begins with; by default the agent's defaults.

    Returns:
        Range by name of the setting.
    """
    found = {
        name: _range({**about, "default": (start or {}).get(name, about.get("default"))})
        for name, about in settings.model_json_schema()["properties"].items()
        if name not in (BUDGET, DEVICE, *fixed)
    }
    return {name: wanted for name, wanted in found.items() if wanted is not None}


def _range(about: Mapping[str, Any]) -> Range | None:
    """Returns the range of one setting by its JSON schema, or None if it cannot be searched.

    Examples:
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
    """Returns the range of a share by its default.

    Near 0 it is logarithmic; near 1 it extends from ten times to a tenth of the default's distance to 1.
    """
    if 0 < default < TENTH:
        return Numbers(default / 10, default * 10, log=True)
    if 1 - TENTH < default < 1:
        return Numbers(round(1 - 10 * (1 - default), 12), round(1 - (1 - default) / 10, 12))
    return Numbers(low, high)
