"""Backbones: ONNX networks cut before their last weighted layer, as a base for a new head."""

from dataclasses import dataclass
from typing import Any

import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

from preroll.errors import PrerollError

EMBEDDING = "preroll_embedding"
_WEIGHTED = ("Conv", "Gemm", "MatMul")
# First IR version in which initializers need not be listed among the inputs.
_SEPARATE_INITIALIZERS = 4


@dataclass(frozen=True)
class Backbone:
    """The part of a network before its last weighted layer.

    Attributes:
        model: the network with one output, :data:`EMBEDDING`: float32 [n, d].
        layer: name of the layer that was removed.
    """

    model: ModelProto
    layer: str


def cut_backbone(model: ModelProto) -> Backbone:
    """Cuts a network at the data input of its last Conv, Gemm or MatMul with constant weights.

    The tapped values are cast to float32 and, if they have 4 axes, averaged over the last two.

    Args:
        model: a whole network with one input besides its initializers; it is not modified.

    Raises:
        PrerollError: if there is no such layer, or its input does not have 2 or 4 axes.
    """
    tap, layer = find_tap(model)
    rank = _rank(model, tap)
    if rank not in (2, 4):
        raise PrerollError(
            f"the input of its last weighted layer, {tap!r}, has {rank or 'unknown'} axes; 2 or 4 are needed"
        )
    cut = ModelProto()
    cut.CopyFrom(model)
    graph = cut.graph
    kept = _ancestors(model, tap)
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input} | {tap}
    weights = [one for one in graph.initializer if one.name in used]
    names = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in names]
    for field, values in (("initializer", weights), ("input", inputs), ("output", []), ("value_info", [])):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    cut.ir_version = max(model.ir_version, _SEPARATE_INITIALIZERS)
    graph.node.append(helper.make_node("Cast", [tap], ["preroll_tap"], to=TensorProto.FLOAT))
    if rank == 4:
        graph.node.append(helper.make_node("GlobalAveragePool", ["preroll_tap"], ["preroll_pooled"]))
        graph.node.append(helper.make_node("Flatten", ["preroll_pooled"], [EMBEDDING], axis=1))
    else:
        graph.node.append(helper.make_node("Identity", ["preroll_tap"], [EMBEDDING]))
    graph.output.append(helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, None))
    return Backbone(cut, layer)


def find_tap(model: ModelProto) -> tuple[str, str]:
    """Returns the data input of the last weighted layer, and the layer's name.

    Raises:
        PrerollError: if there is none.
    """
    constant = {one.name for one in model.graph.initializer}
    found: tuple[str, str] | None = None
    # Nodes of a valid file are topologically sorted.
    for node in model.graph.node:
        given = [name for name in node.input if name]
        if node.op_type == "Constant" or (given and all(name in constant for name in given)):
            constant.update(node.output)
        elif node.op_type in _WEIGHTED:
            data = [name for name in given[:2] if name not in constant]
            if len(data) == 1:
                found = data[0], node.name or node.output[0]
    if found is None:
        raise PrerollError("it has no Conv, Gemm or MatMul with constant weights, so nothing to put a new head on")
    return found


def add_head(backbone: Backbone, weights: Any, bias: Any, batch: Any) -> ModelProto:
    """Adds a linear layer with softmax to a backbone.

    Args:
        backbone: outputs float32 [n, d].
        weights: float32 [d, classes].
        bias: float32 [classes].
        batch: size or name of the batch axis of the network's input.

    Returns:
        A whole network with the output ``probabilities``: float32 [n, classes].
    """
    model = ModelProto()
    model.CopyFrom(backbone.model)
    graph = model.graph
    graph.initializer.append(onnx.numpy_helper.from_array(weights, "preroll_weights"))
    graph.initializer.append(onnx.numpy_helper.from_array(bias, "preroll_bias"))
    inputs = [EMBEDDING, "preroll_weights", "preroll_bias"]
    graph.node.append(helper.make_node("Gemm", inputs, ["preroll_scores"]))
    graph.node.append(helper.make_node("Softmax", ["preroll_scores"], ["probabilities"], axis=1))
    graph.ClearField("output")
    shape = [batch, len(bias)]
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape))
    return model


def _ancestors(model: ModelProto, tensor: str) -> list[NodeProto]:
    """Returns the nodes from which ``tensor`` is computed, in order."""
    wanted, kept = {tensor}, []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _rank(model: ModelProto, tensor: str) -> int | None:
    inferred = onnx.shape_inference.infer_shapes(model)
    for value in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output):
        if value.name == tensor and value.type.tensor_type.HasField("shape"):
            return len(value.type.tensor_type.shape.dim)
    return None
