import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.onnx_models.session import inference_session
from preroll.perception.prediction.formats.memorability_csv import read_captions
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import MemorabilityModel, MemorabilitySettings
from preroll.perception.prediction.framework.task import Fitted
from preroll.perception.prediction.memorability.feature_blocks import LinearScore, Scaling
from preroll.perception.prediction.memorability.models import Clips, choose
from preroll.perception.prediction.memorability.ridge import linear_svr, ridge_paths
from preroll.perception.prediction.memorability.task import Memorability
from preroll.perception.prediction.memorability.tfidf import TfidfVocabulary
from preroll.perception.prediction.metrics.regression import spearman
from preroll.perception.prediction.run import open_run, train
from tests.perception.prediction.conftest import Made

pytestmark = pytest.mark.usefixtures("unpainted")


def settings(folder: Path, run: Path, *tables: str, **model: Any) -> MemorabilitySettings:
    files = {"captions": "caption_features.csv", "audio": "audio_vectors.csv", "c3d": "c3d_vectors.csv"}
    data = {name: folder / files[name] for name in tables or files}
    return MemorabilitySettings.model_validate(
        {
            "task": "memorability",
            "run": run,
            "data": {"ground_truth": folder / "ground_truth.csv", **data},
            "model": {"folds": 3, "inner_folds": 3, "ridge": [10.0, 100.0], "svr": [0.1], **model},
        }
    )


def test_the_chosen_model_gets_near_the_noise_ceiling_and_not_above(clip_files: Made, tmp_path: Path) -> None:
    folder, ideal = clip_files
    asked = settings(folder, tmp_path / "run")
    fitted, _ = train(asked)
    held = ideal.rows_of(fitted.ids)
    best = spearman(held.probabilities[:, 0], held.targets[:, 0].astype(np.float64))
    found = fitted.report.metrics
    assert 0.75 * best < found["Spearman"] < best
    assert abs(found["noise ceiling"] - best) < 0.06
    assert found["Spearman, low"] < found["Spearman"] < found["Spearman, high"]
    assert fitted.facts["chosen"] in ("fusion", "stacking")
    assert any("captions lack 1 of 150 clips" in note for note in fitted.report.notes)
    run, task = open_run(asked.run), Memorability(asked)
    report, _, _ = task.evaluate(task.load(Skipping()), run)
    assert report.metrics["Spearman"] == pytest.approx(found["Spearman"])
    ids, predicted = task.apply(run, Skipping())
    by_name = dict(zip(ids, predicted[:, 0], strict=True))
    # What is applied to the clips of the training is out-of-fold too.
    assert [by_name[name] for name in fitted.ids] == fitted.held_out[:, 0].tolist()


def test_scores_that_are_all_the_same_are_one_line(clip_files: Made, tmp_path: Path) -> None:
    folder, _ = clip_files
    heading, *rows = (folder / "ground_truth.csv").read_text("utf-8-sig").splitlines()
    column = heading.split(",").index("memorability_score")
    fields = [row.split(",") for row in rows]
    flat = "\n".join(",".join([*row[:column], "0.0", *row[column + 1 :]]) for row in fields)
    (tmp_path / "flat.csv").write_text(f"{heading}\n{flat}\n")
    asked = settings(folder, tmp_path / "run", "captions")
    asked = asked.model_copy(update={"data": asked.data.model_copy(update={"ground_truth": tmp_path / "flat.csv"})})
    with pytest.raises(PrerollError, match=r"flat\.csv, column 'memorability_score': is 0 in every row"):
        Memorability(asked).load(Skipping())


def test_folds_that_leave_one_movie_to_learn_from_are_one_line(clip_files: Made, tmp_path: Path) -> None:
    folder, _ = clip_files
    heading, *rows = (folder / "ground_truth.csv").read_text("utf-8-sig").splitlines()
    few = [row for row in rows if row.startswith(("Movie 0,", "Movie 1,"))]
    (tmp_path / "few.csv").write_text("\n".join([heading, *few]))
    asked = settings(folder, tmp_path / "run", "captions", folds=2)
    asked = asked.model_copy(update={"data": asked.data.model_copy(update={"ground_truth": tmp_path / "few.csv"})})
    with pytest.raises(PrerollError, match="a training of one movie has no inner folds"):
        Memorability(asked).load(Skipping())


