import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from tests.child_processes import killed_at_every_file_operation

WRITER = """
from preroll.files import atomic, manifest

folder, file = place / "mine", place / "table.csv"

def write(content="two"):
    with atomic.folder(folder, "run") as new:
        atomic.write_text(new / "a.txt", content)
        atomic.write_text(new / f"{content}.txt", content)
    atomic.write_text(file, content)

def look():
    found = manifest.read(atomic.current(folder), "run")
    return [found.read_text("a.txt"), file.read_text(), found.altered()]

write("one")
(folder / "notes").mkdir()
(folder / "notes" / "mine.txt").write_text("kept")
"""


def test_at_every_file_operation_a_kill_leaves_the_old_or_the_new_and_the_next_writer_sweeps(tmp_path: Path) -> None:
    kills, seen, left = killed_at_every_file_operation(WRITER, tmp_path)
    assert kills > 30
    folders, files, altered = zip(*seen, strict=True)
    assert (set(folders), set(files)) == ({"one", "two"}, {"one", "two"})
    assert list(folders) == sorted(folders)
    assert list(files) == sorted(files)
    assert altered[-1] == ["notes/mine.txt: not in the manifest"]
    assert left == ["mine", "table.csv"]
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["a.txt", "manifest.json", "notes", "two.txt"]
    assert (tmp_path / "mine" / "notes" / "mine.txt").read_text() == "kept"


STOP_BETWEEN = """
import os, sys
from pathlib import Path
from preroll.files import atomic
replace = os.replace

def die_after(one, other):
    replace(one, other)
    if Path(other).name == "old":
        os._exit(9)

os.replace = die_after
with atomic.folder(Path(sys.argv[1]), "run") as new:
    atomic.write_text(new / "a.txt", "two")
"""


@pytest.fixture
def between(tmp_path: Path) -> Path:
    """A folder whose writer was killed between the two renames, so that the name is missing."""
    with atomic.folder(tmp_path / "mine", "run") as new:
        atomic.write_text(new / "a.txt", "one")
    assert subprocess.run([sys.executable, "-c", STOP_BETWEEN, str(tmp_path / "mine")], check=False).returncode == 9
    assert not (tmp_path / "mine").exists()
    return tmp_path / "mine"


def test_a_reader_finds_what_a_writer_killed_between_its_renames_set_aside_and_changes_nothing(between: Path) -> None:
    before = sorted(between.parent.rglob("*"))
    assert manifest.read(atomic.current(between), "run").read_text("a.txt") == "one"
    assert sorted(between.parent.rglob("*")) == before


@pytest.mark.parametrize("end", ["writes", "fails"])
def test_the_next_writer_restores_it_before_it_begins(end: str, between: Path) -> None:
    with atomic.writing(between):
        assert manifest.read(between, "run").read_text("a.txt") == "one"
        if end == "writes":
            with atomic.folder(between, "run") as new:
                atomic.write_text(new / "b.txt", "three")
    assert [path.name for path in between.parent.iterdir()] == ["mine"]
    assert (between / ("b.txt" if end == "writes" else "a.txt")).exists()


def test_what_was_set_aside_behind_a_link_is_read_and_restored_through_it(between: Path) -> None:
    link = between.with_name("link")
    link.symlink_to("mine")
    assert manifest.read(atomic.current(link), "run").read_text("a.txt") == "one"
    with atomic.writing(link):
        assert manifest.read(link, "run").read_text("a.txt") == "one"
    assert link.is_symlink()
    assert sorted(path.name for path in between.parent.iterdir()) == ["link", "mine"]


@pytest.mark.parametrize("inside", ["", "new.png"])
def test_what_was_set_aside_is_not_removed_where_a_user_made_the_folder_anew(inside: str, between: Path) -> None:
    between.mkdir()
    if inside:
        (between / inside).touch()
    for _ in range(2):
        with pytest.raises(PrerollError, match=r"mine: stands where .*old belongs.*; move .*mine away"):
            atomic.writing(between).__enter__()
    assert [path.name for path in between.iterdir()] == [inside] * bool(inside)
    between.rename(between.with_name("elsewhere"))
    with atomic.writing(between):
        assert manifest.read(between, "run").read_text("a.txt") == "one"


def test_what_carries_no_mark_is_not_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / ".mine.preroll" / "old").mkdir(parents=True)
    (tmp_path / ".mine.preroll" / "old" / "a.txt").write_text("a stranger's")
    assert atomic.current(tmp_path / "mine") == tmp_path / "mine"
    for name in (".mine.old", ".mine.abc.part", ".mine.checkpoint"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").touch()
    with atomic.folder(tmp_path / "other", "run"):
        pass
    assert len(list(tmp_path.rglob("a.txt"))) == 4


def test_an_error_keeps_the_old_content(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "file", "old")
    with suppress(ZeroDivisionError), atomic.replacing(tmp_path / "file") as file:
        file.write(b"half")
        raise ZeroDivisionError
    with suppress(ZeroDivisionError), atomic.folder(tmp_path / "folder", "run") as new:
        (new / "half").touch()
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_linked_file_and_folder_are_written_through_their_link(tmp_path: Path) -> None:
    (tmp_path / "disk" / "folder").mkdir(parents=True)
    (tmp_path / "disk" / "file").touch()
    for name in ("file", "folder"):
        (tmp_path / name).symlink_to(Path("disk") / name)
    atomic.write_text(tmp_path / "file", "new")
    with atomic.folder(tmp_path / "folder", "run"):
        pass
    assert all((tmp_path / name).is_symlink() for name in ("file", "folder"))
    assert (tmp_path / "disk" / "file").read_text() == "new"
    assert manifest.kind_of(tmp_path / "disk" / "folder") == "run"
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("name", ["dangling", "dangling/below", "dangling/deep/below", "circle"])
def test_a_link_that_leads_nowhere_is_told_and_nothing_is_made(name: str, tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    for write in (lambda path: atomic.write_text(path, ""), lambda path: atomic.writing(path).__enter__()):
        with pytest.raises(
            PrerollError, match=r"(dangling|circle): is a link to (nowhere|circle), which does not exist"
        ):
            write(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["circle", "dangling"]


def test_a_file_keeps_its_mode_and_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "file", "old")
    (tmp_path / "file").chmod(0o640)
    atomic.write_text(tmp_path / "file", "new")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    (tmp_path / "folder").mkdir()
    with pytest.raises(PrerollError, match="folder: is a folder; a file is needed"):
        atomic.write_text(tmp_path / "folder", "")


def test_a_file_stands_in_the_way_of_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PrerollError, match="cannot be written there"):
        atomic.write_text(tmp_path / "file" / "below", "")
    with (
        pytest.raises(PrerollError, match="file: is a file; a folder is needed"),
        atomic.folder(tmp_path / "file", "x"),
    ):
        pass
    assert os.listdir(tmp_path) == ["file"]
