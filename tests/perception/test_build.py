import hashlib
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import numpy as np
import onnx
import pytest

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.prediction.catalog_update import update_catalog
from preroll.perception.prediction.response import Response

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]
COLORS = {"blues": (0, 0, 255), "reds": (255, 0, 0)}


@pytest.fixture
def network(tmp_path: Path, make_network: Network) -> Path:
    return make_network(tmp_path / "network" / "colours.onnx", score_threshold=0.05)


@pytest.fixture
def videos(tmp_path: Path, make_clip: Clip) -> Path:
    """Two categories of three clips, each of its own colour with a little of another."""
    for category, color in COLORS.items():
        for i in range(3):
            make_clip(tmp_path / "videos" / category / f"{i}.mp4", [color] * 8 + [(0, 60 * i, 0)] * 2)
    return tmp_path / "videos"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.processes
def test_a_folder_of_videos_becomes_a_catalog(tmp_path: Path, videos: Path, network: Path) -> None:
    report = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    catalog = Catalog.load(tmp_path / "out")
    assert report.status == 0
    assert catalog.categories == ("blues", "reds")
    assert catalog.classes == ("red", "green", "blue")
    assert catalog.category.tolist() == [0, 0, 0, 1, 1, 1]
    # A second of video: at 0, 1/3 and 2/3 s its colour fills the frame.
    np.testing.assert_allclose(catalog.importance[:3], [[0, 0, 1]] * 3, atol=0.03)
    np.testing.assert_allclose(catalog.importance[3:], [[1, 0, 0]] * 3, atol=0.03)
    assert sorted(catalog.neighbors[0][:2].tolist()) == [1, 2]
    assert catalog.category_probabilities is not None
    assert (catalog.category_probabilities.argmax(1) == catalog.category).all()
    assert set(catalog.detections(0)["class"]) == {"blue"}
    assert catalog.detections(0)["frame"].tolist() == [1, 2, 3]
    assert catalog.altered() == []
    catalog.check_values()


@pytest.mark.processes
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, videos: Path, network: Path) -> None:
    for workers in (1, 2):
        build_catalog(videos, tmp_path / f"out{workers}", detector=network, workers=workers)
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2")
    assert str(tmp_path) not in (tmp_path / "out1" / "manifest.json").read_text()


