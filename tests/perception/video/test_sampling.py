import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from preroll.perception.analysis.analysis import judge
from preroll.perception.video.frame_folders import numbered_pictures
from preroll.perception.video.resize import Fit, Fitter
from preroll.perception.video.sampling import Decoding, UnreadableError, sample

Clip = Callable[..., Path]
GRAYS = [(20 + 10 * i,) * 3 for i in range(20)]


def gray_numbers(path: Path, decoding: Decoding | None = None) -> list[int]:
    """Which frame of a clip of GREYS each sample is."""
    fitter = Fitter(Fit(16, 16, "stretch"))
    samples = sample(path, decoding or Decoding())
    return [round((float(fitter(one.frame).mean()) - 20) / 10) for one in samples]


def test_the_frame_on_screen_is_taken_three_times_a_second(tmp_path: Path, make_clip: Clip) -> None:
    decoding = Decoding()
    assert gray_numbers(make_clip(tmp_path / "a.mp4", GRAYS, rate=10), decoding) == [0, 3, 6, 10, 13, 16]
    assert decoding.frames == 20
    assert decoding.seconds == decoding.expected == 2
    assert decoding.coverage == 1
    assert judge(decoding) == ("ok", "")


def test_a_slow_video_shows_each_frame_for_as_long_as_it_lasts(tmp_path: Path, make_clip: Clip) -> None:
    assert gray_numbers(make_clip(tmp_path / "a.mp4", GRAYS[:3], rate=1)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_variable_rate_is_followed(tmp_path: Path, make_clip: Clip) -> None:
    times = [Fraction(0), Fraction(1, 10), Fraction(2, 10), Fraction(1), Fraction(11, 10)]
    assert gray_numbers(make_clip(tmp_path / "a.mkv", GRAYS[:5], times=times)) == [0, 2, 2, 3]


def test_time_counts_from_the_first_frame(tmp_path: Path, make_clip: Clip) -> None:
    times = [Fraction(i, 10) + 5 for i in range(10)]
    decoding = Decoding()
    assert gray_numbers(make_clip(tmp_path / "a.mkv", GRAYS[:10], times=times), decoding) == [0, 3, 6]
    assert decoding.seconds == 1


def test_a_single_frame_is_a_video(tmp_path: Path, make_clip: Clip) -> None:
    decoding = Decoding()
    assert gray_numbers(make_clip(tmp_path / "a.mp4", GRAYS[:1]), decoding) == [0]
    assert judge(decoding) == ("ok", "")


def test_half_a_matroska_file_is_partial_though_no_decoder_complains(tmp_path: Path, make_clip: Clip) -> None:
    rng = np.random.default_rng(0)
    colors = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(100)]
    whole = make_clip(tmp_path / "a.mkv", colors, size=(160, 120))
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    decoding = Decoding()
    assert 0 < len(gray_numbers(whole, decoding)) < 30
    status, reason = judge(decoding)
    assert status == "partial"
    assert "of 10.0 s" in reason


@pytest.mark.parametrize("content", [b"", b"<html>no video</html>", b"ffconcat version 1.0\nfile /etc/passwd\n"])
def test_what_is_no_video_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match="not a video that can be opened") as caught:
        list(sample(path, Decoding()))
    assert caught.value.status == "unreadable"


def test_a_picture_named_mp4_is_no_video(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    shutil.move(tmp_path / "a.png", tmp_path / "a.mp4")
    with pytest.raises(UnreadableError, match="not a video that can be opened"):
        list(sample(tmp_path / "a.mp4", Decoding()))


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 1, 2):
        Image.new("RGB", (8, 8), (number,) * 3).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("")
    assert [path.stem for path in numbered_pictures(tmp_path)] == ["1", "2", "9", "10"]
    decoding = Decoding()
    grays = [int(one.frame.to_ndarray(format="rgb24")[0, 0, 0]) for one in sample(tmp_path, decoding)]
    assert grays == [1, 2, 9, 10]
    assert decoding.seconds == Fraction(4, 3)


def test_a_damaged_frame_ends_its_folder_and_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    decoding = Decoding()
    assert len(list(sample(tmp_path, decoding))) == 1
    status, reason = judge(decoding)
    assert status == "partial"
    assert "2.png" in reason


