"""Paths without a name where a file or a folder is wanted: nothing, the folder the user stands in, and the root."""

from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.perception.conftest import write_clip

COMMANDS = (
    "detect clips/reds/clip.mp4 --detector PATH",
    "detect clips/reds/clip.mp4 --card PATH",
    "detect clips/reds/clip.mp4 --out PATH",
    "detector card PATH --classes names.txt",
    "catalog build clips --out out --encoder PATH",
    "catalog show demo --confusion PATH",
    "catalog search demo --image PATH",
    "train random --sessions 10 --run PATH",
    "train --resume PATH",
    "train --continue PATH --sessions 3",
    "evaluate PATH",
    "explain PATH",
    "export PATH --out agent.onnx",
    "experiment run PATH",
    "predict annotate demo --out PATH",
)


@pytest.mark.parametrize("path", ["", ".", "/"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_without_a_name_is_refused_in_one_line(
    command: str, path: str, run: Run, here: None, tmp_path: Path
) -> None:
    write_clip(tmp_path / "clips" / "reds" / "clip.mp4", [(250, 0, 0)] * 4)
    (tmp_path / "names.txt").write_text("red\n")
    before = sorted(tmp_path.rglob("*"))
    status, told, errors = run(*(path if part == "PATH" else part for part in command.split()))
    assert (status, told) == (2, ""), errors
    assert errors.count("\n") == 1, errors
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("without_processes")
def test_the_folder_the_user_stands_in_can_be_built(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "clips" / "reds" / "clip.mp4", [(250, 0, 0)] * 4)
    monkeypatch.chdir(tmp_path / "clips")
    status, _, errors = run("catalog", "build", ".", "--out", "../out", "--workers", "1", "--detector", "objects")
    assert status == 0, errors
    assert (tmp_path / "out" / "manifest.json").exists()
