"""An LSTM over a batch of sequences, which an export writes as ONNX's own LSTM."""

import torch
from torch import Tensor, nn

#: torch's gates (input, forget, cell, output) in the order of ONNX (input, output, forget, cell).
_GATES = (0, 3, 1, 2)


def states(lstm: nn.LSTM, inputs: Tensor) -> Tensor:
    """The hidden state after every step, float32 [n, T, hidden].

    torch's exporter swaps torch's LSTM for one that loops, but its dispatcher remembers the first export's choice: of a
    second LSTM in one process it would unroll as many steps as the example has, and fix the time axis.

    Args:
        lstm: of one layer and one direction, ``batch_first``.
        inputs: float32 [n, T, D].
    """
    if not torch.onnx.is_in_onnx_export():
        found: Tensor = lstm(inputs)[0]
        return found
    n, steps, _ = inputs.shape
    stacked = (
        getattr(lstm, f"{part}_l0").unflatten(0, (4, -1)) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    weight, recurrence, *biases = (part[list(_GATES)].flatten(0, 1)[None] for part in stacked)
    outputs = torch.onnx.ops.symbolic(
        "LSTM",
        (inputs.transpose(0, 1), weight, recurrence, torch.cat(biases, 1)),
        {"hidden_size": lstm.hidden_size},
        dtype=inputs.dtype,
        shape=(steps, 1, n, lstm.hidden_size),
    )
    return outputs[:, 0].transpose(0, 1)
