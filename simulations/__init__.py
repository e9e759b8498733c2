"""Simulations: agents are trained and compared on sessions, with curves, intervals and pictures.

Names are loaded when they are first asked for. Read in this order: seeds → ledger → curves → training → run →
evaluation → table and picture → quickstart.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preroll.simulations.evaluation.evaluation import Evaluation, evaluate
    from preroll.simulations.training.run import Run
    from preroll.simulations.training.training import TrainingResult, train

__all__ = ["Evaluation", "Run", "TrainingResult", "evaluate", "train"]

_HOMES = {
    "Evaluation": "preroll.simulations.evaluation.evaluation",
    "Run": "preroll.simulations.training.run",
    "TrainingResult": "preroll.simulations.training.training",
    "evaluate": "preroll.simulations.evaluation.evaluation",
    "train": "preroll.simulations.training.training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
