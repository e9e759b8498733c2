"""Parity check of an exported ONNX file against its source, before it is written."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.onnx_models.session import inference_session

#: Largest absolute difference that is attributed to float32 rounding.
TOLERANCE = 1e-4

#: Inputs by name, and the expected output.
Example = tuple[Mapping[str, NDArray[Any]], NDArray[np.floating]]


def check_parity(name: object, model: bytes, examples: Iterable[Example]) -> None:
    """Raises an error unless onnxruntime reproduces the expected output for every one of ``examples``.

    Args:
        name: name of the file in error messages.
        model: content of the file, which has one output.
        examples: inputs and expected outputs, with several batch sizes and lengths if these are free.

    Raises:
        PrerollError: if onnxruntime refuses the file or an input, or an output differs by more than :data:`TOLERANCE`.
    """
    pairs = list(examples)
    try:
        session = inference_session(model)
        found = [session.run(None, dict(inputs))[0] for inputs, _ in pairs]
    except Exception as error:  # onnxruntime's exceptions derive directly from Exception
        reason = " ".join(str(error).split())
        raise PrerollError(f"{name}: onnxruntime refuses the exported network: {reason}; nothing was written") from None
    for one, (_, expected) in zip(found, pairs, strict=True):
        difference = float(np.abs(one - expected).max()) if one.shape == expected.shape else np.inf
        if not difference <= TOLERANCE:
            raise PrerollError(f"{name}: the exported network differs by {difference:.2g}; nothing was written")
