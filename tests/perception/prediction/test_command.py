import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.envs import Scenario, Tables
from preroll.errors import PrerollError
from preroll.perception.prediction.catalog_update import bare_paths, quantiles
from preroll.perception.prediction.formats.memorability_csv import read_ground_truth
from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.framework.settings import load_settings
from tests.perception.prediction.conftest import Made

pytestmark = pytest.mark.usefixtures("unpainted")

RUN = CliRunner()
GENRES = "task: genres\nrun: x\ndata: {embeddings: e, ids: i, labels: l"
CLIPS = "task: memorability\nrun: x\ndata: {ground_truth: g}\nmodel: "


def said(*arguments: str | Path) -> str:
    result = RUN.invoke(app, ["predict", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(*arguments: str | Path) -> str:
    result = RUN.invoke(app, ["predict", *map(str, arguments)])
    assert isinstance(result.exception, PrerollError)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_train_evaluate_apply_from_one_file(clip_files: Made, tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    folder = clip_files[0]
    file.write_text(
        f"task: memorability\nrun: {tmp_path / 'run'}\ndata:\n  ground_truth: {folder / 'ground_truth.csv'}\n"
        f"  captions: {folder / 'caption_features.csv'}\nmodel: {{name: captions-ridge, folds: 3, inner_folds: 2}}\n"
    )
    told = said("train", file)
    for part in ("Spearman", "noise ceiling", "captions lack 1 of 150 clips", "preroll tensorboard "):
        assert part in told
    assert said("evaluate", file).split("\n")[1] == told.split("\n")[1]
    assert "150 videos, 1 value each" in said("apply", file, "--out", tmp_path / "p")
    assert (tmp_path / "p" / "predictions.csv").is_file()
    assert load_settings(tmp_path / "run" / "settings.yaml") == load_settings(file)
    assert fails("train", file).startswith(f"run: {tmp_path / 'run'}: the prediction exists; ")
    said("train", file, "--replace")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: tag\nrun: x", "task: 'tag': did you mean tags? Must be one of tags, genres, memorability"),
        ("run: x", "task: None: must be one of"),
        ("task: [tags]\nrun: x", "task: ['tags']: must be one of"),
        ("task: tags\nrun: x", "data: is missing"),
        ("task: tags\nrun: x\ndata: {folder: y, foo: 1}", "data.foo: unknown key"),
        ("task: tags\nrun: x\ndata: {folder: y}\ntraining: {epochs: 0}", "training.epochs: 0: should be greater"),
        ("task: tags\nrun: x\ndata: {folder: y}\nmodel: {name: big}", "model.name: 'big': should be 'linear', 'mlp'"),
        ("task: tags\nrun: x\ndata: {folder: y}\ntraining: {seeds: []}", "training.seeds"),
        # A seed that occurred twice counted twice in what was reported, and once in the model.
        ("task: tags\nrun: x\ndata: {folder: y}\ntraining: {seeds: [4, 1, 4]}", "training.seeds: 4 occurs twice"),
        (f"{GENRES}, genres: [War, Sport, War]}}", "'War' occurs twice"),
        # These ended in a traceback of the library that was handed them.
        (f"{GENRES}}}\nsplit: {{seed: -1}}", "split.seed: -1: should be greater than or equal to 0"),
        (f"{CLIPS}{{seed: -1}}", "model.seed: -1: should be greater than or equal to 0"),
        (f"{CLIPS}{{svr: [0]}}", "model.svr.0: 0: should be greater than 0"),
        (f"{CLIPS}{{ridge: [10, -1]}}", "model.ridge.1: -1: should be greater than 0"),
        ("task: tags\nrun: x\nrun: y", "key 'run' occurs twice"),
    ],
)
def test_a_wrong_file_is_one_line_with_the_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(text)
    assert message in fails("train", file)


def test_a_run_that_does_not_exist_or_is_of_another_task(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(f"task: tags\nrun: {tmp_path / 'none'}\ndata: {{folder: {tmp_path}}}")
    assert "there is no finished run" in fails("evaluate", file)
    assert "no file matches" in fails("train", file)


def test_data_sets_are_generated_with_their_best_score(tmp_path: Path) -> None:
    assert "would reach macro AP 0." in said("generate", "genres", "--out", tmp_path / "g")
    assert "is not empty" in fails("generate", "genres", "--out", tmp_path / "g")
    assert "is no task; must be one of" in fails("generate", "music", "--out", tmp_path / "x")


def test_from_clips_called_as_the_videos_of_a_catalog_to_what_views_pay(
    small_catalog_folder: Path, tmp_path: Path
) -> None:
    data, file = tmp_path / "data", tmp_path / "m.yaml"
    said("generate", "memorability", "--catalog", small_catalog_folder, "--out", data)
    file.write_text(
        f"task: memorability\nrun: {tmp_path / 'run'}\ndata:\n  ground_truth: {data / 'ground_truth.csv'}\n"
        f"  captions: {data / 'caption_features.csv'}\n  audio: {data / 'audio_vectors.csv'}\n"
        "model: {name: audio, folds: 3, inner_folds: 2}\n"
    )
    said("train", file)
    said("apply", file, "--out", tmp_path / "p")
    truth, made = data / "ground_truth.csv", tmp_path / "remembering"
    said("annotate", small_catalog_folder, "--memorability", tmp_path / "p", "--truth", truth, "--out", made)
    paying = Scenario.load("classic").replace({"recall_weight": 2.0, "observe.memorability": True})
    tables = Tables.compile(paying, made)
    scores = read_ground_truth(truth, Skipping()).scores
    np.testing.assert_allclose(sorted(np.asarray(tables.catalog.memorability)), sorted(scores), rtol=1e-6)
    shown = tables.arrays.rows[:, tables.layout.parts["memorability"].start]
    by_id = dict(zip(*(getattr(Predictions.open(tmp_path / "p"), name) for name in ("ids", "values")), strict=True))
    predicted = np.array([by_id[name][0] for name in bare_paths(tables.catalog)])
    np.testing.assert_array_equal(shown, quantiles(predicted))
    assert "goes with memorability" in fails("generate", "tags", "--catalog", "demo", "--out", tmp_path / "x")


@pytest.mark.parametrize("command", ["train", "evaluate", "apply", "embed", "convert", "annotate", "generate"])
def test_the_help_of_every_command_holds_an_example_of_it(command: str) -> None:
    told = " ".join(RUN.invoke(app, ["predict", command, "--help"], env={"COLUMNS": "200"}).stdout.split())
    assert f"preroll predict {command} " in told.split("Example:")[1]


def test_a_pickle_becomes_json_once(tmp_path: Path) -> None:
    (tmp_path / "ids.pkl").write_bytes(pickle.dumps({"a": (1, 2)}))
    assert "dict of 1" in said("convert", tmp_path / "ids.pkl", tmp_path / "ids.json")
    assert json.loads((tmp_path / "ids.json").read_text()) == {"a": [1, 2]}
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(Path("x")))
    assert "asks for pathlib" in fails("convert", tmp_path / "bad.pkl", tmp_path / "bad.json")
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({1: [0], "1": [1]}))
    assert "two keys of a map are the same as texts" in fails("convert", tmp_path / "bad.pkl", tmp_path / "bad.json")
    assert not (tmp_path / "bad.json").exists()
    assert "is a folder; must be a file" in fails("convert", tmp_path / "ids.pkl", tmp_path)
