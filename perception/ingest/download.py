"""Video downloads with yt-dlp (the extra ``download``), each in its own process, which can be stopped.

Downloads are kept: a complete file is not downloaded again, and a partial one is resumed.
"""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from preroll.errors import PrerollError
from preroll.perception.ingest.video_folder import SourceVideo
from preroll.workers.process import end_at_once

_AT_ONCE = 4
_LOOK_EVERY = 0.1
_UNFINISHED = (".part", ".ytdl", ".temp")
# A single file without sound, not larger than needed, so that no streams have to be merged.
_FORMATS = "bv*[height<=720]/b[height<=720]/bv*/b"
_COMMAND = (sys.executable, "-P", "-m", "yt_dlp")


@dataclass(frozen=True)
class DownloadLimits:
    """Limits of one download.

    Attributes:
        size: largest size of the file [bytes].
        seconds: wall-clock limit [s]; the part downloaded by then is kept and resumed by the next build.

    Examples:
        >>> from preroll.perception import DownloadLimits, build_catalog
        >>> limits = DownloadLimits(size=200 << 20, seconds=120.0)
        >>> limits.size
        209715200
        >>> report = build_catalog("videos.csv", "catalog", download_limits=limits)  # doctest: +SKIP
    """

    size: int = 1 << 30
    seconds: float = 600.0


def check_downloader(listed: Iterable[SourceVideo]) -> None:
    """Checks that yt-dlp is installed if any video must be downloaded.

    Raises:
        PrerollError: naming what to install.
    """
    if any(one.url for one in listed) and find_spec("yt_dlp") is None:
        raise PrerollError(
            "videos from URLs are fetched by yt-dlp, which is not installed: pip install 'preroll[download]'"
        )


def fetch_videos(
    videos: Sequence[SourceVideo],
    folder: Path,
    limits: DownloadLimits,
    advance: Callable[[int], None],
    command: Sequence[str] = _COMMAND,
) -> list[SourceVideo]:
    """Downloads the videos that have a URL.

    Args:
        videos: all videos.
        folder: destination; created if missing.
        limits: size and time limits of one video.
        advance: called with 1 after each download.
        command: command line that starts yt-dlp.

    Returns:
        The same videos in the same order, each with its file or with the problem that occurred.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result = list(videos)
    stopping = threading.Event()
    by_url: dict[str, list[int]] = {}
    for i, one in enumerate(videos):
        if one.url:
            by_url.setdefault(one.url, []).append(i)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        # Once for each URL: two downloads at a time would write to one file.
        jobs = {
            threads.submit(_fetched, videos[rows[0]], folder, limits, command, stopping): rows
            for rows in by_url.values()
        }
        try:
            for job in as_completed(jobs):
                found = job.result()
                for i in jobs[job]:
                    result[i] = replace(videos[i], file=found.file, status=found.status, problem=found.problem)
                    advance(1)
        except BaseException:
            stopping.set()
            threads.shutdown(cancel_futures=True)
            raise
    return result


def _fetched(
    video: SourceVideo, folder: Path, limits: DownloadLimits, command: Sequence[str], stopping: threading.Event
) -> SourceVideo:
    stem = hashlib.sha256(video.url.encode()).hexdigest()[:20]
    if (file := _finished(folder, stem)) is not None:
        return _sized(video, file, limits)
    arguments = [
        *("--ignore-config", "--no-cache-dir", "--no-playlist", "--no-progress", "--continue", "--no-mtime"),
        *("--socket-timeout", "30", "--retries", "3", "--max-filesize", str(limits.size)),
        *("--format", _FORMATS, "--output", f"{str(folder.absolute()).replace('%', '%%')}/{stem}.%(ext)s"),
        *("--", video.url),
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=hasattr(os, "killpg"),
        )
        status, problem = _watched(process, folder, stem, limits, stopping)
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    if problem or (file := _finished(folder, stem)) is None:
        return replace(video, status=status or "unreadable", problem=problem or _reason(lines, limits))
    return _sized(video, file, limits)


def _sized(video: SourceVideo, file: Path, limits: DownloadLimits) -> SourceVideo:
    if file.stat().st_size > limits.size:
        return replace(video, status="unreadable", problem=_too_large(limits))
    return replace(video, file=file)


def _watched(
    process: "subprocess.Popen[bytes]", folder: Path, stem: str, limits: DownloadLimits, stopping: threading.Event
) -> tuple[str, str]:
    """Waits for a download, kills it when it exceeds a limit, and returns its status and problem."""
    deadline = time.monotonic() + limits.seconds
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                return "timeout", f"fetching it took longer than {limits.seconds:g} s"
            if _size(folder, stem) > limits.size:
                return "unreadable", _too_large(limits)
            if stopping.wait(_LOOK_EVERY):
                return "timeout", "stopped"
        return "", ""
    finally:
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg") and hasattr(signal, "SIGKILL"):  # with the processes that it has started
                os.killpg(process.pid, signal.SIGKILL)
            else:
                end_at_once(process)
        process.wait()


def _finished(folder: Path, stem: str) -> Path | None:
    whole = [path for path in folder.glob(f"{stem}.*") if not path.name.endswith(_UNFINISHED)]
    ours = [path for path in whole if ".part" not in path.name and path.is_file() and not path.is_symlink()]
    return min(ours, default=None)


def _size(folder: Path, stem: str) -> int:
    size = 0
    for path in folder.glob(f"{stem}.*"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def _too_large(limits: DownloadLimits) -> str:
    return f"its file is larger than the limit of {limits.size:,} bytes"


def _reason(lines: list[str], limits: DownloadLimits) -> str:
    """Returns in one line why yt-dlp produced no file."""
    if any("larger than max-filesize" in line for line in lines):
        return _too_large(limits)
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    said = errors[-1] if errors else lines[-1] if lines else "yt-dlp said nothing"
    return f"could not be fetched: {' '.join(said.split())}"
