"""Sentences are folded between words in a terminal, and nowhere else; commands and data stay in one piece."""

from pathlib import Path

import pytest

import tests.walks.terminal as terminal
from preroll.console.folding import folded_lines
from tests.walks.terminal import scripted, typed

LONG = "a-run-whose-name-is-so-long-that-it-has-no-place-beside-anything-else"


@pytest.mark.parametrize("columns", [60, 80])
def test_an_error_is_folded_between_words_and_its_path_and_command_are_not(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "COLUMNS", columns)
    command = f"preroll evaluate runs/{LONG}"
    shown, piped = typed(command, tmp_path), scripted(command, tmp_path)
    assert piped.stderr.count("\n") == 1
    assert " ".join(shown.lines) == piped.stderr.strip()
    assert f"`preroll train AGENT --run runs/{LONG}`" in shown.lines
    assert all(LONG in line for line in shown.lines if len(line) > columns)


def test_yaml_and_numbers_keep_their_lines_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "COLUMNS", 40)
    for command in ("preroll scenario show published", "preroll compare classic drift --json"):
        assert typed(command, tmp_path).text.rstrip() == scripted(command, tmp_path).stdout.rstrip()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Run: a\nLook at it: preroll tensorboard runs", "Run: a\nLook at\nit:\npreroll tensorboard runs"),
        ("take `a b c d` or nothing", "take\n`a b c d`\nor nothing"),
        ("猫 猫 猫 猫 猫", "猫 猫 猫\n猫 猫"),
        ("a `b c d e f g h", "a\n`b c d e f g h"),
        ("short", "short"),
    ],
)
def test_what_is_to_be_copied_is_one_piece(text: str, told: str) -> None:
    assert folded_lines(text, 10) == told
