"""A trained network as ONNX, compared with torch before it is written, and its weights as safetensors."""

import inspect
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from preroll import atomic
from preroll.errors import PrerollError

#: Largest difference between torch and onnxruntime that passes as rounding of float32.
TOLERANCE = 1e-4


class Probabilities(nn.Module):
    """A network of logits with the sigmoid at its end."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap ``network``."""
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the probability [n, K] of every class."""
        return torch.sigmoid(self.network(*inputs))


def export(
    path: Path,
    network: nn.Module,
    examples: Sequence[tuple[Tensor, ...]],
    *,
    inputs: Sequence[str],
    output: str,
    free_axes: int = 1,
) -> None:
    """Writes ``path`` (NAME.onnx) and NAME.safetensors.

    Args:
        path: of the ONNX file.
        network: is put into evaluation mode.
        examples: inputs of real size; the first traces the network, all are compared.
        inputs: their names.
        output: the name of the output.
        free_axes: how many first axes of the inputs may have any length: 1, or 2 for sequences.

    Raises:
        PrerollError: onnxruntime refuses the file, or does not compute what torch computes; nothing is written.
    """
    from safetensors.torch import save

    network.eval()
    model = _onnx(network, examples[0], list(inputs), output, free_axes)
    try:
        difference = _largest_difference(network, model, examples, inputs)
    except Exception as error:  # onnxruntime raises classes of its own, derived from Exception alone
        reason = " ".join(str(error).split())
        raise PrerollError(f"{path}: onnxruntime refuses the exported network: {reason}; nothing was written") from None
    if not difference <= TOLERANCE:
        raise PrerollError(f"{path}: the exported network differs from torch by {difference:.2g}; nothing was written")
    weights = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    atomic.write_bytes(path.with_suffix(".safetensors"), save(weights))
    atomic.write_bytes(path, model)


def _onnx(network: nn.Module, example: tuple[Tensor, ...], inputs: list[str], output: str, free_axes: int) -> bytes:
    axes = {axis: torch.export.Dim(f"n{axis}") for axis in range(free_axes)}
    log = logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about torch's own deprecated calls
        log.setLevel(logging.ERROR)  # and about packages that are not installed
        try:
            program = torch.onnx.export(
                network,
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


def _largest_difference(
    network: nn.Module, model: bytes, examples: Sequence[tuple[Tensor, ...]], inputs: Sequence[str]
) -> float:
    from preroll.perception.prediction.predictor import session_of

    session = session_of(model)
    largest = 0.0
    for example in examples:
        with torch.no_grad():
            expected: NDArray[np.float32] = network(*example).numpy()
        (found,) = session.run(None, {name: value.numpy() for name, value in zip(inputs, example, strict=True)})
        if found.shape != expected.shape:
            return float("inf")
        largest = max(largest, float(np.abs(found - expected).max()))
    return largest
