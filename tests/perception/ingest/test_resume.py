"""Builds that are interrupted, repeated and changed come out as one that ran in one go."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.build import build_catalog
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.demo.videos import render_demo_videos
from preroll.perception.ingest.catalog_content import CatalogOptions
from preroll.perception.ingest.journal import Journal, journal_file, open_journal
from preroll.perception.onnx_models.model_card import EMBEDDED_SEGMENTER
from preroll.workers.job import Limits
from tests.child_processes import full_disk, written_elsewhere
from tests.conftest import Run
from tests.workers.in_this_process import in_this_process

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]
FOUND = VideoDetections(np.array([0, 1], np.int32), np.array([2, 0], np.int16), np.array([0.5, 0.25], np.float32))
ANALYSES = [Analysis("ok", "", 1.0, 2.5, 7, f"{i:064d}", FOUND) for i in range(4)]


@pytest.fixture
def network(tmp_path: Path, make_network: Network) -> Path:
    return make_network(tmp_path / "network" / "colours.onnx", score_threshold=0.05)


def write_videos(folder: Path, make_clip: Clip) -> Path:
    for category, color in (("blues", (0, 0, 255)), ("reds", (255, 0, 0))):
        for i in range(6):
            make_clip(folder / category / f"{i}.mp4", [color] * 8 + [(0, 40 * i, 0)] * 2)
    (folder / "reds" / "text.mp4").write_text("no video")
    return folder


@pytest.fixture
def videos(tmp_path: Path, make_clip: Clip) -> Path:
    return write_videos(tmp_path / "videos", make_clip)


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory, make_clip: Clip, make_network: Network) -> Path:
    """A folder of the videos, the network, and a catalog that was built of them in one go."""
    folder = tmp_path_factory.mktemp("built")
    write_videos(folder / "videos", make_clip)
    network = make_network(folder / "network" / "colours.onnx", score_threshold=0.05)
    with in_this_process():
        assert build_catalog(folder / "videos", folder / "out", detector=network, workers=1).resumed == 0
    return folder


@pytest.fixture
def built(tmp_path: Path, built_once: Path) -> Path:
    """A copy of it to change."""
    return Path(shutil.copytree(built_once, tmp_path, dirs_exist_ok=True))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def command(videos: Path, out: Path, network: Path, *more: str) -> list[str]:
    return ["catalog", "build", str(videos), "--out", str(out), "--detector", str(network), *more]


def started(arguments: list[str], **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-m", "preroll", *arguments], text=True, **options)


@contextmanager
def killed(out: Path, recipe: dict[str, Any]) -> Iterator[Journal]:
    """A journal whose build does not come to its end."""
    with suppress(KeyboardInterrupt), open_journal(out, recipe) as journal:
        yield journal
        raise KeyboardInterrupt


@pytest.fixture
def journal_of(tmp_path: Path) -> tuple[bytes, list[int], Callable[[bytes], Path]]:
    """A journal of four records, their ends, and a function that leaves other bytes as the journal of a killed one."""
    with killed(tmp_path / "out", {"n": 1}) as journal:
        ends = []
        for i, analysis in enumerate(ANALYSES):
            journal.add(f"a/{i}", analysis)
            ends.append(journal_file(tmp_path / "out").stat().st_size)

    def left(data: bytes) -> Path:
        with killed(tmp_path / "out", {"n": 1}) as journal:
            journal.add("a/0", ANALYSES[0])
        journal_file(tmp_path / "out").write_bytes(data)
        return tmp_path / "out"

    return journal_file(tmp_path / "out").read_bytes(), ends, left


def test_a_record_cut_anywhere_costs_itself_alone(
    journal_of: tuple[bytes, list[int], Callable[[bytes], Path]],
) -> None:
    data, ends, left = journal_of
    for cut in range(0, len(data) + 1, 3):
        out = left(data[:cut])
        with killed(out, {"n": 1}) as journal:
            assert list(journal.known) == [f"a/{i}" for i, end in enumerate(ends) if end <= cut]
            # What is written after the cut is read again.
            journal.add("last", ANALYSES[0])
        with open_journal(out, {"n": 1}) as journal:
            assert journal.known["last"].found.confidence.tolist() == [0.5, 0.25]
        assert not journal_file(out).parent.exists()


def test_a_flipped_bit_anywhere_costs_one_record_alone(
    journal_of: tuple[bytes, list[int], Callable[[bytes], Path]],
) -> None:
    data, ends, left = journal_of
    for at in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        hit = next(i for i, end in enumerate(ends) if at < end)
        with killed(left(bytes(damaged)), {"n": 1}) as journal:
            assert list(journal.known) == [f"a/{i}" for i in range(4) if i != hit], at
            for found in journal.known.values():
                assert (found.status, found.frames, found.duration) == ("ok", 7, 2.5)
            journal.add("last", ANALYSES[0])


def test_a_stranger_beside_the_journal_is_kept(tmp_path: Path) -> None:
    with open_journal(tmp_path / "out", {}):
        (journal_file(tmp_path / "out").parent / "mine.txt").write_text("dear")
    assert (tmp_path / ".out.preroll" / "mine.txt").read_text() == "dear"
    (tmp_path / ".other.preroll").mkdir()
    (tmp_path / ".other.preroll" / "journal").write_text("mine")
    with pytest.raises(PrerollError, match="is in the way and is not preroll's"), open_journal(tmp_path / "other", {}):
        pass
    assert (tmp_path / ".other.preroll" / "journal").read_text() == "mine"


def test_records_made_otherwise_are_dropped(tmp_path: Path) -> None:
    with killed(tmp_path / "out", {"fast": False}) as journal:
        journal.add("a/0", ANALYSES[0])
    with open_journal(tmp_path / "out", {"fast": True}) as journal:
        assert journal.known == {}


def test_the_second_builder_of_a_catalog_is_refused_before_its_work(
    tmp_path: Path, videos: Path, network: Path, run: Run
) -> None:
    out = tmp_path / "out"
    with written_elsewhere(out) as line:
        status, _, errors = run("catalog", "build", videos, "--out", out, "--detector", network)
    assert (status, errors.strip().splitlines()) == (2, [f"error: --out {out}: {line}"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network", "videos"]


def test_a_build_killed_at_any_moment_goes_on_and_comes_out_the_same(
    tmp_path: Path, videos: Path, network: Path
) -> None:
    build_catalog(videos, tmp_path / "whole", detector=network, workers=1, save_frames=tmp_path / "frames")
    out, journal = tmp_path / "out", journal_file(tmp_path / "out")
    arguments = command(videos, out, network, "--workers", "1", "--save-frames", str(tmp_path / "frames2"))
    for records in (1, 4):
        running = started(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while running.poll() is None and (not journal.exists() or journal.read_bytes().count(b'"event"') < records):
            time.sleep(0.005)
        running.send_signal(signal.SIGKILL)
        running.wait()
    known = journal.read_bytes().count(b'"event"') if journal.exists() else 0
    report = build_catalog(videos, out, detector=network, workers=2, save_frames=tmp_path / "frames2")
    assert report.resumed >= min(known, 4) >= 1
    assert contents(out) == contents(tmp_path / "whole")
    assert contents(tmp_path / "frames2") == contents(tmp_path / "frames")
    assert not journal.parent.exists()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_ctrl_c_says_that_the_same_command_goes_on(tmp_path: Path, videos: Path, network: Path) -> None:
    out, journal = tmp_path / "out", journal_file(tmp_path / "out")
    arguments = command(videos, out, network, "--workers", "2")
    running = started(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    while running.poll() is None and (not journal.exists() or journal.read_bytes().count(b'"event"') < 2):
        time.sleep(0.005)
    # A terminal sends the signal to the workers as well.
    os.killpg(running.pid, signal.SIGINT)
    told, errors = running.communicate(timeout=600)
    assert (running.returncode, told) == (130, "")
    last = "stopped by Ctrl-C; what was found so far is kept; go on with the same command"
    assert errors.strip().splitlines()[-1] == last
    report = build_catalog(videos, out, detector=network, workers=1)
    assert report.resumed >= 1
    assert {row.listed.path for row in report.left_out} == {"reds/text.mp4"}


def test_a_catalog_built_again_analyses_only_what_is_new_or_changed(
    tmp_path: Path, built: Path, make_clip: Clip
) -> None:
    videos, network = built / "videos", built / "network" / "colours.onnx"
    before = contents(tmp_path / "out")
    again = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    assert again.resumed == 13
    assert contents(tmp_path / "out") == before
    make_clip(videos / "reds" / "0.mp4", [(255, 255, 0)] * 10)
    make_clip(videos / "reds" / "new.mp4", [(255, 0, 255)] * 10)
    changed = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    assert changed.resumed == 12
    build_catalog(videos, tmp_path / "fresh", detector=network, workers=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_an_altered_catalog_is_no_source(built: Path) -> None:
    np.save(built / "out" / "detections" / "confidence.npy", np.zeros(3, np.float32))
    network = built / "network" / "colours.onnx"
    assert build_catalog(built / "videos", built / "out", detector=network, workers=1).resumed == 0


@pytest.mark.processes
def test_a_video_that_ran_into_the_time_limit_is_tried_again(tmp_path: Path, videos: Path, network: Path) -> None:
    # 33 minutes of tiny frames, which take longer than a tenth of a second to decode.
    header, frame = b"YUV4MPEG2 W16 H16 F50:1 C420jpeg\n", b"FRAME\n" + b"\x80" * 384
    (videos / "reds" / "long.y4m").write_bytes(header + frame * 100_000)
    short = build_catalog(videos, tmp_path / "out", detector=network, workers=1, limits=Limits(0.3, 0))
    assert [(row.listed.path, row.analysis.status) for row in short.left_out] == [
        ("reds/long.y4m", "timeout"),
        ("reds/text.mp4", "unreadable"),
    ]
    again = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    assert again.resumed == 13
    assert [row.listed.path for row in again.left_out] == ["reds/text.mp4"]


def test_a_full_disk_ends_the_build_in_one_line_and_the_next_goes_on(
    tmp_path: Path, videos: Path, network: Path, run: Run
) -> None:
    for i in range(30):
        shutil.copyfile(videos / "reds" / "0.mp4", videos / "reds" / f"copy {i}.mp4")
    with full_disk(6000):
        status, _, errors = run(*command(videos, tmp_path / "out", network, "--workers", "1"))
    assert status == 1
    assert "Traceback" not in errors
    assert "File too large; what was found so far is kept; go on with the same command" in errors
    assert not (tmp_path / "out").exists()
    report = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    assert report.resumed >= 10
    build_catalog(videos, tmp_path / "whole", detector=network, workers=1)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_full_disk_is_no_finding_about_a_video(tmp_path: Path, videos: Path, network: Path, run: Run) -> None:
    frames = ("--workers", "1", "--save-frames", str(tmp_path / "frames"))
    with full_disk(900):
        status, _, errors = run(*command(videos, tmp_path / "out", network, *frames))
    assert status == 1
    assert "Traceback" not in errors
    assert "File too large" in errors
    assert not (tmp_path / "out").exists()


def test_what_a_build_makes_of_its_detections_is_chosen_without_detecting_again(built: Path) -> None:
    plain = Catalog.load(built / "out")
    assert plain.manifest["importance"] == {"kind": "confidence", "idf": False}
    usual = np.array(plain.importance)
    report = build_catalog(
        built / "videos",
        built / "out",
        detector=built / "network" / "colours.onnx",
        workers=1,
        choices=CatalogOptions("presence", True, "random-forest", True),
    )
    assert report.resumed == 13
    manifest = report.catalog.manifest
    assert manifest["importance"] == {"kind": "presence", "idf": True}
    assert manifest["neighbors"] == {"exact": False, "recall": 1.0}
    assert manifest["command"].endswith("--importance presence --classifier random-forest --idf --approximate")
    assert not np.array_equal(report.catalog.importance, usual)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"choices": CatalogOptions(importance="size")}, "importance=size: must be one of confidence, presence"),  # type: ignore[arg-type]
        ({"choices": CatalogOptions(classifier="oracle")}, "classifier=oracle: must be one of logistic"),  # type: ignore[arg-type]
        ({"choices": CatalogOptions(importance="area")}, "importance=area: the detector colours says what"),
        ({"engine": "cloud"}, "engine=cloud: must be local or ray"),
    ],
)
def test_a_choice_that_does_not_exist_is_named(
    tmp_path: Path, videos: Path, network: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(PrerollError, match=message) as caught:
        build_catalog(videos, tmp_path / "out", detector=network, **changes)
    assert caught.value.status == 2
    assert not os.path.lexists(tmp_path / "out")


def test_fast_decoding_is_another_recipe(built: Path) -> None:
    network = built / "network" / "colours.onnx"
    fast = build_catalog(built / "videos", built / "out", detector=network, workers=1, fast=True)
    assert fast.resumed == 0
    assert Catalog.load(built / "out").manifest["fast"] is True


def test_objects_keep_their_areas_and_boxes_through_a_catalog(tmp_path: Path) -> None:
    render_demo_videos(tmp_path / "videos", per_category=1, workers=1)
    options: dict[str, Any] = {"detector": EMBEDDED_SEGMENTER, "workers": 1, "choices": CatalogOptions("area")}
    first = build_catalog(tmp_path / "videos", tmp_path / "out", **options).catalog
    found = first.detections(0)
    assert list(found.columns) == ["frame", "time", "class", "confidence", "area", "x0", "y0", "x1", "y1"]
    frames = int(first.videos()["frames"][0])
    share = (found["confidence"].astype(float) * found["area"] / 100).groupby(found["class"]).sum() / frames
    importance = dict(zip(first.classes, first.importance[0].tolist(), strict=True))
    # No two objects of a class fill a frame here, so that nothing is cut off at 1.
    assert {name: pytest.approx(value, rel=1e-4) for name, value in share.items()} == {
        name: value for name, value in importance.items() if value > 0
    }
    before = contents(tmp_path / "out")
    again = build_catalog(tmp_path / "videos", tmp_path / "out", **options)
    assert again.resumed == 3
    assert contents(tmp_path / "out") == before
