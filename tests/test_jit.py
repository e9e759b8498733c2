"""Machine code on disk: used again, and not for longer than the code that it was made of."""

import os
import subprocess
import sys
from pathlib import Path

PART = "from preroll.jit import inlined\n\n\n@inlined\ndef part(x):\n    return x {sign} 3\n"
WHOLE = (
    "from part import part\nfrom preroll.jit import compiled\n\n\n"
    "@compiled\ndef whole(x):\n    return part(x)\n\n\n"
    "print(whole(10), sum(whole.stats.cache_hits.values()))\n"
)


def told(folder: Path) -> str:
    """What the program in ``folder`` prints: the value, and how often machine code came from the disk."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(folder / "whole.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_machine_code_is_kept_until_a_part_in_another_file_changes(tmp_path: Path) -> None:
    (tmp_path / "whole.py").write_text(WHOLE)
    (tmp_path / "part.py").write_text(PART.format(sign="+"))
    assert [told(tmp_path), told(tmp_path)] == ["13 0", "13 1"]
    (tmp_path / "part.py").write_text(PART.format(sign="-"))
    assert [told(tmp_path), told(tmp_path)] == ["7 0", "7 1"]
