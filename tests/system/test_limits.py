"""Limits of containers and processes: the smallest on the path is heeded, before the work begins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from preroll.errors import MemoryShortError
from preroll.system import cgroups, processors
from preroll.system import memory as limits
from preroll.system.memory import GIB, MIB, Limit, Need, memory, require, shortage, usable_workers

#: Names of the groups of a process, and the files of the groups: the limit is 1 GiB, of CPU time a core and a half.
KINDS = {
    "version 2": ("0::/a/b\n", {"a/memory.max": "1073741824", "a/b/memory.max": "max", "a/cpu.max": "150000 100000"}),
    "the innermost": (
        "0::/a/b\n",
        {"memory.max": "max", "a/b/memory.max": "1073741824", "a/b/cpu.max": "150000 100000"},
    ),
    "version 1": (
        "5:cpu,cpuacct:/a\n4:memory:/a/b\n1:name=systemd:/a\n",
        {
            "memory/a/memory.limit_in_bytes": "1073741824",
            "memory/a/b/memory.limit_in_bytes": "9223372036854771712",
            "cpu,cpuacct/a/cpu.cfs_quota_us": "150000",
            "cpu,cpuacct/a/cpu.cfs_period_us": "100000",
        },
    ),
    "its own root": ("0::/docker/1234\n", {"memory.max": "1073741824", "cpu.max": "150000 100000"}),
    "mounted apart": ("0::/a\n", {"unified/a/memory.max": "1073741824", "unified/a/cpu.max": "150000 100000"}),
}
UNLIMITED = ("0::/a\n", {"a/memory.max": "max", "a/cpu.max": "max 100000", "a/cpu.cfs_quota_us": "-1"})


def contain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, groups: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    (tmp_path / "groups").write_text(groups)
    monkeypatch.setattr(cgroups, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(cgroups, "MOUNTED", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4, 5})


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_limit_around_the_process_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    contain(monkeypatch, tmp_path, *KINDS[kind])
    assert memory() == Limit(GIB, "the container", "give it more memory")
    assert processors.cores() == 2


def test_without_a_limit_the_machine_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contain(monkeypatch, tmp_path, *UNLIMITED)
    found = memory()
    assert found is not None
    assert found.name == "the machine"
    assert processors.cores() == 6
    monkeypatch.setattr(cgroups, "GROUPS", tmp_path / "absent")
    assert memory() == found


def test_the_default_number_of_workers_heeds_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contain(monkeypatch, tmp_path, "0::/\n", {"memory.max": str(2 * GIB)})
    assert usable_workers(None, Need(0, 400 * MIB), parent=Need(0, 400 * MIB)) == 4
    assert usable_workers(None, Need(0, 1 * MIB)) == 6


def test_a_number_of_workers_that_was_asked_for_is_obeyed_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contain(monkeypatch, tmp_path, "0::/\n", {"memory.max": str(2 * GIB)})
    limits.say_once.cache_clear()
    assert usable_workers(9, Need(0, 400 * MIB), parent=Need(0, 400 * MIB)) == 9
    line = "note: workers=9, as asked; about 4 of them fit into the 2.00 GiB of the container\n"
    assert capsys.readouterr().err == line
    assert usable_workers(4, Need(0, 400 * MIB), parent=Need(0, 400 * MIB)) == 4
    assert capsys.readouterr().err == ""


def test_where_no_worker_fits_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contain(monkeypatch, tmp_path, "0::/\n", {"memory.max": str(600 * MIB)})
    with pytest.raises(MemoryShortError, match=r"its worker needs about 800 MiB of memory, .* allows 600 MiB"):
        usable_workers(None, Need(0, 400 * MIB), parent=Need(0, 400 * MIB))


@pytest.mark.parametrize("asked", [None, 1])
def test_a_need_above_the_limit_of_address_space_is_one_line(
    monkeypatch: pytest.MonkeyPatch, asked: int | None
) -> None:
    monkeypatch.setattr(limits, "address_space", lambda: Limit(GIB, "`ulimit -v`", "raise it"))
    with pytest.raises(MemoryShortError, match=r"^work needs about 1.50 GiB of address space, and .* allows 1.00"):
        require("work", Need(3 * GIB // 2, 0))
    with pytest.raises(MemoryShortError, match="a worker process needs"):
        usable_workers(asked, Need(3 * GIB // 2, 0))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    ],
)
def test_a_shortage_is_known_in_whatever_words(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(limits, "address_space", lambda: None)
    assert (shortage(error) is None) == (type(error) is not MemoryError)
    monkeypatch.setattr(limits, "address_space", lambda: Limit(GIB, "`ulimit -v`", "raise it"))
    line = shortage(error)
    assert line is not None
    assert line.startswith("not enough memory (")
    assert line.endswith("; `ulimit -v` allows 1.00 GiB: raise it, or make the work smaller")
    assert shortage(ValueError("3 is no memory of ours")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits address space")
@pytest.mark.parametrize(
    ("command", "size"),
    [
        ("optimum", 300), ("train ppo --run RUN --sessions 100", 900), ("quickstart --out RUN", 1500),
        ("catalog build nothing --out RUN", 1500), ("experiment run examples/experiments/drift.yaml --out RUN", 900),
        ("train thompson --run RUN --sessions 100", 500), ("evaluate RUN", 500), ("explain RUN", 500),
        ("impressions RUN RUN.parquet", 1000),
        ("agent import RUN.zip --run RUN --trust-pickle", 900), ("check-env", 900),
    ],
)  # fmt: skip
def test_a_command_without_memory_says_so_before_it_writes(tmp_path: Path, command: str, size: int) -> None:
    limited = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, ({size << 20},) * 2)\n"
    program = f"{limited}from preroll.commands.cli import main\nmain()\n"
    words = [word.replace("RUN", str(tmp_path / "run")) for word in command.split()]
    # Before OpenBLAS reserves space for every core.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program, *words], env=environment, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("error: ")
    assert line.endswith("iB: raise it, as by `ulimit -v unlimited`")
    assert list(tmp_path.iterdir()) == []
