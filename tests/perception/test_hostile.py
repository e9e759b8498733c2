"""Everything that a folder of videos from anywhere may hold: the build continues, and reports each."""

import os
import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from preroll.perception.build import build_catalog
from preroll.perception.build_report import BuildReport
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.workers.pool import VideoJob, VideoPool
from preroll.workers.job import Limits

GREEN = [(0, 255, 0)] * 10
Clip = Callable[..., Path]
Network = Callable[..., Path]


def encoded(
    path: Path, codec: str, pix_fmt: str, size: tuple[int, int] = (32, 32), times: tuple[int, ...] = tuple(range(6))
) -> None:
    """A green clip in another codec and pixel format; its frames are shown at multiples of a sixth of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=6)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        picture = np.zeros((size[1], size[0], 4), np.uint8)
        picture[..., 1] = picture[..., 3] = 255
        for i in times:
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format=pix_fmt)
            frame.pts, frame.time_base = i, Fraction(1, 6)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def y4m(path: Path, width: int, height: int, rate: int, frames: int) -> None:
    """Raw video; of a frame that is too large for the disk only the start."""
    frame = b"FRAME\n" + b"\x80" * min(width * height * 3 // 2, 1 << 20)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F{rate}:1 C420jpeg\n".encode() + frame * frames)


def png_of(path: Path, width: int, height: int) -> None:
    """A PNG whose header promises so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (0, 255, 0)).save(path)


def noisy_clip(make_clip: Clip, path: Path, frames: int = 100) -> bytes:
    rng = np.random.default_rng(0)
    colors = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(frames)]
    return make_clip(path, colors, size=(160, 120)).read_bytes()


