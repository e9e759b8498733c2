"""Generated trailers as frame embeddings, with genres of their movies that depend on eight latent variables."""

import pickle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.files import atomic
from preroll.perception.prediction.generators.ideal import Ideal, drawn_with_a_label, log_likelihood, noisy_or_none

GENRES = (
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family", "Fantasy",
    "History", "Horror", "Music", "Mystery", "Romance", "Sci-Fi", "Sport", "Thriller", "War", "Western", "Musical",
)  # fmt: skip
WIDTH, HIDDEN, PADDED = 512, 8, 256


def generate_genres(out: Path, *, movies: int = 400, seed: int = 0) -> Ideal:
    """Writes ``embeddings/ID.npy``, ``ids`` and ``labels`` as JSON and as pickles of builtins.

    A movie has latent h ~ N(0, 1) [8] and genre k with probability σ(4·h·a_k/|a_k| − 2.5), given that it has any; the
    last genre never occurs. Every fourth movie has a second trailer of the same genres, whose id ends in _1 instead of
    _0, so that a split by trailer leaks. Frames are a constant + h in eight random directions + noise, times a random
    length, because CLIP embeddings are not normalised. A third of the files are [256, 512], zero-padded in front.

    Args:
        out: folder of the files.
        movies: number of movies.
        seed: seed; equal seeds write identical bytes.

    Returns:
        The true probabilities of all trailers.
    """
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((movies, HIDDEN))
    directions = rng.standard_normal((HIDDEN, len(GENRES)))
    chances = 1 / (1 + np.exp(2.5 - 4 * hidden @ (directions / np.linalg.norm(directions, axis=0))))
    chances[:, -1] = 0
    labels = drawn_with_a_label(chances, rng)
    basis = np.linalg.qr(rng.standard_normal((WIDTH, HIDDEN)))[0].T
    center = rng.standard_normal(WIDTH) * 0.5
    owner = np.repeat(np.arange(movies), [2 if movie % 4 == 0 else 1 for movie in range(movies)])
    copies = np.concatenate([[0], (owner[1:] == owner[:-1]).astype(int)])
    ids = [f"tt{movie:07d}_{copy}" for movie, copy in zip(owner, copies, strict=True)]
    for number, (name, movie) in enumerate(zip(ids, owner, strict=True)):
        frames = _frames(center + 3 * hidden[movie] @ basis, rng, padded=number % 3 == 0)
        atomic.save_array(out / "embeddings" / f"{name}.npy", frames)
    table = {name: [int(one) for one in labels[movie]] for name, movie in zip(ids, owner, strict=True)}
    _write_tables(out, ids, table)
    likely = log_likelihood(chances, labels)
    return Ideal(tuple(ids), noisy_or_none(chances)[owner], labels[owner], likely[owner])


def _frames(signal: NDArray[np.float64], rng: np.random.Generator, *, padded: bool) -> NDArray[np.float32]:
    n = int(rng.integers(20, PADDED))
    lengths = np.exp(0.2 * rng.standard_normal((n, 1)))
    frames = ((signal + 0.5 * rng.standard_normal((n, WIDTH))) * lengths).astype(np.float32)
    return np.pad(frames, ((PADDED - n, 0), (0, 0))) if padded else frames


def _write_tables(out: Path, ids: list[str], labels: dict[str, list[int]]) -> None:
    """Writes ids and labels as JSON and as pickles, and the names of the genres as JSON."""
    for name, content in (("ids", ids), ("labels", labels)):
        atomic.write_json(out / f"{name}.json", content)
        atomic.write_bytes(out / f"{name}.pkl", pickle.dumps(content))
    atomic.write_json(out / "genres.json", list(GENRES))
