import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import filelock
import pytest

from preroll.errors import PrerollError
from preroll.files import atomic, work_folder
from preroll.files.work_folder import BeingWrittenError
from tests.child_processes import holder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_process_is_refused_by_the_id_of_the_first_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    first = holder(tmp_path / "mine")
    assert atomic.writer_of(tmp_path / "mine") == f"process {first.pid}"
    for told in (tmp_path / "mine", tmp_path / "." / "mine"):
        with pytest.raises(BeingWrittenError, match=f"^--run mine: process {first.pid} is writing it now$"):
            atomic.writing(told, "--run mine").__enter__()
    with atomic.writing(tmp_path / "other"):
        pass
    first.kill()
    first.communicate()
    assert names(tmp_path) == [".mine.preroll"]
    assert atomic.writer_of(tmp_path / "mine") is None
    with atomic.writing(tmp_path / "mine"):
        assert atomic.writer_of(tmp_path / "mine") == f"process {os.getpid()}"
    assert names(tmp_path) == []


def test_the_mark_of_a_killed_writer_is_no_lock(tmp_path: Path) -> None:
    first = holder(tmp_path / "mine")
    assert atomic.is_locked(tmp_path / "mine")
    first.kill()
    first.communicate()
    mark = tmp_path / ".mine.preroll" / "mark.json"
    for changed in ({"process": os.getppid()}, {"process": os.getpid()}, {"machine": "a container that is gone"}):
        mark.write_text(json.dumps({**json.loads(mark.read_text()), **changed}))
        assert not atomic.is_locked(tmp_path / "mine")
        assert (atomic.writer_of(tmp_path / "mine") is None) == ("process" in changed)  # takes no lock, so cannot know
    with atomic.writing(tmp_path / "mine"):
        pass
    assert names(tmp_path) == []


def test_a_folder_is_not_replaced_while_another_process_writes_in_it(tmp_path: Path) -> None:
    with atomic.writing_within(tmp_path / "mine"):
        for write in ("writing", "writing_within"):
            code = (
                f"import sys; from pathlib import Path; from preroll.files import atomic\n"
                f"try: atomic.{write}(Path(sys.argv[1])).__enter__()\n"
                "except atomic.PrerollError as error: print(error)"
            )
            done = subprocess.run(
                [sys.executable, "-c", code, str(tmp_path / "mine")], capture_output=True, text=True, check=True
            )
            assert done.stdout == f"{tmp_path / 'mine'}: process {os.getpid()} is writing it now\n"
    assert names(tmp_path) == ["mine"]
    first = holder(tmp_path / "mine")
    with pytest.raises(BeingWrittenError):
        atomic.writing_within(tmp_path / "mine").__enter__()
    first.communicate("")
    assert names(tmp_path) == ["mine"]
    assert names(tmp_path / "mine") == []


def test_what_a_kill_set_aside_returns_before_anything_is_written_in_its_place(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), atomic.writing(tmp_path / "mine") as work:
        (work / "old").mkdir()
        (work / "old" / "result.json").touch()
        raise ZeroDivisionError
    with atomic.writing_within(tmp_path / "mine"):
        assert names(tmp_path / "mine") == [".preroll", "result.json"]
    assert names(tmp_path) == ["mine"]


def test_a_link_and_its_target_have_one_lock(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "mine")
    first = holder(tmp_path / "disk" / "mine")
    with pytest.raises(BeingWrittenError):
        atomic.writing(tmp_path / "link").__enter__()
    first.communicate("")
    assert names(tmp_path) == ["disk", "link"]


def test_another_thread_is_refused_and_the_same_one_may_nest(tmp_path: Path) -> None:
    with atomic.writing(tmp_path / "mine"), atomic.writing(tmp_path / "mine"), ThreadPoolExecutor() as other:
        with pytest.raises(BeingWrittenError, match="another thread is writing it now"):
            other.submit(atomic.write_text, tmp_path / "mine", "").result()
        atomic.write_text(tmp_path / "mine", "text")
    assert names(tmp_path) == ["mine"]


MARK = {"purpose": "work folder of preroll", "of": "another", "id": "1", "process": 1, "machine": "m"}

