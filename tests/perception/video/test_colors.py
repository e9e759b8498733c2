"""What a player shows of turned, transparent and bright pictures, and of several streams, by arithmetic."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

from preroll.perception.analysis.overlay import Canvas
from preroll.perception.video.decoding import Decoding
from preroll.perception.video.resize import Fit, Fitter
from preroll.perception.video.sampling import FrameSample, sample
from tests.perception.video.odd_clips import corners, gray, regular, with_matrix, write

#: A pixel (x, y), y downwards from the middle, is shown at (a x + c y, b x + d y): all eight that keep the grid.
MATRICES = [(1, 0, 0, 1), (-1, 0, 0, -1), (0, 1, -1, 0), (0, -1, 1, 0)]
MATRICES += [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)]


def fitted(one: FrameSample, height: int, width: int) -> np.ndarray:
    fitter = Fitter(Fit(height, width, "stretch"))
    return fitter(one.frame, turns=one.turns, aspect=one.aspect, mirrored=one.mirrored)


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_display_matrix_is_obeyed(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path, picture = tmp_path / "a.mp4", corners()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=3)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    (one,) = sample(with_matrix(path, matrix), Decoding())
    a, b, c, d = matrix
    # Each shown quarter is the one that the matrix moves there.
    for x, y in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        expected = picture[24 + 12 * y, 32 + 16 * x].astype(int)
        to_x, to_y = a * x + c * y, b * x + d * y
        width, height = (64, 48) if a else (48, 64)
        shown = fitted(one, height, width)
        assert abs(shown[height // 2 + height // 4 * to_y, width // 2 + width // 4 * to_x] - expected).max() < 40
    drawn = Canvas()(one)
    assert (drawn.shape[1] > drawn.shape[0]) == bool(a)


@pytest.mark.parametrize("tagged", [False, True])  # a tag that the user gives is written in capitals
@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_transparent_pixels_of_webm_are_laid_on_gray(tmp_path: Path, codec: str, tagged: bool) -> None:
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[..., 0], picture[:32, :, 3] = 255, 255
    with av.open(str(tmp_path / "a.webm"), "w") as container:
        stream = container.add_stream(codec, rate=3, options={"auto-alt-ref": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuva420p"
        stream.metadata.update({"alpha_mode": "1"} if tagged else {})
        for i in range(6):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format="yuva420p")
            frame.pts, frame.time_base = i, Fraction(1, 3)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    decoding = Decoding()
    shown = [fitted(one, 64, 64) for one in sample(tmp_path / "a.webm", decoding)]
    assert len(shown) == decoding.frames == 6
    for one in shown:
        assert abs(one[8, 8].astype(int) - (255, 0, 0)).max() < 12
        assert abs(one[56, 56].astype(int) - 114).max() < 4


def pq(light: float) -> float:
    """The code of so much light [cd/m²], by the formula of BT.2100."""
    power = (light / 10_000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def hlg(light: float) -> float:
    """The code of so much light of a grey on a display of 1,000 cd/m², by the formulas of BT.2100."""
    scene = (light / 1000) ** (1 / 1.2)
    return float(np.sqrt(3 * scene) if scene <= 1 / 12 else 0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


@pytest.mark.parametrize("curve", ["PQ", "HLG"])
def test_bright_video_has_the_greys_of_its_usual_version(tmp_path: Path, curve: str) -> None:
    usual = np.array([40, 64, 96, 128, 160, 192, 224, 250])
    codes = [(pq if curve == "PQ" else hlg)(203 * (value / 255) ** 2.4) for value in usual]
    luma = np.repeat(np.array([round(4 * (16 + 219 * code)) for code in codes], np.uint16), 16)
    frame = av.VideoFrame(128, 64, "yuv420p10le")
    for plane, row in zip(frame.planes, (luma, np.full(64, 512), np.full(64, 512)), strict=True):
        line = np.zeros(plane.line_size // 2, np.uint16)
        line[: len(row)] = row
        plane.update(np.tile(line, (plane.height, 1)).tobytes())
    frame.colorspace = Colorspace.BT2020
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=3)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p10le"
        stream.codec_context.color_trc = ColorTrc.SMPTE2084 if curve == "PQ" else ColorTrc.ARIB_STD_B67
        stream.codec_context.color_primaries = ColorPrimaries.BT2020
        stream.codec_context.colorspace = Colorspace.BT2020
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (one,) = sample(tmp_path / "a.mkv", Decoding())
    shown = fitted(one, 64, 128)[32, 8::16].astype(float)
    assert np.ptp(shown, axis=1).max() <= 1
    np.testing.assert_allclose(shown[:, 0], usual, rtol=0.05)


def test_the_default_stream_is_shown_and_not_the_preview(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        streams = []
        for number in range(2):
            stream = container.add_stream("mpeg4", rate=10)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.disposition = av.stream.Disposition.default if number else av.stream.Disposition(0)
            streams.append(stream)
        for i in range(10):
            for number, stream in enumerate(streams):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), gray(5 * number), np.uint8), format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 10)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert [bool(one.disposition & av.stream.Disposition.default) for one in container.streams] == [False, True]
    assert {round(float(fitted(one, 8, 8).mean())) for one in sample(path, Decoding())} <= {
        gray(5) - 1,
        gray(5),
        gray(5) + 1,
    }


def test_without_a_default_the_first_stream_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ts", regular(30))
    assert len(list(sample(path, Decoding()))) == 3
