"""Known layouts: what the outputs of the networks that people export hold, and how these take their frames.

Different networks return numbers of the same shape. A card therefore describes its network in full; this table is
where the fields of a new card come from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """A way in which networks return what they find.

    Attributes:
        about: whose way it is.
        fields: fields of the card beside those that the file tells.
        columns: for the decoder ``boxes``, the columns of each output that is read.
        transposed: positions of those outputs whose columns come before their boxes.
        names: of those outputs, where all exports have the same.
        by_stride: whether there is one of each of those outputs for every stride.
    """

    about: str
    fields: Mapping[str, Any]
    columns: tuple[tuple[str, ...], ...] = ()
    transposed: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    by_stride: bool = False


_SHARE = 1 / 255
_IMAGENET = {"mean": (123.675, 116.28, 103.53), "scale": (1 / 58.395, 1 / 57.12, 1 / 57.375)}
_WHOLE = {"fit": "crop", "channels": "RGB", "activation": "softmax", "outputs": "probabilities"}
_YOLO = {
    "fit": "letterbox",
    "channels": "RGB",
    "scale": (_SHARE, _SHARE, _SHARE),
    "activation": "sigmoid",
    "outputs": "probabilities",
}
#: Networks that return each object once: no two boxes are the same object.
_CHOSEN = {"iou_threshold": 1.0}
_YOLO_BOXES = {**_YOLO, "decoder": "boxes", "box_format": "cxcywh", "box_units": "pixels"}
_CHOSEN_BOXES = {**_YOLO_BOXES, **_CHOSEN, "box_format": "xyxy"}
_QUERIES = {
    **_YOLO_BOXES,
    **_CHOSEN,
    "fit": "stretch",
    "box_units": "unit",
    "outputs": "logits",
}
_NANODET = {
    "decoder": "boxes",
    "fit": "letterbox",
    "channels": "BGR",
    "mean": (103.53, 116.28, 123.675),
    "scale": (1 / 57.375, 1 / 57.12, 1 / 58.395),
    "activation": "sigmoid",
    "outputs": "probabilities",
    "strides": (8, 16, 32, 64),
    "bins": 8,
}

LAYOUTS: dict[str, Layout] = {
    "classifier": Layout("one score per class and frame", {**_WHOLE, "decoder": "classifier"}),
    "semantic": Layout("one score per class and pixel", {**_WHOLE, "decoder": "semantic"}),
    "semantic-background": Layout(
        "the same, the first of no object", {**_WHOLE, "decoder": "semantic", "background": "first"}
    ),
    "semantic-labels": Layout(
        "the number of the class of each pixel", {**_WHOLE, "decoder": "semantic", "outputs": "labels"}
    ),
    "yolo-seg": Layout("YOLOv8, YOLO11 segmenters", {**_YOLO, "decoder": "yolo-seg"}),
    "maskrcnn": Layout("Mask R-CNN of torchvision", {**_YOLO, "decoder": "maskrcnn", "background": "first", **_CHOSEN}),
    "maskrcnn-boxes": Layout(
        "Mask R-CNN, masks over their boxes",
        {**_YOLO, "decoder": "maskrcnn", "background": "first", "masks": "box", **_CHOSEN},
    ),
    "yolox": Layout(
        "YOLOX, boxes still on their grids",
        {**_YOLO, "decoder": "yolox", "channels": "BGR", "scale": (1.0, 1.0, 1.0), "pad_place": "top-left"},
    ),
    "yolov5": Layout("YOLOv5, YOLOv7", _YOLO_BOXES, (("box", "objectness", "scores"),)),
    "yolov5-unit": Layout(
        "the same, sides of the input are 1", {**_YOLO_BOXES, "box_units": "unit"}, (("box", "objectness", "scores"),)
    ),
    "yolov8": Layout("YOLOv8, YOLO11", _YOLO_BOXES, (("box", "scores"),), (0,)),
    "yolov8-unit": Layout(
        "the same, sides of the input are 1", {**_YOLO_BOXES, "box_units": "unit"}, (("box", "scores"),), (0,)
    ),
    "end-to-end": Layout("YOLOv10", _CHOSEN_BOXES, (("box", "score", "label"),)),
    "end-to-end-batch": Layout("YOLOv7 with its own suppression", _CHOSEN_BOXES, (("other", "box", "label", "score"),)),
    "label-score-box": Layout("PaddleDetection with its own suppression", _CHOSEN_BOXES, (("label", "score", "box"),)),
    "detection-output": Layout(
        "SSD of Caffe and OpenVINO",
        {**_CHOSEN_BOXES, "fit": "stretch", "box_units": "unit", "background": "first"},
        (("other", "label", "score", "box"),),
    ),
    "detr": Layout(
        "DETR",
        {**_QUERIES, **_IMAGENET, "activation": "softmax", "background": "last"},
        (("scores",), ("box",)),
    ),
    "rt-detr": Layout("RT-DETR", _QUERIES, (("scores",), ("box",))),
    "ssd": Layout(
        "SSD, RetinaNet, Faster R-CNN of torchvision",
        {**_CHOSEN_BOXES, "background": "first"},
        (("box",), ("label",), ("score",)),
    ),
    "mmdetection": Layout(
        "MMDetection",
        {**_CHOSEN_BOXES, **_IMAGENET},
        (("box", "score"), ("label",)),
        names=("dets", "labels"),
    ),
    "ssd-tensorflow": Layout(
        "SSD, Faster R-CNN of TensorFlow",
        {**_CHOSEN_BOXES, "fit": "stretch", "box_format": "yxyx", "box_units": "unit", "background": "first"},
        (("box",), ("label",), ("score",)),
        names=("detection_boxes", "detection_classes", "detection_scores"),
    ),
    "ultraface": Layout(
        "UltraFace",
        {
            **_YOLO,
            "decoder": "boxes",
            "fit": "stretch",
            "mean": (127.0, 127.0, 127.0),
            "scale": (1 / 128, 1 / 128, 1 / 128),
            "activation": "softmax",
            "background": "first",
            "box_format": "xyxy",
            "box_units": "unit",
        },
        (("scores",), ("box",)),
    ),
    "nanodet": Layout("NanoDet", {**_NANODET, "cell_center": 0.5}, (("scores", "distances"),)),
    "nanodet-plus": Layout("NanoDet-Plus", {**_NANODET, "cell_center": 0.0}, (("scores", "distances"),)),
    "picodet": Layout(
        "PicoDet of 2021, NanoDet with outputs by stride",
        {**_NANODET, "cell_center": 0.5},
        (("scores",), ("distances",)),
        by_stride=True,
    ),
    "picodet-boxes": Layout(
        "PicoDet without suppression",
        {**_YOLO_BOXES, **_IMAGENET, "fit": "stretch", "box_format": "xyxy"},
        (("box",), ("scores",)),
        (1,),
    ),
}
