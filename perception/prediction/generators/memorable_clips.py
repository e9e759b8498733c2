"""Generated movie clips whose memorability depends on three latent variables: words, sound and sight."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from preroll.files import atomic
from preroll.perception.prediction.formats.memorability_csv import AUDIO_COLUMNS, C3D_COLUMNS
from preroll.perception.prediction.generators.ideal import Ideal

_QUIET = ("table", "window", "corridor", "morning", "letter", "garden", "paper", "chair", "curtain", "street", "bench")
_VIVID = ("gun", "fire", "blood", "explosion", "kiss", "scream", "monster", "chase", "knife", "crash", "ghost")
_EITHER = ("man", "woman", "child", "door", "car", "night", "house", "phone", "dog", "river", "train", "city")
_AUDIO_ROWS = 20
Floats = NDArray[np.float64]


def generate_memorability(
    out: Path, *, movies: int = 40, clips: int = 6, seed: int = 0, names: Sequence[str] = ()
) -> Ideal:
    """Writes ground_truth.csv, caption_features.csv, audio_vectors.csv and c3d_vectors.csv, with their quirks.

    A clip's recall probability is σ((words + sound + sight) / 2), where each latent variable is partly the clip's own
    and partly its movie's, so that random folds overestimate performance. k of n annotators (8 to 12) remember it. The
    vivid words of the captions, one direction of the audio vectors and one of the C3D vectors are noisy measurements of
    the three variables. Quirks: a BOM, a column ``memorabable``, paragraphs repeated ten times, the first clip without
    a caption, a column of row numbers, an empty trailing column, and captions and C3D rows in random order.

    Args:
        out: folder of the files.
        movies: number of movies.
        clips: number of clips per movie.
        seed: seed; equal seeds write identical bytes.
        names: names of the clips, which replace ``movies`` times ``clips`` generated ones; each ``clips`` consecutive
            names are of one movie.

    Returns:
        The true recall probabilities, and the measured scores.
    """
    rng = np.random.default_rng(seed)
    n = len(names) or movies * clips
    movie = np.arange(n) // clips
    movies = int(movie[-1]) + 1
    hidden = 0.9 * rng.standard_normal((n, 3)) + 0.45 * rng.standard_normal((movies, 3))[movie]
    recall = 1 / (1 + np.exp(-0.5 * hidden.sum(1)))
    annotators = rng.integers(8, 13, n)
    scores = rng.binomial(annotators, recall) / annotators
    names = list(names) or [f"movie_{m:03d}_clip_{i:04d}" for i, m in enumerate(movie)]
    _write_truth(out, names, movie, scores, annotators)
    _write_captions(out, names, hidden[:, 0], rng)
    audio = _vectors(hidden[:, 1], len(AUDIO_COLUMNS), rng)
    rows = [
        [i, names[i // _AUDIO_ROWS], *_texts(audio[i // _AUDIO_ROWS] + 0.3 * rng.standard_normal(audio.shape[1]))]
        for i in range(n * _AUDIO_ROWS)
    ]
    _write(out / "audio_vectors.csv", ["", "sequence_name", *AUDIO_COLUMNS], rows)
    sight = _vectors(hidden[:, 2], len(C3D_COLUMNS), rng)
    c3d = [[names[i], *_texts(sight[i]), ""] for i in rng.permutation(n)]
    _write(out / "c3d_vectors.csv", ["sequence_name", *C3D_COLUMNS, ""], c3d)
    likely = np.asarray(binom.logpmf(np.round(scores * annotators), annotators, recall), np.float64)
    return Ideal(tuple(names), recall[:, None], scores[:, None], likely)


def _write_truth(
    out: Path, names: list[str], movie: NDArray[np.int64], scores: Floats, annotators: NDArray[np.int64]
) -> None:
    heading = [
        "movie_name", "start(sec)", "end(sec)", "sequence_name", "Neutral (1)_Typical (0)", "nb_annotations",
        "memorability_score", "memorabable",
    ]  # fmt: skip
    rows: list[list[object]] = []
    for i, name in enumerate(names):
        place = [f"Movie {movie[i]}", 10 * i, 10 * i + 10, name, i % 2]
        rows.append([*place, annotators[i], repr(float(scores[i])), int(scores[i] > 0.5)])
    _write(out / "ground_truth.csv", heading, rows, start="\ufeff")


def _write_captions(out: Path, names: list[str], vividness: Floats, rng: np.random.Generator) -> None:
    rows = []
    for i in rng.permutation(len(names)):
        share = 1 / (1 + np.exp(-3 * vividness[i]))
        words = [str(rng.choice(_VIVID if rng.random() < share else _QUIET)) for _ in range(24)]
        words = [word if rng.random() < 0.8 else str(rng.choice(_EITHER)) for word in words]
        paragraph = "A clip with a " + " and a ".join(words) + "."
        if i:
            rows.append([names[i], paragraph * 10])
    _write(out / "caption_features.csv", ["sequence_name", "cc"], rows)


def _vectors(hidden: Floats, width: int, rng: np.random.Generator) -> Floats:
    direction = rng.standard_normal(width)
    vectors: Floats = hidden[:, None] * direction + rng.standard_normal((len(hidden), 1)) * rng.standard_normal(width)
    vectors += rng.standard_normal(vectors.shape)
    return vectors


def _texts(values: Floats) -> list[str]:
    return [f"{value:.4f}" for value in values]


def _write(path: Path, heading: list[str], rows: "list[list[object]]", start: str = "") -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heading)
    table.writerows(rows)
    atomic.write_text(path, start + text.getvalue())
