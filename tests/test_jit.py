"""Machine code on disk: used again, and not for longer than the code that it was made of."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

#: Runs the program of this folder with each text of its part in turn, each time in a process of its own: a fork of one
#: that has loaded numba and no machine code.
RUNS = """
import os, runpy, sys
from pathlib import Path
import preroll.jit
sys.path.insert(0, os.getcwd())
for sign in "++--":
    Path("part.py").write_text(
        f"from preroll.jit import inlined\\n\\n\\n@inlined\\ndef part(x):\\n    return x {sign} 3\\n"
    )
    child = os.fork()
    if child == 0:
        runpy.run_path("whole.py", run_name="__main__")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""
WHOLE = (
    "from part import part\nfrom preroll.jit import compiled\n\n\n"
    "@compiled\ndef whole(x):\n    return part(x)\n\n\n"
    "print(whole(10), sum(whole.stats.cache_hits.values()))\n"
)


def test_machine_code_is_kept_until_a_part_in_another_file_changes(tmp_path: Path) -> None:
    (tmp_path / "whole.py").write_text(WHOLE)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUNS], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["13 0", "13 1", "7 0", "7 1"]


def test_who_waits_at_a_terminal_is_told_of_compiling_once_and_a_log_is_not(tmp_path: Path) -> None:
    program = "from preroll.jit import compiled\n\n\n@compiled\ndef f(x):\n    return x\n\n\nf(1)\nf(1.5)\n"
    (tmp_path / "f.py").write_text(program)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": os.pathsep.join(sys.path)}

    def told() -> bytes:
        master, slave = os.openpty()
        subprocess.run([sys.executable, "f.py"], cwd=tmp_path, env=environment, stderr=slave, check=True)
        os.write(slave, b".\n")
        os.close(slave)
        received = b""
        while not received.endswith(b".\r\n"):
            received += os.read(master, 10_000)
        os.close(master)
        return received

    assert re.fullmatch(rb"note: compiling .* takes about 10 s, once: it is kept in [^\n]*\n\.\r\n", told())
    assert told() == b".\r\n"
    shutil.rmtree(tmp_path / "cache")
    assert subprocess.run([sys.executable, "f.py"], cwd=tmp_path, env=environment, capture_output=True).stderr == b""
