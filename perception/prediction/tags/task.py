"""The task ``tags``: multi-label classification of videos from YouTube-8M features."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.yt8m.arrays import Reader, TagArrays, converted
from preroll.perception.prediction.formats.yt8m.csv import read_csv
from preroll.perception.prediction.formats.yt8m.examples import read_tfrecord
from preroll.perception.prediction.formats.yt8m.record import FEATURES
from preroll.perception.prediction.formats.yt8m.vocabulary import read_vocabulary
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.first_few import first_few
from preroll.perception.prediction.framework.settings import TagSettings
from preroll.perception.prediction.framework.split import check_unseen, copy_notes
from preroll.perception.prediction.framework.task import (
    LOSS,
    Fitted,
    PredictionReport,
    Probabilities,
    Progress,
    Task,
    Trained,
)
from preroll.perception.prediction.metrics.calibration import tags_temperature, temperature_scaled_tags
from preroll.perception.prediction.metrics.ranking import best_classes
from preroll.perception.prediction.networks.batches import consecutive, shuffled, steps_of
from preroll.perception.prediction.networks.ensemble import Ensemble
from preroll.perception.prediction.tags.report import quick_metrics, report, seed_metrics

if TYPE_CHECKING:
    from torch import Tensor, nn

    from preroll.perception.prediction.networks.training_loop import Batch

_READERS: dict[str, Reader] = {"csv": read_csv, "tfrecord": read_tfrecord}
_BLOCK = 1024
_COMPARED = 128


@dataclass(frozen=True)
class TagDataset:
    """Tagged videos for training and validation.

    Attributes:
        train: training videos.
        validation: validation videos.
        names: names of the tags.
    """

    train: TagArrays
    validation: TagArrays
    names: tuple[str, ...]


class Tags(Task[TagDataset]):
    """Prediction of the tags of videos."""

    tags: ClassVar[Mapping[str, str]] = {
        "seed-N/GAP@20": "global average precision: of the 20 best tags of every validation video, pooled",
        "seed-N/Hit@1": "Hit@1: share of validation videos whose best tag is one of theirs",
        "seed-N/Hit@5": "Hit@5: share of validation videos with one of their tags among the 5 best",
        "seed-N/Hit@20": "Hit@20: share of validation videos with one of their tags among the 20 best",
        "seed-N/loss": LOSS,
    }

    def __init__(self, settings: TagSettings) -> None:
        """Stores the settings."""
        self.settings = settings
        self.steps = settings.training.epochs * len(settings.training.seeds)

    def load(self, skipping: Skipping) -> TagDataset:
        """Reads training and validation videos.

        Raises:
            PrerollError: data are bad, or a video is in both parts.
        """
        data = self.settings.data
        parts = [self._arrays(pattern, skipping) for pattern in (data.train, data.validation)]
        _check_apart(*parts)
        return TagDataset(parts[0], parts[1], self._names(parts[0].classes))

    def _arrays(self, pattern: str, skipping: Skipping, *, labeled: bool = True) -> TagArrays:
        data = self.settings.data
        files = sorted(data.folder.glob(pattern), key=_numerically)
        if not files:
            raise PrerollError(f"data.folder: {data.folder}: no file matches {pattern!r}")
        return converted(files, _READERS[data.format], data.cache, skipping, labeled=labeled)

    def _names(self, classes: int) -> tuple[str, ...]:
        path = self.settings.data.vocabulary
        return tuple(str(k) for k in range(classes)) if path is None else read_vocabulary(path, classes)

    def fit(self, data: TagDataset, folder: Path, progress: Progress) -> Fitted:
        """Trains one network per seed; the last epoch is kept unless ``best_by`` is set."""
        from preroll.perception.prediction.networks.training_loop import precision, precision_notes

        targets, by_seed = data.validation.targets(), []
        epochs, cost = [], []
        for seed in self.settings.training.seeds:
            began = time.process_time()
            network, epoch = self._network(data, targets, seed, progress)
            cost.append(round(time.process_time() - began, 2))
            _export(folder / f"seed-{seed}.onnx", network, data.validation)
            by_seed.append(_torch_probabilities(network, data.validation))
            epochs.append(epoch)
        mean: Probabilities = np.stack(by_seed).mean(0)
        temperature, reliability = _calibrated(mean, targets)
        facts: dict[str, Any] = {
            "epochs": epochs,
            "training_cpu_seconds": cost,
            "precision": str(precision(self.settings.training)).removeprefix("torch."),
            "temperature": temperature,
            "by_seed": seed_metrics(by_seed, targets),
            "videos": {"train": len(data.train), "validation": len(data.validation)},
        }
        told = report(mean, targets, data.names).also(precision_notes(self.settings.training))
        told = told.also(_copies(data.train, data.validation))
        return Fitted(data.validation.ids, mean, told, facts, data.train.ids, reliability)

    def _network(
        self, data: TagDataset, targets: NDArray[np.bool_], seed: int, progress: Progress
    ) -> "tuple[nn.Module, int]":
        from preroll.perception.prediction.networks.output_layer import log_odds
        from preroll.perception.prediction.networks.training_loop import TrainingData, fit
        from preroll.perception.prediction.networks.vector_networks import make_vector_network

        training, arrays = self.settings.training, data.train
        bias = log_odds(arrays.frequencies(), len(arrays))

        def validate(network: "nn.Module") -> dict[str, float]:
            return quick_metrics(_torch_probabilities(network, data.validation), targets)

        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            progress.point(epoch, {f"seed-{seed}/{name}": value for name, value in metrics.items()})
            progress.advance(1)

        return fit(
            lambda: make_vector_network(self.settings.model, FEATURES, bias),
            TrainingData(
                lambda rng: _batches(arrays, training.batch, rng), steps_of(len(arrays), training.batch), validate
            ),
            training,
            seed,
            on_epoch,
        )

    def evaluate(self, data: TagDataset, run: Trained) -> tuple[PredictionReport, Sequence[str], Probabilities]:
        """Evaluates a run on the validation videos.

        Raises:
            PrerollError: the run was trained on one of these videos.
        """
        check_unseen(data.validation.ids, run.trained)
        found = _predicted(run, data.validation)
        return report(found, data.validation.targets(), data.names), data.validation.ids, found

    def apply(self, run: Trained, skipping: Skipping) -> tuple[Sequence[str], Probabilities]:
        """Predicts the videos of ``data.apply``, which need no labels, or the validation videos if it is not set."""
        data = self.settings.data
        arrays = self._arrays(data.apply or data.validation, skipping, labeled=data.apply is None)
        return arrays.ids, _predicted(run, arrays)


def _check_apart(train: TagArrays, validation: TagArrays) -> None:
    """Raises if a validation video is in the training, by its id or its features, as CSV files have no ids."""
    ids, features = set(train.ids), {hash(row.tobytes()) for row in train.features}
    rows = zip(validation.ids, validation.features, strict=True)
    if both := [name for name, row in rows if name in ids or hash(row.tobytes()) in features]:
        raise PrerollError(f"data.validation: {len(both)} of its videos are in data.train too: {first_few(both)}")


def _copies(train: TagArrays, validation: TagArrays) -> tuple[str, ...]:
    # The first features vary most, and all would not fit into memory twice.
    vectors = np.concatenate([videos.features[:, :_COMPARED] for videos in (train, validation)])
    rows = np.arange(len(vectors))
    return copy_notes(vectors, (*train.ids, *validation.ids), [(rows[: len(train)], rows[len(train) :])])


def _numerically(path: Path) -> tuple[list[int], str]:
    """Returns a sort key by the numbers in a file name, so that train_10 comes after train_9."""
    return [int(digits) for digits in re.findall(r"\d+", path.name)], path.name


def _batches(arrays: TagArrays, batch: int, rng: np.random.Generator) -> "Iterator[Batch]":
    import torch

    for rows in shuffled(np.arange(len(arrays)), batch, rng):
        yield (torch.from_numpy(arrays.features[rows]),), torch.from_numpy(arrays.targets(rows)).float()


def _export(path: Path, network: "nn.Module", videos: TagArrays) -> None:
    from preroll.perception.prediction.networks.export import Probabilities as WithSigmoid
    from preroll.perception.prediction.networks.export import export

    examples = [(_tensor(videos, np.arange(rows)),) for rows in (2, 1, min(64, len(videos)))]
    export(path, WithSigmoid(network), examples, inputs=["features"], output="probabilities")


def _tensor(videos: TagArrays, rows: NDArray[np.int64]) -> "Tensor":
    import torch

    return torch.from_numpy(np.array(videos.features[rows % len(videos)]))


def _torch_probabilities(network: "nn.Module", videos: TagArrays) -> Probabilities:
    import torch

    network.eval()
    with torch.no_grad():
        parts = [torch.sigmoid(network(_tensor(videos, rows))) for rows in consecutive(np.arange(len(videos)), _BLOCK)]
    joined: Probabilities = torch.cat(parts).numpy()
    return joined


def _predicted(run: Trained, videos: TagArrays) -> Probabilities:
    blocks = consecutive(np.arange(len(videos)), _BLOCK)
    return Ensemble(run.folder)({"features": np.array(videos.features[rows])} for rows in blocks)


def _calibrated(
    probabilities: Probabilities, targets: NDArray[np.bool_]
) -> tuple[float, dict[str, tuple[NDArray[Any], NDArray[np.bool_]]]]:
    """Fits the temperature on the 20 best pairs (video, class) of every video.

    Returns:
        The temperature, and pairs (probabilities, outcomes) before and after scaling. For the latter, each half of the
        videos is scaled by the temperature of the other half, so that the reliability diagram is out-of-sample.
    """
    best = best_classes(probabilities, 20)
    pairs = np.take_along_axis(probabilities, best, 1)
    true = np.take_along_axis(targets, best, 1)
    scaled = np.empty(pairs.shape)
    for half in (0, 1):
        if len(pairs[1 - half :: 2]):
            scaled[half::2] = temperature_scaled_tags(
                pairs[half::2], tags_temperature(pairs[1 - half :: 2], true[1 - half :: 2])
            )
    return tags_temperature(pairs, true), {"as trained": (pairs, true), "with temperature": (scaled, true)}
