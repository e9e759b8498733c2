import json
import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.cli import app
from preroll.errors import PrerollError
from preroll.perception.prediction.settings import load_settings
from tests.perception.prediction.conftest import Made

EXAMPLES = Path(__file__).parents[3] / "examples" / "predictions"
RUN = CliRunner()


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
    for part in ("Spearman", "noise ceiling", "captions lack 1 of 150 clips", "tensorboard --logdir"):
        assert part in told
    assert said("evaluate", file).split("\n")[1] == told.split("\n")[1]
    assert "149 videos, 1 values each" in said("apply", file, "--out", tmp_path / "p")
    assert (tmp_path / "p" / "predictions.csv").is_file()
    assert load_settings(tmp_path / "run" / "settings.yaml") == load_settings(file)
    assert "replace it with --replace" in fails("train", file)
    said("train", file, "--replace")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_valid(path: Path) -> None:
    assert load_settings(path).run.parts[0] == "runs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: tag\nrun: x", "task: 'tag': must be one of tags, genres, memorability"),
        ("run: x", "task: None: must be one of"),
        ("task: tags\nrun: x", "data: is missing"),
        ("task: tags\nrun: x\ndata: {folder: y, foo: 1}", "data.foo: unknown key"),
        ("task: tags\nrun: x\ndata: {folder: y}\ntraining: {epochs: 0}", "training.epochs: 0: should be greater"),
        ("task: tags\nrun: x\ndata: {folder: y}\nmodel: {name: big}", "model.name: 'big': should be 'linear', 'mlp'"),
        ("task: tags\nrun: x\ndata: {folder: y}\ntraining: {seeds: []}", "training.seeds"),
        ("task: tags\nrun: x\nrun: y", "key 'run' stands twice"),
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


def test_a_pickle_becomes_json_once(tmp_path: Path) -> None:
    (tmp_path / "ids.pkl").write_bytes(pickle.dumps({"a": (1, 2)}))
    assert "dict of 1" in said("convert", tmp_path / "ids.pkl", tmp_path / "ids.json")
    assert json.loads((tmp_path / "ids.json").read_text()) == {"a": [1, 2]}
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(Path("x")))
    assert "asks for pathlib" in fails("convert", tmp_path / "bad.pkl", tmp_path / "bad.json")
    assert not (tmp_path / "bad.json").exists()
