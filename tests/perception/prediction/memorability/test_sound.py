"""Sounds: every format that PyAV decodes, PCM bit for bit, and one line about anything else."""

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.perception.prediction.framework.bad_input import Skipping
from preroll.perception.prediction.memorability import sound
from preroll.perception.prediction.memorability.log_mel import log_mel_statistics, mel_filters
from preroll.perception.prediction.memorability.raw_media import audio_statistics, frame_means
from preroll.perception.prediction.memorability.sound import read_sound

pytestmark = pytest.mark.usefixtures("without_processes")

RED = (250, 0, 0)
SINE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)


def tone(path: Path, frequency: float, *, seconds: float = 1.0, rate: int = 16000, width: int = 2) -> Path:
    values = 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(rate)
        whole = (values * 2.0 ** (8 * width - 1)).astype(np.int64) + (128 if width == 1 else 0)
        file.writeframes(b"".join(int(v).to_bytes(width, "little", signed=width > 1) for v in whole))
    return path


def encoded(path: Path, codec: str, form: str, values: NDArray[Any], rate: int = 48000, layout: str = "mono") -> Path:
    """Writes samples [channels, n] with a codec, which takes them in a form such as s16."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout, stream.format = layout, form
        frame = av.AudioFrame.from_ndarray(values if form.endswith("p") else values.T.reshape(1, -1), form, layout)
        frame.rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_pcm_is_read_bit_for_bit(tmp_path: Path, width: int, channels: int) -> None:
    """Integers divided by full scale; bytes are unsigned and centred at 128."""
    rng = np.random.default_rng(7)
    low, high = (0, 256) if width == 1 else (-(2 ** (8 * width - 1)), 2 ** (8 * width - 1))
    whole = np.append(rng.integers(low, high, 24 * 1441), [low, high - 1] * 12).reshape(-1, channels)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((channels, width, 22050, 0, "NONE", ""))
        file.writeframes(b"".join(int(v).to_bytes(width, "little", signed=width > 1) for v in whole.flat))
    found, rate = read_sound(tmp_path / "a.wav")
    expected = (whole - 128 * (width == 1)) / 2.0 ** (8 * width - 1)
    assert (rate, str(found.dtype)) == (22050, "float64")
    np.testing.assert_array_equal(found, expected.mean(1))


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("a.flac", "flac", "s16"),
        ("a.m4a", "alac", "s16p"),
        ("a.wv", "wavpack", "s16p"),
        ("a.aiff", "pcm_s16be", "s16"),
        ("a.mov", "pcm_s16le", "s16"),
    ],
)
def test_lossless_formats_are_read_bit_for_bit(tmp_path: Path, name: str, codec: str, form: str) -> None:
    rng = np.random.default_rng(7)
    values = rng.integers(-(2**15), 2**15, (2, 3000)).astype(np.int16)
    found, rate = read_sound(encoded(tmp_path / name, codec, form, values, layout="stereo"))
    assert rate == 48000
    np.testing.assert_array_equal(found, (values / 2.0**15).mean(0))


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("a.mp3", "libmp3lame", "fltp"), ("a.aac", "aac", "fltp"), ("a.mp4", "aac", "fltp"), ("a.opus", "libopus", "flt")],
)
def test_lossy_formats_sound_alike(tmp_path: Path, name: str, codec: str, form: str) -> None:
    found, rate = read_sound(encoded(tmp_path / name, codec, form, SINE[None].astype(np.float32)))
    assert rate == 48000
    assert abs(len(found) - 48000) < 4000  # codecs pad
    spectrum = np.abs(np.fft.rfft(found[8000:32000])) / 12000
    assert spectrum.argmax() == 440 // 2
    assert 0.45 < spectrum.max() < 0.55


def test_floats_beyond_full_scale_are_clipped(tmp_path: Path) -> None:
    values = np.array([[0.25, 1.5, -7.0, -1.0]])
    found, _ = read_sound(encoded(tmp_path / "a.wav", "pcm_f64le", "dbl", values))
    assert found.tolist() == [0.25, 1.0, -1.0, -1.0]


def test_of_a_video_the_audio_track_is_read(tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    values = (SINE[None] * 2**15).astype(np.int16)
    with av.open(str(tmp_path / "both.mov"), "w") as container:
        pictures, tune = container.add_stream("mpeg4", rate=10), container.add_stream("pcm_s16le", rate=48000)
        assert isinstance(pictures, av.VideoStream)
        assert isinstance(tune, av.AudioStream)
        pictures.width, pictures.height, pictures.pix_fmt, tune.layout = 32, 32, "yuv420p", "mono"
        for i in range(3):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 9, np.uint8), "rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = i, Fraction(1, 10)
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(values, "s16", "mono")
        frame.rate = 48000
        for part in (frame, None):
            container.mux(tune.encode(part))
    np.testing.assert_array_equal(read_sound(tmp_path / "both.mov")[0], values[0] / 2.0**15)
    with pytest.raises(ValueError, match="holds no sound"):
        read_sound(make_clip(tmp_path / "silent.mp4", [RED] * 3))


@pytest.mark.parametrize(
    ("place", "content", "message"),
    [
        (24, (0).to_bytes(4, "little"), "cannot be decoded: Invalid data found"),
        (24, (999).to_bytes(4, "little"), "has 999 Hz; must have one rate of 1000 Hz or more"),
        (8, b"EVAW", "cannot be decoded: Invalid data found"),
        (20, b"\x99\x99", "its audio codec is not known"),
        (20, b"", "cannot be decoded: "),
        (44, b"", "holds no sound"),
    ],
)
def test_a_damaged_wave_is_told_in_words(tmp_path: Path, place: int, content: bytes, message: str) -> None:
    path = tone(tmp_path / "a.wav", 440)
    whole = path.read_bytes()
    path.write_bytes(whole[:place] + content + (whole[place + len(content) :] if content else b""))
    with pytest.raises(ValueError, match=f"^{message}"):
        read_sound(path)


def test_what_is_no_sound_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tone(tmp_path / "tone.wav", 440)
    (tmp_path / "list.mp3").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:{tmp_path}/tone.wav\n")
    (tmp_path / "concat.wav").write_text("ffconcat version 1.0\nfile tone.wav\n")
    (tmp_path / "folder.wav").mkdir()
    for name in ("list.mp3", "concat.wav", "folder.wav", "absent.wav"):
        with pytest.raises(ValueError, match=r"^cannot be decoded: [^\n]+$"):
            read_sound(tmp_path / name)
    encoded(tmp_path / "nan.wav", "pcm_f32le", "flt", np.array([[0, np.nan]], np.float32))
    with pytest.raises(ValueError, match=r"^holds samples that are not finite$"):
        read_sound(tmp_path / "nan.wav")
    monkeypatch.setattr(sound, "MOST_SAMPLES", 15_999)
    with pytest.raises(ValueError, match=r"^is longer than 15,999 samples$"):
        read_sound(tmp_path / "tone.wav")


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("a.wav", "pcm_s16le", "s16"), ("a.flac", "flac", "s16"), ("a.mp3", "libmp3lame", "s16p")],
)
def test_damage_is_read_alike_each_time_or_told_in_one_line(tmp_path: Path, name: str, codec: str, form: str) -> None:
    rng = np.random.default_rng(7)
    path = encoded(tmp_path / name, codec, form, (SINE[None, :9000] * 2**15).astype(np.int16))
    whole = path.read_bytes()
    outcomes = set()
    for number in range(60):
        bad = bytearray(whole[: rng.integers(1, len(whole))] if number % 2 else whole)
        for place in (rng.integers(0, min(len(bad), 44)), *rng.integers(0, len(bad), 2)):  # the first in the head
            bad[place] = rng.integers(0, 256)
        path.write_bytes(bad)
        results = []
        for _ in range(2):
            try:
                results.append(read_sound(path)[0].tobytes())
            except ValueError as error:
                results.append(str(error).encode())
        assert results[0] == results[1]
        assert len(results[0]) > 200 or b"\n" not in results[0]
        outcomes.add(len(results[0]) > 200)
    assert outcomes == {True, False}


def test_a_tone_is_loudest_in_its_own_band(tmp_path: Path) -> None:
    centers = mel_filters(400, 16000) @ np.fft.rfftfreq(400, 1 / 16000) / mel_filters(400, 16000).sum(1).clip(1e-9)
    for frequency in (1000.0, 3000.0):
        levels = log_mel_statistics(*read_sound(tone(tmp_path / "a.wav", frequency)))
        assert levels.shape == (128,)
        assert abs(centers[levels[:64].argmax()] - frequency) < 0.1 * frequency


def test_features_of_raw_clips(
    tmp_path: Path, make_clip: Callable[..., Path], make_network: Callable[..., Path]
) -> None:
    tone(tmp_path / "audios" / "c1.wav", 440)
    (tmp_path / "audios" / "c2.wav").write_bytes(b"no sound")
    (tmp_path / "audios" / "c1.wv").write_bytes(b"the same clip again")
    (tmp_path / "audios" / "notes.txt").write_bytes(b"not looked at")
    (tmp_path / "audios" / "c3.FLAC").write_bytes(tone(tmp_path / "c3.wav", 880).read_bytes())
    skipping = Skipping(allowed=True)
    assert list(audio_statistics(tmp_path / "audios", skipping)) == ["c1", "c3"]
    assert "c1.wv: another file is the sound of 'c1' as well; names must differ" in skipping.found[0]
    assert "c2.wav: cannot be decoded: Invalid data" in skipping.found[1]
    make_clip(tmp_path / "videos" / "c1.mp4", [RED] * 4)
    means = frame_means(tmp_path, make_network(tmp_path / "encoder.onnx"), Skipping())
    assert means["c1"].argmax() == 0