#: What may stand in the place, by path: the text of a file, a link with ->, None for a folder.
STRANGERS: dict[str, dict[str, str | None]] = {
    "a file": {".mine.preroll": "mine"},
    "a folder with notes": {".mine.preroll/notes.txt": "mine"},
    "a folder with new and old": {".mine.preroll/new": None, ".mine.preroll/old": None},
    "a mark that is none": {".mine.preroll/mark.json": '{"of": "mine"}'},
    "the mark of another target": {".mine.preroll/mark.json": json.dumps(MARK)},
    "a link to an empty folder": {"elsewhere": None, ".mine.preroll": "-> elsewhere"},
    "a link that leads nowhere": {".mine.preroll": "-> nowhere"},
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_only_has_the_name_of_a_work_folder_is_refused_and_left(kind: str, tmp_path: Path) -> None:
    for name, content in STRANGERS[kind].items():
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        if content is None:
            place.mkdir()
        elif content.startswith("-> "):
            place.symlink_to(content.removeprefix("-> "))
        else:
            place.write_text(content)
    before = tree(tmp_path)
    for write in (
        lambda: atomic.write_text(tmp_path / "mine", ""),
        lambda: atomic.writing(tmp_path / "mine").__enter__(),
    ):
        with pytest.raises(PrerollError, match=r"\.mine\.preroll is in the way and is not preroll's; move it away"):
            write()
    assert tree(tmp_path) == before


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of everything below."""
    found = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return {str(path): (state.st_ino, state.st_mtime_ns) for path, state in found.items()}


def test_an_empty_folder_of_that_name_is_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / ".mine.preroll").mkdir()
    atomic.write_text(tmp_path / "mine", "text")
    assert names(tmp_path) == [".mine.preroll", "mine"]
    assert names(tmp_path / ".mine.preroll") == []


@pytest.mark.parametrize("left", [(), ("lock",), ("lock", "mark.json")])
def test_what_a_writer_left_that_was_killed_before_its_mark_is_swept(left: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / ".mine.preroll").mkdir(0o700)
    for name in left:
        (tmp_path / ".mine.preroll" / name).touch()
    atomic.write_text(tmp_path / "mine", "text")
    assert names(tmp_path) == ["mine"]


def test_what_lasts_stays_with_its_mark_and_new_content_does_not(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), atomic.writing(tmp_path / "mine") as work:
        (work / "new").mkdir()
        (work / "checkpoint").mkdir()
        raise ZeroDivisionError
    assert names(work) == ["checkpoint", "mark.json"]
    assert work_folder.is_ours(work, "mine")


def test_names_too_long_for_what_stands_beside_them_are_told_before(tmp_path: Path) -> None:
    fits = "x" * (255 - len("..preroll"))
    atomic.write_text(tmp_path / fits, "")
    for name in (fits + "x", "é" * 124, "x" * 256, "x" * 5000):
        with pytest.raises(PrerollError, match=r"name is too long for the files .* 246 bytes|File name too long"):
            atomic.write_text(tmp_path / name, "")
    assert names(tmp_path) == [fits]


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_file_system_cannot_lock_one_line_says_so_and_the_work_goes_on(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    monkeypatch.setattr(work_folder, "_TOLD", set())
    for name in ("one", "two"):
        atomic.write_text(tmp_path / name, name)
    assert names(tmp_path) == ["one", "two"]
    assert capsys.readouterr().err == f"note: {tmp_path} has no locks: let no two commands write there at once\n"


def test_a_system_without_locks_gets_the_same_line_and_no_file_stands_in_for_a_lock(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "from pathlib import Path; from preroll.files import atomic\n"
        "with atomic.writing(Path('mine')) as work: print(sorted(path.name for path in work.iterdir()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['mark.json']\n"
    assert done.stderr == f"note: {tmp_path} has no locks: let no two commands write there at once\n"
    assert names(tmp_path) == []


def test_any_other_error_of_a_lock_is_told_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(PrerollError, match=f"--out x: cannot be written there: {tmp_path}: Input/output error"):
        atomic.writing(tmp_path / "x", "--out x").__enter__()


def test_a_work_folder_is_as_open_as_any_that_the_user_makes(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    with atomic.writing(tmp_path / "mine") as work:
        assert work.stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_file_system_that_takes_no_folder_is_refused_and_not_asked_for_ever() -> None:
    with (
        pytest.raises(PrerollError, match=r"^--run /proc/x: cannot be written there: /proc: "),
        work_folder.held(Path("/proc/.x.preroll"), "x", "--run /proc/x"),
    ):
        pass
