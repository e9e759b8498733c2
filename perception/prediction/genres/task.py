"""The task ``genres``: multi-label classification of movies from the embeddings of their frames."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.prediction.formats.embeddings import manifest_of, read_embeddings
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import GenreSettings
from preroll.perception.prediction.framework.split import Rows, check_unseen, copy_notes
from preroll.perception.prediction.framework.task import (
    LOSS,
    Fitted,
    PredictionReport,
    Probabilities,
    Progress,
    Task,
    Trained,
)
from preroll.perception.prediction.genres.data import Movies, patch_notes, read_movies
from preroll.perception.prediction.genres.patches import Frames, covering_patches, padded, random_patch
from preroll.perception.prediction.genres.report import genre_metrics, report
from preroll.perception.prediction.metrics.calibration import tags_temperature, temperature_scaled_tags
from preroll.perception.prediction.metrics.thresholds import best_thresholds
from preroll.perception.prediction.networks.batches import consecutive, shuffled, steps_of
from preroll.perception.prediction.networks.ensemble import Ensemble

if TYPE_CHECKING:
    from torch import nn

    from preroll.perception.prediction.networks.sequence_networks import Units
    from preroll.perception.prediction.networks.training_loop import Batch

_BLOCK = 64


HOW = {
    "macro": "mean over the genres that occur",
    "micro": "over all pairs of movie and genre",
    "weighted": "mean over genres, weighted by how often they occur",
}


class Genres(Task[Movies]):
    """Prediction of the genres of movies."""

    tags: ClassVar[Mapping[str, str]] = {
        **{
            f"seed-N/{how} {what}": f"{how} {what}: {HOW[how]}, on the validation movies"
            for what in ("AP", "precision", "recall")
            for how in HOW
        },
        "seed-N/loss": LOSS,
    }

    def __init__(self, settings: GenreSettings) -> None:
        """Stores the settings."""
        self.settings = settings
        self.steps = settings.training.epochs * len(settings.training.seeds)

    def load(self, skipping: Skipping) -> Movies:
        """Reads embeddings and genres and splits them by movie."""
        return read_movies(self.settings.data, self.settings.split, skipping)

    def fit(self, data: Movies, folder: Path, progress: Progress) -> Fitted:
        """Trains one network per seed on the training movies, and reports on the test movies."""
        from preroll.perception.prediction.networks.training_loop import precision, precision_notes

        chosen, held = data.split.validation, data.split.test
        by_seed: list[list[Probabilities]] = []
        epochs, cost = [], []
        for seed in self.settings.training.seeds:
            began = time.process_time()
            network, epoch = self._network(data, seed, progress)
            cost.append(round(time.process_time() - began, 2))
            _export(folder / f"seed-{seed}.onnx", network, [data.frames[row] for row in data.split.train[:3]])
            by_seed.append([self._torch_probabilities(network, data, rows) for rows in (chosen, held)])
            epochs.append(epoch)
        on_validation: Probabilities = np.stack([seed[0] for seed in by_seed]).mean(0)
        on_test: Probabilities = np.stack([seed[1] for seed in by_seed]).mean(0)
        thresholds = best_thresholds(on_validation, data.targets[chosen])
        temperature = tags_temperature(on_validation, data.targets[chosen])
        truth = data.targets[held]
        facts: dict[str, Any] = {
            "epochs": epochs,
            "training_cpu_seconds": cost,
            "precision": str(precision(self.settings.training)).removeprefix("torch."),
            "thresholds": [float(value) for value in thresholds],
            "temperature": temperature,
            "videos": {part: len(rows) for part, rows in data.split.parts().items()},
            "movies": {part: len({data.movies[row] for row in rows}) for part, rows in data.split.parts().items()},
        }
        trained = tuple(sorted({data.movies[row] for row in (*data.split.train, *chosen)}))
        ids = tuple(data.ids[row] for row in held)
        pairs: dict[str, tuple[NDArray[Any], NDArray[np.bool_]]] = {
            "as trained": (on_test, truth),
            "with temperature": (temperature_scaled_tags(on_test, temperature), truth),
        }
        told = report(on_test, truth, data.names, thresholds)
        told = told.also([*precision_notes(self.settings.training), *patch_notes(data.ids, self.settings.data.movie)])
        means = np.stack([frames.mean(0, dtype=np.float64) for frames in data.frames])
        told = told.also(copy_notes(means, data.ids, [(np.concatenate((data.split.train, chosen)), held)]))
        return Fitted(ids, on_test, told, facts, trained, pairs)

    def _network(self, data: Movies, seed: int, progress: Progress) -> "tuple[nn.Module, int]":
        import torch

        from preroll.perception.prediction.networks.output_layer import log_odds
        from preroll.perception.prediction.networks.sequence_networks import make_sequence_network
        from preroll.perception.prediction.networks.training_loop import TrainingData, fit

        training, rows = self.settings.training, data.split.train
        bias = log_odds(data.targets[rows].mean(0), len(rows))
        truth = data.targets[data.split.validation]

        def batches(rng: np.random.Generator) -> "Iterator[Batch]":
            for batch in shuffled(rows, training.batch, rng):
                patches = [random_patch(data.frames[row], self.settings.model.patch, rng) for row in batch]
                frames, mask = padded(patches)
                targets = torch.from_numpy(data.targets[batch]).float()
                yield (torch.from_numpy(frames), torch.from_numpy(mask)), targets

        def validate(network: "nn.Module") -> dict[str, float]:
            return genre_metrics(self._torch_probabilities(network, data, data.split.validation), truth)

        def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
            progress.point(epoch, {f"seed-{seed}/{name}": value for name, value in metrics.items()})
            progress.advance(1)

        units = _units(data)
        return fit(
            lambda: make_sequence_network(self.settings.model, units(), bias),
            TrainingData(batches, steps_of(len(rows), training.batch), validate),
            training,
            seed,
            on_epoch,
        )

    def evaluate(self, data: Movies, run: Trained) -> tuple[PredictionReport, Sequence[str], Probabilities]:
        """Evaluates a run on the test movies.

        Raises:
            PrerollError: the run was trained or selected on one of these movies, or predicts other genres.
        """
        rows = data.split.test
        _check_same_genres(data.names, run.names)
        check_unseen([data.movies[row] for row in rows], run.trained)
        found = self._predicted(run, [data.frames[row] for row in rows])
        thresholds = np.array(run.facts["thresholds"])
        return report(found, data.targets[rows], data.names, thresholds), [data.ids[row] for row in rows], found

    def apply(self, run: Trained, skipping: Skipping) -> tuple[Sequence[str], Probabilities]:
        """Predicts every video of the folder ``data.apply``, or the test videos if it is not set."""
        folder = self.settings.data.apply
        if folder is None:
            data = self.load(skipping)
            rows = data.split.test
            return [data.ids[row] for row in rows], self._predicted(run, [data.frames[row] for row in rows])
        written = manifest_of(folder)
        ids, frames = [], []
        for path in sorted(folder.rglob("*.npy")):
            found = read_embeddings(path, self.settings.data.width, skipping, written)
            if found is not None:
                ids.append(path.relative_to(folder).with_suffix("").as_posix())
                frames.append(found)
        if not ids:
            raise PrerollError(f"data.apply: {folder}: holds no usable .npy file")
        return ids, self._predicted(run, frames)

    def _predicted(self, run: Trained, videos: Sequence[Frames]) -> Probabilities:
        ensemble = Ensemble(run.folder)
        return _over_patches(
            videos, self.settings.model.patch, lambda frames, mask: ensemble([{"frames": frames, "mask": mask}])
        )

    def _torch_probabilities(self, network: "nn.Module", data: Movies, rows: Rows) -> Probabilities:
        import torch

        def run(frames: NDArray[np.float32], mask: NDArray[np.float32]) -> Probabilities:
            found: Probabilities = torch.sigmoid(network(torch.from_numpy(frames), torch.from_numpy(mask))).numpy()
            return found

        network.eval()
        with torch.no_grad():
            return _over_patches([data.frames[row] for row in rows], self.settings.model.patch, run)


def _check_same_genres(names: tuple[str, ...], predicted: tuple[str, ...]) -> None:
    """Raises unless the genres agree in names and order; otherwise columns would be compared with wrong labels."""
    if len(names) != len(predicted):
        raise PrerollError(f"data.genres: the data has {len(names)} genres, the run predicts {len(predicted)}")
    for number, (name, other) in enumerate(zip(names, predicted, strict=True), start=1):
        if name != other:
            raise PrerollError(f"data.genres: genre {number} is {name!r} here, and {other!r} in the run")


def _over_patches(videos: Sequence[Frames], length: int, run: Any) -> Probabilities:
    """Averages the predictions ``run`` over the patches that cover each video, float32 [n, K]."""
    patches = [covering_patches(frames, length) for frames in videos]
    flat = [patch for several in patches for patch in several]
    owner = np.repeat(np.arange(len(videos)), [len(several) for several in patches])
    parts = [run(*padded([flat[i] for i in block])) for block in consecutive(np.arange(len(flat)), _BLOCK)]
    values = np.concatenate(parts)
    sums = np.zeros((len(videos), values.shape[1]))
    np.add.at(sums, owner, values)
    means: Probabilities = (sums / np.bincount(owner)[:, None]).astype(np.float32)
    return means


def _units(data: Movies) -> "Callable[[], Units]":
    """Returns a factory of normalisation layers with the mean and scale of the training movies' unit frames."""
    import torch

    from preroll.perception.prediction.networks.sequence_networks import Units

    count, total, squares = 0, np.zeros(data.frames[0].shape[1]), 0.0
    for row in data.split.train:
        frames = np.asarray(data.frames[row], np.float64)
        lengths = np.linalg.norm(frames, axis=1)
        shown = frames[lengths > 0] / lengths[lengths > 0, None]
        count += len(shown)
        total += shown.sum(0)
        squares += (shown**2).sum()
    center = total / count
    variance = max(float(squares / count - center @ center) / len(center), 1e-12)
    tensors = torch.tensor(center, dtype=torch.float32), torch.tensor(variance**-0.5, dtype=torch.float32)

    def make() -> "Units":
        return Units(tensors[0].clone(), tensors[1].clone())

    return make


def _export(path: Path, network: "nn.Module", videos: Sequence[Frames]) -> None:
    import torch

    from preroll.perception.prediction.networks.export import Probabilities as WithSigmoid
    from preroll.perception.prediction.networks.export import export

    several = [frames[: 5 + 3 * i] for i, frames in enumerate(videos)]
    examples = [tuple(torch.from_numpy(part) for part in padded(some)) for some in (several * 2, several[-1:])]
    export(
        path, WithSigmoid(network), examples, inputs=["frames", "mask"], output="probabilities", free_axes=2
    )  # fmt: skip
