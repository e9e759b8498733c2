"""Folders of frames as other programs write them."""

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from preroll.perception.analysis.analysis import content_hash, judge
from preroll.perception.video.decoding import Decoding, UnreadableError
from preroll.perception.video.frame_folders import numbered_pictures
from preroll.perception.video.sampling import sample


def frames(folder: Path, count: int, name: str = "img_{:05d}.png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.new("RGB", (8, 8), (i,) * 3).save(folder / name.format(i + 1))
    return folder


def grays(folder: Path, decoding: Decoding | None = None) -> list[int]:
    samples = sample(folder, decoding or Decoding())
    return [int(one.frame.to_ndarray(format="rgb24")[0, 0, 0]) for one in samples]


def test_names_may_begin_alike(tmp_path: Path) -> None:
    assert grays(frames(tmp_path, 12, "img_{}.png")) == list(range(12))


@pytest.mark.parametrize(
    ("text", "rate"), [("25", Fraction(25)), ("30000/1001\n", Fraction(30000, 1001)), ("0.5", 0.5)]
)
def test_a_folder_says_its_own_rate(tmp_path: Path, text: str, rate: Fraction) -> None:
    (frames(tmp_path, 50) / "fps.txt").write_text(text)
    decoding = Decoding()
    found = grays(tmp_path, decoding)
    ticks = [Fraction(tick, 3) for tick in range(10**4) if Fraction(tick, 3) < 50 / rate]
    assert found == [int(time * rate) for time in ticks]
    assert decoding.seconds == decoding.expected == 50 / rate
    assert judge(decoding) == ("ok", "")


@pytest.mark.parametrize("text", ["", "fast", "0", "-3", "1/0", "1e9", "5000", "25 fps"])
def test_a_rate_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    (frames(tmp_path, 3) / "fps.txt").write_text(text)
    with pytest.raises(UnreadableError, match=r"fps\.txt: must hold the frames per second, such as 25") as caught:
        grays(tmp_path)
    assert caught.value.status == "unreadable"


def test_another_rate_is_another_video(tmp_path: Path) -> None:
    without = content_hash(frames(tmp_path, 3))
    (tmp_path / "fps.txt").write_text("25")
    at_25 = content_hash(tmp_path)
    (tmp_path / "fps.txt").write_text("24")
    assert len({without, at_25, content_hash(tmp_path)}) == 3


def test_pictures_that_are_no_frames_are_none(tmp_path: Path) -> None:
    frames(tmp_path / "two kinds", 2)
    frames(tmp_path / "two kinds", 2, "other{}.png")
    frames(tmp_path / "previews", 2)
    (tmp_path / "previews" / "a.mp4").write_bytes(b"")
    frames(tmp_path / "numbers first", 2, "{}.png")
    frames(tmp_path / "numbers first", 3, "cover{}.png")
    assert [len(numbered_pictures(tmp_path / name)) for name in ("two kinds", "previews", "numbers first")] == [0, 0, 2]
