"""Errors name options at the command and arguments in Python, never the one in the place of the other."""

import ast
import re
from pathlib import Path

import pytest

from preroll.console.spoken import spoken, to_command_line
from preroll.errors import PrerollError
from preroll.simulations import train
from tests.conftest import ROOT, Run


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("--embed-size 0: must lie in 1 … 9", "embed_size=0: must lie in 1 … 9"),
        ("--overlay: nothing; give --segment too", "overlay: nothing; give segment=True too"),
        ("x: give one with --card FILE (known)", "x: give one with card=FILE (known)"),
        ("x: give it with --detector; or --replace, and", "x: give it with detector=; or replace=True, and"),
        ("x: say which with --decoder a or b", "x: say which with decoder=a or b"),
        ("x: say --outputs logits", "x: say outputs=logits"),
        ("x (--skip-bad skips it)", "x (skip_bad=True skips it)"),
        ("go on with `preroll train --resume a`", "go on with `preroll train --resume a`"),
        ("runs/a--b, a --- c: no option", "runs/a--b, a --- c: no option"),
    ],
)  # fmt: skip
def test_options_become_arguments_in_python_alone(message: str, told: str) -> None:
    assert spoken(message) == str(PrerollError(message)) == told
    assert spoken(told) == told  # what a worker's error was part of is translated once
    to_command_line()
    assert spoken(message) == str(PrerollError(message)) == message


def test_a_run_that_exists_is_refused_by_the_names_of_who_asked(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "run"
    train("random", sessions=64, run=folder)
    with pytest.raises(PrerollError, match=f"^run={folder}: the run exists; .* replace it with replace=True$"):
        train("random", sessions=64, run=folder)
    status, _, told = run("train", "random", "--sessions", "64", "--run", folder)
    assert status == 2
    assert told.startswith(f"error: --run {folder}: the run exists;")
    assert told.endswith("replace it with --replace\n")


def test_no_message_of_a_room_names_an_option_that_stays_one_in_python() -> None:
    kept = []
    for file in (
        one for room in ("agents", "envs", "perception", "simulations") for one in ROOT.glob(f"{room}/**/*.py")
    ):
        for node in ast.walk(ast.parse(file.read_text("utf8"))):
            if isinstance(node, ast.Raise) and (said := re.sub("`[^`]*`", "", spoken(ast.unparse(node)[1:]))):
                kept += [f"{file.name}: {one}" for one in re.findall(r"(?<![\w'\"-])--[a-z][\w-]*", said)]
    assert not kept, kept
