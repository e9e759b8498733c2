from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files.names import LONGEST, checked_name, files_below, is_nobodys, parents_of


@pytest.mark.parametrize("name", ["a", "a.b/c d", "ä/…", ".hidden", "...", "a..b", "-", "x" * LONGEST])
def test_plain_relative_names_are_taken_as_they_are(name: str) -> None:
    assert checked_name(name, "file: key") == name


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/passwd", "..", "a/..", "../a", "a/../b", ".", "./a", "a//b", "a/", "a\\b", "C:", "C:/a", "a\0b",
     "\n", "a\x7f", "x" * (LONGEST + 1), None, 3, ["a"], b"a"],
)  # fmt: skip
def test_what_is_no_plain_name_is_refused_with_its_place(name: object) -> None:
    with pytest.raises(PrerollError, match=r"^file: key: .* is not the plain name of something inside the folder$"):
        checked_name(name, "file: key")


def test_what_systems_leave_is_nobodys() -> None:
    left = (".DS_Store", "._photo.jpg", ".nfs0001", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "Icon\r")
    assert all(map(is_nobodys, left))
    assert not any(map(is_nobodys, ("notes.txt", "DS_Store", "Icon", ".hidden", "thumbs.db.txt")))


def test_files_links_and_empty_folders_are_listed_but_not_what_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "a" / ".DS_Store").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "Thumbs.db").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "nowhere").symlink_to("missing")
    assert files_below(tmp_path) == ["a/b/file", "empty", "link", "nowhere", "only"]


def test_parents_of_files_are_folders() -> None:
    assert parents_of(["a/b/c", "d"]) == {"a", "a/b", "."}
