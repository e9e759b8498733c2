import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.settings import GenreSettings
from preroll.perception.prediction.framework.task import Fitted
from preroll.perception.prediction.generators.ideal import Ideal
from preroll.perception.prediction.genres.task import Genres
from preroll.perception.prediction.metrics.average_precision import macro_average_precision
from preroll.perception.prediction.run import open_run, train
from tests.perception.prediction.conftest import Made, ratio

pytestmark = pytest.mark.usefixtures("unpainted")

MOVIE = r"(.*?)(?:_\d+)?"


def settings(folder: Path, run: Path, name: str = "logistic", epochs: int = 12, **data: Any) -> GenreSettings:
    return GenreSettings.model_validate(
        {
            "task": "genres",
            "run": run,
            "data": {
                "embeddings": folder / "embeddings",
                "ids": folder / "ids.pkl",
                "labels": folder / "labels.pkl",
                "movie": MOVIE,
                "genres": json.loads((folder / "genres.json").read_text()),
                **data,
            },
            "split": {"validation_share": 0.15, "test_share": 0.3},
            "model": {"name": name, "units": 32, "patch": 32},
            "training": {"epochs": epochs, "batch": 16, "rate": 0.02, "seeds": [0], "best_by": "macro AP"},
        }
    )


def best(ideal: Ideal, ids: tuple[str, ...]) -> float:
    held = ideal.rows_of(ids)
    return macro_average_precision(held.probabilities, held.targets.astype(np.bool_)).mean


