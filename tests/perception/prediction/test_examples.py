"""The files of examples/predictions do what they say: on less data and with fewer epochs, and else as they stand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from preroll.bounded.yaml_text import dump_yaml, load_yaml
from preroll.commands.cli import app
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.framework.settings import load_settings
from preroll.perception.prediction.generators.memorable_clips import generate_memorability
from preroll.perception.prediction.generators.tag_videos import generate_tags
from preroll.perception.prediction.generators.trailers import generate_genres
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples" / "predictions"
#: Like another one but for its model, as is said below; every export of a network costs seconds.
VARIANT = "tags-linear.yaml"
SMALL: dict[str, Callable[[Path], object]] = {
    "tags": lambda out: generate_tags(out, train=40, validation=20),
    "genres": lambda out: generate_genres(out, movies=40),
    "memorability": lambda out: generate_memorability(out, movies=8, clips=3),
}
QUICK: dict[str, dict[str, dict[str, Any]]] = {
    "tags": {"training": {"epochs": 1, "seeds": [0]}},
    "genres": {"training": {"epochs": 1}},
    "memorability": {"model": {"folds": 2, "inner_folds": 2, "ridge": [10.0], "svr": [0.1]}},
}


def test_the_linear_tags_are_the_other_ones_with_another_model() -> None:
    linear, other = load_settings(EXAMPLES / VARIANT), load_settings(EXAMPLES / "tags.yaml")
    changed = {key for key, value in linear if value != getattr(other, key)}
    assert changed == {"run", "model", "training"}


@pytest.mark.parametrize("name", sorted({path.name for path in EXAMPLES.glob("*.yaml")} - {VARIANT}))
def test_every_example_trains_evaluates_and_applies(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The data stands where the example looks for it, below the folder where the command runs.
    monkeypatch.chdir(tmp_path)
    settings = load_yaml(EXAMPLES / name)
    task = settings["task"]
    SMALL[task](Path("runs") / f"{task}-data")
    for part, changes in QUICK[task].items():
        settings[part] |= changes
    file = tmp_path / name
    file.write_text(dump_yaml(settings))
    tables = []
    for arguments in (["train"], ["evaluate"], ["apply", "--out", "predicted"]):
        result = CliRunner().invoke(app, ["predict", arguments[0], str(file), *arguments[1:]], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        tables.append(result.stdout.split("\n")[1])
    assert tables[0] == tables[1]
    found = Predictions.open(Path("predicted"))
    assert found.task == task
    assert len(found.ids) == {"tags": 20, "memorability": 24}.get(task, len(found.ids)) > 0
