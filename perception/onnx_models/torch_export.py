"""Export of a torch network to ONNX."""

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
    """Exports a network as one ONNX file with embedded weights, unchecked.

    Args:
        network: the network; it is set to evaluation mode.
        example: inputs of realistic size, at least 2 along every free axis.
        inputs: names of the inputs.
        output: name of the output.
        free_axes: number of leading axes of the inputs with free length: 1, or 2 for sequences.

    Returns:
        The content of the ONNX file.

    Raises:
        PrerollError: if the exporter returns no program.
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
        raise PrerollError("the ONNX exporter returned no program")
    model = program.model_proto
    for node in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        node.ClearField("metadata_props")  # contains stack traces with this machine's paths
    data: bytes = model.SerializeToString()
    return data


def _shapes(network: nn.Module, inputs: int, axes: dict[int, "torch.export.Dim"]) -> tuple[object, ...]:
    shapes = tuple(axes for _ in range(inputs))
    # Arguments of *inputs count as one argument.
    kinds = {argument.kind for argument in inspect.signature(network.forward).parameters.values()}
    return (shapes,) if inspect.Parameter.VAR_POSITIONAL in kinds else shapes
