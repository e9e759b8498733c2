"""Killed at any moment of saving, an agent can be loaded: the one before, or the new one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preroll.agents import make_agent
from preroll.envs import Tables
from preroll.errors import PrerollError
from preroll.files import atomic
from tests.child_processes import killed_at_every_file_operation

WRITER = """
from preroll.agents import load_agent, make_agent
from preroll.envs import Tables

folder = place / "agent"
agent = make_agent("thompson", Tables.compile("classic", "demo"))

def write():
    agent.save(folder)

def look():
    return load_agent(folder).steps

agent.steps = 1
write()  # also imports all that saving needs
agent.steps = 2
"""


def test_a_kill_at_every_file_operation_of_saving_leaves_a_loadable_agent(tmp_path: Path) -> None:
    kills, loaded, left = killed_at_every_file_operation(WRITER, tmp_path)
    assert kills > 15
    assert loaded == sorted(loaded)  # once the new one is in place it stays
    assert (loaded[0], loaded[-1]) == (1, 2)
    assert left == ["agent"]  # the last saving swept what the killed ones left


def test_what_somebody_else_is_writing_is_neither_swept_nor_replaced(classic: Tables, tmp_path: Path) -> None:
    with atomic.folder(tmp_path / "agent", "agent") as slow, ThreadPoolExecutor() as other:
        (slow / "half").touch()
        with pytest.raises(PrerollError, match="agent: another thread is writing it now"):
            other.submit(make_agent("thompson", classic).save, tmp_path / "agent").result()
        assert (slow / "half").exists()
