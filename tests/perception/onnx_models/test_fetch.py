"""Fetching a network from a server on this machine, which does what servers do."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.perception.onnx_models.fetch import checked_sha256, fetch, name_in
from preroll.perception.onnx_models.model_card import EMBEDDED

CONTENT = EMBEDDED.read_bytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MOST = 1 << 30
HALF = len(CONTENT) // 2


class Server(ThreadingHTTPServer):
    """Serves CONTENT; remembers the ranges that it was asked for."""

    #: How it answers: ``cut`` (breaks off after half), ``ignores`` (knows no ranges), ``silent`` (tells no length), …
    manner = ""
    asked: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/nets/tiny%20net.onnx"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        manner, wanted = self.server.manner, self.headers.get("Range", "")
        self.server.asked.append(wanted)
        if manner.startswith("to "):
            self.send_response(302)
            self.send_header("Location", manner[3:])
            self.end_headers()
            return
        if manner == "gone":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=")[:-1]) if wanted and manner != "ignores" else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if manner != "silent":
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body = b"x" * len(CONTENT) if manner == "other" else CONTENT
        self.wfile.write(body[start : HALF if manner == "cut" else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as one:
        one.asked = []
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("manner", ["", "silent"])
def test_a_network_is_fetched_once(server: Server, tmp_path: Path, manner: str) -> None:
    server.manner = manner
    told: list[tuple[int, int | None]] = []
    out = tmp_path / "new" / "net.onnx"
    fetch(server.url, SHA256, out, limit=MOST, progress=lambda *one: told.append(one))
    assert out.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), None if manner else len(CONTENT))
    fetch(server.url, SHA256, out, limit=MOST)
    assert (server.asked, left(tmp_path)) == ([""], ["new/net.onnx"])


@pytest.mark.parametrize("then", ["", "ignores"])
def test_what_came_is_not_asked_for_again(server: Server, tmp_path: Path, then: str) -> None:
    server.manner, out = "cut", tmp_path / "net.onnx"
    with pytest.raises(PrerollError, match=rf"; {HALF:,} bytes of it are kept; go on with the same command$"):
        fetch(server.url, SHA256, out, limit=MOST)
    assert not out.exists()
    server.manner = then
    fetch(server.url, SHA256, out, limit=MOST)
    assert out.read_bytes() == CONTENT
    assert server.asked == ["", f"bytes={HALF}-"]
    assert left(tmp_path) == ["net.onnx"]


def test_a_part_that_is_whole_already_needs_nothing_more(server: Server, tmp_path: Path) -> None:
    server.manner, out = "cut", tmp_path / "net.onnx"
    with pytest.raises(PrerollError):
        fetch(server.url, SHA256, out, limit=MOST)
    (tmp_path / ".net.onnx.preroll" / "part").write_bytes(CONTENT)
    server.manner = ""
    fetch(server.url, SHA256, out, limit=MOST)
    assert out.read_bytes() == CONTENT


def test_another_file_than_the_one_asked_for_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.manner = "other"
    with pytest.raises(PrerollError, match=rf"its sha256 is \w{{64}}, not {SHA256}; nothing is kept of it"):
        fetch(server.url, SHA256, tmp_path / "net.onnx", limit=MOST)
    assert left(tmp_path) == []


def test_what_is_no_network_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.manner = "other"
    digest = hashlib.sha256(b"x" * len(CONTENT)).hexdigest()
    with pytest.raises(PrerollError, match=r"tiny%20net.onnx: not an ONNX file"):
        fetch(server.url, digest, tmp_path / "net.onnx", limit=MOST)
    assert left(tmp_path) == []


@pytest.mark.parametrize("manner", ["", "silent"])
def test_a_file_that_is_too_large_is_not_fetched(server: Server, tmp_path: Path, manner: str) -> None:
    server.manner = manner
    with pytest.raises(PrerollError, match="download_size="):
        fetch(server.url, SHA256, tmp_path / "net.onnx", limit=len(CONTENT) - 1)
    assert left(tmp_path) == []


def test_a_redirect_leads_to_the_web_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    for place in (f"file://{tmp_path}/secret", "ftp://127.0.0.1/net.onnx"):
        server.manner = f"to {place}"
        with pytest.raises(PrerollError):
            fetch(server.url, SHA256, tmp_path / "net.onnx", limit=MOST)
    assert left(tmp_path) == ["secret"]


def test_a_missing_file_and_a_missing_server_are_one_line(server: Server, tmp_path: Path) -> None:
    server.manner = "gone"
    for url in (server.url, "http://127.0.0.1:9/net.onnx"):
        with pytest.raises(PrerollError, match=r"^http.*: [A-Z]") as caught:
            fetch(url, SHA256, tmp_path / "cache" / SHA256 / "net.onnx", limit=MOST)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "cache").exists()
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/net.onnx", "net.onnx", "", "https://", "http://[::1"]
)
def test_an_address_is_of_the_web(url: str) -> None:
    with pytest.raises(PrerollError, match="must be an address that begins with https:// or http://"):
        name_in(url)


def test_a_name_and_a_hash_are_read_as_users_write_them() -> None:
    assert name_in("https://host/a/yolo%20v8.onnx?raw=true") == "yolo v8"
    assert checked_sha256(f" {SHA256.upper()}\n") == SHA256
    with pytest.raises(PrerollError, match="sha256=12: must be"):
        checked_sha256("12")
