"""What tests of files share."""

import pytest

from preroll.console.spoken import to_command_line


@pytest.fixture(autouse=True)
def asked_by_a_command() -> None:
    """Messages name a file as the command's user did."""
    to_command_line()
