"""What cannot be decoded costs the frames up to the next key frame at most, and is counted."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest

from preroll.perception.analysis.analysis import judge
from preroll.perception.video.decoding import Decoding, UnreadableError
from preroll.perception.video.sampling import sample
from preroll.perception.video.whole_file import missing_packets
from tests.perception.video.odd_clips import KEY, decoded_by_pyav, regular, seen, write

GOP = 12
FRAMES = 60


def one_key_frame_in_twelve(codec: str) -> dict[str, str]:
    """Settings without key frames where the picture changes."""
    if codec == "libx265":
        return {"x265-params": f"log-level=none:keyint={GOP}:scenecut=0"}
    fast = {"deadline": "realtime", "cpu-used": "8"} if codec.startswith("libvpx") else {}
    return fast | {"g": str(GOP), "sc_threshold": "0" if codec == "libx264" else "1000000000"}


@pytest.mark.parametrize("place", [0, 1, 30, 36, 59])
@pytest.mark.parametrize(
    "codec", ["mpeg4", "libx264", "mjpeg", "mpeg2video", "libvpx", "libvpx-vp9", "ffv1", "libx265"]
)
def test_a_damaged_packet_costs_at_most_the_frames_up_to_the_next_key_frame(
    tmp_path: Path, codec: str, place: int
) -> None:
    path = write(
        tmp_path / "a.mkv",
        regular(FRAMES, 10),
        codec=codec,
        rate=10,
        size=(160, 120),
        damaged=[place],
        settings=one_key_frame_in_twelve(codec),
    )
    decoding = Decoding()
    found = seen(path, decoding)
    left = decoded_by_pyav(path)
    status, reason = judge(decoding)
    # Frames before the first key frame, which refer to nothing, are no pictures, though a decoder may give some.
    assert left - (GOP if place < GOP else 1) <= decoding.frames <= left
    assert decoding.frames >= FRAMES - GOP
    late = round(decoding.late * 10)
    assert abs(len(found) - -(-(FRAMES - late) // (10 / 3))) <= 1
    assert status == "partial"
    assert "packets gave no frame" in reason or "missing" in reason
    assert late + decoding.lost >= 1
    assert decoding.coverage is not None
    assert decoding.coverage < 1


def test_several_damaged_packets_are_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mkv",
        regular(FRAMES, 10),
        rate=10,
        size=(160, 120),
        damaged=[5, 17, 40],
        settings=one_key_frame_in_twelve("mpeg4"),
    )
    decoding = Decoding()
    assert len(seen(path, decoding)) == 18
    assert (decoding.packets, decoding.lost, decoding.frames) == (60, 3, 57)
    assert judge(decoding)[1].startswith("3 of 60 packets gave no frame: Invalid data")
    assert decoding.corrupt == (11 - 5) + (23 - 17) + (47 - 40)


def test_a_video_of_damaged_packets_alone_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", regular(20, 10), rate=10, damaged=range(20))
    with pytest.raises(UnreadableError, match="Invalid data") as caught:
        list(sample(path, Decoding()))
    assert caught.value.status == "damaged"


def test_damaged_sound_does_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ts", regular(60), sound=2)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        identifier = sound.id
    for start in range(0, len(data), 188):
        if int.from_bytes(data[start + 1 : start + 3]) & 0x1FFF == identifier:
            data[start + 20 : start + 188] = bytes(168)
    path.write_bytes(data)
    decoding = Decoding()
    assert len(seen(path, decoding)) == 6
    assert judge(decoding) == ("ok", "")


def of_the_video(packet: bytes | bytearray) -> bool:
    """Whether a packet is of the stream that PyAV writes first."""
    return int.from_bytes(packet[-187:-185]) & 0x1FFF in (256, 4113)


@cache
def stream(start: int, codec: str, size: int) -> bytes:
    """A transport stream of 60 frames, of which each takes several packets, and most of them the frames before."""
    settings = one_key_frame_in_twelve(codec) | {"b": "4000000", "bf": "0"}
    options = {"mpegts_m2ts_mode": "1"} if size == 192 else {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.ts"
        write(path, regular(FRAMES, 30, start), codec=codec, size=(640, 480), settings=settings, options=options)
        return path.read_bytes()


def transport(path: Path, start: int = 0, codec: str = "mpeg2video", size: int = 188) -> list[bytearray]:
    """The packets of such a stream, which is written."""
    data = stream(start, codec, size)
    path.write_bytes(data)
    return [bytearray(data[place : place + size]) for place in range(0, len(data), size)]


@pytest.mark.parametrize("codec", ["mpeg2video", "libx264", "libx265"])
@pytest.mark.parametrize("count", [1, 3, 15, 17])
@pytest.mark.parametrize("size", [188, 192])
def test_packets_that_a_transport_stream_lost_are_told(tmp_path: Path, size: int, count: int, codec: str) -> None:
    """Decoders make good what is lost between two frames of one grey, and say nothing."""
    path = tmp_path / "a.ts"
    packets = transport(path, codec=codec, size=size)
    decoding = Decoding()
    list(sample(path, decoding))
    assert judge(decoding) == ("ok", "")
    own = [i for i, packet in enumerate(packets) if of_the_video(packet)]
    lost = own[len(own) // 2 :][:count]
    path.write_bytes(b"".join(packet for i, packet in enumerate(packets) if i not in lost))
    decoding = Decoding()
    list(sample(path, decoding))
    status, reason = judge(decoding)
    assert (status, decoding.gaps) == ("partial", 1)
    assert "packets of the stream are missing at 1 place" in reason


def test_a_packet_that_is_said_to_be_wrong_and_bytes_that_are_gone_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    packets = transport(path)
    own = [i for i, packet in enumerate(packets) if of_the_video(packet)]
    packets[own[9]][1] |= 0x80
    packets[own[20]] = packets[own[20]][:77]
    path.write_bytes(b"".join(packets))
    decoding = Decoding()
    list(sample(path, decoding))
    assert judge(decoding)[0] == "partial"
    assert decoding.gaps == 2


@pytest.mark.parametrize("start", [0, 2, 3, 5000])
@pytest.mark.parametrize("counter", [0, 5])
def test_a_part_that_counts_its_packets_anew_lost_none(tmp_path: Path, counter: int, start: int) -> None:
    """FFmpeg counts from 0, receivers from anywhere: those are told by their clock, which begins anew too."""
    one, other = (transport(tmp_path / f"{i}.ts", first) for i, first in enumerate((0, start)))
    for packet in other:
        packet[3] = (packet[3] & 0xF0) | ((packet[3] + counter) & 15)
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(one + other))
    decoding = Decoding()
    list(sample(path, decoding))
    goes_on = counter != 0 and start in (2, 3)
    assert decoding.gaps == int(goes_on)
    assert judge(decoding)[0] == ("partial" if goes_on else "ok")
    del one[[i for i, packet in enumerate(one) if of_the_video(packet)][-80]]
    path.write_bytes(b"".join(one + other))
    decoding = Decoding()
    list(sample(path, decoding))
    assert decoding.gaps == 1 + int(goes_on)


def test_a_scrambled_transport_stream_is_encrypted(tmp_path: Path) -> None:
    path, rng = tmp_path / "a.ts", np.random.default_rng(0)
    packets = transport(path, codec="libx264")
    for packet in filter(of_the_video, packets):
        packet[3] |= 0x80
        begin = 5 + packet[4] if packet[3] & 0x20 else 4
        packet[begin:] = rng.bytes(188 - begin)
    path.write_bytes(b"".join(packets))
    with pytest.raises(UnreadableError, match="its pictures are encrypted") as caught:
        list(sample(path, Decoding()))
    assert caught.value.status == "encrypted"


def test_what_is_no_transport_stream_lost_no_packet(tmp_path: Path) -> None:
    for content in (b"", b"G", b"G" * 1000, bytes(1000)):
        (tmp_path / "a").write_bytes(content)
        assert missing_packets(tmp_path / "a", 256) == []


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("scheme", ["cenc-aes-ctr"])
def test_encrypted_pictures_are_no_pictures(tmp_path: Path, scheme: str, codec: str) -> None:
    options = {"encryption_scheme": scheme, "encryption_key": KEY, "encryption_kid": KEY}
    settings = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = write(tmp_path / "a.mp4", regular(30), codec=codec, options=options, settings=settings)
    assert b"encv" in path.read_bytes()
    with pytest.raises(UnreadableError, match="its pictures are encrypted") as caught:
        list(sample(path, Decoding()))
    assert caught.value.status == "encrypted"
