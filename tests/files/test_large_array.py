"""Arrays on disk are arrays: they hold what is written, and what does not fit is refused before anything is."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.files import large_array as module
from preroll.files.large_array import in_memory, large_array, let_go


@pytest.fixture
def on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All arrays are on disk, in this folder."""
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_small_arrays_are_in_memory_and_large_ones_take_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY", 24)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: pytest.fail("on disk"))
    array = large_array("numbers", (3, 4), np.int16)
    let_go(array)
    assert (array.shape, array.itemsize, in_memory(24), in_memory(25)) == ((3, 4), 2, 24, 0)


@pytest.mark.parametrize("reserves", [True, False])
def test_what_is_written_to_disk_is_read_and_leaves_no_file(
    reserves: bool, on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not reserves:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    array = large_array("numbers", (3, 100_000), np.int16)
    for row in range(3):
        array[row] = np.arange(100_000) % 1000 + row
        let_go(array[row, None, ::2])  # a view will do
    assert [array[row, 999] for row in range(3)] == [999, 1000, 1001]
    assert array[:, -1].tolist() == [999, 1000, 1001]
    assert list(on_disk.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux what memory is filled")
def test_what_is_let_go_fills_no_memory(on_disk: Path) -> None:
    array = large_array("numbers", (2**24,), np.int16)
    array[:] = 1
    full = pages_of_files()
    let_go(array)
    assert (full - pages_of_files()) * os.sysconf("SC_PAGE_SIZE") > array.nbytes / 2


def pages_of_files() -> int:
    """Pages of mapped files that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[2])


@pytest.mark.parametrize("reserves", [True, False])
def test_what_the_disk_has_no_room_for_is_refused_in_one_line(
    reserves: bool, on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reserves:

        def full(*_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    else:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**29))
    with pytest.raises(PrerollError) as refused:
        large_array("numbers", (2**30,), np.int16)
    why = "No space left on device" if reserves else "0.5 GiB are free"
    assert str(refused.value) == (
        f"numbers: 2.0 GiB do not fit into {on_disk}: {why}; set TMPDIR to a folder with more room, or make the work "
        "smaller"
    )
    assert list(on_disk.iterdir()) == []
