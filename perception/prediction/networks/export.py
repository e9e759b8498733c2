"""Export of trained networks to ONNX, compared with torch before writing, and of their weights to safetensors."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from preroll.files import atomic
from preroll.perception.onnx_models.parity import Example, check_parity
from preroll.perception.onnx_models.torch_export import to_onnx


class Probabilities(nn.Module):
    """A network that returns probabilities: another one's logits passed through a sigmoid."""

    def __init__(self, network: nn.Module) -> None:
        """Wraps ``network``, whose outputs are logits."""
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        """Computes the probability [n, K] of every class."""
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
    """Writes a network as ``path`` (NAME.onnx) and its weights as NAME.safetensors.

    Args:
        path: ONNX file to write.
        network: the network, which is put into evaluation mode.
        examples: inputs of realistic size; the first one traces the network, and the outputs of all are compared.
        inputs: names of the inputs.
        output: name of the output.
        free_axes: number of leading axes of the inputs with variable length: 1, or 2 for sequences.

    Raises:
        PrerollError: onnxruntime rejects the file, or its outputs differ from torch's; nothing is written.
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
