"""The command line called in this process, which spares each test the start of another."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preroll.commands.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the command line: its exit status, what it wrote to stdout, and to stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["preroll", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        code = caught.value.code
        output = capsys.readouterr()
        return (code if isinstance(code, int) else 0), output.out, output.err

    return call


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user stands in the temporary folder."""
    monkeypatch.chdir(tmp_path)
