from pathlib import Path

import pytest
from jinja2 import UndefinedError

from preroll.html.template import template


def rendered(folder: Path, source: str, **values: object) -> str:
    (folder / "own.jinja").write_text(source)
    return template(folder, "own.jinja").render(**values)


def test_values_are_escaped_and_control_characters_shown(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ name }}", name="<b>\x1b\u202e\udcff\n&") == "&lt;b&gt;\\x1b\\u202e\\udcff\n&amp;"


def test_backticks_are_code_and_what_stands_in_them_is_escaped_once(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ text | with_code }}", text="a `<b>\x1b` c") == "a <code>&lt;b&gt;\\x1b</code> c"


def test_what_is_not_given_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        rendered(tmp_path, "{{ nothing }}")


def test_a_page_is_the_layout_with_blocks_of_its_own(tmp_path: Path) -> None:
    text = '{% extends "page.html.jinja" %}{% block title %}T{% endblock %}{% block main %}M{% endblock %}'
    html = rendered(tmp_path, text, accent="#123456")
    assert html.startswith("<!doctype html>\n<html lang")
    assert "<title>T</title>" in html
    assert "--accent: #123456" in html
    assert "<main>\nM</main>" in html
    assert "aria-sort" in html
