"""Who only reads creates, renames and removes nothing; what a stranger named as preroll would survives writers too."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from preroll.files import atomic
from preroll.simulations import train
from tests.commands.conftest import Run
from tests.conftest import make_catalog, write_catalog

#: Names that look as if preroll had left them.
STRANGERS = (".mine.old", ".mine.xyz.part", ".mine.preroll", ".mine.checkpoint", "mine.part")

READERS = (
    "evaluate mine --sessions 300",
    "explain mine --sessions 300",
    "export mine /dev/null",
    "impressions mine /dev/null --sessions 20",
    "catalog show catalog",
    "catalog verify catalog",
)


@pytest.fixture
def mine(small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run and its catalog, with strangers beside them."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_catalog_folder, "catalog")
    train("thompson", scenario="classic", catalog="catalog", sessions=50, run=Path("mine"))
    for name in STRANGERS:
        Path(name).mkdir()
        (Path(name) / "diary.txt").write_text("dear")
    return tmp_path


def state(folder: Path) -> dict[str, tuple[int, int]]:
    found = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {name: (one.st_ino, one.st_mtime_ns) for name, one in found.items()}


def test_readers_change_nothing(mine: Path, run: Run) -> None:
    before = state(mine)
    for line in READERS:
        status, _, errors = run(*line.split())
        assert status == 0, errors
        assert state(mine) == before, line


def test_a_writer_whose_place_is_taken_refuses(mine: Path, run: Run) -> None:
    before = state(mine)
    for line in ("train random --sessions 50 --run mine --replace", "train --resume mine"):
        status, _, errors = run(*line.split())
        assert status == 2
        assert errors.splitlines()[-1].startswith("error: ")
        assert state(mine).keys() == before.keys()
    assert (
        ".mine.preroll is in the way and is not preroll's; move it away"
        in run(*["train", "random", "--sessions", "50", "--run", "mine", "--replace"])[2]
    )
    shutil.rmtree(".mine.preroll")
    assert run(*["train", "random", "--sessions", "50", "--run", "mine", "--replace"])[0] == 0
    assert all((mine / name / "diary.txt").exists() for name in STRANGERS if name != ".mine.preroll")


def test_where_the_catalog_changed_every_command_asks_for_one(mine: Path, run: Run) -> None:
    shutil.copytree("catalog", "before")
    shutil.rmtree("catalog")
    write_catalog(make_catalog(seed=7), mine / "catalog")
    for line in ("evaluate mine --sessions 300", "export mine p.onnx", "impressions mine p.parquet --sessions 20"):
        status, told, errors = run(*line.split())
        assert (status, told) == (2, "")
        assert "has changed since this run was trained; name the one to use with --catalog" in errors
        assert not Path(line.split()[2]).exists()
        status, _, errors = run(*line.split(), "--catalog", "before")
        assert status == 0, errors


@pytest.mark.parametrize(
    "line", ["export mine p.onnx", "impressions mine p.parquet", "catalog show catalog --confusion p.png"]
)
def test_a_second_command_at_the_same_file_is_refused_before_its_work(line: str, mine: Path, run: Run) -> None:
    file, done = Path(line.split()[-1]), threading.Event()

    def write() -> None:
        with atomic.writing(file):
            started.set()
            done.wait()

    started = threading.Event()
    with ThreadPoolExecutor() as other:
        other.submit(write)
        started.wait()
        status, told, errors = run(*line.split())
        done.set()
    assert (status, told) == (2, "")
    assert errors.endswith(f"{file}: another thread is writing it now\n")
    assert not file.exists()
