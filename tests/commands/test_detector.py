import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from preroll.perception.demo.objects import draw_object
from preroll.perception.demo.videos import render_demo_videos
from preroll.perception.onnx_models import model_card
from preroll.perception.onnx_models.model_card import EMBEDDED
from tests.commands.conftest import Run
from tests.conftest import REAL
from tests.perception.object_networks import write_constants

needs_real_clips = pytest.mark.skipif(not REAL.is_dir(), reason="needs the real clips of ../shared/realdata")


pytestmark = pytest.mark.usefixtures("here", "without_processes")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Eight pictures of a cat and of a car, each in its folder."""
    for number, name in enumerate(("cat", "car")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(8):
            sprite = draw_object(name, np.random.default_rng([number, i]), 80)
            picture = Image.new("RGB", (96, 96), (120, 130, 140))
            picture.paste(sprite, (8, 8), sprite)
            picture.save(tmp_path / "pictures" / name / f"{i}.png")
    return tmp_path / "pictures"


def test_networks_are_listed_with_their_licences_and_where_they_come_from(run: Run) -> None:
    status, told, _ = run("detector", "list")
    table, _, others = told.partition("\n\n")
    assert status == 0
    lines = table.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["name", "here", "classes", "trained", "on", "licence"]
    rows = {line.split()[0]: line for line in lines[1:]}
    assert "drawings" in rows["objects"]
    assert rows["objects"].split()[1] == "yes"
    assert "photographs (ImageNet)" in rows["efficientnet-lite0"]
    assert "Apache-2.0" in rows["efficientnet-lite0"]
    for name, row in rows.items():
        assert (f"\n  {name}: " in others) == (row.split()[1] == "no")


def test_a_network_is_fetched_given_a_card_and_used_by_its_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is that of test_fetch.py; here the file is copied in its place."""
    monkeypatch.setenv("PREROLL_CACHE", str(tmp_path / "kept"))
    given = EMBEDDED.read_bytes()
    digest = hashlib.sha256(given).hexdigest()
    monkeypatch.setattr("preroll.perception.onnx_models.fetch.fetch", lambda _, __, out, **___: write(out, given))
    status, told, errors = run("detector", "get", "https://host/tiny.onnx", "--sha256", digest)
    assert status == 0, errors
    place = tmp_path / "kept" / "networks" / digest / "tiny.onnx"
    assert told.splitlines() == [
        f"tiny: {place}",
        "It has no model card yet: preroll detector card tiny --classes FILE",
    ]
    classes = json.loads(EMBEDDED.with_suffix(".json").read_text())["classes"]
    (tmp_path / "names.txt").write_text("\n".join(classes))
    made = ("--activation", "sigmoid", "--fit", "letterbox", "--classes", "names.txt")
    status, _, errors = run("detector", "card", "tiny", *made)
    assert status == 0, errors
    assert place.with_suffix(".json").is_file()
    assert "tiny" in run("detector", "list")[1]
    render_demo_videos(tmp_path / "videos", per_category=1, workers=1)
    assert run("detect", "videos/cats/cats-001.mp4", "--detector", "tiny")[0] == 0


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("file:///net.onnx", "--sha256", "0" * 64), "error: file:///net.onnx: must be an address that begins with"),
        (("https://host/net.onnx", "--sha256", "12"), "error: --sha256 12: must be the file's sha256"),
        (("https://host/net.onnx", "--sha256", "0" * 64, "--name", "a/b"), "error: name 'a/b': must be letters"),
        (("https://host/objects.onnx", "--sha256", "0" * 64), "error: name 'objects': is that of the network"),
        (("https://host/net.onnx", "--sha256", "0" * 64, "--download-size", "x"), "error: --download-size x: must be"),
    ],
)
def test_what_cannot_be_fetched_is_one_line_before_anything_is_asked(
    run: Run, arguments: tuple[str, ...], told: str
) -> None:
    status, _, errors = run("detector", "get", *arguments)
    assert status == 2
    assert errors.startswith(told)
    assert errors.count("\n") == 1


