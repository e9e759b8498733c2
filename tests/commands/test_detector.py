import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from preroll.perception.demo.objects import draw_object
from preroll.perception.onnx_models.model_card import EMBEDDED
from tests.commands.conftest import Run
from tests.conftest import REAL

needs_real_clips = pytest.mark.skipif(not REAL.is_dir(), reason="needs the real clips of ../shared/realdata")


pytestmark = pytest.mark.usefixtures("here")


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


def test_a_network_learns_new_classes_and_detects_with_them(run: Run, tmp_path: Path, pictures: Path) -> None:
    status, told, errors = run("detector", "fine-tune", EMBEDDED, "pictures", "--out", "new.onnx")
    assert status == 0, errors
    lines = told.splitlines()
    assert lines[0] == "new.onnx: objects.onnx up to node_conv2d_8, and a new head for 2 classes."
    assert "(95 % interval" in lines[1]
    assert lines[3].split() == ["car", "8", "2", "100.0%"]
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
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
