"""A network of torch as an ONNX file."""

import inspect
import logging
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from preroll.errors import PrerollError


def to_onnx(
    network: nn.Module, example: tuple[Tensor, ...], *, inputs: Sequence[str], output: str, free_axes: int = 1
) -> bytes:
    """The network as one ONNX file with its weights inside, unchecked.

    Args:
        network: is put into evaluation mode.
        example: inputs of real size, at least 2 along every free axis.
        inputs: their names.
        output: the name of the output.
        free_axes: how many first axes of the inputs may have any length: 1, or 2 for sequences.
    """
    axes = {axis: torch.export.Dim(f"n{axis}") for axis in range(free_axes)}
    log = logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about torch's own deprecated calls
        log.setLevel(logging.ERROR)  # and about packages that are not installed
        try:
            program = torch.onnx.export(
                network.eval(),
                example,
                input_names=inputs,
                output_names=[output],
                dynamic_shapes=_shapes(network, len(inputs), axes),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        finally:
            log.setLevel(level)
    if program is None:
        raise PrerollError("the ONNX exporter gave no program")
    model = program.model_proto
    for node in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        node.ClearField("metadata_props")  # holds stack traces with this machine's paths
    data: bytes = model.SerializeToString()
    return data


def _shapes(network: nn.Module, inputs: int, axes: dict[int, "torch.export.Dim"]) -> tuple[object, ...]:
    shapes = tuple(axes for _ in range(inputs))
    # Arguments of *inputs count as one argument.
    kinds = {argument.kind for argument in inspect.signature(network.forward).parameters.values()}
    return (shapes,) if inspect.Parameter.VAR_POSITIONAL in kinds else shapes
