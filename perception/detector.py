"""An ONNX network that says which object classes are in a frame, run by onnxruntime as its model card says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.cards import EMBEDDED, ModelCard, find_card
from preroll.perception.classifier import class_scores
from preroll.perception.geometry import Fit, Pixels
from preroll.perception.yolox import box_scores

# Frames that go through the network at once where it allows it.
BATCH = 8

_DECODERS: dict[str, Callable[[list[NDArray[np.generic]], ModelCard], NDArray[np.float32]]] = {
    "classifier": class_scores,
    "yolox": box_scores,
}


@dataclass(frozen=True)
class Found:
    """What was found in a sequence of frames, one entry per frame and class, by frame and then by class.

    Attributes:
        frame: int32 [M], counted from 0.
        label: int16 [M], index of the class.
        confidence: float32 [M] in (0, 1].
    """

    frame: NDArray[np.int32]
    label: NDArray[np.int16]
    confidence: NDArray[np.float32]

    @classmethod
    def join(cls, parts: list["Found"]) -> "Found":
        """Puts what was found in consecutive stretches of frames together."""
        return cls(
            np.concatenate([np.zeros(0, np.int32), *(part.frame for part in parts)]),
            np.concatenate([np.zeros(0, np.int16), *(part.label for part in parts)]),
            np.concatenate([np.zeros(0, np.float32), *(part.confidence for part in parts)]),
        )


class Detector:
    """An ONNX network together with its model card.

    Attributes:
        card: how the network is fed and read.
        fit: the size of its frames.
    """

    def __init__(self, model: Path = EMBEDDED, card: Path | ModelCard | None = None) -> None:
        """Loads a network.

        Args:
            model: the ONNX file; the embedded one by default.
            card: its card or the card's file, if it does not stand beside the model or among the package's.

        Raises:
            PrerollError: where the file, its card or the network's shape is wrong.
        """
        self.model = model
        self.card = card if isinstance(card, ModelCard) else find_card(model, card)
        height, width = self.card.input_size
        self.fit = Fit(height, width, self.card.fit, self.card.pad, self.card.pad_place)
        self._session = _session(model)
        self._input = self._choose_input()
        self._batch = self._input.shape[0] if isinstance(self._input.shape[0], int) else BATCH
        self._decode = _DECODERS[self.card.decoder]

    def _choose_input(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise PrerollError(f"detector {self.model}: it has {len(inputs)} inputs; one is expected, for the frames")
        wanted = _shape(self.card)
        given = inputs[0].shape
        fits = len(given) == 4 and all(
            not isinstance(has, int) or has == needs for has, needs in zip(given[1:], wanted, strict=True)
        )
        if not fits:
            raise PrerollError(f"detector {self.model}: its input is {given}, but its card says [n, {wanted}]")
        kind = {"uint8": "tensor(uint8)", "float16": "tensor(float16)", "float32": "tensor(float)"}[self.card.dtype]
        if inputs[0].type != kind:
            raise PrerollError(
                f"detector {self.model}: its input is {inputs[0].type}, but its card says {self.card.dtype}"
            )
        return inputs[0]

    @property
    def batch(self) -> int:
        """How many frames go through the network at once."""
        return self._batch

    def scores(self, frames: list[Pixels]) -> NDArray[np.float32]:
        """Runs the network on frames of its size.

        Args:
            frames: at most ``batch`` arrays uint8 [height, width, 3], RGB.

        Returns:
            float32 [n, C]: the confidence of each class in each frame, 0 where it is not there.

        Raises:
            PrerollError: where the network fails, or gives something that does not fit its card.
        """
        tensor = self.tensor(frames)
        missing = self._batch - len(frames) if isinstance(self._input.shape[0], int) else 0
        if missing:
            tensor = np.concatenate((tensor, np.repeat(tensor[-1:], missing, 0)))
        try:
            outputs = self._session.run(None, {self._input.name: tensor})
            scores = self._decode(outputs, self.card)[: len(frames)]
        except Exception as error:  # onnxruntime raises classes of its own, derived from Exception alone
            raise PrerollError(f"detector {self.model}: {' '.join(str(error).split())}") from None
        return np.nan_to_num(scores, copy=False)

    def check(self) -> None:
        """Runs the network once on grey frames, so that what does not fit is known before the work begins.

        Raises:
            PrerollError: as :meth:`scores`.
        """
        self.scores([np.full((self.fit.height, self.fit.width, 3), 128, np.uint8)])

    def tensor(self, frames: list[Pixels]) -> NDArray[Any]:
        """Turns RGB frames into the network's input: channel order, normalisation, number type and layout."""
        card = self.card
        pixels: NDArray[Any] = np.stack(frames)
        if card.channels == "BGR":
            pixels = pixels[..., ::-1]
        if card.dtype != "uint8":
            mean, scale = np.array(card.mean, np.float32), np.array(card.scale, np.float32)
            pixels = (pixels.astype(np.float32) - mean) * scale
        if card.layout == "NCHW":
            pixels = pixels.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(pixels, dtype=card.dtype)

    def find(self, frames: list[Pixels], first: int = 0) -> Found:
        """Runs the network and keeps what is at least as confident as the card's threshold.

        Args:
            frames: as for :meth:`scores`.
            first: number of the first of these frames in their video.
        """
        scores = self.scores(frames)
        frame, label = np.nonzero((scores > 0) & (scores >= np.float32(self.card.score_threshold)))
        return Found((frame + first).astype(np.int32), label.astype(np.int16), scores[frame, label])


def _shape(card: ModelCard) -> tuple[int, int, int]:
    height, width = card.input_size
    return (3, height, width) if card.layout == "NCHW" else (height, width, 3)


def _session(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One thread per worker process, and none that spins while it waits: the machine's cores are shared by workers.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise PrerollError(f"detector {model}: cannot be loaded: {' '.join(str(error).split())}") from None
