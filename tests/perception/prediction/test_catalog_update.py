import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.files import manifest
from preroll.files.hashing import sha256_of
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.prediction.catalog_update import quantiles, tag_vectors, update_catalog
from preroll.perception.prediction.category_calibration import calibrated_categories, calibration_folds
from preroll.perception.prediction.framework.predictions import Predictions
from tests.conftest import make_catalog
from tests.resealed import reseal


def ids(catalog: Catalog) -> tuple[str, ...]:
    return tuple(catalog.videos()["path"])


def predicted(catalog: Catalog, task: str, names: tuple[str, ...]) -> Predictions:
    rng = np.random.default_rng(list(task.encode()))
    values = rng.random((catalog.n_videos, len(names))).astype(np.float32)
    return Predictions(task, ids(catalog)[::-1], names, values)


def test_tag_vectors_are_roots_of_the_best_probabilities_of_length_1() -> None:
    probabilities = np.array([[0.64, 0.36, 0.1], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(
        tag_vectors(probabilities, best=2), np.array([[0.8, 0.6, 0.0], [0.0, 0.0, 0.0]]), atol=1e-6
    )


def test_quantiles_rank_and_share_between_equals() -> None:
    np.testing.assert_allclose(quantiles(np.array([3.0, 1.0, 1.0, 9.0])), [0.625, 0.25, 0.25, 0.875])


def test_predictions_replace_what_agents_see_and_the_recommender_goes_by(
    small_catalog_folder: Path, tmp_path: Path
) -> None:
    before = Catalog.load(small_catalog_folder)
    names = ("other", *before.categories[::-1])
    categories = predicted(before, "genres", names)
    tags = predicted(before, "tags", tuple("abcdefghijkl"))
    memory = predicted(before, "memorability", ("memorability",))
    made = update_catalog(
        before, tmp_path / "new", categories=categories, tags=tags, memorability=memory, true_memorability=memory
    )
    made.check_values()
    assert made.altered() == []
    expected = categories.values[::-1][:, [names.index(name) for name in before.categories]]
    found = made.category_probabilities
    assert found is not None
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_array_equal(made.category, before.category)
    space = tag_vectors(tags.values[::-1])
    cosines = space @ space.T
    np.fill_diagonal(cosines, -1)
    assert made.neighbors[:, 0].tolist() == cosines.argmax(1).tolist()
    assert made.memorability is not None
    assert made.memorability_quantile is not None
    np.testing.assert_array_equal(made.memorability, memory.values[::-1, 0])
    assert made.memorability_quantile.argsort().tolist() == made.memorability.argsort().tolist()
    assert set(made.manifest["predictions"]) == {"categories", "tags", "memorability", "truth"}
    assert "preroll predict annotate" in made.manifest["command"]
    assert (made.manifest["neighbors"], made.manifest["category_calibrated"]) == ({"exact": True}, False)


def test_what_is_not_given_stays_byte_by_byte(small_catalog_folder: Path, tmp_path: Path) -> None:
    before = Catalog.load(small_catalog_folder)
    memory = predicted(before, "memorability", ("memorability",))
    made = update_catalog(before, tmp_path / "new", memorability=memory)
    changed = {
        name for name in before.manifest["files"] if sha256_of(made.path / name) != sha256_of(before.path / name)
    }
    assert changed == {"memorability_quantile.npy"}


def test_probabilities_are_calibrated_by_other_videos(small_catalog_folder: Path, tmp_path: Path) -> None:
    before = Catalog.load(small_catalog_folder)
    made = update_catalog(before, tmp_path / "new", calibrate=True, picture=tmp_path / "p.png")
    assert before.category_probabilities is not None
    assert made.category_probabilities is not None
    assert made.category_probabilities.shape == before.category_probabilities.shape
    np.testing.assert_allclose(made.category_probabilities.sum(1), 1, atol=1e-5)
    assert made.category_probabilities.argmax(1).tolist() == before.category_probabilities.argmax(1).tolist()
    assert "--calibrate" in made.manifest["command"]
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"


def test_calibration_helps_videos_that_it_never_saw(rng: np.random.Generator) -> None:
    truth = rng.dirichlet((1, 1, 1), 600)
    category = (rng.random((600, 1)) > truth.cumsum(1)).sum(1)
    sure = truth**3 / (truth**3).sum(1, keepdims=True)
    scaled, temperatures = calibrated_categories(sure, category)
    assert all(2 < temperature < 4.5 for temperature in temperatures)
    losses = [-np.log(p[np.arange(600), category] + 1e-12).mean() for p in (sure, scaled)]
    assert losses[1] < losses[0]


def test_videos_of_an_unknown_category_are_scaled_and_teach_nothing(rng: np.random.Generator) -> None:
    sure = rng.dirichlet((0.3, 0.3, 0.3), 60)
    category = sure.argmax(1)
    unknown = np.concatenate((sure, sure[:20]))
    scaled, temperatures = calibrated_categories(unknown, np.concatenate((category, np.full(20, -1))))
    assert max(temperatures) < 1
    assert scaled.shape == unknown.shape
    assert (scaled.max(1) >= unknown.max(1) - 1e-6).all()
    with pytest.raises(PrerollError, match="4 videos of a known category are too few for 5 folds"):
        calibrated_categories(sure[:8], np.array([0, 1, 2, 0, -1, -1, -1, -1]))


def test_ids_may_do_without_the_suffix(small_catalog_folder: Path, tmp_path: Path) -> None:
    before = Catalog.load(small_catalog_folder)
    memory = predicted(before, "memorability", ("memorability",))
    bare = Predictions(
        memory.task, tuple(Path(name).with_suffix("").as_posix() for name in memory.ids), ("m",), memory.values
    )
    made = update_catalog(before, tmp_path / "new", true_memorability=bare)
    assert made.memorability is not None
    np.testing.assert_array_equal(made.memorability, memory.values[::-1, 0])


def test_what_does_not_fit_is_an_error(small_catalog_folder: Path, tmp_path: Path) -> None:
    catalog, out = Catalog.load(small_catalog_folder), tmp_path / "new"
    memory = predicted(catalog, "memorability", ("memorability",))
    few = Predictions("memorability", memory.ids[:3], memory.names, memory.values[:3])
    with pytest.raises(PrerollError, match="nothing about 27 of 30 videos: cars/0, cats/1, concerts/2 and 24 more"):
        update_catalog(catalog, out, memorability=few)
    with pytest.raises(PrerollError, match="nothing is predicted about the category 'cars'"):
        update_catalog(catalog, out, categories=predicted(catalog, "genres", ("cats",)))
    wild = Predictions("memorability", memory.ids, memory.names, memory.values + 1)
    with pytest.raises(PrerollError, match="must lie in"):
        update_catalog(catalog, out, true_memorability=wild)
    for option, task in (("memorability", "tags"), ("true_memorability", "genres"), ("tags", "memorability")):
        other: dict[str, Any] = {option: predicted(catalog, task, ("x",))}
        with pytest.raises(PrerollError, match=f"these are predictions of {task}; must be of "):
            update_catalog(catalog, out, **other)
    for picture, message in (("p.doc", r"must end in \.png or \.svg"), ("file/p.png", "cannot be written")):
        (tmp_path / "file").write_text("")
        with pytest.raises(PrerollError, match=message):
            update_catalog(catalog, out, calibrate=True, picture=tmp_path / picture)
    with pytest.raises(PrerollError, match="give at least one"):
        update_catalog(catalog, out)
    with pytest.raises(PrerollError, match="in memory alone"):
        update_catalog(make_catalog(), out, memorability=memory)
    assert not out.exists()


def test_the_demo_catalog_carries_no_memorability() -> None:
    demo = Catalog.load("demo")
    assert (demo.memorability, demo.memorability_quantile) == (None, None)


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    one = Predictions("tags", ("a", "b"), ("x", "y", "z"), np.random.default_rng(0).random((2, 3)).astype(np.float32))
    one.save(tmp_path / "p")
    again = Predictions.open(tmp_path / "p")
    assert (again.task, again.ids, again.names) == (one.task, one.ids, one.names)
    np.testing.assert_array_equal(again.values, one.values)
    assert (tmp_path / "p" / "predictions.csv").read_text().startswith("id,name 1,value 1,")
    (tmp_path / "p" / "ids.json").write_text(json.dumps(["a"]))
    with pytest.raises(PrerollError, match=r"ids\.json: is not the file that was written"):
        Predictions.open(tmp_path / "p")
    reseal(tmp_path / "p")
    with pytest.raises(PrerollError, match="do not fit"):
        Predictions.open(tmp_path / "p")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(PrerollError, match="holds x, and is no predictions of preroll"):
        one.save(tmp_path / "full")


@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan"), (np.inf, "inf")])
def test_numbers_that_are_none_stay_out_of_a_catalog(tmp_path: Path, value: float, told: str) -> None:
    """Categories and memorability took them in silence; tags ended in a traceback."""
    values = np.array([[0.5, 0.1], [value, 0.2]], np.float32)
    np.save(tmp_path / "predictions.npy", values)
    for name, content in (("ids", ["a", "b"]), ("names", ["x", "y"]), ("task", {"task": "tags"})):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    with pytest.raises(PrerollError, match="an older version wrote it: apply the model again"):
        Predictions.open(tmp_path)
    manifest.write(tmp_path, "predictions")
    with pytest.raises(PrerollError, match=f"{told} of id 'b' is no finite float"):
        Predictions.open(tmp_path)


def test_temperatures_are_fitted_without_any_piece_of_the_clip() -> None:
    groups = np.repeat(np.arange(10), 3)
    category = np.where(np.arange(30) % 7 == 0, -1, groups % 3)
    folds = calibration_folds(category, groups)
    assert sorted(np.concatenate([judged for _, judged in folds])) == list(range(30))
    for fitted, judged in folds:
        assert (category[fitted] >= 0).all()
        assert not set(groups[fitted]) & set(groups[judged])
    with pytest.raises(PrerollError, match="4 groups of videos of a known category are too few for 5 folds"):
        calibration_folds(category, groups % 4)


def test_a_catalog_with_groups_is_calibrated_by_them(small_catalog_folder: Path, tmp_path: Path) -> None:
    before = Catalog.load(shutil.copytree(small_catalog_folder, tmp_path / "old"))
    table, groups = before.videos(), np.arange(30) // 3
    table["group"] = [f"clip {group}" for group in groups]
    table.to_csv(before.path / "videos.csv", index=False)
    reseal(before.path, group_by="name")
    made = update_catalog(Catalog.load(before.path), tmp_path / "new", calibrate=True)
    assert before.category_probabilities is not None
    expected, _ = calibrated_categories(before.category_probabilities, before.category, groups=groups)
    np.testing.assert_array_equal(made.category_probabilities, expected)
    assert made.groups is not None
    assert made.groups.tolist() == groups.tolist()
