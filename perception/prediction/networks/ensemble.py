"""Inference by the mean of the ONNX networks of a model folder, without torch."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.onnx_models.model_file import check_model
from preroll.perception.onnx_models.session import inference_session

Probabilities = NDArray[np.float32]


class Ensemble:
    """The networks of a model, one per seed, whose mean is the prediction.

    Attributes:
        paths: ONNX files of the networks.
    """

    def __init__(self, folder: Path) -> None:
        """Loads every ``*.onnx`` file of a folder.

        Raises:
            PrerollError: there is no such file, or one is no plain network (:func:`check_model`) or cannot be loaded.
        """
        self.paths = sorted(folder.glob("*.onnx"))
        if not self.paths:
            raise PrerollError(f"model {folder}: holds no .onnx file")
        self._sessions = []
        for path in self.paths:
            check_model(path, "model")
            try:
                self._sessions.append(inference_session(path.read_bytes()))
            except Exception as error:  # onnxruntime's error classes derive directly from Exception
                raise PrerollError(f"model {path}: cannot be loaded: {' '.join(str(error).split())}") from None

    def __call__(self, batches: Iterable[Mapping[str, NDArray[Any]]]) -> Probabilities:
        """Computes the mean of the networks' outputs.

        Args:
            batches: inputs by name, one mapping per batch.

        Returns:
            float32 [n, K] for the n rows of all batches.

        Raises:
            PrerollError: the inputs do not fit the networks.
        """
        parts = []
        for batch in batches:
            try:
                found = [session.run(None, dict(batch))[0] for session in self._sessions]
            except Exception as error:  # as above
                raise PrerollError(f"model {self.paths[0]}: {' '.join(str(error).split())}") from None
            parts.append(np.mean(found, axis=0, dtype=np.float32))
        return np.concatenate(parts)
