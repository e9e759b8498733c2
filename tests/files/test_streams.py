import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.streams import check_open, descriptor_of, is_stream, messages_beside

WRITE = "import sys; from pathlib import Path; from preroll.files import atomic; {}atomic.write_text(Path({!r}), 'new')"


def child(path: str | Path, before: str = "", **more: object) -> "subprocess.CompletedProcess[str]":
    code = WRITE.format(before, str(path))
    return subprocess.run([sys.executable, "-c", code], text=True, check=True, **more)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "//dev/stdout", "/dev/../dev/fd/1"])
def test_stdout_is_written_to_by_all_its_names(name: str) -> None:
    assert descriptor_of(Path(name)) == 1
    assert child(name, capture_output=True).stdout == "new"


def test_a_link_to_stdout_is_stdout(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("/dev/stdout")
    assert child(tmp_path / "one", capture_output=True).stdout == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("linked", [False, True])
def test_what_the_shell_wrote_before_stays_where_stdout_is_a_file(linked: bool, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    with (tmp_path / "file").open("w") as file:
        child(tmp_path / "link" if linked else "/dev/stdout", "print('old', flush=True); ", stdout=file)
    assert (tmp_path / "file").read_text() == "old\nnew"


def test_devices_and_pipes_are_written_to_and_stay(tmp_path: Path) -> None:
    atomic.write_text(Path("/dev/null"), "new")
    assert Path("/dev/null").is_char_device()
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_text()))
    reader.start()
    atomic.write_text(fifo, "new")
    reader.join()
    assert got == ["new"]
    assert fifo.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_files_folders_and_what_is_missing_are_no_streams(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", tmp_path / "none", Path("/dev"), Path("stdout"), Path("x" * 5000)):
        assert not is_stream(path)


def test_a_closed_descriptor_one_for_reading_and_a_socket_are_refused_before_the_work(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    check_open(Path(f"/dev/fd/{writing}"), "--out")
    with pytest.raises(PrerollError, match=r"^--out: cannot be written: Bad file descriptor"):
        check_open(Path(f"/dev/fd/{reading}"), "--out")
    os.close(reading)
    os.close(writing)
    with pytest.raises(PrerollError, match=r"^--out: cannot be written: Bad file descriptor"):
        check_open(Path(f"/dev/fd/{writing}"), "--out")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(PrerollError, match=r"^--out: is a socket"):
            check_open(tmp_path / "s", "--out")


def test_messages_step_aside_where_stdout_is_the_product(capsys: pytest.CaptureFixture[str]) -> None:
    for path in (Path("/dev/stdout"), Path("/dev/null"), None):
        with messages_beside(path):
            sys.stdout.write(f"{path}\n")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("/dev/null\nNone\n", "/dev/stdout\n")