def test_a_network_learns_new_classes_and_detects_with_them(run: Run, tmp_path: Path, pictures: Path) -> None:
    status, told, errors = run("detector", "fine-tune", EMBEDDED, "pictures", "--out", "new.onnx")
    assert status == 0, errors
    lines = told.splitlines()
    assert lines[0] == "new.onnx: objects.onnx up to node_conv2d_8, and a new head for 2 classes."
    assert "(95 % interval" in lines[1]
    assert lines[3].split() == ["car", "8", "2", "100.0", "%"]
    assert json.loads((tmp_path / "new.json").read_text())["metrics"]["held_out_pictures"] == 4
    for number, picture in enumerate(sorted((pictures / "cat").iterdir()), start=1):
        (tmp_path / "frames").mkdir(exist_ok=True)
        shutil.copy(picture, tmp_path / "frames" / f"{number}.png")
    status, told, errors = run("detect", "frames", "--detector", "new.onnx", "--out", "found.csv")
    assert status == 0, errors
    assert (pd.read_csv(tmp_path / "found.csv")["class"] == "cat").all()


def test_a_card_is_written_and_a_wrong_one_is_doubted(run: Run, tmp_path: Path) -> None:
    shutil.copy(EMBEDDED, tmp_path / "mine.onnx")
    card = json.loads(EMBEDDED.with_suffix(".json").read_text())
    (tmp_path / "classes.txt").write_text("\n".join(card["classes"]))
    arguments = ("detector", "card", "mine.onnx", "--classes", "classes.txt", "--activation", "sigmoid")
    status, told, errors = run(*arguments, "--fit", "letterbox", "--threshold", "0.55")
    assert status == 0, errors
    assert told == "mine.json: classifier, 12 classes; frames letterbox, 128 × 128, RGB, uint8, NCHW.\n"
    assert errors == ""
    written = json.loads((tmp_path / "mine.json").read_text())
    assert {key for key in card if card[key] != written[key]} <= {
        "name",
        "description",
        "license",
        "metrics",
        "training",
    }
    status, told, errors = run(*arguments)
    assert (status, told) == (2, "")
    assert "mine.json: the file exists; choose another" in errors


@needs_real_clips
def test_a_real_network_with_a_wrong_scale_is_doubted(run: Run) -> None:
    model = REAL / "weights" / "SqueezeNet_fp16.onnx"
    classes = REAL / "classes" / "imagenet_1000_idx.txt"
    good = ("--channels", "BGR", "--mean", "104,117,123")
    for options, doubted in ((good, False), (("--scale", "0.0001"), True)):
        arguments = ("detector", "card", model, "--classes", classes, "--out", "card.json", "--replace", *options)
        status, _, errors = run(*arguments)
        assert status == 0
        assert ("on all of 15 very different pictures" in errors) == doubted


CORNERS = np.array([[4, 4, 20, 12], [0, 0, 8, 8], [8, 8, 20, 20]], np.float32)
SCORES = np.array([[0.9, 0.06], [0.05, 0.8], [0.01, 0.2]], np.float32)


def test_the_layout_that_fits_is_found_and_a_video_read_with_it(run: Run, tmp_path: Path) -> None:
    write_constants(tmp_path / "n.onnx", [np.concatenate((CORNERS, SCORES), 1).T[None].copy()], decoder="classifier")
    (tmp_path / "n.json").unlink()
    (tmp_path / "classes").write_text("cat\ndog")
    (tmp_path / "frames").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "frames" / "1.png")
    status, _, errors = run("detect", "frames", "--detector", "n.onnx")
    assert (status, "`preroll detector card n.onnx --classes FILE` writes one" in errors) == (2, True)
    given = ("--set", "box_format=xyxy", "--decoder", "yolov8")
    status, told, errors = run("detector", "card", "n.onnx", "frames/1.png", "--classes", "classes", *given)
    assert (status, errors) == (0, "")
    assert told == "n.json: boxes, 2 classes; frames letterbox, 32 × 32, RGB, float32, NCHW.\n"
    status, _, errors = run("detect", "frames", "--detector", "n.onnx", "--segment", "--out", "found.csv")
    assert status == 0, errors
    table = pd.read_csv(tmp_path / "found.csv")
    assert table["class"].tolist() == ["cat", "dog"]
    assert table[["x0", "y0", "x1", "y1"]].to_numpy().tolist() == [[8, 8, 40, 24], [0, 0, 16, 16]]


def test_two_plausible_layouts_are_shown_and_no_card_is_written(run: Run, tmp_path: Path) -> None:
    rest = 1 - SCORES.sum(1, keepdims=True)
    values = [np.concatenate((rest, SCORES), 1)[None], np.tile(np.array([0.3, 0.3, 0.4, 0.4], np.float32), (1, 3, 1))]
    write_constants(tmp_path / "n.onnx", values, decoder="classifier")
    (tmp_path / "n.json").unlink()
    (tmp_path / "classes").write_text("cat\ndog")
    status, told, errors = run("detector", "card", "n.onnx", "--classes", "classes")
    assert status == 2
    rows = [line.split()[0] for line in told.splitlines() if line.rstrip().endswith("plausible")]
    assert rows == ["detr", "ultraface"]
    assert errors == (
        "error: detector n.onnx: 2 readings of its outputs are plausible; say which with --decoder detr or ultraface\n"
    )
    assert not (tmp_path / "n.json").exists()


