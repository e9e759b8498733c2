"""Words of the user in a catalog with embeddings: how probable each is in each video."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.bounded import limits
from preroll.bounded.readers import load_array, read_text
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

_BLOCK = 4096
#: Objects are numbered by int16.
_MOST = 2**15 - 1
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Words:
    """Words and their vectors.

    Attributes:
        names: V names, distinct.
        vectors: float64 [V, D] of length 1.
    """

    names: tuple[str, ...]
    vectors: Floats

    @property
    def sha256(self) -> str:
        """Hash of names and vectors."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        digest.update(self.vectors.tobytes())
        return digest.hexdigest()


def read_words(words: Path, names: Path) -> Words:
    """Reads the vectors of words, float [V, D], and their names, one a line.

    Raises:
        PrerollError: naming the file and what is allowed.
    """
    try:
        vectors = load_array(words)
    except (OSError, ValueError, EOFError) as error:
        raise PrerollError(f"--words {words}: cannot be read as an array: {error}") from None
    if vectors.dtype.kind != "f" or vectors.ndim != 2 or not 1 <= len(vectors) <= _MOST:
        found = f"{vectors.dtype} {list(vectors.shape)}"
        raise PrerollError(f"--words {words}: is {found}, must be numbers [words, d] of at most {_MOST:,} words")
    rows = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    if len(bad := np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))):
        raise PrerollError(f"--words {words}, row {bad[0]}: must be finite numbers that are not all 0")
    return Words(_read_names(names, len(rows)), rows / lengths[:, None])


def _read_names(path: Path, count: int) -> tuple[str, ...]:
    try:
        listed = [line.strip() for line in read_text(path, limits.VOCABULARY).splitlines()]
    except (OSError, ValueError) as error:
        raise PrerollError(f"--names {path}: cannot be read: {error}") from None
    if len(listed) != count:
        has = counted(len(listed), "line")
        raise PrerollError(f"--names {path}: has {has}, must have {count:,}, one for each row of --words")
    first: dict[str, int] = {}
    for number, name in enumerate(listed, start=1):
        if not name:
            raise PrerollError(f"--names {path}, line {number}: is empty")
        if name in first:
            raise PrerollError(f"--names {path}, line {number}: {name!r} is that of line {first[name]} too")
        first[name] = number
    return tuple(listed)


def word_arrays(catalog: Catalog, words: Words) -> dict[str, NDArray[np.float32]]:
    """Computes what words say about the videos of a catalog.

    The logit of a word is logit_scale · cosine + logit_bias, as the card of the encoder says; with ``softmax`` the
    probabilities of a video's words have the sum 1, with ``sigmoid`` each stands for itself.

    Returns:
        ``importance``, float32 [N, V], the probability of each word; and ``category_probabilities``, float32 [N, K],
        zero-shot, if every category is a word: the probabilities of the categories, scaled to the sum 1.

    Raises:
        PrerollError: the catalog has no embeddings, its encoder no scale for words, or the vectors another length.
    """
    embedding, rule = catalog.embedding, catalog.manifest.get("words")
    if embedding is None:
        raise PrerollError(
            f"--words: needs embeddings, which the catalog {catalog.path} lacks; `preroll catalog build --embed` adds"
            " them"
        )
    if not isinstance(rule, dict) or not _is_rule(rule):
        name = catalog.manifest.get("encoder", {}).get("name")
        raise PrerollError(
            f"--words: the encoder {name} was given no logit_scale, by which a cosine becomes a probability: `preroll"
            f" detector card {name} --set logit_scale=S` writes one into its card; then give `preroll catalog build`"
            " again, which analyses no video anew"
        )
    if embedding.shape[1] != words.vectors.shape[1]:
        raise PrerollError(
            f"--words: has vectors of {words.vectors.shape[1]:,} numbers, the catalog of {embedding.shape[1]:,}; text"
            " vectors of the same encoder are needed"
        )
    logs = _log_probabilities(embedding, words.vectors, rule)
    arrays = {"importance": np.minimum(np.exp(logs), 1).astype(np.float32)}
    if set(catalog.categories) <= set(words.names):
        chosen = logs[:, [words.names.index(name) for name in catalog.categories]]
        arrays["category_probabilities"] = np.exp(chosen - np.logaddexp.reduce(chosen, 1)[:, None]).astype(np.float32)
    return arrays


def _is_rule(rule: dict[str, Any]) -> bool:
    numbers = all(isinstance(rule.get(key), int | float) for key in ("logit_scale", "logit_bias"))
    return numbers and rule.get("activation") in ("softmax", "sigmoid")


def _log_probabilities(embedding: NDArray[np.float16], vectors: Floats, rule: dict[str, Any]) -> Floats:
    """Returns the logarithms of the probabilities of all words, float64 [N, V]: probabilities may be tiny."""
    logs = np.empty((len(embedding), len(vectors)))
    for start in range(0, len(embedding), _BLOCK):
        part = embedding[start : start + _BLOCK].astype(np.float64)
        lengths = np.linalg.norm(part, axis=1, keepdims=True)  # of float16 not exactly 1
        cosines = part / np.where(lengths > 0, lengths, 1) @ vectors.T
        logits = rule["logit_scale"] * cosines + rule["logit_bias"]
        softmax = rule["activation"] == "softmax"
        logs[start : start + len(part)] = logits - (
            np.logaddexp.reduce(logits, 1)[:, None] if softmax else np.logaddexp(0, logits)
        )
    return logs
