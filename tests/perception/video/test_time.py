"""Time in strangers' videos: how long each frame is on screen, by the arithmetic of how the clip was made."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from preroll.perception.analysis.analysis import judge
from preroll.perception.video.decoding import Decoding
from preroll.perception.video.timeline import Timeline
from tests.perception.video.odd_clips import CODECS, decoded_by_pyav, on_screen, regular, seen, write

#: Containers that say how long a frame is shown, or how long the video is.
TIMED = ("mp4", "mov", "mkv", "webm", "flv", "wmv", "avi", "gif")


def expected(times: list[Fraction], end: Fraction) -> list[int]:
    return [i % 10 for i in on_screen(times, end)]


@pytest.mark.parametrize("kind", [name for name in CODECS if name not in ("gif", "mxf")])
def test_ten_seconds_are_thirty_samples_in_any_container(tmp_path: Path, kind: str) -> None:
    path, decoding = write(tmp_path / f"a.{kind}", regular(300)), Decoding()
    assert len(seen(path, decoding)) == 30
    assert judge(decoding) == ("ok", "")
    assert abs(decoding.seconds - 10) <= Fraction(1, 30)


@pytest.mark.parametrize("kind", TIMED)
def test_the_last_frame_is_shown_for_its_own_duration(tmp_path: Path, kind: str) -> None:
    times = regular(20, 10)
    path, decoding = write(tmp_path / f"a.{kind}", times, Fraction(5), rate=10), Decoding()
    assert seen(path, decoding) == expected(times, Fraction(69, 10))
    assert judge(decoding) == ("ok", "")


@pytest.mark.parametrize("kind", TIMED)
def test_slides_of_ten_seconds(tmp_path: Path, kind: str) -> None:
    times = [Fraction(10 * i) for i in range(4)]
    path, decoding = write(tmp_path / f"a.{kind}", times, Fraction(10), rate=10), Decoding()
    assert seen(path, decoding) == expected(times, Fraction(40))
    assert judge(decoding) == ("ok", "")


@pytest.mark.parametrize("kind", TIMED)
def test_a_screen_recording_writes_a_frame_when_something_moves(tmp_path: Path, kind: str) -> None:
    times = [Fraction(i, 10) for i in (0, 1, 2, 13, 14, 40, 41, 75)]
    path, decoding = write(tmp_path / f"a.{kind}", times, Fraction(25, 10), rate=10), Decoding()
    assert seen(path, decoding) == expected(times, Fraction(10))
    assert judge(decoding) == ("ok", "")


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi"])
def test_slides_of_more_than_a_minute_are_sampled(tmp_path: Path, kind: str) -> None:
    times = [Fraction(0), Fraction(100)]
    path, decoding = write(tmp_path / f"a.{kind}", times, Fraction(100), rate=10), Decoding()
    assert seen(path, decoding) == expected(times, Fraction(200))
    assert judge(decoding) == ("ok", "")


def test_a_frame_that_is_held_without_end_is_cut_and_said(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1), Fraction(5000), Fraction(5001)]
    path, decoding = write(tmp_path / "a.mkv", times, Fraction(1), rate=10), Decoding()
    assert seen(path, decoding) == [0] * 3 + [1] * 1800 + [2] * 3 + [3] * 3
    assert judge(decoding) == ("partial", "of frames held for longer than 600 s, 4399 s are left out")


def test_frames_that_wait_for_later_ones_make_no_flv_longer(tmp_path: Path) -> None:
    """Times of FLV count from the first packet, and with frames in both directions the first frame is shown later."""
    path = write(tmp_path / "a.flv", regular(100, 10), codec="libx264", rate=10, settings={"bf": "2"})
    decoding = Decoding()
    assert len(seen(path, decoding)) == 30
    assert decoding.seconds == 10


def test_frames_in_disorder_are_no_part_of_their_own() -> None:
    """As damaged packets give them: what was laid end to end begins again where it is decoded."""
    frames = [0, 1, 2, 17, 3, 18, 4, 5]
    for restart, expected in ((False, [0, 1, 2, 17, 17, 18, 18, 18]), (True, [0, 1, 2, 17, 18, 33, 33, 33])):
        timeline = Timeline(Fraction(1, 10), Fraction(1, 10))
        found = []
        for number, pts in enumerate(frames):
            dts = number - 100 if restart and pts == 3 else number
            timeline.read(SimpleNamespace(pts=pts, dts=dts, pos=number, duration=1, is_discard=False))  # type: ignore[arg-type]
            found.append(timeline.tell(SimpleNamespace(pts=pts)))  # type: ignore[arg-type]
        assert (found, timeline.seams) == (expected, int(restart))


@pytest.mark.parametrize("kind", ["mp4", "mkv", "flv", "wmv", "ts"])
def test_longer_sound_takes_nothing_from_a_video(tmp_path: Path, kind: str) -> None:
    path, decoding = write(tmp_path / f"a.{kind}", regular(60), sound=8), Decoding()
    assert len(seen(path, decoding)) == 6
    assert judge(decoding) == ("ok", "")
    assert abs(decoding.seconds - 2) <= Fraction(1, 20)
    assert decoding.coverage == 1
    assert decoding.expected is not None
    assert abs(decoding.expected - decoding.seconds) <= Fraction(1, 20)


@pytest.mark.parametrize("kind", ["flv", "wmv", "mkv", "webm", "avi"])
def test_a_file_that_was_cut_is_still_partial(tmp_path: Path, kind: str) -> None:
    path, decoding = write(tmp_path / f"a.{kind}", regular(300), sound=0 if kind == "webm" else 10), Decoding()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    assert 0 < len(seen(path, decoding)) < 30
    assert judge(decoding)[0] == "partial"


@pytest.mark.parametrize("start", [0, 100])
@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov+default_base_moof", "frag_keyframe+dash+global_sidx"])
def test_a_fragmented_file_may_start_late(tmp_path: Path, flags: str, start: int) -> None:
    options = {"movflags": flags, "avoid_negative_ts": "disabled"}
    path = write(tmp_path / "a.mp4", regular(90, start=start), options=options)
    decoding = Decoding()
    assert len(seen(path, decoding)) == 9
    assert judge(decoding) == ("ok", "")
    assert decoding.seconds == decoding.expected == 3


def test_a_fragmented_file_that_was_cut_is_partial(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+dash+global_sidx"}
    path, decoding = write(tmp_path / "a.mp4", regular(90), options=options), Decoding()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    assert 0 < len(seen(path, decoding)) < 9
    assert judge(decoding)[0] == "partial"


SEAMS = {
    "two": ([30, 30], [0, 0], [(64, 48)] * 2),
    "three": ([15, 30, 45], [0, 0, 0], [(64, 48)] * 3),
    "later": ([30, 30], [0, 5000], [(64, 48)] * 2),
    "earlier": ([30, 30], [5000, 10], [(64, 48)] * 2),
    "larger": ([30, 30], [0, 0], [(64, 48), (128, 96)]),
}


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264"])
@pytest.mark.parametrize("kind", ["ts", "mpg"])
@pytest.mark.parametrize("case", SEAMS)
def test_parts_laid_end_to_end_are_one_video(tmp_path: Path, case: str, kind: str, codec: str) -> None:
    counts, starts, sizes = SEAMS[case]
    parts = []
    for i, (count, start, size) in enumerate(zip(counts, starts, sizes, strict=True)):
        times = regular(count, 30, start)
        part = write(tmp_path / f"{i}.{kind}", times, codec=codec, size=size, first=sum(counts[:i]))
        parts.append(part.read_bytes())
    whole = tmp_path / f"a.{kind}"
    whole.write_bytes(b"".join(parts))
    decoding = Decoding()
    found = seen(whole, decoding)
    assert abs(decoding.frames - decoded_by_pyav(whole)) <= 1
    assert abs(len(found) - sum(counts) // 10) <= 1
    # Every tenth frame is of one grey; where the size changes, one decoder loses a frame.
    assert set(found) <= ({0, 1} if case == "larger" else {0})
    assert abs(decoding.seconds - Fraction(sum(counts), 30)) <= Fraction(2, 30)
    assert judge(decoding) == ("ok", "")
    assert decoding.coverage == 1
