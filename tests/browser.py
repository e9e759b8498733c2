"""A headless browser for tests that look at pages; they are skipped with a reason where none is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")


def dump(url: str, folder: Path, *, milliseconds: int = 4000, width: int = 1000) -> tuple[str, list[str]]:
    """Opens a page; gives its document after so much virtual time, and the errors of its console."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(NAMES)})")
    done = subprocess.run(
        [
            found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900",
            f"--virtual-time-budget={milliseconds}", "--allow-file-access-from-files", "--dump-dom", url,
        ],
        capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    return done.stdout, re.findall(r"CONSOLE.*?\] (\"(?:Uncaught|Failed|Refused).*)", done.stderr)
