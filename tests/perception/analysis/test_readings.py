"""Networks whose outputs are known say what they hold; where two layouts are plausible none is chosen."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from preroll.errors import PrerollError
from preroll.perception.analysis.card_builder import trial_card
from preroll.perception.analysis.detector import Detector
from preroll.perception.analysis.readings import Reading, choose, readings
from preroll.perception.onnx_models.layouts import LAYOUTS
from preroll.perception.onnx_models.model_card import ModelCard
from tests.perception.object_networks import SIDE, write_constants

Array = np.ndarray[Any, Any]
CLASSES = ("red", "green", "blue")
PICTURES = [np.zeros((40, 60, 3), np.uint8)]
#: 21 boxes, as many as the grids of stride 8, 16 and 32 have cells; a few of them have scores.
COUNT = 21
CORNERS = np.tile(np.array([[4, 4, 20, 12], [0, 0, 8, 8], [8, 8, 20, 20]], np.float32), (7, 1))
CENTERS = np.concatenate(((CORNERS[:, :2] + CORNERS[:, 2:]) / 2, CORNERS[:, 2:] - CORNERS[:, :2]), 1)
SCORES = np.tile(np.array([[0.06, 0.9, 0.01], [0.8, 0.05, 0.01], [0.01, 0.1, 0.2]], np.float32), (7, 1))
ONE = np.ones((COUNT, 1), np.float32)


def table(*columns: Array) -> Array:
    return np.concatenate([one.reshape(COUNT, -1) for one in columns], 1).astype(np.float32)[None]


def with_rest(scores: Array) -> Array:
    return np.concatenate((1 - scores.sum(1, keepdims=True), scores), 1)


def on_grid() -> Array:
    """Boxes as YOLOX leaves them: offsets in their cells, and logarithms of their sides."""
    return table(np.full((COUNT, 2), 0.5), np.zeros((COUNT, 2)), ONE, SCORES)


def far_up(scores: Array) -> Array:
    """Logits."""
    result: Array = np.log(scores / (1 - scores))
    return result


#: A distribution of distances of 0.3 cells on average.
SHORT = np.array([np.log(0.7), np.log(0.3), *[-30] * 6], np.float32)
NETWORKS: dict[str, list[Array]] = {
    "classifier": [SCORES[:1]],
    "semantic": [np.full((1, 3, SIDE, SIDE), 0.2, np.float32)],
    "semantic-background": [np.full((1, 4, SIDE, SIDE), 0.2, np.float32)],
    "semantic-labels": [np.ones((1, SIDE, SIDE), np.int64)],
    "yolox": [on_grid()],
    "yolov5": [table(CENTERS, ONE, SCORES)],
    "yolov5-unit": [table(CENTERS / SIDE, ONE, SCORES)],
    "yolov8": [table(CENTERS, SCORES).transpose(0, 2, 1)],
    "yolov8-unit": [table(CENTERS / SIDE, SCORES).transpose(0, 2, 1)],
    "end-to-end": [table(CORNERS, SCORES.max(1), SCORES.argmax(1))],
    "detection-output": [table(0 * ONE, SCORES.argmax(1) + 1, SCORES.max(1), CORNERS / SIDE)[None]],
    "rt-detr": [table(far_up(SCORES)), table(CENTERS / SIDE)],
    "mmdetection": [table(CORNERS, SCORES.max(1)), SCORES.argmax(1)[None]],
    "ssd": [CORNERS, SCORES.argmax(1) + 1, SCORES.max(1)],
    "maskrcnn": [CORNERS, SCORES.argmax(1) + 1, SCORES.max(1), np.ones((COUNT, 1, SIDE, SIDE), np.float32)],
    "maskrcnn-boxes": [CORNERS, SCORES.argmax(1) + 1, SCORES.max(1), np.ones((COUNT, 1, 28, 28), np.float32)],
    "picodet": [
        *(np.full((1, count, 3), 0.5, np.float32) for count in (16, 4, 1, 1)),
        *(np.tile(SHORT, (1, count, 4)) for count in (16, 4, 1, 1)),
    ],
    "picodet-boxes": [table(CORNERS), table(SCORES).transpose(0, 2, 1)],
}


def readings_of(path: Path, values: list[Array], **given: Any) -> list[Reading]:
    model = write_constants(path, [np.ascontiguousarray(one) for one in values], decoder="classifier")
    trial = trial_card(model, CLASSES, {}, None)
    return readings(Detector(model, trial), given, PICTURES)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_one_plausible_layout_of_a_network_is_found(tmp_path: Path, name: str) -> None:
    chosen = choose(readings_of(tmp_path / "a.onnx", NETWORKS[name]), "a.onnx")
    assert chosen.name == name
    card = Detector(tmp_path / "a.onnx", chosen.card).card
    assert card.decoder == LAYOUTS[name].fields["decoder"]
    assert ModelCard.model_validate_json(card.model_dump_json()) == card


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_fields_of_a_layout_are_fields_of_a_card(name: str) -> None:
    assert set(LAYOUTS[name].fields) <= set(ModelCard.model_fields)
    assert bool(LAYOUTS[name].columns) == (LAYOUTS[name].fields["decoder"] == "boxes")


def write_of_shares(path: Path, largest: float) -> Path:
    """A classifier that ends in an error where a pixel is larger, as torchvision's do that find no region at all."""
    frames = helper.make_tensor_value_info("frames", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])
    nodes = [
        helper.make_node("ReduceMax", ["frames"], ["pixel"], keepdims=0),
        helper.make_node("Div", ["pixel", "largest"], ["share"]),
        helper.make_node("Cast", ["share"], ["row"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "row"], ["chosen"]),
        helper.make_node("Unsqueeze", ["chosen", "axis"], ["scores"]),
    ]
    arrays = {"largest": np.float32(largest), "table": np.eye(2, 3, dtype=np.float32), "axis": np.zeros(1, np.int64)}
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()]
    graph = helper.make_graph(nodes, "shares", [frames], [scores], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_network_that_fails_on_pixels_up_to_255_is_tried_with_shares(tmp_path: Path) -> None:
    model = write_of_shares(tmp_path / "a.onnx", 1.0)
    trial = trial_card(model, CLASSES, {}, None)
    assert trial.scale == (1 / 255,) * 3
    given = {"scale": (1 / 255,) * 3}
    (found,) = readings(Detector(model, trial), given, PICTURES)
    assert (found.name, found.card.scale) == ("classifier", given["scale"])


def test_what_is_said_of_the_pixels_holds_for_the_trial_too(tmp_path: Path) -> None:
    model = write_of_shares(tmp_path / "a.onnx", 1 / 255)
    given = {"scale": (1 / 255**2,) * 3, "mean": (1.0, 2.0, 3.0)}
    trial = trial_card(model, CLASSES, given, None)
    assert (trial.scale, trial.mean) == (given["scale"], given["mean"])
    assert readings(Detector(model, trial), given, PICTURES)
    with pytest.raises(PrerollError, match="Gather"):
        readings(Detector(model, trial_card(model, CLASSES, {}, None)), {}, PICTURES)


def test_the_pixels_of_the_trial_are_not_those_of_the_card(tmp_path: Path) -> None:
    (found,) = readings_of(tmp_path / "a.onnx", NETWORKS["classifier"])
    assert (found.card.scale, found.card.mean) == ((1, 1, 1), (0, 0, 0))


def test_two_plausible_layouts_are_both_shown_and_none_is_chosen(tmp_path: Path) -> None:
    # A DETR whose last class is no object, and an UltraFace whose first class is, return the same shapes.
    values = [table(with_rest(SCORES)), table(np.tile([0.3, 0.3, 0.4, 0.4], (COUNT, 1)))]
    found = readings_of(tmp_path / "a.onnx", values)
    assert [one.name for one in found if not one.problems] == ["detr", "ultraface"]
    with pytest.raises(PrerollError, match=r"2 readings .* plausible; say which with decoder=detr or ultraface"):
        choose(found, "a.onnx")
    assert choose(readings_of(tmp_path / "b.onnx", values, decoder="detr"), "b.onnx").name == "detr"


def test_nanodet_and_its_successor_differ_in_nothing_that_shows(tmp_path: Path) -> None:
    count = 16 + 4 + 1 + 1
    found = readings_of(
        tmp_path / "a.onnx",
        [np.concatenate((np.full((1, count, 3), 0.5), np.tile(SHORT, (1, count, 4))), 2, dtype=np.float32)],
    )
    with pytest.raises(PrerollError, match="say which with decoder=nanodet or nanodet-plus"):
        choose(found, "a.onnx")


def test_what_the_user_says_counts_more_than_what_is_usual(tmp_path: Path) -> None:
    given = {"decoder": "yolov8", "fit": "stretch", "score_threshold": 0.5, "box_format": "xyxy"}
    (reading,) = readings_of(tmp_path / "a.onnx", [table(CORNERS, SCORES).transpose(0, 2, 1)], **given)
    card = reading.card
    assert (card.fit, card.score_threshold, card.box_format, card.channels) == ("stretch", 0.5, "xyxy", "RGB")
    assert reading.problems == ()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([table(CORNERS * 40, SCORES)], "100% of the surest boxes lie outside the frame"),
        ([table(CORNERS[:, [2, 3, 0, 1]], SCORES)], "100% of the surest boxes end before they begin"),
        ([table(CORNERS / 1000, SCORES)], "100% of the surest boxes are no more than specks"),
        ([table(CORNERS, 9 * SCORES - 1)], r"scores go from -0\.91 to 7\.1, so they are no probabilities"),
        ([table(CORNERS, 0 * SCORES)], "no box has a score above 0"),
    ],
)
def test_what_speaks_against_a_layout_is_named(tmp_path: Path, values: list[Array], problem: str) -> None:
    given = {"decoder": "yolov8", "box_format": "xyxy"}
    (reading,) = readings_of(tmp_path / "a.onnx", [values[0].transpose(0, 2, 1)], **given)
    (found,) = reading.problems
    assert found.startswith(problem.replace("\\", ""))


