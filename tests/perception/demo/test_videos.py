from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.demo.accuracy_bound import demo_accuracy_bound
from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.demo.videos import APPEARS, CATEGORIES, demo_objects, render_demo_videos


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
    }


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    render_demo_videos(folder, per_category=5, workers=1)
    return folder


def test_a_set_has_so_many_clips_per_category(videos: Path) -> None:
    names = sorted(_bytes(videos))
    assert names == sorted(f"{c}/{c}-{i:03d}.mp4" for c in CATEGORIES for i in range(1, 6))
    assert names == sorted(clip.path.as_posix() for clip in demo_objects(5))


def test_the_bytes_depend_neither_on_the_workers_nor_on_the_number_of_clips(videos: Path, tmp_path: Path) -> None:
    done: list[int] = []
    render_demo_videos(tmp_path, per_category=2, workers=2, advance=done.append)
    fewer, more = _bytes(tmp_path), _bytes(videos)
    assert sum(done) == len(fewer) == 6
    assert all(more[name] == data for name, data in fewer.items())


def test_another_seed_gives_other_bytes(videos: Path, tmp_path: Path) -> None:
    render_demo_videos(tmp_path, per_category=1, seed=1, workers=1)
    assert all(data != _bytes(videos)[name] for name, data in _bytes(tmp_path).items())


def test_every_clip_is_two_to_four_seconds_of_h264_with_even_sizes(videos: Path) -> None:
    shapes, rates = set(), set()
    for file in sorted(videos.rglob("*.mp4")):
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            assert stream.average_rate is not None
            rate = float(stream.average_rate)
            seconds = len(list(container.decode(stream))) / rate
            assert stream.codec_context.name == "h264"
            assert stream.width % 2 == stream.height % 2 == 0
            assert 2.0 <= seconds <= 4.0
            shapes.add((stream.width, stream.height))
            rates.add(rate)
    assert len(shapes) > 3
    assert len(rates) > 3
    assert all(12 <= rate <= 30 for rate in rates)


def test_clips_move(videos: Path) -> None:
    for file in sorted(videos.rglob("*-001.mp4")):
        with av.open(str(file)) as container:
            frames = [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]
        assert np.abs(frames[-1] - frames[0]).mean() > 2


def test_every_class_appears_and_categories_share_some() -> None:
    clips = demo_objects(100)
    assert {name for clip in clips for name in clip.objects} == set(OBJECT_CLASSES)
    shared = [name for name in OBJECT_CLASSES if sum(name in own for own in APPEARS.values()) > 1]
    assert len(shared) >= 2
    assert all(2 <= len(clip.objects) <= 5 for clip in clips)


def test_most_objects_are_of_their_clips_category() -> None:
    clips = demo_objects(100)
    own = Counter(name in APPEARS[clip.category] for clip in clips for name in clip.objects)
    assert own[True] > 4 * own[False] > 0


def test_the_first_object_lists_do_not_depend_on_how_many_there_are() -> None:
    few, many = set(demo_objects(5)), set(demo_objects(50))
    assert few < many


def test_true_objects_tell_most_but_not_all_categories() -> None:
    assert 0.93 <= demo_accuracy_bound() < 1


@pytest.mark.parametrize(("key", "value"), [("per_category", 0), ("seed", -1), ("workers", -2), ("workers", 0)])
def test_a_number_out_of_range_is_refused_before_anything_is_written(tmp_path: Path, key: str, value: int) -> None:
    settings: dict[str, Any] = {"per_category": 1, "seed": 0, "workers": 1, key: value}
    with pytest.raises(PrerollError, match=f"{key} = {value}"):
        render_demo_videos(tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(PrerollError, match="is a file"):
        render_demo_videos(tmp_path / "out", per_category=1)


def test_a_clip_replaces_nothing_that_is_something_else(videos: Path, tmp_path: Path) -> None:
    clip = tmp_path / "cars" / "cars-001.mp4"
    clip.parent.mkdir()
    clip.write_text("mine")
    with pytest.raises(PrerollError, match=r"cars-001\.mp4: exists and is not this clip, and would be lost"):
        render_demo_videos(tmp_path, per_category=1, workers=1)
    assert clip.read_text() == "mine"
    clip.write_bytes((videos / "cars" / "cars-001.mp4").read_bytes())
    (tmp_path / "notes.txt").write_text("mine")
    render_demo_videos(tmp_path, per_category=1, workers=1)
    assert len(_bytes(tmp_path)) == 4
