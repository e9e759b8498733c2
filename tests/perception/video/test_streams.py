"""Words for what is no video."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from preroll.perception.analysis.analysis import judge
from preroll.perception.video.decoding import Decoding, UnreadableError
from preroll.perception.video.sampling import sample
from tests.perception.video.odd_clips import regular, seen, write


def words(path: Path) -> str:
    with pytest.raises(UnreadableError) as caught:
        list(sample(path, Decoding()))
    assert caught.value.status == "unreadable"
    return str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_picture_is_called_one(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (64, 64), (9, 99, 199)).save(tmp_path / "a.mp4", kind)
    assert words(tmp_path / "a.mp4").startswith(f"not a video that can be opened: it is a picture ({kind})")


def test_a_container_that_is_not_read_is_said(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
    told = words((tmp_path / "a.wav").rename(tmp_path / "a.mp4"))
    assert "it is in another format, and the formats are mov, matroska, avi" in told
    assert "Invalid argument" not in told


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.m4v"
    with av.open(str(path), "w", format="mp4") as container:
        voice = container.add_stream("aac", rate=44100)
        cover = container.add_stream("mjpeg", rate=1)
        assert isinstance(voice, av.AudioStream)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(voice.encode(frame))
        container.mux(voice.encode(None))
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(cover.encode(None))
    assert words(path) == "it has no video, only: audio, a cover picture"


def test_a_missing_beginning_is_called_one(tmp_path: Path) -> None:
    settings = {"g": "30", "sc_threshold": "1000000000"}
    path = write(tmp_path / "a.mkv", regular(90), codec="mpeg2video", settings=settings, damaged=[0])
    decoding = Decoding()
    assert len(seen(path, decoding)) == 6
    assert decoding.late == 1
    assert decoding.seconds == 2
    assert judge(decoding) == ("partial", "the first 1.0 s are missing")
    assert decoding.coverage == pytest.approx(2 / 3)
    assert decoding.missing == Fraction(1)
