"""Models of memorability: single feature blocks, early fusion and stacking, and the selection among them.

All models are linear in the features, so that the selected one is exported as one short formula. Everything that is
fitted (vocabulary, scaling, penalties, the stack) is fitted on the training clips of a fold only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.perception.prediction.framework.settings import MemorabilityModel
from preroll.perception.prediction.framework.split import movie_folds
from preroll.perception.prediction.memorability.feature_blocks import CAPTIONS, Floats, LinearScore, Scaling
from preroll.perception.prediction.memorability.ridge import linear_svr, ridge_paths
from preroll.perception.prediction.metrics.regression import spearman

FUSION, STACKING = "fusion", "stacking"
_SINGLE = ("captions-ridge", "captions-svr", "audio", "c3d", "frames")


@dataclass(frozen=True)
class Clips:
    """Training data of n clips.

    Attributes:
        blocks: features by block, float64 [n, d]; NaN rows for clips without the block. Captions are TF-IDF.
        scores: float64 [n], measured scores.
        weights: float64 [n], numbers of annotators, used as sample weights.
        movies: movie of each clip.
    """

    blocks: Mapping[str, Floats]
    scores: Floats
    weights: Floats
    movies: Sequence[str]

    def take(self, rows: NDArray[np.int64]) -> "Clips":
        """Returns the clips of the given rows."""
        blocks = {name: values[rows] for name, values in self.blocks.items()}
        return Clips(blocks, self.scores[rows], self.weights[rows], [self.movies[row] for row in rows])


@dataclass(frozen=True)
class Choice:
    """Result of the model selection in the inner folds.

    Attributes:
        name: name of the selected model.
        model: the selected model, fitted on all given clips.
        inner: Spearman's ρ in the inner folds by model; that of the selected model is slightly optimistic.
        penalties: selected penalty by model.
    """

    name: str
    model: LinearScore
    inner: dict[str, float]
    penalties: dict[str, float]


def families(blocks: Sequence[str]) -> list[str]:
    """Returns the names of the models that can be fitted on the given blocks."""
    names = [name for name in _SINGLE if name.split("-")[0] in blocks]
    return [*names, FUSION, STACKING] if len(blocks) > 1 else names


def choose(clips: Clips, settings: MemorabilityModel) -> Choice:
    """Selects model and penalty by Spearman's ρ in inner folds by movie, and fits the best on all clips."""
    wanted = families(list(clips.blocks)) if settings.name == "best" else [settings.name]
    # Stacking needs the out-of-fold predictions of all other models.
    tried = [name for name in families(list(clips.blocks)) if name != STACKING] if STACKING in wanted else wanted
    folds = movie_folds(clips.movies, min(settings.inner_folds, len(set(clips.movies))), settings.seed + 1)
    guesses = {name: np.zeros((len(clips.scores), len(_penalties(name, settings)))) for name in tried}
    for train, test in folds:
        part, rest = clips.take(train), clips.take(test).blocks
        for name in tried:
            for column, model in enumerate(_fitted(name, part, settings)):
                guesses[name][test, column] = model(rest)
    inner, best = {}, {}
    for name in tried:
        values = [_or_worst(spearman(guess, clips.scores)) for guess in guesses[name].T]
        best[name] = int(np.argmax(values))
        inner[name] = values[best[name]]
    out_of_fold = {name: guesses[name][:, best[name]] for name in tried}
    if STACKING in wanted:
        inner[STACKING] = _or_worst(spearman(_stacked_out_of_fold(out_of_fold, clips, folds), clips.scores))
    chosen = max(wanted, key=lambda name: inner[name])
    penalties = {name: _penalties(name, settings)[best[name]] for name in tried}
    return Choice(chosen, _refitted(chosen, clips, settings, best, out_of_fold), inner, penalties)


def _or_worst(value: float) -> float:
    return -1.0 if np.isnan(value) else value


def _penalties(name: str, settings: MemorabilityModel) -> tuple[float, ...]:
    return settings.svr if name == "captions-svr" else settings.ridge


def _refitted(
    name: str, clips: Clips, settings: MemorabilityModel, best: dict[str, int], out_of_fold: dict[str, Floats]
) -> LinearScore:
    if name != STACKING:
        return _fitted(name, clips, settings)[best[name]]
    intercept, shares = _stack(out_of_fold, clips.scores, clips.weights)
    parts = [(share, _fitted(part, clips, settings)[best[part]]) for part, share in shares.items()]
    return LinearScore.mix(intercept, parts)


def _fitted(name: str, clips: Clips, settings: MemorabilityModel) -> list[LinearScore]:
    """Fits the named model for each penalty, on blocks scaled to rows of mean square length 1."""
    used = list(clips.blocks) if name == FUSION else [name.split("-")[0]]
    scalings = {block: Scaling.fit(clips.blocks[block], standardize=block != CAPTIONS) for block in used}
    z = np.hstack([scalings[block].apply(clips.blocks[block]) for block in used])
    # Clips without any of the blocks would pull the prediction at the mean towards their scores.
    known = np.any([~np.isnan(clips.blocks[block]).any(1) for block in used], axis=0)
    # If no clip has a block, only the intercept is fitted.
    known |= not known.any()
    arguments = z[known], clips.scores[known], clips.weights[known]
    if name == "captions-svr":
        found = [linear_svr(*arguments, penalty) for penalty in settings.svr]
    else:
        found = ridge_paths(*arguments, settings.ridge)
    return [_linear(w, b, scalings) for w, b in found]


def _linear(w: Floats, b: float, scalings: dict[str, Scaling]) -> LinearScore:
    weights, start = {}, 0
    for block, scaling in scalings.items():
        size = len(scaling.mean)
        weights[block] = w[start : start + size] * scaling.scale
        start += size
    return LinearScore(b, {block: scaling.mean for block, scaling in scalings.items()}, weights)


def _stack(guesses: dict[str, Floats], scores: Floats, weights: Floats) -> tuple[float, dict[str, float]]:
    """Fits the intercept and the shares of a stack; non-negative, so that no model fits the noise of another."""
    from scipy.optimize import nnls

    columns = np.column_stack(list(guesses.values()))
    center, level = np.average(columns, axis=0, weights=weights), float(np.average(scores, weights=weights))
    root = np.sqrt(weights)[:, None]
    shares, _ = nnls((columns - center) * root, (scores - level) * root[:, 0])
    return level - float(center @ shares), dict(zip(guesses, shares.tolist(), strict=True))


def _stacked_out_of_fold(
    guesses: dict[str, Floats], clips: Clips, folds: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> Floats:
    stacked = np.zeros(len(clips.scores))
    for train, test in folds:
        part = {name: guess[train] for name, guess in guesses.items()}
        intercept, shares = _stack(part, clips.scores[train], clips.weights[train])
        stacked[test] = intercept + sum(share * guesses[name][test] for name, share in shares.items())
    return stacked
