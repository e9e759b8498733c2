"""Agents: everyone who decides on an ad, from random to PPO, behind one small interface.

Names are loaded when they are first asked for: ``make_agent("thompson", …)`` loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preroll.agents.agent import Agent
    from preroll.agents.loading import load_agent
    from preroll.agents.registry import AGENTS, make_agent
    from preroll.agents.transitions import Transitions

__all__ = ["AGENTS", "Agent", "Transitions", "load_agent", "make_agent"]

_HOMES = {
    "AGENTS": "preroll.agents.registry",
    "Agent": "preroll.agents.agent",
    "Transitions": "preroll.agents.transitions",
    "load_agent": "preroll.agents.loading",
    "make_agent": "preroll.agents.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
