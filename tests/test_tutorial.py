"""The tutorial runs as a program and as a notebook, cell by cell, and ends with a slide."""

import ast
import re
from pathlib import Path
from runpy import run_path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

from tests.conftest import ROOT

TUTORIAL = ROOT / "docs/tutorial.py"
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


def cells() -> list[tuple[str, str]]:
    """The kind and the text of every cell, as Jupytext and editors part them."""
    _, *parts = CELL.split(TUTORIAL.read_text("utf8"))
    return list(zip((kind.strip() for kind in parts[::2]), parts[1::2], strict=True))


@pytest.mark.compiled
@pytest.mark.filterwarnings("error")
def test_it_leaves_a_slide_and_every_shown_object_has_a_form_for_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = matplotlib.get_backend()
    pyplot.switch_backend("agg")
    names: dict[str, Any] = run_path(str(TUTORIAL), run_name="__main__")
    pyplot.close("all")
    pyplot.switch_backend(backend)
    assert [path.name for path in tmp_path.iterdir()] == ["slide.png"]
    picture = np.asarray(Image.open("slide.png").convert("L"))
    assert picture.shape == (600, 1920)
    for third in np.array_split(picture, 3, axis=1):
        assert 0.02 < (third < 200).mean() < 0.9
    assert "A session of random ads: " in capsys.readouterr().out
    for kind, text in cells():
        last = ast.parse(text).body[-1:] if not kind else []
        if last and isinstance(last[0], ast.Expr) and isinstance(last[0].value, ast.Name | ast.Subscript):
            assert "<table" in eval(ast.unparse(last[0].value), names)._repr_html_()


def test_every_cell_is_text_or_a_program_with_a_text_before_it() -> None:
    kinds = [kind for kind, _ in cells()]
    assert kinds[0] == "[markdown]"
    assert set(kinds) == {"[markdown]", ""}
    for kind, text in cells():
        if kind == "[markdown]":
            assert all(line.startswith("#") for line in text.strip().splitlines())
        else:
            assert ast.parse(text).body


def test_the_picture_of_the_readme_is_one_of_the_tutorial() -> None:
    with Image.open(ROOT / "docs/pictures/slide.png") as picture:
        assert picture.size == (1920, 600)
