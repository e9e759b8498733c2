"""Damaged runs, bundles and caches of predictions are noticed, or made again."""

from pathlib import Path
from typing import Any

import numpy as np

from preroll.perception.prediction.formats.yt8m.arrays import converted
from preroll.perception.prediction.formats.yt8m.csv import read_csv
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.framework.settings import load_settings
from preroll.perception.prediction.generators.tag_videos import generate_tags
from preroll.perception.prediction.run import open_run, train
from tests.damage import check, damaged
from tests.perception.prediction.conftest import Made


def bundle(folder: Path) -> list[Any]:
    found = Predictions.open(folder)
    return [found.task, found.ids, found.names, found.values.tobytes()]


def finished_run(folder: Path) -> list[Any]:
    run = open_run(folder)
    model = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    return [run.names, run.trained, run.facts, {name: row.tolist() for name, row in run.held_out.items()}, model]


def test_a_damaged_bundle_of_predictions_is_noticed_or_reads_the_same(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random((4, 3), np.float32)
    Predictions("tags", ("a", "b", "c", "d"), ("x", "y", "z"), values).save(tmp_path / "p")
    check(tmp_path / "p", bundle)


def test_a_damaged_prediction_run_is_noticed_or_reads_the_same(tmp_path: Path, clip_files: Made) -> None:
    folder = clip_files[0]
    (tmp_path / "m.yaml").write_text(
        f"task: memorability\nrun: {tmp_path / 'run'}\ndata:\n  ground_truth: {folder / 'ground_truth.csv'}\n"
        f"  audio: {folder / 'audio_vectors.csv'}\nmodel: {{name: audio, folds: 2, inner_folds: 2}}\n"
    )
    train(load_settings(tmp_path / "m.yaml"))
    check(tmp_path / "run", finished_run)


def test_damaged_cached_arrays_are_made_again(tmp_path: Path) -> None:
    generate_tags(tmp_path / "data", train=6, validation=4)
    files = [tmp_path / "data" / "train_1.csv"]

    def read(_: Path) -> list[Any]:
        arrays = converted(files, read_csv, tmp_path / "cache", Skipping())
        return [arrays.ids, arrays.features.tobytes(), arrays.starts.tobytes(), arrays.labels.tobytes()]

    good = read(tmp_path)
    (folder,) = (tmp_path / "cache").iterdir()
    rng = np.random.default_rng(0)
    for path in sorted(folder.iterdir()):
        for content in damaged(path, rng):
            path.write_bytes(content)
            assert read(tmp_path) == good, path.name
    assert [place.name for place in (tmp_path / "cache").iterdir()] == [folder.name]
