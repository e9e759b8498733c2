"""A trained model in its folder: ONNX networks whose mean predicts, run without torch."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.onnx_models.session import inference_session

Probabilities = NDArray[np.float32]


class Ensemble:
    """The networks of one model, one for each seed.

    Attributes:
        paths: their ONNX files.
    """

    def __init__(self, folder: Path) -> None:
        """Load every ``*.onnx`` of a folder.

        Raises:
            PrerollError: there is none, or one cannot be loaded.
        """
        self.paths = sorted(folder.glob("*.onnx"))
        if not self.paths:
            raise PrerollError(f"model {folder}: holds no .onnx file")
        self._sessions = []
        for path in self.paths:
            try:
                self._sessions.append(inference_session(path.read_bytes()))
            except Exception as error:  # onnxruntime raises classes of its own, derived from Exception alone
                raise PrerollError(f"model {path}: cannot be loaded: {' '.join(str(error).split())}") from None

    def __call__(self, batches: Iterable[Mapping[str, NDArray[Any]]]) -> Probabilities:
        """The mean of what the networks give.

        Args:
            batches: inputs by name, a batch at a time.

        Returns:
            float32 [n, K].

        Raises:
            PrerollError: the inputs are not what the networks take.
        """
        parts = []
        for batch in batches:
            try:
                found = [session.run(None, dict(batch))[0] for session in self._sessions]
            except Exception as error:  # as above
                raise PrerollError(f"model {self.paths[0]}: {' '.join(str(error).split())}") from None
            parts.append(np.mean(found, axis=0, dtype=np.float32))
        return np.concatenate(parts)
