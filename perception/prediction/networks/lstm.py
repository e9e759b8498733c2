"""An LSTM over a batch of sequences, exported as ONNX's LSTM operator."""

import torch
from torch import Tensor, nn

#: Indices of torch's gates (input, forget, cell, output) in the order of ONNX (input, output, forget, cell).
_GATES = (0, 3, 1, 2)


def states(lstm: nn.LSTM, inputs: Tensor) -> Tensor:
    """Computes the hidden state after every step.

    During an export, ONNX's LSTM operator is emitted directly. torch's exporter would replace torch's LSTM by a looping
    one, but its dispatcher caches the decision of the first export: a second LSTM in the same process would be unrolled
    to the length of the example, which fixes the time axis.

    Args:
        lstm: LSTM of one layer and one direction, with ``batch_first``.
        inputs: float32 [n, T, D].

    Returns:
        float32 [n, T, hidden].
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
