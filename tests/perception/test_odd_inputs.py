"""Many odd videos in one build: none ends it, and each is as long as the arithmetic of how it was made says."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog
from preroll.perception.build_report import BuildReport
from tests.perception.video.odd_clips import CODECS, KEY, on_screen, regular, with_matrix, write

pytestmark = pytest.mark.usefixtures("without_processes")

Network = Callable[..., Path]
Expected = dict[str, tuple[str, int]]
ENCRYPTED = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": KEY, "encryption_kid": KEY}
FRAGMENTS = {"movflags": "frag_keyframe+dash+global_sidx", "avoid_negative_ts": "disabled"}
TIMED = ("mp4", "mov", "mkv", "webm", "flv", "wmv", "avi", "gif")
MOVING = [Fraction(i, 10) for i in (0, 1, 2, 13, 14, 40)]


def in_time(folder: Path) -> Expected:
    """Constant and variable rates, slides and long last frames in every container."""
    found: Expected = {}
    for kind in CODECS:
        write(folder / f"ten seconds.{kind}", regular(250, 25), rate=25)
        found[f"ten seconds.{kind}"] = "ok", 30
    for kind in TIMED:
        write(folder / f"slides.{kind}", [Fraction(0), Fraction(10)], Fraction(10), rate=10)
        write(folder / f"moving.{kind}", MOVING, Fraction(3), rate=10)
        found |= {f"slides.{kind}": ("ok", 60), f"moving.{kind}": ("ok", len(on_screen(MOVING, Fraction(7))))}
    write(folder / "two minutes.mp4", [Fraction(0), Fraction(120)], Fraction(120), rate=10)
    return found | {"two minutes.mp4": ("ok", 720)}


def in_parts(folder: Path) -> Expected:
    """Files laid end to end, and files that start late."""
    found: Expected = {}
    for kind in ("ts", "mpg"):
        for name, starts in {"again": (0, 0), "on": (0, 1000), "back": (1000, 0), "three": (0, 0, 0)}.items():
            parts = [write(folder / f"{i}.{kind}", regular(60, 30, start)) for i, start in enumerate(starts)]
            (folder / f"{name}.{kind}").write_bytes(b"".join(part.read_bytes() for part in parts))
            for part in parts:
                part.unlink()
            found[f"{name}.{kind}"] = "ok", 6 * len(starts)
    for kind in ("mkv", "webm", "avi", "m2v", "ivf"):
        content = write(folder / f"part.{kind}", regular(60)).read_bytes()
        (folder / f"part.{kind}").write_bytes(content + content)
        # A second file's header is a broken packet of the format that has no other mark.
        found[f"part.{kind}"] = ("partial", 6) if kind == "ivf" else ("ok", 12)
    for start in (0, 100):
        write(folder / f"fragments {start}.mp4", regular(60, 30, start), options=FRAGMENTS)
        found[f"fragments {start}.mp4"] = "ok", 6
    for kind in ("mp4", "mkv", "flv", "wmv", "ts", "avi", "mov"):
        write(folder / f"sound.{kind}", regular(60), sound=6)
        found[f"sound.{kind}"] = "ok", 6
    return found


def in_pieces(folder: Path) -> Expected:
    """Damaged and encrypted packets, files that were cut, and matrices."""
    found: Expected = {}
    for codec in ("mpeg4", "mjpeg", "ffv1", "libvpx-vp9"):
        for place in (20, 59):
            write(folder / f"{codec} {place}.mkv", regular(60), codec=codec, damaged=[place], settings={"g": "12"})
            found[f"{codec} {place}.mkv"] = "partial", 6
    write(folder / "encrypted.mp4", regular(30), codec="libx264", options=ENCRYPTED)
    write(folder / "nothing.mkv", regular(30), damaged=range(30))
    found |= {"encrypted.mp4": ("encrypted", 0), "nothing.mkv": ("damaged", 0)}
    for name, matrix in {"flipped": (1, 0, 0, -1), "turned": (0, 1, 1, 0), "no matrix": (0, 0, 0, 0)}.items():
        with_matrix(write(folder / f"{name}.mp4", regular(30)), matrix)
        found[f"{name}.mp4"] = "ok", 3
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, make_network: Network) -> tuple[BuildReport, Expected]:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "videos" / "any").mkdir(parents=True)
    expected: Expected = {}
    for make in (in_time, in_parts, in_pieces):
        expected |= make(folder / "videos" / "any")
    network = make_network(folder / "network" / "colours.onnx")
    return build_catalog(folder / "videos", folder / "out", detector=network, workers=2), expected


def test_none_ends_the_build_and_each_is_as_long_as_it_is(made: tuple[BuildReport, Expected]) -> None:
    report, expected = made
    videos: pd.DataFrame = report.catalog.videos()
    table = videos.set_index(videos["path"].str.removeprefix("any/"))
    assert sorted(table.index) == sorted(expected)
    assert len(expected) >= 60
    wrong = {
        name: (status, frames, *table.loc[name, ["status", "frames", "reason"]])
        for name, (status, frames) in expected.items()
        if table["status"][name] != status or abs(table["frames"][name] - frames) > 1
    }
    assert wrong == {}


def test_what_is_encrypted_is_left_out(made: tuple[BuildReport, Expected]) -> None:
    report, _ = made
    reasons = {one.listed.path: one.analysis.reason for one in report.left_out}
    assert reasons.keys() == {"any/encrypted.mp4", "any/nothing.mkv"}
    assert reasons["any/encrypted.mp4"] == "its pictures are encrypted"


@pytest.mark.parametrize("kind", ["gif", "vob", "f4v", "qt", "divx", "m2v", "3g2", "mpe"])
def test_less_usual_suffixes_are_taken(tmp_path: Path, make_network: Network, kind: str) -> None:
    container = {"vob": "mpg", "f4v": "flv", "qt": "mov", "divx": "avi", "3g2": "mp4", "mpe": "mpg", "m2v": "mpg"}
    folder = tmp_path / "videos" / "cats"
    folder.mkdir(parents=True)
    source = write(tmp_path / f"a.{container.get(kind, kind)}", regular(30))
    shutil.move(source, folder / f"a.{kind}")
    report = build_catalog(
        tmp_path / "videos", tmp_path / "out", detector=make_network(tmp_path / "network" / "colours.onnx")
    )
    assert report.status == 0
    assert abs(int(report.catalog.videos()["frames"][0]) - 3) <= 1


def test_a_category_without_a_video_is_named(tmp_path: Path, make_network: Network) -> None:
    for name in ("cats", "empty", "texts"):
        (tmp_path / "videos" / name).mkdir(parents=True)
    write(tmp_path / "videos" / "cats" / "a.mp4", regular(30))
    (tmp_path / "videos" / "texts" / "a.txt").write_text("")
    network = make_network(tmp_path / "network" / "colours.onnx")
    report = build_catalog(tmp_path / "videos", tmp_path / "out", detector=network)
    assert (report.empty, report.status) == (("empty", "texts"), 1)
    shutil.rmtree(tmp_path / "videos" / "cats")
    with pytest.raises(PrerollError, match="no video in any subfolder"):
        build_catalog(tmp_path / "videos", tmp_path / "out", detector=network)
