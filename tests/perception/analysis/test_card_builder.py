from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.card_builder import doubts, make_card, read_classes, read_input
from preroll.perception.analysis.detector import Detector
from preroll.perception.demo.probes import probe_pictures
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.video.resize import Fit
from tests.perception.object_networks import write_colors, write_constants

Network = Callable[..., Path]
COLORS = ("red", "green", "blue")


def given(**changes: object) -> dict[str, object]:
    fields = {
        "decoder": "classifier",
        "fit": "crop",
        "channels": "RGB",
        "activation": "softmax",
        "outputs": "probabilities",
    }
    return fields | changes


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_the_file_tells_type_layout_and_size(tmp_path: Path, make_network: Network, layout: str, dtype: str) -> None:
    model = make_network(tmp_path / "n.onnx", layout=layout, dtype=dtype)
    card = make_card(model, COLORS, given())
    assert (card.dtype, card.layout, card.input_size, card.name) == (dtype, layout, (16, 16), "n")
    Detector(model, card).check()


def test_the_channel_order_of_the_card_decides_what_is_seen(tmp_path: Path, make_network: Network) -> None:
    model = make_network(tmp_path / "n.onnx")
    red = np.full((16, 16, 3), (255, 0, 0), np.uint8)
    best = [
        Detector(model, make_card(model, COLORS, given(channels=order))).scores([red]).argmax()
        for order in ("RGB", "BGR")
    ]
    assert [COLORS[i] for i in best] == ["red", "blue"]


@pytest.mark.parametrize(
    "text",
    [
        "red\ngreen\n\nblue\n",
        '["red", "green", "blue"]',
        "{0: 'red', 1: 'green', 2: 'blue'}",
        '{"2": "blue", "0": "red", "1": "green"}',
    ],
)
def test_classes_come_in_several_ways(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes").write_text(text)
    assert read_classes(tmp_path / "classes") == COLORS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{1: 'a'}", "must be the numbers 0 … 0"),
        ("[1]", "must be a list of names"),
        ("{open('x')}", "neither JSON"),
        ("[", "neither JSON"),
    ],
)
def test_wrong_lists_of_classes_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "classes").write_text(text)
    with pytest.raises(PrerollError, match=message):
        read_classes(tmp_path / "classes")


def test_a_wrong_field_is_named(tmp_path: Path, make_network: Network) -> None:
    with pytest.raises(PrerollError, match="fit: Input should be 'crop', 'letterbox' or 'stretch'"):
        make_card(make_network(tmp_path / "n.onnx"), COLORS, given(fit="squash"))


def test_a_network_that_tells_pictures_apart_raises_no_doubt() -> None:
    detector = Detector(EMBEDDED)
    assert doubts(detector, probe_pictures(detector.fit)) == []


def test_the_same_top_class_on_very_different_pictures_raises_doubt(tmp_path: Path) -> None:
    model = write_constants(tmp_path / "n.onnx", [np.array([[0.1, 0.7, 0.2]], np.float32)], decoder="classifier")
    detector = Detector(model)
    (doubt,) = doubts(detector, probe_pictures(detector.fit))
    assert doubt.startswith("the top class is 'green' on all of 15 very different pictures")


def test_logits_taken_for_probabilities_raise_doubt_and_the_other_way_round(
    tmp_path: Path, make_network: Network
) -> None:
    model = make_network(tmp_path / "n.onnx", scale=[10, -10, 1])
    detector = Detector(model)
    assert any("say --outputs logits" in doubt for doubt in doubts(detector, probe_pictures(detector.fit)))
    model = write_constants(
        tmp_path / "m.onnx", [np.array([[0.1, 0.7, 0.2]], np.float32)], decoder="classifier", outputs="logits"
    )
    detector = Detector(model)
    assert any("probabilities already" in doubt for doubt in doubts(detector, probe_pictures(detector.fit)))


def test_a_detector_that_finds_nothing_anywhere_raises_doubt(tmp_path: Path) -> None:
    detector = Detector(write_colors(tmp_path / "n.onnx", scale=[0, 0, 0]))
    assert "nothing is found in any of 15 pictures" in doubts(detector, probe_pictures(detector.fit))[0]
    seeing = Detector(write_colors(tmp_path / "m.onnx"))
    assert doubts(seeing, probe_pictures(seeing.fit)) == []


def test_probe_pictures_differ_and_are_always_the_same() -> None:
    first, again = (probe_pictures(Fit(32, 32, "stretch")) for _ in range(2))
    assert len({picture.tobytes() for picture in first}) == 15
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "n.onnx").write_bytes(b"no network")
    with pytest.raises(PrerollError, match="not an ONNX file"):
        read_input(tmp_path / "n.onnx")


def test_the_card_of_a_real_network_written_by_hand_equals_ours(real: Path) -> None:
    model = real / "weights" / "SqueezeNet_fp16.onnx"
    names = read_classes(real / "classes" / "imagenet_1000_idx.txt")
    card = make_card(model, names, given(channels="BGR", mean=(104, 117, 123), score_threshold=0))
    ours = Detector(model).card
    assert card.classes[898] == ours.classes[898] == "water bottle"
    told = {"description", "source", "license", "classes"}
    assert card.model_dump(exclude=told) == ours.model_dump(exclude=told)
