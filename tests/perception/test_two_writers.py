"""The second of two commands that write one target is refused in one line before its work, and changes nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.framework.settings import load_settings
from preroll.perception.prediction.generators.memorable_clips import generate_memorability
from preroll.perception.prediction.run import train


def refused(*arguments: str | Path) -> str:
    done = subprocess.run([sys.executable, "-m", "preroll", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode != 0
    assert "is writing it now" in done.stderr.splitlines()[-1], done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


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


def test_predictions_trained_or_applied_twice_at_once(tmp_path: Path, task: Path) -> None:
    with atomic.writing(tmp_path / "run"):
        refused("predict", "train", task)
    train(load_settings(task))
    with atomic.writing(tmp_path / "p"):
        refused("predict", "apply", task, "--out", tmp_path / "p")
    assert not (tmp_path / "p").exists()
    (tmp_path / "run" / "model" / "words.json").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "preroll", "predict", "evaluate", str(task)], capture_output=True, text=True
    )
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert "words.json: is not the file that was written" in done.stderr


def test_a_data_set_tables_and_clips_written_twice_at_once(tmp_path: Path) -> None:
    with atomic.writing(tmp_path / "d"):
        refused("predict", "generate", "genres", "--out", tmp_path / "d")
        refused("catalog", "export", "demo", "--csv", tmp_path / "d")
        refused("predict", "annotate", "demo", "--calibrate", "--out", tmp_path / "d")
    with atomic.writing_within(tmp_path / "videos", "videos"):
        refused("catalog", "demo-videos", tmp_path / "videos", "--per-category", "1")
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
