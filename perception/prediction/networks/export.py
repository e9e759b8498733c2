"""A trained network as ONNX, compared with torch before it is written, and its weights as safetensors."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from preroll import atomic
from preroll.perception.onnx_models.parity import Example, check_parity
from preroll.perception.onnx_models.torch_export import to_onnx


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

    def computed(example: tuple[Tensor, ...]) -> Example:
        with torch.no_grad():
            expected = network(*example).numpy()
        return {name: value.numpy() for name, value in zip(inputs, example, strict=True)}, expected

    model = to_onnx(network, examples[0], inputs=inputs, output=output, free_axes=free_axes)
    check_parity(path, model, map(computed, examples))
    weights = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    atomic.write_bytes(path.with_suffix(".safetensors"), save(weights))
    atomic.write_bytes(path, model)
