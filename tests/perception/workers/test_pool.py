import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preroll.perception.analysis.analysis import analyze
from preroll.perception.analysis.detector import Detector
from preroll.perception.workers.pool import VideoJob, VideoPool
from preroll.workers.job import Limits

Clip = Callable[..., Path]
Network = Callable[..., Path]

# A worker that does to each video what the video's name says.
STUB = """
import os, signal, sys, time
from preroll.perception.analysis.analysis import Analysis
from preroll.perception.workers.codec import pack
from preroll.workers.messages import receive, send
pipes = sys.stdin.buffer, sys.stdout.buffer
receive(pipes[0])
send(pipes[1], {"event": "ready"})
while (request := receive(pipes[0])) is not None:
    name = os.path.basename(request[0]["path"])
    if name == "sleep":
        time.sleep(600)
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "babble":
        pipes[1].write(b"this is no message of ours" * 1000)
        pipes[1].flush()
        time.sleep(600)
    message, payload = pack(Analysis("ok", sha256=str(os.getpid())))
    send(pipes[1], {"event": "answer", "message": message}, payload)
"""


@pytest.fixture
def detector(tmp_path: Path, make_network: Network) -> Detector:
    return Detector(make_network(tmp_path / "network" / "colours.onnx"))


def stub_pool(detector: Detector, seconds: float = 30.0) -> VideoPool:
    return VideoPool(detector, workers=1, limits=Limits(seconds=seconds), command=[sys.executable, "-c", STUB])


def test_a_worker_finds_what_the_same_function_finds_here(tmp_path: Path, detector: Detector, make_clip: Clip) -> None:
    clip = make_clip(tmp_path / "a.mp4", [(255, 0, 0)] * 5 + [(0, 0, 255)] * 5)
    ((number, there),) = VideoPool(detector, workers=1).map([VideoJob(clip)])
    here = analyze(clip, detector)
    assert number == 0
    assert (
        (there.status, there.frames, there.sha256) == (here.status, here.frames, here.sha256) == ("ok", 3, here.sha256)
    )
    assert there.found.frame.tolist() == here.found.frame.tolist()
    assert there.found.confidence.tolist() == here.found.confidence.tolist()


def test_every_task_is_answered_whatever_the_number_of_workers(
    tmp_path: Path, detector: Detector, make_clip: Clip
) -> None:
    clips = [make_clip(tmp_path / f"{i}.mp4", [(40 * i, 0, 0)] * 4) for i in range(5)]
    (tmp_path / "5.mp4").write_bytes(b"no video")
    results = dict(VideoPool(detector, workers=2).map([VideoJob(clip) for clip in (*clips, tmp_path / "5.mp4")]))
    assert [results[i].status for i in range(6)] == ["ok"] * 5 + ["unreadable"]


def test_a_worker_that_overruns_is_killed_and_the_next_video_gets_a_new_one(detector: Detector) -> None:
    results = dict(stub_pool(detector, seconds=1.0).map([VideoJob(Path(name)) for name in ("a", "sleep", "b", "c")]))
    assert [results[i].status for i in range(4)] == ["ok", "timeout", "ok", "ok"]
    assert results[0].sha256 != results[2].sha256 == results[3].sha256


def test_frames_that_a_killed_worker_had_begun_to_save_are_removed(tmp_path: Path, detector: Detector) -> None:
    code = "import os; from pathlib import Path; from preroll.files import atomic"
    code += f"\nwith atomic.folder(Path({str(tmp_path / 'sleep')!r}), None): os._exit(9)"
    subprocess.run([sys.executable, "-c", code])
    assert (tmp_path / ".sleep.preroll" / "new").is_dir()
    (tmp_path / ".sleepy.preroll").mkdir()
    ((_, analysis),) = stub_pool(detector, seconds=0.5).map([VideoJob(Path("sleep"), tmp_path / "sleep")])
    assert analysis.status == "timeout"
    assert [path.name for path in tmp_path.glob(".*")] == [".sleepy.preroll"]


def test_a_worker_that_dies_costs_one_video_and_its_end_is_told(detector: Detector) -> None:
    results = dict(stub_pool(detector).map([VideoJob(Path(name)) for name in ("die", "a")]))
    assert results[0].status == "damaged"
    assert "SIGKILL" in results[0].reason
    assert results[1].status == "ok"


def test_a_worker_that_talks_nonsense_is_killed(detector: Detector) -> None:
    results = dict(stub_pool(detector).map([VideoJob(Path(name)) for name in ("babble", "a")]))
    assert [results[i].status for i in range(2)] == ["damaged", "ok"]


def test_leaving_early_kills_the_workers(detector: Detector) -> None:
    results = stub_pool(detector).map([VideoJob(Path("a")), VideoJob(Path("sleep"))])
    _, first = next(results)
    results.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(int(first.sha256), 0)
