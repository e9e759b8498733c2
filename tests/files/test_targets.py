import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.kinds import CSV, PNG, SVG
from preroll.files.targets import check_file, check_folder, check_inputs, check_new, new_folder, reserved, writing_file


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.mp4").write_bytes(b"\0\0\0\x20ftypisom")


def state() -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in sorted(Path().rglob("*"))}


def refused(out: str, *inputs: str, replace: bool = True) -> str:
    before = state()
    with pytest.raises(PrerollError) as told:
        check_file(Path(out), f"--out {out}", CSV, replace=replace, inputs=map(Path, inputs))
    assert state() == before
    return str(told.value)


@pytest.mark.parametrize(
    "out", ["own.mp4", "./own.mp4", "x/../own.mp4", "soft.csv", "hard.csv", "OWN.MP4", "Own.mp4", "folder/own.mp4"]
)
def test_an_output_that_is_the_input_is_refused_by_all_its_names(out: str, tmp_path: Path) -> None:
    Path("soft.csv").symlink_to("own.mp4")
    os.link("own.mp4", "hard.csv")
    Path("x").mkdir()
    Path("folder").symlink_to(".")
    for one in ("own.mp4", str(tmp_path / "own.mp4"), "soft.csv"):
        assert refused(out, "other", one) == (
            f"--out {out}: is {one} itself, which this command reads; name another place"
        )


def test_names_that_some_systems_take_for_one_are_one() -> None:
    Path("caf\u00e9.mp4").touch()
    assert "itself" in refused("cafe\u0301.mp4", "caf\u00e9.mp4")
    Path("stra\u00dfe.mp4").touch()
    assert "itself" in refused("STRASSE.mp4", "stra\u00dfe.mp4")


@pytest.mark.parametrize("out", ["videos/cats/1.mp4", "videos/CATS/1.mp4", "link/1.mp4", "hard.csv", "outside.csv"])
def test_no_file_of_an_input_folder_is_overwritten(out: str) -> None:
    Path("videos/cats").mkdir(parents=True)
    Path("videos/cats/1.mp4").write_bytes(b"\0")
    Path("outside.csv").write_text("a,b\n")
    Path("videos/cats/2.mp4").symlink_to(Path("outside.csv").absolute())
    Path("link").symlink_to("videos/cats")
    os.link("videos/cats/1.mp4", "hard.csv")
    assert "which this command reads" in refused(out, "videos")
    check_file(Path("videos/cats/found.csv"), "--out", CSV, inputs=(Path("videos"),))


def test_of_a_folder_with_a_manifest_its_own_files_are_protected_and_notes_are_not() -> None:
    with atomic.folder(Path("run"), "run") as new:
        atomic.write_text(new / "table.csv", "a\n")
    Path("run/notes.csv").write_text("a\n")
    for name in ("table.csv", "manifest.json"):
        assert f"is run/{name}, which this command reads" in refused(f"run/{name}", "run")
    check_file(Path("run/notes.csv"), "--out", CSV, inputs=(Path("run"),))


@pytest.mark.parametrize(("name", "content"), [("old.csv", b"a,b\n"), ("OLD.CSV", b"a,b\n"), ("old.doc", b"")])
def test_a_file_of_the_kind_and_an_empty_one_are_replaced(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    assert check_file(Path(name), "--out", CSV) is CSV


@pytest.mark.parametrize(("name", "content"), [("old.csv", b"\xff\xd8\xff\0"), ("old.txt", b"a,b\n"), ("old", b"a\n")])
def test_any_other_file_asks_for_replace(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    told = refused(name, replace=False)
    assert told == f"--out {name}: exists and is no CSV table; name another file, or give --replace"
    check_file(Path(name), "--out", CSV, replace=True)


def test_the_suffix_chooses_the_kind_and_an_unknown_one_names_those_allowed() -> None:
    assert check_file(Path("a.svg"), "--plot", PNG, SVG) is SVG
    assert check_file(Path("a.PNG"), "--plot", PNG, SVG) is PNG
    assert check_file(Path("/dev/null"), "--plot", PNG, SVG) is PNG
    for name in ("a.pdf", "a"):
        with pytest.raises(PrerollError, match=r"^--plot: the name should end in \.png or \.svg$"):
            check_file(Path(name), "--plot", PNG, SVG, replace=True)


def test_folders_links_to_nowhere_files_as_folders_and_long_names_are_refused_before_the_work() -> None:
    Path("folder.csv").mkdir()
    Path("dangling.csv").symlink_to("nowhere.csv")
    Path("way").symlink_to("nowhere")
    assert refused("folder.csv").endswith("is a folder; a file is needed")
    assert "is a link to nowhere.csv, which does not exist" in refused("dangling.csv")
    assert "is a link to nowhere, which does not exist" in refused("way/found.csv")
    assert "own.mp4 is no folder" in refused("own.mp4/found.csv")
    assert "own.mp4 is no folder" in refused("own.mp4/deep/found.csv")
    assert "too long" in refused("x" * 250 + ".csv")
    assert "too long" in refused("x" * 300 + ".csv")
    assert "too long" in refused("x" * 300 + "/found.csv")
    assert "too long" in refused("/".join(["x" * 200] * 30) + "/found.csv")


def test_a_folder_or_file_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("locked").mkdir()
    Path("kept.csv").write_text("a\n")
    closed = {Path("locked").absolute(), Path("kept.csv").absolute()}
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) not in closed)  # root may write everywhere
    assert refused("locked/a.csv").endswith("locked cannot be written")
    assert refused("locked/deep/a.csv").endswith("locked cannot be written")
    assert refused("kept.csv").endswith("is protected against writing")


