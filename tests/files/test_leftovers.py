"""What a killed writer left as new content is in nobody's way."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.targets import check_new
from preroll.files.work_folder import NEW, beside


@pytest.mark.parametrize("kind", ["folder(out, 'run')", "replacing(out)"])
def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path, kind: str) -> None:
    code = f"""if True:
        import os
        from pathlib import Path
        from preroll.files import atomic
        out = Path({str(tmp_path / "out")!r})
        with atomic.{kind}:
            os._exit(9)
    """
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert (beside(tmp_path / "out") / NEW).exists()
    with atomic.folder(tmp_path / "out", "run") as folder:
        (folder / "a").write_text("1")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "manifest.json", "out"]


def test_a_failed_write_does_not_hinder_the_next_under_the_same_lock(tmp_path: Path) -> None:
    with atomic.writing(tmp_path / "out"):
        with suppress(KeyError), atomic.folder(tmp_path / "out", "run") as folder:
            (folder / "a").write_text("1")
            raise KeyError
        with atomic.folder(tmp_path / "out", "run") as folder:
            (folder / "b").write_text("2")
    assert sorted(manifest.read(tmp_path / "out").files) == ["b"]


def test_a_folder_without_manifest_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for count in (3, 2):
        with atomic.folder(tmp_path / "out", None) as folder:
            for number in range(count):
                (folder / f"{number}.jpg").write_text("")
    assert sorted(os.listdir(tmp_path / "out")) == ["0.jpg", "1.jpg"]


def test_every_module_of_the_room_can_be_imported_first() -> None:
    for name in ("atomic", "manifest", "sealed", "targets", "work_folder", "names", "hashing"):
        subprocess.run([sys.executable, "-c", f"import preroll.files.{name}"], check=True)


def test_a_new_folder_holds_nothing_of_anybodys(tmp_path: Path) -> None:
    check_new(tmp_path / "out", "--out out")
    (tmp_path / ".DS_Store").write_text("")
    check_new(tmp_path, "--out .")
    (tmp_path / "mine").mkdir()
    with pytest.raises(PrerollError, match=r"must be a new or an empty folder, and is not empty: it holds mine"):
        check_new(tmp_path, "--out .")