@pytest.fixture(scope="module")
def captions(clip_files: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[MemorabilitySettings, Fitted]:
    """A run on captions alone."""
    run = tmp_path_factory.mktemp("captions") / "run"
    asked = settings(clip_files[0], run, "captions", folds=3, inner_folds=2)
    return asked, train(asked)[0]


def test_captions_alone_are_worth_something(captions: tuple[MemorabilitySettings, Fitted]) -> None:
    assert captions[1].report.metrics["Spearman"] > 0.1
    assert captions[1].facts["chosen"] in ("captions-ridge", "captions-svr")


def test_a_clip_that_no_table_holds_is_predicted_at_the_mean_if_it_has_a_score(
    captions: tuple[MemorabilitySettings, Fitted], tmp_path: Path
) -> None:
    asked, fitted = captions
    run, (without,) = (
        open_run(asked.run),
        set(fitted.ids) - set(read_captions(asked.data.captions or Path(), Skipping())),
    )
    assert any(f"captions lack 1 of 150 clips: {without}; the mean" in note for note in fitted.report.notes)
    ids, predicted = Memorability(asked).apply(run, Skipping())
    assert sorted(ids) == sorted(fitted.ids)
    assert abs(predicted[ids.index(without), 0] - predicted.mean()) < 0.2 * np.ptp(predicted)
    (tmp_path / "clips.txt").write_text(f"{without}\nnobody\n")
    listed = asked.model_copy(update={"data": asked.data.model_copy(update={"apply": tmp_path / "clips.txt"})})
    with pytest.raises(PrerollError, match="id 'nobody': is in no table of features"):
        Memorability(listed).apply(run, Skipping())
    assert list(Memorability(listed).apply(run, Skipping(allowed=True))[0]) == [without]


def test_tables_of_other_clips_are_predicted_alone(
    captions: tuple[MemorabilitySettings, Fitted], tmp_path: Path
) -> None:
    asked, _ = captions
    (tmp_path / "new.csv").write_text("sequence_name,cc\nnew,A clip with a gun and a fire.\n")
    other = asked.model_copy(update={"data": asked.data.model_copy(update={"captions": tmp_path / "new.csv"})})
    assert list(Memorability(other).apply(open_run(asked.run), Skipping())[0]) == ["new"]


def test_onnx_gives_the_score_of_new_clips(captions: tuple[MemorabilitySettings, Fitted]) -> None:
    asked, _ = captions
    run, task = open_run(asked.run), Memorability(asked)
    features = task.load(Skipping()).features
    names, expected = task.apply(replace(run, held_out={}), Skipping())
    terms, idf = json.loads((run.folder / "words.json").read_text())
    block = TfidfVocabulary(tuple(terms), np.array(idf)).apply(features.texts(names)).astype(np.float32)
    (found,) = inference_session((run.folder / "linear.onnx").read_bytes()).run(None, {"captions": block})
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_new_clip_of_a_training_movie_is_no_test(captions: tuple[MemorabilitySettings, Fitted]) -> None:
    asked, _ = captions
    run, task = open_run(asked.run), Memorability(asked)
    with pytest.raises(PrerollError, match="a leak"):
        task.evaluate(task.load(Skipping()), replace(run, held_out={}))


@pytest.mark.parametrize("name", ["captions-ridge", "captions-svr", "audio"])
def test_where_every_clip_lacks_the_block_the_mean_is_learnt(name: str, rng: np.random.Generator) -> None:
    """A fold whose few clips with sound are all in its test ended in a traceback."""
    scores, weights = rng.random(12), np.full(12, 10.0)
    block = "audio" if name == "audio" else "captions"
    clips = Clips({block: np.full((12, 3), np.nan)}, scores, weights, [f"m{i // 2}" for i in range(12)])
    asked = MemorabilityModel.model_validate({"name": name, "inner_folds": 2})
    found = choose(clips, asked).model({block: np.array([[1.0, 2.0, 3.0], [np.nan] * 3])})
    assert found[0] == found[1] == pytest.approx(scores.mean(), abs=0.3)


def test_a_model_without_its_table_is_an_error(clip_files: Made, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"model\.name: 'c3d': this data allows best, captions-ridge, captions-svr"):
        Memorability(settings(clip_files[0], tmp_path / "run", "captions", name="c3d")).load(Skipping())
    with pytest.raises(PrerollError, match="30 movies are too few for 31 folds"):
        Memorability(settings(clip_files[0], tmp_path / "run", "captions", folds=31)).load(Skipping())


def test_ridge_is_scikit_learns_with_weights(rng: np.random.Generator) -> None:
    from sklearn.linear_model import Ridge

    z, y, weights = rng.standard_normal((30, 50)), rng.random(30), rng.uniform(5, 12, 30)
    for penalty, (w, b) in zip((1.0, 30.0), ridge_paths(z, y, weights, (1.0, 30.0)), strict=True):
        theirs = Ridge(alpha=penalty).fit(z, y, sample_weight=weights)
        np.testing.assert_allclose(w, theirs.coef_, atol=1e-8)
        assert b == pytest.approx(float(theirs.intercept_))


def test_svr_is_scikit_learns_as_a_formula(rng: np.random.Generator) -> None:
    from sklearn.svm import SVR

    z, y, weights = rng.standard_normal((40, 6)), rng.random(40), rng.uniform(5, 12, 40)
    w, b = linear_svr(z, y, weights, 0.3)
    theirs = SVR(kernel="linear", C=0.3, epsilon=0.05).fit(z, y, sample_weight=weights / weights.mean())
    np.testing.assert_allclose(z @ w + b, theirs.predict(z), atol=1e-3)


def test_words_are_scikit_learns_tf_idf() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["A gun, a gun and a fire.", "The quiet table.", "A gun on the table.", "Fire."]
    words = TfidfVocabulary.fit(texts, 2)
    theirs = TfidfVectorizer(min_df=2, sublinear_tf=True, stop_words="english").fit_transform(texts).toarray()
    np.testing.assert_allclose(words.apply(texts), theirs)
    assert np.isnan(words.apply([None])).all()
    with pytest.raises(PrerollError, match=r"model\.words"):
        TfidfVocabulary.fit(["one", "two"], 2)


def test_a_clip_that_lacks_a_block_is_at_its_mean(rng: np.random.Generator) -> None:
    values = rng.standard_normal((10, 3))
    values[4] = np.nan
    scaled = Scaling.fit(values, standardize=True).apply(values)
    assert (scaled[4] == 0).all()
    assert (np.delete(scaled, 4, 0) ** 2).sum(1).mean() == pytest.approx(1)
    score = LinearScore(0.5, {"a": np.zeros(3)}, {"a": np.ones(3)})
    assert score({"a": values})[4] == 0.5
    mixed = LinearScore.mix(0.1, [(2.0, score), (1.0, score)])
    np.testing.assert_allclose(mixed({"a": values}), 0.1 + 3 * score({"a": values}))
