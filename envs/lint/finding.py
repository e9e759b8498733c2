"""One warning about a scenario."""

import json
from dataclasses import dataclass
from typing import Any

_LONGEST_VALUE = 80  # characters


@dataclass(frozen=True)
class Finding:
    """One warning about a scenario.

    Attributes:
        key: dotted key of the scenario.
        value: what stands there.
        problem: what is to be known about it, and what to do.
    """

    key: str
    value: Any
    problem: str

    def __str__(self) -> str:
        shown = _flow(self.value)
        shown = shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…"
        return f"{self.key}: {shown}: {self.problem}"


def _flow(value: Any) -> str:
    """Returns a plain value in one line, as YAML writes it; defaults have been left out by the caller."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
