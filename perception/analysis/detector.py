"""An ONNX network that says what is in a frame, and where, run by onnxruntime as its model card says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.decoders.classifier import class_scores
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.decoders.instances import Located
from preroll.perception.decoders.maskrcnn import maskrcnn_objects
from preroll.perception.decoders.semantic import semantic_objects
from preroll.perception.decoders.yolo_seg import yolo_seg_objects
from preroll.perception.decoders.yolox import yolox_objects
from preroll.perception.onnx_models.model_card import EMBEDDED, ModelCard, find_card
from preroll.perception.onnx_models.session import inference_session
from preroll.perception.video.resize import Fit, Pixels, View

# Frames that go through the network at once where it allows it.
BATCH = 8

_DECODERS: dict[str, Callable[[list[NDArray[np.generic]], ModelCard, list[View]], list[Located]]] = {
    "maskrcnn": maskrcnn_objects,
    "semantic": semantic_objects,
    "yolo-seg": yolo_seg_objects,
    "yolox": yolox_objects,
}


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
        self._session = open_session(model.read_bytes(), model)
        self._input = self._choose_input()
        free = not isinstance(self._input.shape[0], int)
        self._single = len(self._input.shape) == 3
        # Mask R-CNN gives one list of objects, whatever the number of frames.
        one_by_one = self._single or self.card.decoder == "maskrcnn"
        self._batch = 1 if one_by_one else BATCH if free else self._input.shape[0]

    def _choose_input(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise PrerollError(f"detector {self.model}: it has {len(inputs)} inputs; one is expected, for the frames")
        wanted = _shape(self.card)
        given = inputs[0].shape
        # A network for one frame at a time may do without the axis of the batch.
        fits = len(given) in (3, 4) and all(
            not isinstance(has, int) or has == needs for has, needs in zip(given[-3:], wanted, strict=True)
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
    def batch_axis(self) -> int | str:
        """Size of the first axis of the network's input, or its name where it is free."""
        axis = self._input.shape[0]
        return axis if isinstance(axis, int) else str(axis or "n")

    @property
    def batch(self) -> int:
        """How many frames go through the network at once."""
        return self._batch

    def scores(self, frames: list[Pixels]) -> NDArray[np.float32]:
        """Runs the network on frames of its size and says how sure it is of each class.

        Args:
            frames: at most ``batch`` arrays uint8 [height, width, 3], RGB.

        Returns:
            float32 [n, C]: the confidence of each class in each frame, of its best object where the network finds
            objects; 0 where it is not there.

        Raises:
            PrerollError: where the network fails, or gives something that does not fit its card.
        """
        if not self.card.finds_objects:
            decoded: NDArray[np.float32] = self._run(frames, lambda outputs: class_scores(outputs, self.card))
            return np.nan_to_num(decoded[: len(frames)], copy=False)
        best = np.zeros((len(frames), len(self.card.classes)), np.float32)
        for row, located in zip(best, self.objects(frames), strict=True):
            np.maximum.at(row, located.label, located.confidence)
        return best

    def objects(self, frames: list[Pixels], views: list[View] | None = None) -> list[Located]:
        """Runs a network that finds objects.

        Args:
            frames: as for :meth:`scores`.
            views: where each frame lies in its array; without them the array is the frame.

        Returns:
            The objects of each frame.

        Raises:
            PrerollError: as for :meth:`scores`; and where the network is a classifier.
        """
        if not self.card.finds_objects:
            raise PrerollError(f"detector {self.model}: it is a classifier; it says what a frame shows, and not where")
        height, width = self.card.input_size
        seen = views or [View(height, width, 0, 0, height, width)] * len(frames)
        decode = _DECODERS[self.card.decoder]
        located: list[Located] = self._run(frames, lambda outputs: decode(outputs, self.card, seen))
        return located

    def raw(self, frames: list[Pixels]) -> list[NDArray[np.generic]]:
        """Runs the network and gives its outputs as they are."""
        outputs: list[NDArray[np.generic]] = self._run(frames, lambda given: given)
        return outputs

    def _run(self, frames: list[Pixels], decode: Callable[[list[NDArray[np.generic]]], Any]) -> Any:
        try:
            return decode(self._session.run(None, self.feed(frames)))
        except Exception as error:  # onnxruntime raises classes of its own, derived from Exception alone
            raise PrerollError(f"detector {self.model}: {' '.join(str(error).split())}") from None

    def feed(self, frames: list[Pixels]) -> dict[str, NDArray[Any]]:
        """The network's input for at most ``batch`` frames, by name; a batch of fixed size is filled with the last."""
        tensor = self.tensor(frames)
        if self._single:
            return {self._input.name: tensor[0]}
        missing = self._input.shape[0] - len(frames) if isinstance(self._input.shape[0], int) else 0
        if missing > 0:
            tensor = np.concatenate((tensor, np.repeat(tensor[-1:], missing, 0)))
        return {self._input.name: tensor}

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

    def find(self, frames: list[Pixels], first: int = 0, views: list[View] | None = None) -> VideoDetections:
        """Runs the network and keeps what its card's thresholds allow.

        Args:
            frames: as for :meth:`scores`.
            first: number of the first of these frames in their video.
            views: as for :meth:`objects`.
        """
        if self.card.finds_objects:
            return VideoDetections.of_objects(self.objects(frames, views), first)
        scores = self.scores(frames)
        frame, label = np.nonzero((scores > 0) & (scores >= np.float32(self.card.score_threshold)))
        return VideoDetections((frame + first).astype(np.int32), label.astype(np.int16), scores[frame, label])


def _shape(card: ModelCard) -> tuple[int, int, int]:
    height, width = card.input_size
    return (3, height, width) if card.layout == "NCHW" else (height, width, 3)


def open_session(content: bytes, model: Path) -> onnxruntime.InferenceSession:
    """Loads a network for one thread.

    Args:
        content: the ONNX file's bytes.
        model: its name, for error messages.

    Raises:
        PrerollError: where it cannot be loaded.
    """
    try:
        return inference_session(content)
    except Exception as error:  # as above
        raise PrerollError(f"detector {model}: cannot be loaded: {' '.join(str(error).split())}") from None