def test_a_rotated_clip_comes_upright(real: Path) -> None:
    (one,) = sample(real / "videos" / "edge_video_90.mov", Decoding())
    assert one.turns == 3
    assert (one.frame.width, one.frame.height) == (568, 320)
    upright = Fitter(Fit(142, 80, "stretch"))(one.frame, turns=one.turns)
    full = np.rot90(one.frame.to_ndarray(format="rgb24"), -1)
    expected = full.reshape(142, 4, 80, 4, 3).mean((1, 3))
    assert np.abs(upright - expected).mean() < 4


def test_a_damaged_clip_is_seen_to_its_end(real: Path) -> None:
    decoding = Decoding()
    assert len(list(sample(real / "videos" / "edge_corrupted.mp4", decoding))) == 15
    assert decoding.frames == 49
    assert decoding.seconds == 5
    assert judge(decoding) == (
        "partial",
        "1 of 50 packets gave no frame: Invalid data found when processing input; 21 of 49 frames are damaged",
    )


def test_ten_bits_a_color_are_read(real: Path) -> None:
    (first, *_) = sample(real / "videos" / "h264_10bits.mp4", Decoding())
    picture = Fitter(Fit(50, 50, "crop"))(first.frame)
    assert picture.dtype == np.uint8
    assert picture.std() > 10


def test_fast_decoding_samples_as_often_and_sees_as_far(real: Path) -> None:
    whole, fast = Decoding(), Decoding()
    usual = [one.time for one in sample(real / "videos" / "pool.mp4", whole)]
    assert [one.time for one in sample(real / "videos" / "pool.mp4", fast, fast=True)] == usual
    assert (fast.seconds, judge(fast)) == (whole.seconds, ("ok", ""))
    assert fast.frames < 0.6 * whole.frames


def test_fast_decoding_skips_frames_that_no_other_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"bf": "3", "b-pyramid": "none", "g": "40"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1
        for gray in GRAYS * 2:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), gray, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole, fast = Decoding(), Decoding()
    assert len(list(sample(path, whole))) == len(list(sample(path, fast, fast=True))) == 12
    assert whole.frames == 40
    assert whole.seconds == 4
    assert fast.frames < 25
    assert fast.seconds == 4


def test_frames_are_not_held(tmp_path: Path) -> None:
    # 60 frames of 3.1 MB: were they kept, 187 MB.
    frame = b"FRAME\n" + b"\x80" * (1920 * 1080 * 3 // 2)
    (tmp_path / "a.y4m").write_bytes(b"YUV4MPEG2 W1920 H1080 F10:1 C420jpeg\n" + frame)
    code = f"""if True:
        import resource
        from pathlib import Path
        from preroll.perception.video.sampling import Decoding, sample
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        folder = Path({str(tmp_path)!r})
        one = sum(1 for _ in sample(folder / "a.y4m", Decoding()))
        before = peak()
        with (folder / "b.y4m").open("wb") as file:
            data = (folder / "a.y4m").read_bytes()
            start = data.index(b"FRAME")
            file.write(data[:start])
            for _ in range(60):
                file.write(data[start:])
        before = peak()
        print(sum(1 for _ in sample(folder / "b.y4m", Decoding())), peak() - before)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    samples, grown = map(int, done.stdout.split())
    assert samples == 18
    # KiB: a few frames at most, of 3 MB each.
    assert grown < 40_000


def test_see_through_pixels_are_laid_on_gray(tmp_path: Path) -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[..., 0] = 255
    picture[:16, :, 3] = 255
    with av.open(str(tmp_path / "a.mov"), "w") as container:
        stream = container.add_stream("png", rate=3)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgba"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
        container.mux(stream.encode(None))
    Image.fromarray(picture).save(tmp_path / "1.png")
    Image.fromarray(picture[..., :3]).convert("P").save(tmp_path / "2.png", transparency=0)
    (clip,) = sample(tmp_path / "a.mov", Decoding())
    first, second = sample(tmp_path, Decoding())
    shown = [Fitter(Fit(32, 32, "stretch"))(one.frame) for one in (clip, first)]
    for one in shown:
        assert one[4, 4].tolist() == [255, 0, 0]
        assert one[28, 28].tolist() == [114, 114, 114]
    assert Fitter(Fit(32, 32, "stretch"))(second.frame).shape == (32, 32, 3)
