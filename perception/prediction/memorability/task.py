"""The task ``memorability``: regression of one score per clip."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from preroll.bounded.readers import check_tensors, load_json
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.prediction.formats.id_tables import read_ids
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import MemorabilitySettings
from preroll.perception.prediction.framework.split import Rows, check_unseen, copy_notes, movie_folds
from preroll.perception.prediction.framework.task import (
    Fitted,
    PredictionReport,
    Probabilities,
    Progress,
    Task,
    Trained,
)
from preroll.perception.prediction.memorability.data import Features, ScoredClips, read_clips, read_features
from preroll.perception.prediction.memorability.feature_blocks import CAPTIONS, Floats, LinearScore
from preroll.perception.prediction.memorability.models import Choice, Clips, choose, families
from preroll.perception.prediction.memorability.report import report
from preroll.perception.prediction.memorability.tfidf import TfidfVocabulary


class Memorability(Task[ScoredClips]):
    """Prediction of memorability; every scored clip is predicted by a model that was not trained on its movie."""

    step = "outer folds, counted from 1"
    tags: ClassVar[Mapping[str, str]] = {
        "inner Spearman/NAME": "Spearman's ρ of the model NAME in the inner folds, by which it is chosen"
    }

    def __init__(self, settings: MemorabilitySettings) -> None:
        """Stores the settings."""
        self.settings = settings
        self.steps = settings.model.folds + 1

    def load(self, skipping: Skipping) -> ScoredClips:
        """Reads scores and features.

        Raises:
            PrerollError: data are bad, the model needs other features, all scores are equal, or there are too few
                movies for the folds.
        """
        data = read_clips(self.settings.data, skipping)
        blocks = ([CAPTIONS] if data.features.captions is not None else []) + list(data.features.vectors)
        known = families(blocks)
        if self.settings.model.name not in ("best", *known):
            raise PrerollError(f"model.name: {self.settings.model.name!r}: this data allows best, {', '.join(known)}")
        if len(np.unique(data.truth.scores)) == 1:
            raise PrerollError(
                f"{self.settings.data.ground_truth}, column 'memorability_score': is {data.truth.scores[0]:g} in every"
                " row; there is no order to predict"
            )
        for train, _ in movie_folds(data.truth.movies, self.settings.model.folds, self.settings.model.seed):
            if len({data.truth.movies[row] for row in train}) < 2:
                raise PrerollError("split: a training of one movie has no inner folds; give more movies or model.folds")
        return data

    def fit(self, data: ScoredClips, folder: Path, progress: Progress) -> Fitted:
        """Evaluates by cross-validation, then selects and fits the final model on all clips."""
        # On one thread, as the order of summation, and so the result, would depend on the number of cores.
        with threadpool_limits(1):
            return self._fit(data, folder, progress)

    def _fit(self, data: ScoredClips, folder: Path, progress: Progress) -> Fitted:
        truth, settings = data.truth, self.settings.model
        held_out = np.zeros(len(truth.names))
        chosen = []
        folds = movie_folds(truth.movies, settings.folds, settings.seed)
        for number, (train, test) in enumerate(folds, start=1):
            words, choice = self._chosen(data, train)
            names = [truth.names[row] for row in test]
            held_out[test] = choice.model(_blocks(data.features, names, words))
            chosen.append(choice.name)
            progress.point(number, {f"inner Spearman/{name}": value for name, value in choice.inner.items()})
            progress.advance(1)
        words, choice = self._chosen(data, np.arange(len(truth.names)))
        progress.advance(1)
        _save(folder, words, choice.model, _blocks(data.features, truth.names[:8], words))
        facts: dict[str, Any] = {
            "chosen": choice.name,
            "chosen_by_fold": chosen,
            "inner_spearman": choice.inner,
            "penalties": choice.penalties,
            "clips": len(truth.names),
            "movies": len(set(truth.movies)),
        }
        told = report(held_out, truth, data.features.differences(truth.names))
        if blocks := [np.nan_to_num(data.features.matrix(block, truth.names)) for block in data.features.vectors]:
            told = told.also(copy_notes(np.hstack(blocks), truth.names, folds))
        trained = tuple(sorted(set(truth.movies)))
        return Fitted(truth.names, held_out[:, None].astype(np.float32), told, facts, trained)

    def _chosen(self, data: ScoredClips, rows: Rows) -> tuple[TfidfVocabulary | None, Choice]:
        names = [data.truth.names[row] for row in rows]
        texts = data.features.texts(names)
        words = TfidfVocabulary.fit(texts, self.settings.model.words) if data.features.captions is not None else None
        weights = data.truth.annotations[rows].astype(np.float64)
        movies = [data.truth.movies[row] for row in rows]
        clips = Clips(_blocks(data.features, names, words), data.truth.scores[rows], weights, movies)
        return words, choose(clips, self.settings.model)

    def evaluate(self, data: ScoredClips, run: Trained) -> tuple[PredictionReport, Sequence[str], Probabilities]:
        """Evaluates a run: clips of its training by their out-of-fold predictions, new clips by the final model.

        Raises:
            PrerollError: a new clip is of a movie that the model was trained on.
        """
        truth = data.truth
        new = [row for row, name in enumerate(truth.names) if name not in run.held_out]
        check_unseen([truth.movies[row] for row in new], run.trained)
        found = self._predicted(run, data.features, truth.names)
        return report(found[:, 0].astype(np.float64), truth, data.features.differences(truth.names)), truth.names, found

    def apply(self, run: Trained, skipping: Skipping) -> tuple[Sequence[str], Probabilities]:
        """Predicts clips: those of the training by their out-of-fold predictions, others by the final model.

        Clips of the training are predicted even if no table of features contains them.
        """
        data = self.settings.data
        features = read_features(data, skipping)
        known = set(features.clips)
        if not known.isdisjoint(run.held_out):
            known.update(run.held_out)
        names = sorted(known) if data.apply is None else list(read_ids(data.apply, skipping))
        for name in [name for name in names if name not in known]:
            skipping.bad(data.apply or "data", f"id {name!r}", "is in no table of features")
        names = [name for name in names if name in known]
        return names, self._predicted(run, features, names)

    def _predicted(self, run: Trained, features: Features, names: Sequence[str]) -> Probabilities:
        words, model = _load(run.folder)
        found = model(_blocks(features, names, words))[:, None].astype(np.float32)
        for row, name in enumerate(names):
            if name in run.held_out:
                found[row] = run.held_out[name]
        return found


def _blocks(features: Features, names: Sequence[str], words: TfidfVocabulary | None) -> dict[str, Floats]:
    blocks = {} if words is None else {CAPTIONS: words.apply(features.texts(names))}
    return blocks | {block: features.matrix(block, names) for block in features.vectors}


def _save(folder: Path, words: TfidfVocabulary | None, model: LinearScore, example: dict[str, Floats]) -> None:
    """Writes the model as ``linear.onnx``, all its numbers as ``linear.safetensors``, and ``words.json``."""
    from preroll.perception.prediction.memorability.linear_export import export_linear

    export_linear(folder / "linear.onnx", model, example)
    atomic.write_json(folder / "words.json", None if words is None else [list(words.terms), words.idf.tolist()])


def _load(folder: Path) -> tuple[TfidfVocabulary | None, LinearScore]:
    from safetensors.numpy import load

    try:
        content = load_json(folder / "words.json")
        weights = (folder / "linear.safetensors").read_bytes()
        check_tensors(weights)
        numbers = load(weights)
    except Exception as error:  # safetensors' error class derives directly from Exception
        raise PrerollError(f"model {folder}: cannot be read: {error}") from None
    words = None if content is None else TfidfVocabulary(tuple(content[0]), np.array(content[1]))
    by_kind: dict[str, dict[str, Floats]] = {"means": {}, "weights": {}}
    for name, value in numbers.items():
        kind, _, block = name.partition(".")
        if block:
            by_kind[kind][block] = value.astype(np.float64)
    return words, LinearScore(float(numbers["intercept"]), by_kind["means"], by_kind["weights"])
