"""The interface of a prediction task (data, split, model, metrics), implemented by tags, genres and memorability."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.framework.bad_input import Skipping

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Table:
    """A table of results; undefined numbers are NaN.

    Attributes:
        columns: headings.
        rows: rows of strings, integers and floats.
        text: names of the columns that contain text.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    text: tuple[str, ...] = ()


@dataclass(frozen=True)
class PredictionReport:
    """Results of an evaluation.

    Attributes:
        metrics: values by name, in the order in which they are printed; undefined ones are NaN.
        table: detailed results.
        notes: remarks needed to interpret the results.
    """

    metrics: dict[str, float]
    table: Table
    notes: tuple[str, ...] = ()

    def also(self, notes: Sequence[str]) -> "PredictionReport":
        """Returns a copy of the report with further notes appended."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class Fitted:
    """Result of a training, besides the files of the model.

    Attributes:
        ids: ids of the held-out rows, each predicted by models that were not trained on it.
        held_out: float32 [n, K], predictions about the held-out rows.
        report: metrics of these predictions.
        facts: further JSON entries of ``result.json``, such as temperature, epochs and selected models.
        trained: movies (or ids) that the model was trained on, and on which it must not be evaluated later.
        reliability: pairs (probabilities, outcomes) by name, for the reliability diagram.
    """

    ids: tuple[str, ...]
    held_out: Probabilities
    report: PredictionReport
    facts: dict[str, Any]
    trained: tuple[str, ...]
    reliability: dict[str, tuple[NDArray[Any], NDArray[np.bool_]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """Callbacks that report the progress of a training.

    Attributes:
        point: called with a step and values by tag, which become TensorBoard curves.
        advance: called with 1 after each of the :attr:`Task.steps`.
    """

    point: Callable[[int, dict[str, float]], None] = lambda step, values: None
    advance: Callable[[int], None] = lambda amount: None


#: What networks are trained by.
LOSS = "loss: binary cross-entropy of the training batches, summed over classes"
D = TypeVar("D")


class Task(ABC, Generic[D]):
    """Base class of all prediction tasks.

    Attributes:
        steps: number of calls of :attr:`Progress.advance` during a training.
        step: what TensorBoard's "step" counts.
        tags: what the tags of :attr:`Progress.point` mean, the main measure first; N stands for any whole number, and
            NAME for anything.
    """

    steps: int
    step: ClassVar[str] = "epochs, counted from 1"
    tags: ClassVar[Mapping[str, str]]

    @abstractmethod
    def load(self, skipping: Skipping) -> D:
        """Reads, checks and splits the labelled data; writes nothing except caches."""

    @abstractmethod
    def fit(self, data: D, folder: Path, progress: Progress) -> Fitted:
        """Trains the model on the training rows, writes it to ``folder`` and evaluates it on the held-out rows."""

    @abstractmethod
    def evaluate(self, data: D, run: "Trained") -> tuple[PredictionReport, Sequence[str], Probabilities]:
        """Evaluates the model of a finished run on the held-out rows of the data.

        Returns:
            The report, the ids of the n held-out rows, and their predictions, float32 [n, K].
        """

    @abstractmethod
    def apply(self, run: "Trained", skipping: Skipping) -> tuple[Sequence[str], Probabilities]:
        """Predicts videos, which need no labels.

        Returns:
            The ids of the n videos, and their predictions, float32 [n, K].
        """


@dataclass(frozen=True)
class Trained:
    """The trained model of a finished run.

    Attributes:
        folder: folder of the model's files.
        names: names of the K predicted quantities.
        trained: movies (or ids) that the model was trained on.
        held_out: out-of-sample predictions about rows of its own data, float32 [K] by id.
        facts: content of ``result.json``.
    """

    folder: Path
    names: tuple[str, ...]
    trained: tuple[str, ...]
    held_out: dict[str, Probabilities]
    facts: dict[str, Any]
