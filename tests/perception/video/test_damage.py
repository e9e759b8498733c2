"""What cannot be decoded costs the frames up to the next key frame at most, and is counted."""

from pathlib import Path

import av
import pytest

from preroll.perception.analysis.analysis import judge
from preroll.perception.video.decoding import Decoding, UnreadableError
from preroll.perception.video.sampling import sample
from tests.perception.video.odd_clips import KEY, decoded_by_pyav, regular, seen, write

GOP = 12
FRAMES = 60


def one_key_frame_in_twelve(codec: str) -> dict[str, str]:
    """Settings without key frames where the picture changes."""
    if codec == "libx265":
        return {"x265-params": f"log-level=none:keyint={GOP}:scenecut=0"}
    return {"g": str(GOP), "sc_threshold": "0" if codec == "libx264" else "1000000000"}


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
