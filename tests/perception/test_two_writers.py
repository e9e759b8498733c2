"""The second of two commands that write one target is refused in one line before its work, and changes nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.framework.settings import load_settings
from preroll.perception.prediction.generators.memorable_clips import generate_memorability
from preroll.perception.prediction.run import train
from tests.child_processes import written_elsewhere
from tests.conftest import Run

Refused = Callable[..., None]


@pytest.fixture
def refused(run: Run) -> Refused:
    """Gives a command, which is the second of two."""

    def check(line: str, *arguments: str | Path) -> None:
        status, _, errors = run(*arguments)
        assert status != 0
        assert errors.splitlines()[-1].endswith(line), errors
        assert "Traceback" not in errors

    return check


@pytest.fixture
def task(tmp_path: Path) -> Path:
    generate_memorability(tmp_path / "data", movies=20, clips=3)
    file = tmp_path / "m.yaml"
    file.write_text(
        f"task: memorability\nrun: {tmp_path / 'run'}\ndata:\n"
        f"  ground_truth: {tmp_path / 'data' / 'ground_truth.csv'}\n"
        f"  audio: {tmp_path / 'data' / 'audio_vectors.csv'}\nmodel: {{name: audio, folds: 2, inner_folds: 2}}\n"
    )
    return file


def test_predictions_trained_or_applied_twice_at_once(tmp_path: Path, task: Path, run: Run, refused: Refused) -> None:
    with written_elsewhere(tmp_path / "run") as line:
        refused(line, "predict", "train", task)
    train(load_settings(task))
    with written_elsewhere(tmp_path / "p") as line:
        refused(line, "predict", "apply", task, "--out", tmp_path / "p")
    assert not (tmp_path / "p").exists()
    (tmp_path / "run" / "model" / "words.json").write_bytes(b"")
    status, _, errors = run("predict", "evaluate", task)
    assert (status, len(errors.strip().splitlines())) == (2, 1)
    assert "words.json: is not the file that was written" in errors


def test_a_data_set_tables_and_clips_written_twice_at_once(tmp_path: Path, refused: Refused) -> None:
    with written_elsewhere(tmp_path / "d") as line:
        refused(line, "predict", "generate", "genres", "--out", tmp_path / "d")
        refused(line, "catalog", "export", "demo", "--csv", tmp_path / "d")
        refused(line, "predict", "annotate", "demo", "--calibrate", "--out", tmp_path / "d")
    with written_elsewhere(tmp_path / "videos", "writing_within") as line:
        refused(line, "catalog", "demo-videos", tmp_path / "videos", "--per-category", "1")
        assert [path.name for path in (tmp_path / "videos").iterdir()] == [".preroll"]
    assert list((tmp_path / "videos").iterdir()) == []


def test_a_data_set_is_complete_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from preroll.perception.prediction.generators import best_reachable

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def half(out: Path, **_: object) -> None:
        (out / "ids.json").write_text("[]")
        stopped()

    monkeypatch.setattr(best_reachable, "generate_genres", half)
    with pytest.raises(KeyboardInterrupt):
        best_reachable.generate_data("genres", tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["task.json", "result.json", "ids.json", "manifest.json"])
def test_a_folder_of_somebodys_is_never_wiped(tmp_path: Path, task: Path, name: str) -> None:
    values = np.zeros((1, 1), np.float32)
    writers: list[tuple[Path, Callable[[Path], object]]] = [
        (tmp_path / "p", Predictions("tags", ("a",), ("x",), values).save),
        (tmp_path / "run", lambda _: train(load_settings(task), replace=True)),
    ]
    for folder, write in writers:
        folder.mkdir()
        (folder / name).write_text("{}")
        (folder / "diary.txt").write_text("dear")
        with pytest.raises(PrerollError, match=r"choose another folder"):
            write(folder)
        assert (folder / "diary.txt").read_text() == "dear"
        (folder / "diary.txt").unlink()
        (folder / name).unlink()
        (folder / ".DS_Store").write_text("")
        write(folder)
        (folder / "diary.txt").write_text("dear")
        with pytest.raises(PrerollError, match=r"diary\.txt is no part of the predictions? there and would be lost"):
            write(folder)
