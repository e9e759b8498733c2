import os
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.perception.ingest.video_folder import list_videos


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def test_videos_are_sorted_by_category_and_name_and_other_files_are_counted(tmp_path: Path) -> None:
    for name in ("cats/b.mp4", "cats/a.MKV", "birds/z.webm", "cats/notes.txt", "cats/.hidden.mp4", "readme.txt"):
        touch(tmp_path / name)
    touch(tmp_path / "birds/frames/1.jpg")
    listing = list_videos(tmp_path)
    assert [one.path for one in listing.videos] == ["birds/frames", "birds/z.webm", "cats/a.MKV", "cats/b.mp4"]
    assert [one.category for one in listing.videos] == ["birds", "birds", "cats", "cats"]
    assert not any(one.problem for one in listing.videos)
    assert listing.others == 2


def test_what_is_no_regular_file_is_listed_with_its_problem_and_never_opened(tmp_path: Path) -> None:
    touch(tmp_path / "cats" / "a.mp4")
    os.mkfifo(tmp_path / "cats" / "pipe.mp4")
    (tmp_path / "cats" / "loop.mp4").symlink_to(tmp_path / "cats" / "loop.mp4")
    (tmp_path / "cats" / "lost.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "cats" / "more").mkdir()
    problems = {one.path: one.problem for one in list_videos(tmp_path).videos}
    assert problems["cats/a.mp4"] == ""
    assert problems["cats/pipe.mp4"] == "not a regular file"
    assert problems["cats/loop.mp4"].startswith("a link that leads nowhere")
    assert problems["cats/lost.mp4"].startswith("a link that leads nowhere")
    assert problems["cats/more"] == "a folder without frames 1.jpg, 2.jpg, …"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="nowhere: no such folder"):
        list_videos(tmp_path / "nowhere")


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"no video in any subfolder: .*CATEGORY/VIDEO\.mp4"):
        list_videos(tmp_path)


def test_videos_without_a_category_say_where_they_belong(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    with pytest.raises(PrerollError, match="one folder per category"):
        list_videos(tmp_path)


def test_a_name_that_is_no_text_gets_one(tmp_path: Path) -> None:
    folder = tmp_path / "cats"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert [one.path for one in list_videos(tmp_path).videos] == ["cats/caf\\xe9.mp4"]
