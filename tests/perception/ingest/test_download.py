"""Videos from URLs, fetched from a server on this machine by the real yt-dlp."""

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog
from preroll.perception.ingest import download
from preroll.perception.ingest.download import DownloadLimits, check_downloader, fetch_videos
from preroll.perception.ingest.video_folder import SourceVideo

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]
needs_downloader = pytest.mark.skipif(importlib.util.find_spec("yt_dlp") is None, reason="needs the extra download")


class Server(ThreadingHTTPServer):
    """Serves the files of a folder, with ranges; while it is slow it gives the first half of each and then hangs."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[tuple[str, str | None]] = []
        self.slow = False
        self.ended = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, wanted = self.path.lstrip("/"), self.headers.get("Range")
        self.server.asked.append((path, wanted))
        file = self.server.folder / path
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(data) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if not self.server.slow:
            self.wfile.write(data[start:])
            return
        self.wfile.write(data[start : len(data) // 2])
        self.server.ended.wait(60)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, make_clip: Clip) -> Iterator[Server]:
    for i in range(3):
        make_clip(tmp_path / "served" / f"{i}.mp4", [(80 * i, 0, 0)] * 10, size=(320, 240))
    running = Server(tmp_path / "served")
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield running
    running.ended.set()
    running.shutdown()
    running.server_close()
    thread.join()


def listed(*urls: str) -> list[SourceVideo]:
    return [SourceVideo(Path("downloads"), url, "any", url=url) for url in urls]


def fetch(
    videos: list[SourceVideo], folder: Path, limits: DownloadLimits | None = None, *more: object
) -> list[SourceVideo]:
    return fetch_videos(videos, folder, limits or DownloadLimits(), lambda _: None, *more)  # type: ignore[arg-type]


@needs_downloader
def test_urls_become_a_catalog_and_are_fetched_once(tmp_path: Path, server: Server, make_network: Network) -> None:
    table = tmp_path / "videos.csv"
    rows = [f"{server.url(f'{i}.mp4')},reds" for i in range(3)] + [f"{server.url('lost.mp4')},reds"]
    table.write_text("\n".join(["url,category", *rows]))
    network = make_network(tmp_path / "network" / "colours.onnx")
    first = build_catalog(table, tmp_path / "out", detector=network, workers=1)
    videos = first.catalog.videos().set_index("path")
    assert [videos["status"][server.url(f"{i}.mp4")] for i in range(3)] == ["ok"] * 3
    assert videos["status"][server.url("lost.mp4")] == "unreadable"
    assert "could not be fetched" in videos["reason"][server.url("lost.mp4")]
    assert "404" in videos["reason"][server.url("lost.mp4")]
    asked = len([path for path, _ in server.asked if path != "lost.mp4"])
    again = build_catalog(table, tmp_path / "out", detector=network, workers=1)
    assert again.resumed == 3
    assert len([path for path, _ in server.asked if path != "lost.mp4"]) == asked


@needs_downloader
def test_what_is_too_slow_is_stopped_and_continued_later(tmp_path: Path, server: Server) -> None:
    data = np.random.default_rng(0).bytes(1_000_000)
    (server.folder / "large.mp4").write_bytes((server.folder / "0.mp4").read_bytes() + data)
    server.slow = True
    (slow,) = fetch(listed(server.url("large.mp4")), tmp_path / "got", DownloadLimits(seconds=5))
    assert (slow.status, slow.problem) == ("timeout", "fetching it took longer than 5 s")
    (part,) = (tmp_path / "got").glob("*.part")
    fetched = part.stat().st_size
    assert fetched > 0
    server.slow = False
    (done,) = fetch(listed(server.url("large.mp4")), tmp_path / "got")
    assert done.problem == ""
    assert done.file.read_bytes() == (server.folder / "large.mp4").read_bytes()
    assert ("large.mp4", f"bytes={fetched}-") in server.asked


@needs_downloader
def test_what_is_too_large_is_left(tmp_path: Path, server: Server) -> None:
    (one,) = fetch(listed(server.url("1.mp4")), tmp_path / "got", DownloadLimits(size=100))
    assert (one.status, one.problem) == ("unreadable", "its file is larger than the limit of 100 bytes")


def test_a_download_that_grows_without_telling_its_size_is_stopped(tmp_path: Path) -> None:
    grows = "import sys, time; path = sys.argv[sys.argv.index('--output') + 1] % {'ext': 'mp4.part'}\n"
    grows += "while True: open(path, 'ab').write(bytes(100_000)); time.sleep(.01)"
    command = [sys.executable, "-c", grows]
    (one,) = fetch(listed("http://host.example/a"), tmp_path / "got", DownloadLimits(size=200_000), command)
    assert one.problem == "its file is larger than the limit of 200,000 bytes"


def test_without_the_downloader_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "find_spec", lambda _: None)
    check_downloader([SourceVideo(Path("a.mp4"), "a.mp4", "any")])
    with pytest.raises(PrerollError, match=r"not installed: pip install 'preroll\[download\]'"):
        check_downloader(listed("http://host.example/a"))
