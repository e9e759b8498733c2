"""Fields of cards that say how pixels become the input of a network, alike for all networks."""

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
