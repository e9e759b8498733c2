"""Generated tagged videos in YouTube-8M's formats, whose tags depend on twelve latent variables."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.files import atomic
from preroll.perception.prediction.formats.yt8m.record import CLASSES, FEATURES, Tagged
from preroll.perception.prediction.generators.ideal import Ideal, drawn_with_a_label, log_likelihood, noisy_or_none
from preroll.perception.prediction.generators.yt8m_files import vocabulary_csv, write_csv, write_tfrecord

#: Number of latent variables of a video, and number of classes that occur.
HIDDEN, USED = 12, 40
_SPREAD, _NOISE = 8.0, 0.3


def generate_tags(
    out: Path, *, train: int = 1200, validation: int = 400, seed: int = 0, tfrecord: bool = False
) -> Ideal:
    """Writes ``train_*`` and ``val_*`` files and ``yt8m_voc.csv``.

    A video has latent h ~ N(0, 1) [12] and tag k with probability σ(6·h·a_k/|a_k| − 8), given that it has any. Its
    features are h in twelve random directions of the 1152-dimensional space, plus noise and a constant. So h can be
    recovered from the features almost exactly, and the tag probabilities given h are the best possible predictions.

    Args:
        out: folder of the files.
        train: number of training videos.
        validation: number of validation videos.
        seed: seed; equal seeds write identical bytes.
        tfrecord: whether to write TFRecords instead of CSV, of which the second training file is not compressed.

    Returns:
        The true probabilities of the validation videos.
    """
    rng = np.random.default_rng(seed)
    n = train + validation
    hidden = rng.standard_normal((n, HIDDEN))
    directions = rng.standard_normal((HIDDEN, USED))
    logits = 6 * hidden @ (directions / np.linalg.norm(directions, axis=0)) - 8
    chances = 1 / (1 + np.exp(-logits))
    labels = drawn_with_a_label(chances, rng)
    basis = np.linalg.qr(rng.standard_normal((FEATURES, HIDDEN)))[0].T
    features = hidden @ basis * _SPREAD + _NOISE * rng.standard_normal((n, FEATURES)) + rng.standard_normal(FEATURES)
    # The classes in use are spread over the vocabulary; most of it never occurs, as in any part of YouTube-8M.
    classes = np.linspace(0, CLASSES - 1, USED).astype(np.int32)
    videos = [
        Tagged(f"v{i:06d}", classes[labels[i]], features[i].astype(np.float32)) for i in range(n)
    ]  # fmt: skip
    names = {int(k): f"Drums, snares and class {k}" for k in classes}
    atomic.write_text(out / "yt8m_voc.csv", vocabulary_csv(names))
    ids = _write(out, videos[:train], videos[train:], tfrecord=tfrecord)
    truth, held = noisy_or_none(chances[train:]), labels[train:]
    return Ideal(ids, _spread(truth, classes), _spread(held, classes) > 0, log_likelihood(chances[train:], held))


def _write(out: Path, train: list[Tagged], validation: list[Tagged], *, tfrecord: bool) -> tuple[str, ...]:
    """Writes the files and returns the ids that the readers assign to the validation videos."""
    half = len(train) // 2
    if tfrecord:
        write_tfrecord(out / "train_0.tfrecord", train[:half])
        write_tfrecord(out / "train_1.tfrecord", train[half:])
        write_tfrecord(out / "val_0.tfrecord", validation)
        return tuple(video.id for video in validation)
    write_csv(out / "train_0.csv.gz", train[:half])
    write_csv(out / "train_1.csv", train[half:])
    write_csv(out / "val_0.csv.gz", validation)
    return tuple(f"val_0.csv.gz:{row}" for row in range(1, len(validation) + 1))


def _spread(values: "NDArray[np.float64] | NDArray[np.bool_]", classes: NDArray[np.int32]) -> NDArray[np.float64]:
    wide = np.zeros((len(values), CLASSES))
    wide[:, classes] = values
    return wide