def test_what_cannot_be_used_is_listed_and_the_build_goes_on(tmp_path: Path, videos: Path, network: Path) -> None:
    reds = videos / "reds"
    (reds / "text.mp4").write_text("no video")
    (reds / "empty.mp4").write_bytes(b"")
    (reds / "new\nline.mp4").write_bytes(b"")
    sound_only(reds / "sound.mp4")
    os.mkfifo(reds / "pipe.mp4")
    data = (reds / "0.mp4").read_bytes()
    (reds / "cut.mp4").write_bytes(data[: len(data) // 2])
    report = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    table = report.catalog.videos().set_index("path")
    assert report.status == 0
    assert len(report.left_out) == 6
    assert table["status"]["reds/text.mp4"] == "unreadable"
    assert "not a video" in table["reason"]["reds/empty.mp4"]
    assert table["status"]["reds/new\nline.mp4"] == "unreadable"
    assert table["reason"]["reds/sound.mp4"] == "it has no video, only: audio"
    assert table["status"]["reds/pipe.mp4"] == "not_a_file"
    assert table["status"]["reds/cut.mp4"] == "unreadable"
    assert table["index"].tolist() == [0, 1, 2, 3, 4, 5, -1, -1, -1, -1, -1, -1]
    assert report.catalog.n_videos == 6


def test_a_damaged_clip_counts_as_far_as_it_is_seen(tmp_path: Path, real: Path, videos: Path, network: Path) -> None:
    shutil.copyfile(real / "videos" / "edge_corrupted.mp4", videos / "reds" / "corrupted.mp4")
    report = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    row = report.catalog.videos().set_index("path").loc["reds/corrupted.mp4"]
    assert (row["status"], row["coverage"], row["frames"], row["index"]) == ("partial", 0.98, 15, 6)
    assert [one.listed.path for one in report.partial] == ["reds/corrupted.mp4"]


def test_a_category_that_ends_empty_is_left_out_and_makes_status_1(tmp_path: Path, videos: Path, network: Path) -> None:
    (videos / "greens").mkdir()
    (videos / "greens" / "a.mp4").write_text("no video")
    report = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    assert report.empty == ("greens",)
    assert report.status == 1
    assert report.catalog.categories == ("blues", "reds")


def test_without_one_usable_video_nothing_is_written(tmp_path: Path, network: Path) -> None:
    (tmp_path / "videos" / "reds").mkdir(parents=True)
    (tmp_path / "videos" / "reds" / "a.mp4").write_text("no video")
    with pytest.raises(PrerollError, match=r"none of 1 video can be used; the first, reds/a\.mp4: ") as caught:
        build_catalog(tmp_path / "videos", tmp_path / "out", detector=network, workers=1)
    assert caught.value.status == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network", "videos"]


def test_saved_frames_are_videos_again(tmp_path: Path, videos: Path, network: Path) -> None:
    first = build_catalog(videos, tmp_path / "out", detector=network, save_frames=tmp_path / "frames", workers=1)
    saved = tmp_path / "frames" / "blues" / "0.mp4"
    assert sorted(path.name for path in saved.iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    again = build_catalog(tmp_path / "frames", tmp_path / "out2", detector=network, workers=1)
    assert again.catalog.videos()["path"].tolist() == first.catalog.videos()["path"].tolist()
    np.testing.assert_allclose(again.catalog.importance, first.catalog.importance, atol=0.03)


def test_a_category_of_one_video_gets_no_probabilities(tmp_path: Path, videos: Path, network: Path) -> None:
    for name in ("1.mp4", "2.mp4"):
        (videos / "reds" / name).unlink()
    report = build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    assert report.catalog.category_probabilities is None


def test_a_folder_that_is_no_catalog_is_never_replaced(tmp_path: Path, videos: Path, network: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("dear")
    with pytest.raises(PrerollError, match=r"holds diary\.txt, and is no catalog of preroll; choose another folder"):
        build_catalog(videos, tmp_path / "out", detector=network)
    assert (tmp_path / "out" / "diary.txt").read_text() == "dear"


def test_a_catalog_is_replaced_unless_something_else_lies_in_it(tmp_path: Path, videos: Path, network: Path) -> None:
    build_catalog(videos, tmp_path / "out", detector=network, workers=1)
    (videos / "reds" / "2.mp4").unlink()
    assert build_catalog(videos, tmp_path / "out", detector=network, workers=1).catalog.n_videos == 5
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(PrerollError, match=r"notes\.txt is no part of the catalog there and would be lost"):
        build_catalog(videos, tmp_path / "out", detector=network)


def test_a_build_over_predictions_says_that_it_leaves_them_out(
    tmp_path: Path, videos: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were dropped in silence."""
    made = build_catalog(videos, tmp_path / "out", detector=network, workers=1).catalog
    assert "predictions" not in capsys.readouterr().err
    update_catalog(made, tmp_path / "new", response=Response(("a.x",), np.ones((made.n_videos, 1), np.float32)))
    assert build_catalog(videos, tmp_path / "new", detector=network, workers=1).catalog.response is None
    assert (
        "new holds predictions (response), which a build leaves out: `preroll predict annotate` adds them again\n"
        in (capsys.readouterr().err)
    )


def test_output_must_lie_apart_from_the_videos(tmp_path: Path, videos: Path, network: Path) -> None:
    with pytest.raises(PrerollError, match="out=out: must not lie in VIDEOS"):
        build_catalog(videos, videos / "out", detector=network)
    with pytest.raises(PrerollError, match="save_frames=videos: must not lie in VIDEOS"):
        build_catalog(videos, tmp_path / "out", detector=network, save_frames=videos)


def test_saving_frames_replaces_nothing_but_frames(tmp_path: Path, videos: Path, network: Path) -> None:
    kept = tmp_path / "frames" / "reds" / "0.mp4"
    kept.mkdir(parents=True)
    (kept / "diary.txt").write_text("dear")
    with pytest.raises(PrerollError, match=r"diary\.txt is no frame and would be lost"):
        build_catalog(videos, tmp_path / "out", detector=network, save_frames=tmp_path / "frames")


def test_no_worker_is_too_few(tmp_path: Path, videos: Path, network: Path) -> None:
    with pytest.raises(PrerollError, match="workers=0: must be at least 1"):
        build_catalog(videos, tmp_path / "out", detector=network, workers=0)


def test_pieces_of_one_clip_are_grouped_and_the_catalog_remembers_it(
    tmp_path: Path, make_clip: Clip, network: Path
) -> None:
    shades = {"blues": [(0, 0, 255), (60, 0, 200)], "reds": [(255, 0, 0), (200, 0, 60)]}
    for category, colors in shades.items():
        for clip, color in zip("ab", colors, strict=True):
            for piece in "12":
                make_clip(tmp_path / "videos" / category / f"{category}-{clip}_{piece}.mp4", [color] * 4)
    build = partial(build_catalog, tmp_path / "videos", detector=network, workers=1)
    apart = build(tmp_path / "apart")
    assert len(apart.copies) == 8, "every piece is nearly equal to the other of its clip"
    assert apart.catalog.groups is None
    assert "group" not in (tmp_path / "apart" / "videos.csv").read_text() + str(apart.catalog.manifest)
    together = build(tmp_path / "together", group_by="name")
    assert together.copies == ()
    assert together.catalog.groups is not None
    assert together.catalog.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert together.catalog.videos()["group"].tolist()[:3] == ["blues-a", "blues-a", "blues-b"]
    assert together.catalog.manifest["command"].endswith("--out DIR --detector colours.onnx --group-by name")
    files = [
        {name: one["sha256"] for name, one in c.manifest["files"].items()} for c in (apart.catalog, together.catalog)
    ]
    changed = {name for name in files[0] if files[0][name] != files[1][name]}
    assert changed == {"videos.csv", "category_probabilities.npy"}
    by_folder = build(tmp_path / "folder", group_by="folder").catalog
    assert by_folder.category_probabilities is None, "each category is one folder"


def test_a_network_that_loops_is_taken_on_trust_and_the_catalog_remembers_it(
    tmp_path: Path, videos: Path, network: Path
) -> None:
    model = onnx.load(str(network))
    number, truth = (onnx.helper.make_tensor_value_info(*one, ()) for one in (("i", 7), ("go", 9)))
    state, after = (onnx.helper.make_tensor_value_info(name, 1, None) for name in ("s", "t"))
    going = onnx.helper.make_tensor_value_info("on", 9, ())
    nodes = [onnx.helper.make_node("Identity", ["go"], ["on"]), onnx.helper.make_node("Identity", ["s"], ["t"])]
    body = onnx.helper.make_graph(nodes, "body", [number, truth, state], [going, after])
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Size", ["before"], ["count"]))
    model.graph.node.append(onnx.helper.make_node("Loop", ["count", "", "before"], ["scores"], body=body))
    network.write_bytes(model.SerializeToString())
    card = json.loads(network.with_suffix(".json").read_text())
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    network.with_suffix(".json").write_text(json.dumps(card | {"sha256": digest}))
    with pytest.raises(PrerollError, match=r"operator Loop .* trust=SHA256"):
        build_catalog(videos, tmp_path / "out", detector=network)
    report = build_catalog(videos, tmp_path / "out", detector=network, trust=digest, workers=1)
    assert report.catalog.manifest["command"].endswith(f"--detector colours.onnx --trust {digest}")
