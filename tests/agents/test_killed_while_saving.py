"""Killed at any moment of saving, an agent can be loaded: the one before, or the new one."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preroll.agents import make_agent
from preroll.envs import Tables
from preroll.errors import PrerollError
from preroll.files import atomic

# One process for all kills: every child is killed at one more file operation than the child before it, until one ends.
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from preroll.agents import load_agent, make_agent
from preroll.envs import Tables

folder = Path(sys.argv[1]) / "agent"
agent = make_agent("thompson", Tables.compile("classic", "demo"))
agent.steps = 1
agent.save(folder)  # also imports all that saving needs
FILES = ("open", "os.", "shutil.", "tempfile.")
loaded, kills = [], 0
while True:
    child = os.fork()
    if child == 0:
        left = kills

        def count(event, arguments):
            global left
            if event.startswith(FILES):
                left -= 1  # before the kill, which is such an operation itself
                if left == -1:
                    os.kill(os.getpid(), signal.SIGKILL)

        agent.steps = 2
        sys.addaudithook(count)
        agent.save(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    loaded.append(load_agent(folder).steps)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
    kills += 1
print(json.dumps({"kills": kills, "loaded": loaded, "left": sorted(p.name for p in Path(sys.argv[1]).iterdir())}))
"""


def test_a_kill_at_every_file_operation_of_saving_leaves_a_loadable_agent(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["kills"] > 15
    assert told["loaded"] == sorted(told["loaded"])  # once the new one is in place it stays
    assert (told["loaded"][0], told["loaded"][-1]) == (1, 2)
    assert told["left"] == ["agent"]  # the last saving swept what the killed ones left


def test_what_somebody_else_is_writing_is_neither_swept_nor_replaced(classic: Tables, tmp_path: Path) -> None:
    with atomic.folder(tmp_path / "agent", "agent") as slow, ThreadPoolExecutor() as other:
        (slow / "half").touch()
        with pytest.raises(PrerollError, match="agent: another thread is writing it now"):
            other.submit(make_agent("thompson", classic).save, tmp_path / "agent").result()
        assert (slow / "half").exists()
