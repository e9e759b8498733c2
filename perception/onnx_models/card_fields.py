"""Fields of cards: how pixels become the input of a network, and what the numbers of its outputs are."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=8, le=4096)]

InputSize = Annotated[tuple[Side, Side], Field(description="height and width of the input [pixels]")]
FrameFit = Annotated[
    Literal["crop", "letterbox", "stretch"],
    Field(
        description="how a frame is brought to this size: `crop` (the largest centred part of that shape), `letterbox` "
        "(the whole frame, the rest filled with `pad`) or `stretch`"
    ),
]
Pad = Annotated[int, Field(ge=0, le=255, description="grey value of the letterbox")]
PadPlace = Annotated[Literal["center", "top-left"], Field(description="position of the frame in the letterbox")]
Channels = Annotated[
    Literal["RGB", "BGR", "gray"],
    Field(description="order of the colour channels, or `gray` for one channel: .299 R + .587 G + .114 B (BT.601)"),
]
Mean = Annotated[tuple[float, float, float], Field(description="subtracted from each channel, in that order")]
Scale = Annotated[tuple[float, float, float], Field(description="factor of each channel, applied afterwards")]
NumberType = Annotated[Literal["uint8", "float16", "float32"], Field(description="number type of the input")]
AxisOrder = Annotated[Literal["NCHW", "NHWC"], Field(description="order of the input's axes")]

Column = Literal["box", "distances", "objectness", "scores", "score", "label", "other"]

Columns = Annotated[
    dict[str, tuple[Column, ...]] | None,
    Field(
        description="for `boxes`: for each output by its name, what the numbers of a box are, in their order: `box` "
        "(4, see `box_format`) or `distances` (4 times `bins`: distributions of the distances of the edges from a "
        "cell, as in NanoDet), and `scores` (one per class) with or without an `objectness`, or a `score` with or "
        "without a `label`; `other` is one number that is ignored. Outputs with the same columns are laid end to end"
    ),
]
Transposed = Annotated[
    tuple[str, ...],
    Field(description="names of the outputs whose columns come before their boxes: [n, K, A] instead of [n, A, K]"),
]
BoxFormat = Annotated[
    Literal["xyxy", "yxyx", "cxcywh", "xywh"] | None,
    Field(
        description="the four numbers of a `box`: corners (`xyxy`, `yxyx`), centre and size (`cxcywh`), or upper left "
        "corner and size (`xywh`)"
    ),
]
BoxUnits = Annotated[
    Literal["pixels", "unit"] | None,
    Field(description="of a `box`: `pixels` of the input, or `unit`: its sides are 1"),
]
_Stride = Annotated[int, Field(ge=1, le=4096)]
Strides = Annotated[
    Annotated[tuple[_Stride, ...], Field(min_length=1, max_length=16)] | None,
    Field(description="of `distances`: sides of the cells of each grid [pixels]"),
]
CellCenter = Annotated[
    Annotated[float, Field(ge=0, le=1)] | None,
    Field(description="of `distances`: where in a cell they begin: 0 (its upper left corner) … 1"),
]
Bins = Annotated[
    Annotated[int, Field(ge=2, le=256)] | None, Field(description="of `distances`: numbers of one distribution")
]

#: What takes a box to x0, y0, x1, y1, by its format: each row gives one of them.
TO_CORNERS: dict[str, tuple[tuple[float, ...], ...]] = {
    "xyxy": ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
    "yxyx": ((0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)),
    "cxcywh": ((1, 0, -0.5, 0), (0, 1, 0, -0.5), (1, 0, 0.5, 0), (0, 1, 0, 0.5)),
    "xywh": ((1, 0, 0, 0), (0, 1, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1)),
}
#: What must be said beside a column.
_NEEDS: dict[str, tuple[str, ...]] = {
    "box": ("box_format", "box_units"),
    "distances": ("strides", "cell_center", "bins"),
}


def check_columns(columns: Mapping[str, Sequence[str]], told: Mapping[str, object], classes: int) -> None:
    """Checks that the columns of a card describe boxes with classes, and that what they need is said.

    Args:
        columns: columns of each output.
        told: fields of the card; None counts as not said.
        classes: number of classes.

    Raises:
        ValueError: naming what is missing or too much.
    """
    kinds = {one for output in columns.values() for one in output}
    places, marks = kinds & {"box", "distances"}, kinds & {"scores", "score"}
    if len(places) != 1 or len(marks) != 1:
        raise ValueError("columns must name either box or distances, and either scores or score")
    if "label" in kinds and "score" not in kinds:
        raise ValueError("columns name a label, whose confidence must be in a column score")
    if "score" in kinds and "label" not in kinds and classes != 1:
        raise ValueError(f"columns name a score without a label, which tells no {classes} classes apart")
    if "objectness" in kinds and "scores" not in kinds:
        raise ValueError("columns name an objectness, which is for a column scores")
    for place in places:
        if missing := [field for field in _NEEDS[place] if told.get(field) is None]:
            raise ValueError(f"columns name {place}, so {' and '.join(missing)} must be said")


def widths(classes: int, bins: int | None) -> dict[str, int]:
    """Returns how many numbers each column takes, for a number of classes that includes a background."""
    return {
        "box": 4,
        "distances": 4 * (bins or 0),
        "objectness": 1,
        "scores": classes,
        "score": 1,
        "label": 1,
        "other": 1,
    }
