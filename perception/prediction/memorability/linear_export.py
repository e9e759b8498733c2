"""Export of a linear score of feature blocks to ONNX, built node by node, and of its numbers to safetensors."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.files import atomic
from preroll.perception.onnx_models.parity import check_parity
from preroll.perception.prediction.memorability.feature_blocks import Floats, LinearScore

OPSET, IR_VERSION = 17, 8  # of 2022, and so supported by every runtime in use


def export_linear(path: Path, score: LinearScore, clips: Mapping[str, Floats]) -> None:
    """Writes ``path`` (NAME.onnx: blocks float32 [n, d] → ``score`` float32 [n, 1]) and NAME.safetensors.

    Args:
        path: ONNX file to write.
        score: the linear score.
        clips: example clips, float64 [n, d] by block; onnxruntime's scores are compared with ``score`` on them, and on
            a clip that lacks all blocks.

    Raises:
        PrerollError: the scores differ; nothing is written.
    """
    from safetensors.numpy import save

    numbers = {"intercept": np.array(score.intercept, np.float32)}
    for name in score.weights:
        numbers[f"means.{name}"] = score.means[name].astype(np.float32)
        numbers[f"weights.{name}"] = score.weights[name].astype(np.float32)
    model = _model(numbers, sorted(score.weights))
    whole = {name: clips[name] for name in score.weights}
    lacking = {name: np.full((1, len(weights)), np.nan) for name, weights in score.weights.items()}
    inputs = [{name: block.astype(np.float32) for name, block in blocks.items()} for blocks in (whole, lacking)]
    check_parity(path, model, zip(inputs, (score(whole)[:, None], score(lacking)[:, None]), strict=True))
    atomic.write_bytes(path.with_suffix(".safetensors"), save(numbers))
    atomic.write_bytes(path, model)


def _model(numbers: Mapping[str, NDArray[np.float32]], blocks: Sequence[str]) -> bytes:
    """Builds the ONNX model of intercept + Σ over blocks of (x − mean)·weights, in which NaN − mean counts as 0."""
    from onnx import TensorProto, checker, helper, numpy_helper

    constants = [numpy_helper.from_array(np.zeros((), np.float32), "zero")]
    constants += [
        numpy_helper.from_array(values[:, None] if name.startswith("weights.") else values, name)
        for name, values in numbers.items()
    ]
    nodes = []
    for name in blocks:
        nodes += [
            helper.make_node("Sub", [name, f"means.{name}"], [f"centred.{name}"]),
            helper.make_node("IsNaN", [f"centred.{name}"], [f"lacks.{name}"]),
            helper.make_node("Where", [f"lacks.{name}", "zero", f"centred.{name}"], [f"known.{name}"]),
            helper.make_node("MatMul", [f"known.{name}", f"weights.{name}"], [f"part.{name}"]),
        ]
    nodes.append(helper.make_node("Sum", ["intercept", *(f"part.{name}" for name in blocks)], ["score"]))
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", len(numbers[f"means.{n}"])]) for n in blocks]
    outputs = [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n", 1])]
    graph = helper.make_graph(nodes, "linear", inputs, outputs, constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="preroll", opset_imports=opset, ir_version=IR_VERSION)
    checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