def flipped(data: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    content = np.frombuffer(data, np.uint8).copy()
    where = rng.integers(0, len(content), 1 + len(content) // 300)
    content[where] ^= rng.integers(1, 256, len(where), dtype=np.uint8)
    return content.tobytes()


def make_files(folder: Path, make_clip: Clip) -> None:
    """Damaged files, and files that are no videos."""
    whole = noisy_clip(make_clip, folder / "whole.mp4")
    (folder / "zero bytes.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("once upon a time")
    (folder / "page.mp4").write_text("<!DOCTYPE html><html><body>404</body></html>")
    (folder / "random.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    (folder / "list of files.mp4").write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    (folder / "list of streams.mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "bits flipped.mp4").write_bytes(flipped(whole, 1))
    start = whole.index(b"mdat") + len(whole) // 2
    (folder / "blank inside.mp4").write_bytes(whole[:start] + bytes(4000) + whole[start + 4000 :])
    matroska = noisy_clip(make_clip, folder / "half.mkv")
    (folder / "half.mkv").write_bytes(matroska[: len(matroska) // 2])
    sound_only(folder / "sound.mp4")
    picture(folder / "picture.png")
    shutil.move(folder / "picture.png", folder / "picture.mp4")
    y4m(folder / "too large.y4m", 60_000, 60_000, 1, 1)


def make_videos(folder: Path, make_clip: Clip) -> None:
    """Whole videos of unusual kinds."""
    make_clip(folder / "one frame.mp4", GREEN[:1])
    make_clip(folder / "4K.mp4", GREEN[:4], rate=4, size=(3840, 2160))
    y4m(folder / "100,000 frames.y4m", 16, 16, 1000, 100_000)
    encoded(folder / "odd size.mkv", "ffv1", "yuv420p", (33, 17))
    encoded(folder / "one pixel.mkv", "ffv1", "yuv444p", (1, 1))
    encoded(folder / "alpha.mov", "png", "rgba")
    encoded(folder / "10 bits.mkv", "ffv1", "yuv420p10le")
    encoded(folder / "grey.mkv", "ffv1", "gray")
    encoded(folder / "ten days later.mkv", "ffv1", "yuv420p", times=(0, 1, 2, 3, 6 * 10 * 24 * 3600))
    late = [Fraction(i, 10) + 3600 for i in range(10)]
    make_clip(folder / "starts at an hour.mkv", GREEN, times=late)


def make_names(folder: Path, make_clip: Clip) -> None:
    """Names that are hard to handle."""
    green = make_clip(folder / "green.mp4", GREEN)
    for name in ("new\nline", "-rf", "%d", "a:b", "Zoë 猫 🎸", "x" * 200, "quote's \"", "http:", " "):
        shutil.copyfile(green, folder / f"{name}.mp4")
    shutil.copyfile(green, os.fsencode(folder) + b"/caf\xe9.mp4")
    (folder / "link.mp4").symlink_to(green)


def make_others(folder: Path, _: Clip) -> None:
    """What is no regular file, and folders of frames."""
    os.mkfifo(folder / "pipe.mp4")
    (folder / "device.mp4").symlink_to("/dev/zero")
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    (folder / "nowhere.mp4").symlink_to(folder / "missing")
    (folder / "folder.mp4").mkdir()
    png_of(folder / "900 megapixels" / "1.png", 30_000, 30_000)
    (folder / "no pictures").mkdir()
    (folder / "no pictures" / "1.jpg").write_text("no picture")
    picture(folder / "one bad" / "1.png")
    (folder / "one bad" / "2.png").write_bytes(b"")
    picture(folder / "far apart" / "7.png")
    picture(folder / "far apart" / "1000000.png")


EXPECTED = {
    "whole.mp4": "ok",
    "zero bytes.mp4": "unreadable",
    "text.mp4": "unreadable",
    "page.mp4": "unreadable",
    "random.mp4": "unreadable",
    "list of files.mp4": "unreadable",
    "list of streams.mp4": "unreadable",
    "cut.mp4": "unreadable",
    "bits flipped.mp4": "partial",
    "blank inside.mp4": "partial",
    "half.mkv": "partial",
    "sound.mp4": "unreadable",
    "picture.mp4": "unreadable",
    "too large.y4m": "unreadable",
    "one frame.mp4": "ok",
    "4K.mp4": "ok",
    "100,000 frames.y4m": "ok",
    "odd size.mkv": "ok",
    "one pixel.mkv": "ok",
    "alpha.mov": "ok",
    "10 bits.mkv": "ok",
    "grey.mkv": "ok",
    "ten days later.mkv": "partial",
    "starts at an hour.mkv": "ok",
    "green.mp4": "ok",
    "new\nline.mp4": "ok",
    "-rf.mp4": "ok",
    "%d.mp4": "ok",
    "a:b.mp4": "ok",
    "Zoë 猫 🎸.mp4": "ok",
    "x" * 200 + ".mp4": "ok",
    "quote's \".mp4": "ok",
    "http:.mp4": "ok",
    " .mp4": "ok",
    "caf\\xe9.mp4": "ok",
    "link.mp4": "ok",
    "pipe.mp4": "not_a_file",
    "device.mp4": "not_a_file",
    "loop.mp4": "not_a_file",
    "nowhere.mp4": "not_a_file",
    "folder.mp4": "not_a_file",
    "900 megapixels": "damaged",
    "no pictures": "damaged",
    "one bad": "partial",
    "far apart": "ok",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, make_clip: Clip, make_network: Network) -> BuildReport:
    folder = tmp_path_factory.mktemp("hostile")
    network = make_network(folder / "network" / "colours.onnx", score_threshold=0.5)
    (folder / "videos" / "any").mkdir(parents=True)
    for make in (make_files, make_videos, make_names, make_others):
        make(folder / "videos" / "any", make_clip)
    return build_catalog(folder / "videos", folder / "out", detector=network, workers=2)


@pytest.fixture(scope="module")
def table(report: BuildReport) -> pd.DataFrame:
    videos = report.catalog.videos()
    return videos.set_index(videos["path"].str.removeprefix("any/"))


def test_every_one_is_listed(table: pd.DataFrame) -> None:
    assert sorted(table.index) == sorted(EXPECTED)
    assert len(EXPECTED) >= 25


@pytest.mark.parametrize("name", EXPECTED)
def test_what_became_of_it_is_told(table: pd.DataFrame, name: str) -> None:
    row = table.loc[name]
    assert row["status"] == EXPECTED[name], row["reason"]
    assert (row["reason"] == "") == (row["status"] == "ok")
    assert "\n" not in row["reason"]
    assert (row["index"] >= 0) == (row["status"] in ("ok", "partial"))


def test_how_much_was_seen_is_told(table: pd.DataFrame) -> None:
    assert 0.4 < table["coverage"]["half.mkv"] < 0.6
    assert table["frames"]["100,000 frames.y4m"] == 300
    # The last frame before the jump is held for ten minutes: 1,800 samples.
    assert table["frames"]["ten days later.mkv"] < 1810
    assert "863400 s are left out" in table["reason"]["ten days later.mkv"]
    assert table["frames"]["starts at an hour.mkv"] == 3
    assert "damaged" in table["reason"]["blank inside.mp4"] or "stopped" in table["reason"]["blank inside.mp4"]


def test_green_is_green_in_any_format(report: BuildReport, table: pd.DataFrame) -> None:
    green = ["one frame.mp4", "4K.mp4", "odd size.mkv", "one pixel.mkv", "alpha.mov", "10 bits.mkv", "Zoë 猫 🎸.mp4"]
    rows = table["index"].loc[green].to_numpy()
    np.testing.assert_allclose(report.catalog.importance[rows][:, 1], 1, atol=0.02)


def test_flipped_bits_never_stop_the_work_and_always_come_out_the_same(
    tmp_path: Path, make_clip: Clip, make_network: Network
) -> None:
    whole = noisy_clip(make_clip, tmp_path / "whole.mp4", 30)
    model = ModelFile.find(make_network(tmp_path / "network" / "colours.onnx"))
    tasks = []
    for seed in range(10):
        path = tmp_path / f"{seed}.mp4"
        path.write_bytes(flipped(whole, seed))
        tasks.append(VideoJob(path))
    first, second = (dict(VideoPool(model, workers=workers).map(tasks)) for workers in (1, 2))
    for i in range(len(tasks)):
        assert (first[i].status, first[i].reason, first[i].frames) == (
            second[i].status,
            second[i].reason,
            second[i].frames,
        )
        np.testing.assert_array_equal(first[i].found.confidence, second[i].found.confidence)
        assert first[i].status in ("ok", "partial", "damaged", "unreadable")


def test_a_clip_that_takes_longer_than_its_limit_is_stopped(tmp_path: Path, make_network: Network) -> None:
    y4m(tmp_path / "long.y4m", 16, 16, 1000, 100_000)
    model = ModelFile.find(make_network(tmp_path / "network" / "colours.onnx"))
    ((_, analysis),) = VideoPool(model, workers=1, limits=Limits(0.05, 0.0)).map([VideoJob(tmp_path / "long.y4m")])
    assert (analysis.status, analysis.reason) == ("timeout", "it took longer than the time limit")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep the limit")
def test_a_video_that_needs_more_memory_than_a_worker_may_use_is_listed_and_the_rest_goes_on(
    tmp_path: Path, make_clip: Clip, make_network: Network
) -> None:
    any_category = tmp_path / "videos" / "any"
    make_clip(any_category / "green.mp4", GREEN)
    # One frame of it takes 96 MB, a few times over, and the file 40 kB.
    encoded(any_category / "huge.mkv", "ffv1", "yuv420p", (8000, 8000), times=(0,))
    assert (any_category / "huge.mkv").stat().st_size < 1_000_000
    network = make_network(tmp_path / "network" / "colours.onnx")
    limits = Limits(memory=600 << 20)
    report = build_catalog(tmp_path / "videos", tmp_path / "out", detector=network, workers=1, limits=limits)
    (left_out,) = report.left_out
    assert (left_out.listed.name, left_out.analysis.status) == ("huge.mkv", "damaged")
    assert left_out.analysis.reason == "it needs more memory than a worker may use"
    assert report.catalog.n_videos == 1


def test_time_is_granted_as_a_video_is_analysed_not_as_it_promises() -> None:
    limits = Limits(60, 10)
    assert limits.allowed(0, 30) == 60 + 300
    assert limits.allowed(0, 1e9) == 60 + 600
    assert limits.allowed(3600, 1e9) == 60 + 36_600
    assert limits.allowed(5, None) == 60 + 650


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_says_so(tmp_path: Path, make_clip: Clip, make_network: Network) -> None:
    clip = make_clip(tmp_path / "a.mp4", GREEN)
    clip.chmod(0)
    model = ModelFile.find(make_network(tmp_path / "network" / "colours.onnx"))
    ((_, analysis),) = VideoPool(model, workers=1).map([VideoJob(clip)])
    assert (analysis.status, analysis.reason) == ("unreadable", "cannot be read: Permission denied")
