"""A new ONNX file compared with what it was made from, before it is written."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.onnx_models.session import inference_session

#: Largest difference that passes as rounding of float32.
TOLERANCE = 1e-4

#: Inputs by name, and the output that is expected of them.
Example = tuple[Mapping[str, NDArray[Any]], NDArray[np.floating]]


def check_parity(name: object, model: bytes, examples: Iterable[Example]) -> None:
    """Raises unless onnxruntime gives what is expected, for every one of ``examples``.

    Args:
        name: stands for the file in errors.
        model: the content of the file, of one output.
        examples: of several batch sizes and lengths where these are free.

    Raises:
        PrerollError: onnxruntime refuses the file or an input, or computes something else.
    """
    pairs = list(examples)
    try:
        session = inference_session(model)
        found = [session.run(None, dict(inputs))[0] for inputs, _ in pairs]
    except Exception as error:  # onnxruntime raises classes of its own, derived from Exception alone
        reason = " ".join(str(error).split())
        raise PrerollError(f"{name}: onnxruntime refuses the exported network: {reason}; nothing was written") from None
    for one, (_, expected) in zip(found, pairs, strict=True):
        difference = float(np.abs(one - expected).max()) if one.shape == expected.shape else np.inf
        if not difference <= TOLERANCE:
            raise PrerollError(f"{name}: the exported network differs by {difference:.2g}; nothing was written")