def test_outputs_that_no_layout_fits_are_told_with_the_layouts_that_are_known(run: Run, tmp_path: Path) -> None:
    write_constants(tmp_path / "n.onnx", [np.zeros((1, 5, 9), np.float32)], decoder="classifier")
    (tmp_path / "classes").write_text("cat\ndog")
    status, told, errors = run("detector", "card", "n.onnx", "--classes", "classes", "--replace")
    assert (status, told) == (2, "")
    assert "no known layout fits its outputs out0 float32 [1, 5, 9] with 2 classes" in errors
    assert "known are classifier, semantic" in errors


@needs_real_clips
def test_the_card_of_a_known_network_is_taken(run: Run, tmp_path: Path) -> None:
    model = REAL / "weights" / "yolox_nano.onnx"
    status, told, errors = run("detector", "card", model, "--out", "card.json")
    assert (status, errors) == (0, "")
    assert "preroll knows this network as yolox_nano" in told
    taken = json.loads((tmp_path / "card.json").read_text())
    assert taken["license"] == "Apache-2.0"
    arguments = ("detector", "card", model, "--set", "embedding=output", "--set", "logit_scale=20", "--out", "new.json")
    assert run(*arguments)[0] == 0
    assert json.loads((tmp_path / "new.json").read_text()) == {**taken, "embedding": "output", "logit_scale": 20}
    status, _, errors = run("detector", "card", model, "--set", "logit_scale=-1", "--out", "bad.json")
    assert (status, "logit_scale: Input should be greater than 0" in errors) == (2, True)
    assert not (tmp_path / "bad.json").exists()


@needs_real_clips
def test_boxes_on_their_grids_are_told_from_boxes_in_pixels(run: Run, tmp_path: Path) -> None:
    model, classes = REAL / "weights" / "yolox_nano.onnx", REAL / "classes" / "coco_80.txt"
    status, told, errors = run("detector", "card", model, "--classes", classes, "--out", "card.json")
    assert (status, errors) == (0, "")
    judged = {line.split()[0]: line for line in told.splitlines() if line.startswith(("yolox", "yolov5"))}
    assert list(judged) == ["yolox", "yolov5", "yolov5-unit"]
    assert "lie outside the frame" in judged["yolov5-unit"]
    made = json.loads((tmp_path / "card.json").read_text())
    ours = json.loads((Path(model_card.FOLDER) / "yolox_nano.json").read_text())
    told_by_hand = {"description", "source", "license", "name"}
    assert {key: made[key] for key in ours if key not in told_by_hand} == {
        key: ours[key] for key in ours if key not in told_by_hand
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("card", "text"), "error: --classes FILE: is needed"),
        (
            ("card", "text", "--classes", "text", "--decoder", "best"),
            "error: --decoder best: did you mean boxes? Must be one of classifier",
        ),
        (("card", "text", "--classes", "text", "--set", "colour=1"), "error: --set colour: is no field of a card"),
        (("card", "text", "text", "--classes", "text"), "error: detector text: not an ONNX file"),
        (("card", "nowhere.onnx", "--classes", "text"), "error: detector nowhere.onnx: no such file"),
        (("card", "text", "--classes", "nowhere"), "error: --classes nowhere: cannot be read"),
        (("card", "text", "--classes", "text", "--mean", "1,2"), "error: --mean 1,2: must be one number, or three"),
        (("card", "text", "--classes", "text", "--size", "big"), "error: --size big: must be HEIGHTxWIDTH"),
        (("fine-tune", "text", "nowhere", "--out", "new.onnx"), "error: pictures nowhere: no such folder"),
        (("fine-tune", "text", "pictures", "--out", "new.onnx"), "error: detector text: no model card"),
        (("fine-tune", EMBEDDED, "pictures", "--out", "new.bin"), "error: --out new.bin: must end in .onnx"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    run: Run, tmp_path: Path, pictures: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "text").write_text("no network")
    status, told, errors = run("detector", *arguments)
    assert status == 2
    assert told == ""
    assert errors.strip().splitlines()[-1].startswith(message)
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "text"]
