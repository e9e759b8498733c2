"""Every layout holds the same three boxes: what comes out is the same, whatever the layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.analysis.detector import Detector
from preroll.perception.decoders.boxes import box_candidates
from preroll.perception.decoders.instances import Located
from preroll.perception.decoders.nms import located
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.video.resize import View
from tests.perception.object_networks import CARD, SIDE, write_constants

Array = np.ndarray[Any, Any]
FRAME = np.zeros((SIDE, SIDE, 3), np.uint8)
#: Corners [pixels of the input], scores of red, green and blue. The last is below the threshold.
CORNERS = np.array([[4, 4, 20, 12], [0, 0, 8, 8], [8, 8, 20, 20]], np.float32)
SCORES = np.array([[0.06, 0.9, 0.01], [0.8, 0.05, 0.01], [0.01, 0.1, 0.2]], np.float32)
BEST, LABEL = SCORES.max(1), SCORES.argmax(1)
CENTERS = np.concatenate(((CORNERS[:, :2] + CORNERS[:, 2:]) / 2, CORNERS[:, 2:] - CORNERS[:, :2]), 1)
SIZES = np.concatenate((CORNERS[:, :2], CORNERS[:, 2:] - CORNERS[:, :2]), 1)
ONE = np.ones((3, 1), np.float32)


def logit(p: Array) -> Array:
    shares = np.clip(p, 1e-7, 1 - 1e-7)
    result: Array = np.log(shares / (1 - shares)).astype(np.float32)
    return result


def with_rest(scores: Array, *, first: bool) -> Array:
    """Adds the class of no object, so that the scores of a box sum to 1."""
    rest = 1 - scores.sum(1, keepdims=True)
    return np.concatenate((rest, scores) if first else (scores, rest), 1)


def table(*columns: Array) -> Array:
    """One frame with the columns side by side, [1, A, K]."""
    wide = [one.reshape(3, -1) for one in columns]
    return np.concatenate(wide, 1).astype(np.float32)[None]


PIXELS = {"box_units": "pixels", "activation": "sigmoid"}
UNIT = {"box_units": "unit", "activation": "sigmoid"}
#: Outputs of a network and what its card says of them.
LAYOUTS: dict[str, tuple[list[Array], dict[str, Any]]] = {
    "YOLOv5, [1, A, 5 + C]": (
        [table(CENTERS, 0.5 * ONE, np.minimum(2 * SCORES, 1.8))],
        {"columns": {"out0": ["box", "objectness", "scores"]}, "box_format": "cxcywh", **PIXELS},
    ),
    "YOLOv8, [1, 4 + C, A]": (
        [table(CENTERS, SCORES).transpose(0, 2, 1)],
        {"columns": {"out0": ["box", "scores"]}, "transposed": ["out0"], "box_format": "cxcywh", **PIXELS},
    ),
    "the same with an axis more": (
        [table(CENTERS, SCORES).transpose(0, 2, 1)[None]],
        {"columns": {"out0": ["box", "scores"]}, "transposed": ["out0"], "box_format": "cxcywh", **PIXELS},
    ),
    "end to end, [1, 300, 6]": (
        [table(CORNERS, BEST, LABEL)],
        {"columns": {"out0": ["box", "score", "label"]}, "box_format": "xyxy", **PIXELS},
    ),
    "DETR": (
        [table(np.log(with_rest(SCORES, first=False))), table(CENTERS / SIDE)],
        {
            "columns": {"out0": ["scores"], "out1": ["box"]},
            "box_format": "cxcywh",
            "box_units": "unit",
            "activation": "softmax",
            "outputs": "logits",
            "background": "last",
        },
    ),
    "RT-DETR": (
        [table(logit(SCORES)), table(CENTERS / SIDE)],
        {"columns": {"out0": ["scores"], "out1": ["box"]}, "box_format": "cxcywh", "outputs": "logits", **UNIT},
    ),
    "SSD of torchvision": (
        [CORNERS, BEST, LABEL + 1],
        {
            "columns": {"out0": ["box"], "out1": ["score"], "out2": ["label"]},
            "box_format": "xyxy",
            "background": "first",
            **PIXELS,
        },
    ),
    "SSD of TensorFlow": (
        [CORNERS[None][..., [1, 0, 3, 2]] / SIDE, LABEL[None].astype(np.float32) + 1, BEST[None]],
        {
            "columns": {"out0": ["box"], "out1": ["label"], "out2": ["score"]},
            "box_format": "yxyx",
            "background": "first",
            **UNIT,
        },
    ),
    "DetectionOutput, [1, 1, N, 7]": (
        [table(0 * ONE, LABEL, BEST, CORNERS / SIDE)[None]],
        {"columns": {"out0": ["other", "label", "score", "box"]}, "box_format": "xyxy", **UNIT},
    ),
    "corner and size": (
        [table(SIZES), table(SCORES)],
        {"columns": {"out0": ["box"], "out1": ["scores"]}, "box_format": "xywh", **PIXELS},
    ),
    "UltraFace": (
        [table(with_rest(SCORES, first=True)), table(CORNERS / SIDE)],
        {
            "columns": {"out0": ["scores"], "out1": ["box"]},
            "box_format": "xyxy",
            "box_units": "unit",
            "activation": "softmax",
            "background": "first",
        },
    ),
}


def detector_of(path: Path, values: list[Array], **card: Any) -> Detector:
    return Detector(write_constants(path, [np.ascontiguousarray(one) for one in values], decoder="boxes", **card))


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_planted_boxes_are_found_in_every_layout(tmp_path: Path, name: str) -> None:
    values, card = LAYOUTS[name]
    (found,) = detector_of(tmp_path / "a.onnx", values, **card).objects([FRAME])
    assert found.label.tolist() == [0, 1]
    np.testing.assert_allclose(found.confidence, [0.8, 0.9], rtol=1e-5)
    np.testing.assert_allclose(found.box, CORNERS[[1, 0]], atol=1e-4)
    np.testing.assert_allclose(found.area, 100 * np.array([64, 128]) / SIDE**2, rtol=1e-5)
    assert found.masks is None


@pytest.mark.parametrize("name", LAYOUTS)
def test_they_are_measured_in_the_frame_and_not_in_its_letterbox(tmp_path: Path, name: str) -> None:
    values, card = LAYOUTS[name]
    # A frame of 200 × 100 pixels in the upper half of the input: 6.25 of its pixels to one of the input.
    view = View(height=100, width=200, top=0, left=0, rows=16, columns=32)
    (found,) = detector_of(tmp_path / "a.onnx", values, **card).objects([FRAME], [view])
    np.testing.assert_allclose(found.box, [[0, 0, 50, 50], [25, 25, 125, 75]], atol=1e-3)
    np.testing.assert_allclose(found.area, [100 * 64 / 512, 100 * 128 / 512], rtol=1e-4)


def distribution(distance: float, bins: int = 8) -> Array:
    """Logits of a distribution whose mean is a distance [cells]: it lies between the two whole numbers next to it."""
    shares = np.maximum(0, 1 - np.abs(np.arange(bins) - distance))
    result: Array = np.log(np.maximum(shares, 1e-30)).astype(np.float32)
    return result


@pytest.mark.parametrize(
    ("center", "separate"), [(0.0, False), (0.5, True)], ids=["NanoDet-Plus", "PicoDet with outputs by stride"]
)
def test_distances_from_a_cell_are_expected_values_in_cells(tmp_path: Path, center: float, separate: bool) -> None:
    # The grid of stride 8 has 16 cells, that of stride 16 has 4. The cell at row 1, column 2 of the first:
    point = np.array([2 + center, 1 + center]) * 8
    corners = np.array([4, 4, 20, 12])
    distances = np.zeros((20, 4, 8), np.float32)
    edges = np.concatenate((point - corners[:2], corners[2:] - point)) / 8
    distances[6] = [distribution(edge) for edge in edges]
    scores = np.zeros((20, 3), np.float32)
    scores[6] = (0, 0.9, 0)
    flat = distances.reshape(1, 20, 32)
    if separate:
        values = [scores[None, :16], scores[None, 16:], flat[:, :16], flat[:, 16:]]
        columns = {"out0": ["scores"], "out1": ["scores"], "out2": ["distances"], "out3": ["distances"]}
    else:
        values, columns = [np.concatenate((scores[None], flat), 2)], {"out0": ["scores", "distances"]}
    card = {"strides": [8, 16], "cell_center": center, "bins": 8, "activation": "sigmoid"}
    (found,) = detector_of(tmp_path / "a.onnx", values, columns=columns, **card).objects([FRAME])
    assert found.label.tolist() == [1]
    np.testing.assert_allclose(found.box, [corners], atol=1e-3)


def objects(values: list[Array], card: ModelCard) -> list[Located]:
    views = [View(SIDE, SIDE, 0, 0, SIDE, SIDE)] * len(values[0])
    return located(box_candidates([*values], card), card, views)


def card_of(**fields: Any) -> ModelCard:
    return ModelCard.model_validate({"name": "a", "sha256": "0" * 64, "decoder": "boxes", **CARD, **fields})


def test_with_softmax_a_box_is_of_its_best_class_alone() -> None:
    values = [table(CORNERS), table(np.tile([0.5, 0.4, 0.1], (3, 1)))]
    fields = {"columns": {"b": ["box"], "s": ["scores"]}, "box_format": "xyxy", "box_units": "pixels"}
    for activation, labels in (("softmax", [0, 0, 0]), ("sigmoid", [0, 0, 0, 1, 1, 1])):
        (found,) = objects(values, card_of(activation=activation, **fields))
        assert found.label.tolist() == labels


def test_boxes_that_say_the_same_are_one_object_unless_the_network_chose_them_itself() -> None:
    values = [table(np.tile(CORNERS[0], (3, 1))), table(SCORES[[0, 0, 0]])]
    fields = {"columns": {"b": ["box"], "s": ["scores"]}, "box_format": "xyxy", "box_units": "pixels"}
    for threshold, count in ((0.45, 1), (1.0, 3)):
        (found,) = objects(values, card_of(iou_threshold=threshold, **fields))
        assert len(found.label) == count


def test_numbers_that_are_none_are_no_objects() -> None:
    values = [table(np.array([[np.nan] * 4, [-np.inf, 0, np.inf, 8], [0, 0, 8, 8]])), table(SCORES)]
    values[1][0, 2] = np.nan
    fields = {"columns": {"b": ["box"], "s": ["scores"]}, "box_format": "xyxy", "box_units": "pixels"}
    (found,) = objects(values, card_of(**fields))
    # The second reaches over the whole width.
    assert found.box.tolist() == [[0, 0, 32, 8]]


def test_a_batch_has_the_objects_of_each_frame() -> None:
    twice = [np.concatenate((table(CORNERS, SCORES), table(CORNERS, 0 * SCORES)))]
    fields = {"columns": {"a": ["box", "scores"]}, "box_format": "xyxy", "box_units": "pixels"}
    found = objects(twice, card_of(**fields))
    assert [len(one.label) for one in found] == [2, 0]


BOX = {"box_format": "xyxy", "box_units": "pixels"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"columns": {"out0": ["box", "scores"]}, **BOX}, r"'out0' is \[1, 3, 6\], but its card needs \[n, A, 7\]"),
        (
            {"columns": {"out0": ["box", "score", "label"]}, "transposed": ["out0"], **BOX},
            r"needs \[n, 6, A\]; is it transposed\?",
        ),
        ({"columns": {"outX": ["box", "scores"]}, **BOX}, "it has no output 'outX'; it has out0"),
        (
            {"columns": {"out0": ["box", "label", "score"]}, "score_threshold": 0.0, **BOX},
            "returns label 7, but its card names 3 classes from 0",
        ),
        (
            {"columns": {"out0": ["scores", "objectness", "other", "other"]}, **BOX},
            "columns must name either box or distances",
        ),
        ({"columns": {"out0": ["box", "score", "other"]}, **BOX}, "a score without a label"),
        ({"columns": {"out0": ["box", "label", "other"]}, **BOX}, "either scores or score"),
        ({"columns": {"out0": ["box", "score", "label"]}}, "so box_format and box_units must be said"),
        ({"columns": {"out0": ["distances", "scores"]}}, "so strides and cell_center and bins must be said"),
        ({"columns": {"out0": ["distances", "scores"]}, "strides": [8], "cell_center": 0.5, "bins": 8}, "needs .* 35"),
        (BOX, "the decoder boxes needs columns"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerollError, match=message) as caught:
        detector_of(tmp_path / "a.onnx", [table(CORNERS, 7 * ONE, BEST)], **fields).check()
    assert "\n" not in str(caught.value)


def test_fields_of_boxes_are_for_boxes_alone(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match="box_format xyxy is for the decoder boxes"):
        Detector(write_constants(tmp_path / "a.onnx", [BEST], decoder="classifier", box_format="xyxy"))
