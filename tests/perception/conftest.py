"""Clips and networks that tests make for themselves, and the real ones beside the repository."""

import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.conftest import REAL


@pytest.fixture
def real() -> Path:
    """The folder of real clips and models; a test that needs it is skipped where it is absent."""
    if not REAL.is_dir():
        pytest.skip("needs the real clips and models of ../shared/realdata")
    return REAL


def write_beginning(clip: Path, out: Path, seconds: float) -> Path:
    """Writes the first seconds of a clip's pictures as they are, not encoded again."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        pictures = source.streams.video[0]
        unit = pictures.time_base or Fraction(1)
        copy = target.add_stream_from_template(pictures)
        for packet in source.demux(pictures):
            if packet.dts is not None and packet.dts * unit < seconds:
                packet.stream = copy
                target.mux(packet)
    return out


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    """Gives :func:`write_clip`."""
    return write_clip


@pytest.fixture(scope="session")
def make_network() -> Callable[..., Path]:
    """Gives :func:`write_network`."""
    return write_network


def write_clip(
    path: Path,
    colors: list[tuple[int, int, int]],
    *,
    rate: int = 10,
    times: list[Fraction] | None = None,
    size: tuple[int, int] = (64, 48),
    codec: str = "mpeg4",
) -> Path:
    """Writes a video whose frame i is of one colour (RGB), shown at i / rate or at the times given [s]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    base = Fraction(1, 1000 * rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = base
        stream.codec_context.max_b_frames = 0
        for i, color in enumerate(colors):
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), color, np.uint8), format="rgb24")
            frame.time_base = base
            frame.pts = int((times[i] if times else Fraction(i, rate)) / base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_network(path: Path, *, batch: int | str = "n", **card: Any) -> Path:
    """Writes a network that gives the means of the three channels it is fed with, as shares of 255, and its card.

    With the channel order RGB its classes are red, green and blue; fed with BGR it takes red for blue.
    """
    layout, dtype = card.get("layout", "NCHW"), card.get("dtype", "float32")
    kind = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}[dtype]
    shape = [batch, 3, 16, 16] if layout == "NCHW" else [batch, 16, 16, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    nodes = [
        helper.make_node("Cast", ["frames"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["numbers"], ["means"], axes=axes, keepdims=0),
        helper.make_node("Div", ["means", "white"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("frames", kind, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 3])],
        [helper.make_tensor("white", TensorProto.FLOAT, [1], [255.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(onnx.ModelProto.SerializeToString(model))
    content = {
        "name": path.stem,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "decoder": "classifier",
        "input_size": [16, 16],
        "fit": "stretch",
        "channels": "RGB",
        "dtype": dtype,
        "layout": layout,
        "activation": "sigmoid",
        "outputs": "probabilities",
        "score_threshold": 0.3,
        "classes": ["red", "green", "blue"],
    }
    path.with_suffix(".json").write_text(json.dumps(content | card))
    return path