@pytest.fixture(scope="module")
def logistic(trailer_files: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[GenreSettings, Fitted]:
    asked = settings(trailer_files[0], tmp_path_factory.mktemp("logistic") / "run")
    return asked, train(asked)[0]


@pytest.fixture
def done(logistic: tuple[GenreSettings, Fitted]) -> GenreSettings:
    """The settings of a run that was trained."""
    return logistic[0]


def test_logistic_gets_near_the_best_reachable_score_and_not_above(
    trailer_files: Made, logistic: tuple[GenreSettings, Fitted]
) -> None:
    ideal, (asked, fitted) = trailer_files[1], logistic
    assert fitted.report.metrics["macro AP"] > 0.9 * best(ideal, fitted.ids)
    assert (asked.run / "reliability.png").read_bytes().startswith(b"\x89PNG")  # painted, as in no other test here
    # Two trailers of a movie have one draw of labels: it counts once.
    first = np.array([name.endswith("_0") for name in fitted.ids])
    assert ratio(fitted, ideal, first) < np.log(1e6)
    run = open_run(asked.run)
    task = Genres(asked)
    report, ids, found = task.evaluate(task.load(Skipping()), run)
    assert tuple(ids) == fitted.ids
    np.testing.assert_allclose(found, fitted.held_out, atol=1e-4)
    assert report.table.columns[:5] == ("genre", "precision@0.5", "recall@0.5", "AP", "support")
    last = {row[0]: row for row in report.table.rows}
    assert np.isnan(last["Musical"][3])
    assert last["macro"][3] == pytest.approx(np.nanmean([row[3] for row in report.table.rows[:21]]))
    assert run.facts["movies"] == {"train": 176, "validation": 48, "test": 96}


@pytest.mark.parametrize("name", ["bilstm", "attention", "mean-mlp"])
def test_every_other_model_learns_something(trailer_files: Made, tmp_path: Path, name: str) -> None:
    some = json.loads((trailer_files[0] / "ids.json").read_text())[:150]
    (tmp_path / "some.json").write_text(json.dumps(some))
    fitted, _ = train(settings(trailer_files[0], tmp_path / "run", name, epochs=2, ids=tmp_path / "some.json"))
    rare = trailer_files[1].rows_of(fitted.ids).targets.mean()
    assert fitted.report.metrics["macro AP"] > rare + 0.05


def test_a_run_is_not_measured_on_another_split_that_holds_its_training_movies(done: GenreSettings) -> None:
    other = done.model_copy(update={"split": done.split.model_copy(update={"seed": 1})})
    with pytest.raises(PrerollError, match="in the training of this model: a leak"):
        Genres(other).evaluate(Genres(other).load(Skipping()), open_run(done.run))


def test_a_run_is_not_measured_by_other_genres_or_another_order_of_them(done: GenreSettings, tmp_path: Path) -> None:
    """Fewer ended in a traceback, and another order gave each genre the figures of another."""
    labels = {name: line[:20] for name, line in json.loads(done.data.labels.with_suffix(".json").read_text()).items()}
    (tmp_path / "fewer.json").write_text(json.dumps(labels))
    swapped = (done.data.genres[1], done.data.genres[0], *done.data.genres[2:])
    for change, message in (
        ({"labels": tmp_path / "fewer.json", "genres": ()}, "the data has 20 genres, the run predicts 21"),
        ({"genres": swapped}, f"genre 1 is '{swapped[0]}' here, and '{swapped[1]}' in the run"),
    ):
        other = Genres(done.model_copy(update={"data": done.data.model_copy(update=change)}))
        with pytest.raises(PrerollError, match=message):
            other.evaluate(other.load(Skipping()), open_run(done.run))


def test_lists_that_split_a_movie_are_an_error(trailer_files: Made, tmp_path: Path) -> None:
    lists = {"train": ["tt0000000_0", "tt0000001_0"], "validation": ["tt0000002_0"], "test": ["tt0000000_1"]}
    for part, ids in lists.items():
        (tmp_path / f"{part}.txt").write_text("\n".join(ids))
    asked = settings(trailer_files[0], tmp_path / "run")
    split = asked.split.model_copy(update={part: tmp_path / f"{part}.txt" for part in lists})
    with pytest.raises(PrerollError, match="movie 'tt0000000' is in train and in test"):
        Genres(asked.model_copy(update={"split": split})).load(Skipping())


def test_ids_without_labels_or_embeddings_are_bad(trailer_files: Made, tmp_path: Path) -> None:
    folder = trailer_files[0]
    ids = json.loads((folder / "ids.json").read_text())
    (tmp_path / "ids.json").write_text(json.dumps([*ids, "tt9999999_0"]))
    labels = json.loads((folder / "labels.json").read_text())
    (tmp_path / "labels.json").write_text(json.dumps({**labels, "tt9999999_0": labels[ids[0]]}))
    asked = settings(folder, tmp_path / "run", ids=tmp_path / "ids.json")
    with pytest.raises(PrerollError, match="id 'tt9999999_0': has no labels"):
        Genres(asked).load(Skipping())
    with pytest.raises(PrerollError, match=r"tt9999999_0\.npy: there is no such file"):
        Genres(settings(folder, tmp_path / "run", ids=tmp_path / "ids.json", labels=tmp_path / "labels.json")).load(
            Skipping()
        )
    skipping = Skipping(allowed=True)
    assert len(Genres(asked).load(skipping).ids) == len(ids)
    assert len(skipping.found) == 1


def test_bad_labels_that_are_skipped_are_listed_once(trailer_files: Made, tmp_path: Path) -> None:
    """They were told as bad, and then once more as lacking."""
    folder = trailer_files[0]
    labels = json.loads((folder / "labels.json").read_text())
    bad = next(iter(labels))
    (tmp_path / "labels.json").write_text(json.dumps({**labels, bad: [0] * len(labels[bad])}))
    skipping = Skipping(allowed=True)
    found = Genres(settings(folder, tmp_path / "run", labels=tmp_path / "labels.json")).load(skipping)
    assert bad not in found.ids
    assert skipping.found == [f"{tmp_path / 'labels.json'}, id {bad!r}: has no label"]


def test_a_folder_of_new_embeddings_is_predicted(done: GenreSettings, tmp_path: Path) -> None:
    (tmp_path / "new" / "cars").mkdir(parents=True)
    np.save(tmp_path / "new" / "cars" / "a.npy", np.ones((3, 512), np.float32))
    data = done.data.model_copy(update={"apply": tmp_path / "new"})
    ids, found = Genres(done.model_copy(update={"data": data})).apply(open_run(done.run), Skipping())
    assert list(ids) == ["cars/a"]
    assert found.shape == (1, 21)
