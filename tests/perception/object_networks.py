"""Networks that find objects, made on the spot: their outputs are constants, or follow from the frame's colours."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIDE = 32
CARD: dict[str, Any] = {
    "input_size": [SIDE, SIDE],
    "fit": "letterbox",
    "channels": "RGB",
    "dtype": "float32",
    "layout": "NCHW",
    "activation": "softmax",
    "outputs": "probabilities",
    "classes": ["red", "green", "blue"],
}


def write_constants(
    path: Path, values: list[np.ndarray[Any, Any]], *, axes: int = 4, channels_in: int = 3, **card: Any
) -> Path:
    """Writes a network that gives ``values`` for whatever frame, as the outputs out0, out1, …, and its card."""
    shape = [1, channels_in, SIDE, SIDE][-axes:]
    nodes = [helper.make_node("ReduceMean", ["frames"], ["mean"], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "nothing"], ["zero"])]
    outputs, weights = [], [numpy_helper.from_array(np.zeros((), np.float32), "nothing")]
    for i, value in enumerate(values):
        weights.append(numpy_helper.from_array(value, f"value{i}"))
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        nodes.append(helper.make_node("Cast", ["zero"], [f"zero{i}"], to=kind))
        nodes.append(helper.make_node("Add", [f"value{i}", f"zero{i}"], [f"out{i}"]))
        outputs.append(helper.make_tensor_value_info(f"out{i}", kind, list(value.shape)))
    return _write(path, nodes, [shape], outputs, weights, card)


def write_colors(path: Path, *, batch: int | str = "n", **card: Any) -> Path:
    """Writes a semantic segmenter: a pixel's scores are its colour, as shares of 255, and a background of 0.4."""
    nodes = [
        helper.make_node("Mul", ["frames", "white"], ["colors"]),
        helper.make_node("Slice", ["colors", "zero", "one", "one"], ["first"]),
        helper.make_node("Mul", ["first", "nothing"], ["black"]),
        helper.make_node("Add", ["black", "grey"], ["background"]),
        helper.make_node("Concat", ["background", "colors"], ["scores"], axis=1),
    ]
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "white": np.full((1, 1, 1, 1), 1 / 255, np.float32),
        "nothing": np.zeros((), np.float32),
        "grey": np.full((), 0.4, np.float32),
        "zero": np.zeros(1, np.int64),
        "one": np.ones(1, np.int64),
    }
    weights = [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    output = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 4, SIDE, SIDE])
    changes = {"decoder": "semantic", "background": "first", **card}
    return _write(path, nodes, [[batch, 3, SIDE, SIDE]], [output], weights, changes)


def _write(
    path: Path,
    nodes: list[NodeProto],
    shapes: list[list[Any]],
    outputs: list[Any],
    weights: list[TensorProto],
    card: dict[str, Any],
) -> Path:
    inputs = [helper.make_tensor_value_info("frames", TensorProto.FLOAT, shape) for shape in shapes]
    graph = helper.make_graph(nodes, "objects", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    content = {"name": path.stem, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **CARD, **card}
    path.with_suffix(".json").write_text(json.dumps(content))
    return path
