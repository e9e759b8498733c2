"""A misspelt name of something on the disk is told the nearest one."""

from pathlib import Path

import pytest

from tests.commands.conftest import Run


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("experiment run files/drfit.yaml --out x", "No such file or directory; did you mean files/drift.yaml?"),
        ("experiment status tresholds", "tresholds: is no folder of an experiment; did you mean threshold?"),
        ("experiment results tresholds", "tresholds: is no folder of an experiment; did you mean threshold?"),
        ("runs rm runs/classic-rondom-0 --yes", "no such run; did you mean runs/classic-random-0; nothing was removed"),
        ("catalog similar demo cats-1.mp4", "its rows are 0 … 299; did you mean cats/cats-"),
        ("experiment status other", "is no folder of an experiment; make one with `preroll experiment run"),
    ],
)  # fmt: skip
def test_the_nearest_name_is_told(run: Run, command: str, told: str) -> None:
    for folder in ("threshold", "runs/classic-random-0", "files"):
        Path(folder).mkdir(parents=True)
    Path("files/drift.yaml").touch()
    Path("files/mismatch.yaml").touch()
    status, _, error = run(*command.split())
    assert status == 2
    assert told in error
    assert "mismatch" not in error
