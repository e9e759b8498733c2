"""What a task is: data, a split, a model, and what is measured. Tags, genres and memorability are three of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.framework.bad_input import Skipping

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """A table of results; NaN stands where a number is not defined.

    Attributes:
        columns: headings.
        rows: texts, whole numbers and floats.
        text: the columns that are no numbers.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    text: tuple[str, ...] = ()


@dataclass(frozen=True)
class PredictionReport:
    """What was measured.

    Attributes:
        metrics: by name, in the order in which they are told; NaN where one is not defined.
        table: the details.
        notes: what else must be known to read them.
    """

    metrics: dict[str, float]
    table: Table
    notes: tuple[str, ...] = ()

    def also(self, notes: Sequence[str]) -> "PredictionReport":
        """The same with further notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class Fitted:
    """What training leaves behind, besides the model's files.

    Attributes:
        ids: the held-out rows, which no model saw that predicts them.
        held_out: float32 [n, K], what is predicted about them.
        report: about the held-out rows.
        facts: further entries of ``result.json``, plain JSON: temperature, epochs, choices.
        trained: the movies (or ids) that the model was trained on, on which it must not be measured again.
        reliability: pairs (probabilities, outcomes) by name, for the picture.
    """

    ids: tuple[str, ...]
    held_out: Probabilities
    report: PredictionReport
    facts: dict[str, Any]
    trained: tuple[str, ...]
    reliability: dict[str, tuple[NDArray[Any], NDArray[np.bool_]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How a training tells where it is.

    Attributes:
        point: is called with a step and values by tag; they become TensorBoard's curves.
        advance: is called after each of the task's :attr:`Task.steps`.
    """

    point: Callable[[int, dict[str, float]], None] = lambda step, values: None
    advance: Callable[[int], None] = lambda amount: None


D = TypeVar("D")


class Task(ABC, Generic[D]):
    """One kind of prediction, with its settings.

    Attributes:
        steps: how often a training advances.
    """

    steps: int

    @abstractmethod
    def load(self, skipping: Skipping) -> D:
        """Reads the data, labels included, checks it, and splits it; nothing is written but caches."""

    @abstractmethod
    def fit(self, data: D, folder: Path, progress: Progress) -> Fitted:
        """Trains the model on the training rows and writes it to ``folder``; measures it on the held-out rows."""

    @abstractmethod
    def evaluate(self, data: D, run: "Trained") -> tuple[PredictionReport, Sequence[str], Probabilities]:
        """Measures the model of a run on the held-out rows of the data.

        Returns:
            The report, the held-out rows' ids, and what is predicted about them, float32 [n, K].
        """

    @abstractmethod
    def apply(self, run: "Trained", skipping: Skipping) -> tuple[Sequence[str], Probabilities]:
        """Predicts videos, with labels or without: their ids, and float32 [n, K]."""


@dataclass(frozen=True)
class Trained:
    """The model of a finished run.

    Attributes:
        folder: of the model's files.
        names: of the K things that it predicts.
        trained: the movies (or ids) that it was trained on.
        held_out: predictions about rows of its own data by models that never saw them, by id.
        facts: content of ``result.json``.
    """

    folder: Path
    names: tuple[str, ...]
    trained: tuple[str, ...]
    held_out: dict[str, Probabilities]
    facts: dict[str, Any]
