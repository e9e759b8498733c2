"""What tests of commands share."""

from pathlib import Path

import pytest

from tests.conftest import Run as Run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user stands in the temporary folder."""
    monkeypatch.chdir(tmp_path)