def test_a_network_of_one_channel_and_one_of_bytes_have_no_normalization_of_their_layout(tmp_path: Path) -> None:
    values = [np.ascontiguousarray(table(CENTERS, SCORES).transpose(0, 2, 1))]
    model = write_constants(tmp_path / "a.onnx", values, channels_in=1, decoder="classifier", channels="gray")
    found = readings(Detector(model, trial_card(model, CLASSES, {}, None)), {}, PICTURES)
    card = choose(found, "a.onnx").card
    assert (card.channels, card.mean, card.scale) == ("gray", (0, 0, 0), (1, 1, 1))


def test_outputs_with_the_names_of_their_exports_are_taken_by_name(tmp_path: Path) -> None:
    import onnx

    values = [CORNERS[None][..., [1, 0, 3, 2]] / SIDE, SCORES.argmax(1)[None] + 1.0, SCORES.max(1)[None]]
    model = write_constants(tmp_path / "a.onnx", [one.astype(np.float32) for one in values], decoder="classifier")
    content = onnx.load(str(model))
    names = dict(zip(("out0", "out1", "out2"), LAYOUTS["ssd-tensorflow"].names, strict=True))
    for node in content.graph.node:
        node.output[:] = [names.get(name, name) for name in node.output]
    for output in content.graph.output:
        output.name = names[output.name]
    model.write_bytes(content.SerializeToString())
    detector = Detector(model, trial_card(model, CLASSES, {}, None))
    chosen = choose(readings(detector, {}, PICTURES), "a.onnx")
    assert (chosen.name, list(chosen.card.columns or ())) == ("ssd-tensorflow", list(names.values()))