def test_the_lock_is_held_during_the_work_and_nothing_is_left_where_it_fails() -> None:
    with suppress(ZeroDivisionError), writing_file(Path("a/b/c.csv"), "--out", CSV):
        assert Path("a/b/.c.csv.preroll").is_dir()
        raise ZeroDivisionError
    assert os.listdir() == ["own.mp4"]
    with writing_file(Path("a/b/c.csv"), "--out", CSV):
        atomic.write_text(Path("a/b/c.csv"), "x\n")
    assert os.listdir("a/b") == ["c.csv"]
    with writing_file(None, "--out", CSV) as kind, writing_file(Path("/dev/null"), "--out", CSV):
        assert kind is CSV


def test_a_folder_is_replaced_by_its_kind_alone_and_strangers_are_named() -> None:
    def refusal(*, replace: bool = True) -> str:
        with pytest.raises(PrerollError) as told:
            check_folder(Path("mine"), "run", "--run mine", replace=replace)
        return str(told.value)

    check_folder(Path("mine"), "run", "--run mine", replace=False)
    Path("mine").mkdir()
    Path("mine/.DS_Store").touch()
    check_folder(Path("mine"), "run", "--run mine", replace=False)
    Path("mine/result.json").write_text("{}")
    assert "holds result.json, and is no run of preroll" in refusal()
    Path("mine/result.json").unlink()
    with atomic.folder(Path("mine"), "run") as new:
        atomic.write_text(new / "a.txt", "")
    check_folder(Path("mine"), "run", "--run mine", replace=True)
    assert "the run exists; choose another folder, or replace it with --replace" in refusal(replace=False)
    Path("mine/diary.txt").touch()
    Path("mine/photos").mkdir()
    assert "diary.txt and 1 more is no part of the run there and would be lost; move it away" in refusal()
    check_folder(Path("mine"), "run", "--run mine", replace=True, mend=True)


@pytest.mark.parametrize("check", [check_new, lambda path, told: check_folder(path, "run", told, replace=True)])
def test_a_folder_of_something_else_is_refused_without_reading_all_of_it(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug once: the root, or a home, was read to its end first."""
    walk = os.walk

    def read(folder: Path) -> Iterator[Any]:
        yield next(iter(walk(folder)))
        pytest.fail("its folders were read")

    Path("large/a").mkdir(parents=True)
    Path("large/b").touch()
    monkeypatch.setattr(os, "walk", read)
    with pytest.raises(PrerollError, match="holds b"):
        check(Path("large"), "--run large")


def test_an_output_folder_that_is_an_input_is_refused() -> None:
    Path("Cat").mkdir()
    for name in ("Cat", "./Cat", "cat"):
        with pytest.raises(PrerollError, match="is Cat itself, which this command reads"):
            check_inputs(Path(name), "--out", (None, Path("nowhere"), Path("Cat")))


def test_a_folder_that_another_process_finished_before_the_lock_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = atomic.writing

    def late(path: Path, told: str = "") -> AbstractContextManager[Path]:
        path.mkdir()
        (path / "theirs").touch()
        return writing(path, told)

    monkeypatch.setattr(atomic, "writing", late)
    with pytest.raises(PrerollError, match="holds theirs"):
        new_folder(tmp_path / "new", "--out").__enter__()
    with pytest.raises(PrerollError, match="holds theirs"):
        reserved(tmp_path / "run", "run", "--out", replace=True).__enter__()
    assert [path.name for path in tmp_path.glob("*/*")] == ["theirs", "theirs"]
