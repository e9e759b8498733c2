"""ONNX detectors: classes and locations in frames, computed by onnxruntime as the model card specifies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.perception.analysis.network_input import network_input
from preroll.perception.analysis.vectors import Vectors, frame_vectors
from preroll.perception.decoders.boxes import box_candidates
from preroll.perception.decoders.classifier import class_scores
from preroll.perception.decoders.detections import VideoDetections
from preroll.perception.decoders.instances import Located
from preroll.perception.decoders.maskrcnn import maskrcnn_objects
from preroll.perception.decoders.nms import Candidates, located
from preroll.perception.decoders.semantic import semantic_objects
from preroll.perception.decoders.yolo_seg import yolo_seg_objects
from preroll.perception.decoders.yolox import yolox_candidates
from preroll.perception.onnx_models.model_card import EMBEDDED, ModelCard, find_card
from preroll.perception.onnx_models.networks import find_network
from preroll.perception.onnx_models.session import inference_session
from preroll.perception.video.resize import Fit, Pixels, View
from preroll.shown.card import Card
from preroll.shown.shown import Shown

#: Frames per run of a network whose batch size is free.
BATCH = 8

#: What gives the boxes of networks that return no masks.
BOXES: dict[str, Callable[[list[NDArray[np.generic]], ModelCard], Candidates]] = {
    "boxes": box_candidates,
    "yolox": yolox_candidates,
}
_DECODERS: dict[str, Callable[[list[NDArray[np.generic]], ModelCard, list[View]], list[Located]]] = {
    "maskrcnn": maskrcnn_objects,
    "semantic": semantic_objects,
    "yolo-seg": yolo_seg_objects,
    **dict.fromkeys(BOXES, lambda outputs, card, views: located(BOXES[card.decoder](outputs, card), card, views)),
}


def decode(outputs: list[NDArray[np.generic]], card: ModelCard, views: list[View]) -> Any:
    """Returns the objects of each frame, or for a classifier the scores [n, C], from the outputs of a network.

    Raises:
        ValueError: if the outputs do not match the card.
    """
    if not card.finds_objects:
        return class_scores(outputs, card)
    return _DECODERS[card.decoder](outputs, card, views)


class Detector(Shown):
    """An ONNX network together with its model card.

    Attributes:
        card: preprocessing and output format of the network.
        fit: size of its frames.

    Examples:
        The embedded classifier on a drawing of a car:

        >>> import numpy as np
        >>> from PIL import Image
        >>> from preroll.perception import Detector
        >>> from preroll.perception.demo.objects import draw_object
        >>> car = draw_object("car", np.random.default_rng(0), size=100)
        >>> picture = Image.new("RGB", (128, 128), "white")
        >>> picture.paste(car, (14, 14), car)
        >>> detector = Detector()
        >>> found = detector.find([np.asarray(picture)])
        >>> [detector.card.classes[label] for label in found.label]
        ['car']
    """

    def __init__(
        self,
        model: str | Path = EMBEDDED,
        card: str | Path | ModelCard | None = None,
        session: onnxruntime.InferenceSession | None = None,
    ) -> None:
        """Loads a network.

        Args:
            model: the ONNX file, or the name of a network; the embedded one by default.
            card: its card or the card's file; by default the one beside the model, else the package's card with its
                sha256.
            session: the network, if it is loaded already.

        Raises:
            PrerollError: if the file, its card or the network's shape is invalid.
        """
        self.model = model = find_network(Path(model))
        self.card = card if isinstance(card, ModelCard) else find_card(model, None if card is None else Path(card))
        height, width = self.card.input_size
        self.fit = Fit(height, width, self.card.fit, self.card.pad, self.card.pad_place)
        self._session = session or open_session(model.read_bytes(), model)
        self._input = self._choose_input()
        free = not isinstance(self._input.shape[0], int)
        self._single = len(self._input.shape) == 3
        # Networks that choose the objects themselves may return a single list of them, whatever the number of frames.
        chosen = any("label" in columns for columns in (self.card.columns or {}).values())
        one_by_one = self._single or self.card.decoder == "maskrcnn" or chosen
        self._outputs = self._choose_outputs()
        self._batch = 1 if one_by_one else BATCH if free else self._input.shape[0]

    def _card(self) -> Card:
        return Card(f"Detector {self.model.stem}", {"file": self.model.name, **self.card._card().facts})

    def _choose_input(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise PrerollError(f"detector {self.model}: it has {len(inputs)} inputs; one is expected, for the frames")
        wanted = _shape(self.card)
        given = inputs[0].shape
        # A network for one frame at a time may lack the batch axis.
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

    def _choose_outputs(self) -> list[str]:
        """Returns the names of the outputs that are decoded: those that the card names, else all but the embedding."""
        card, given = self.card, [one.name for one in self._session.get_outputs()]
        names = [card.output] if card.output is not None else list(card.columns or ())
        for name in (*names, *([card.embedding] if card.embedding is not None else ())):
            if name not in given:
                raise PrerollError(f"detector {self.model}: it has no output {name!r}; it has {', '.join(given)}")
        return names or [name for name in given if name != card.embedding]

    def reread(self, card: ModelCard) -> "Detector":
        """Returns the same network with another card, without loading it again."""
        return Detector(self.model, card, self._session)

    @property
    def batch_axis(self) -> int | str:
        """Size of the first axis of the network's input, or its name if it is free."""
        axis = self._input.shape[0]
        return axis if isinstance(axis, int) else str(axis or "n")

    @property
    def batch(self) -> int:
        """Largest number of frames per run of the network."""
        return self._batch

    def scores(self, frames: list[Pixels]) -> NDArray[np.float32]:
        """Runs the network on frames of its input size and returns the confidence of each class.

        Args:
            frames: at most ``batch`` arrays uint8 [height, width, 3], RGB.

        Returns:
            float32 [n, C]: the confidence of each class in each frame, of its best object if the network finds objects;
            0 if it was not found.

        Raises:
            PrerollError: if the network fails, or its output does not match its card.
        """
        if not self.card.finds_objects:
            scores: NDArray[np.float32] = self._run(frames, lambda outputs: self._scores(outputs)[: len(frames)])
            return scores
        best = np.zeros((len(frames), len(self.card.classes)), np.float32)
        for row, found in zip(best, self.objects(frames), strict=True):
            np.maximum.at(row, found.label, found.confidence)
        return best

    def objects(self, frames: list[Pixels], views: list[View] | None = None) -> list[Located]:
        """Runs a network that locates objects.

        Args:
            frames: as for :meth:`scores`.
            views: position of each frame in its array; by default the array is the frame.

        Returns:
            The objects of each frame.

        Raises:
            PrerollError: as for :meth:`scores`, and if the network is a classifier.
        """
        if not self.card.finds_objects:
            raise PrerollError(f"detector {self.model}: it is a classifier; it says what a frame shows, and not where")
        found: list[Located] = self._run(frames, lambda outputs: self._located(outputs, len(frames), views))
        return found

    def candidates(self, frames: list[Pixels]) -> Candidates:
        """Runs a network that returns boxes, and returns all of them before any threshold."""
        given: Candidates = self._run(frames, lambda outputs: BOXES[self.card.decoder](outputs, self.card))
        return given

    def named_outputs(self, frames: list[Pixels]) -> dict[str, NDArray[np.generic]]:
        """Runs the network and returns all its outputs by name, unchanged."""
        names = [one.name for one in self._session.get_outputs()]
        try:
            return dict(zip(names, self._session.run(names, self.feed(frames)), strict=True))
        except Exception as error:  # as below
            raise PrerollError(f"detector {self.model}: {' '.join(str(error).split())}") from None

    def raw(self, frames: list[Pixels]) -> list[NDArray[np.generic]]:
        """Runs the network and returns the outputs that the card reads, unchanged."""
        outputs: list[NDArray[np.generic]] = self._run(frames, lambda given: given)
        return outputs

    def _run(self, frames: list[Pixels], read: Callable[[list[NDArray[np.generic]]], Any], *others: str) -> Any:
        """Runs the network, and returns what ``read`` makes of the outputs of the card and of ``others``."""
        try:
            return read(self._session.run([*self._outputs, *others], self.feed(frames)))
        except ValueError as error:
            hint = f"`preroll detector card {self.model.name} --classes FILE` finds a card that fits"
            raise PrerollError(f"detector {self.model}: {error}; {hint}") from None
        except Exception as error:  # onnxruntime's exceptions derive directly from Exception
            raise PrerollError(f"detector {self.model}: {' '.join(str(error).split())}") from None

    def feed(self, frames: list[Pixels]) -> dict[str, NDArray[Any]]:
        """Returns the network's input by name, for at most ``batch`` frames.

        If the network has a fixed batch size, the last frame is repeated to fill it.
        """
        tensor = self.tensor(frames)
        if self._single:
            return {self._input.name: tensor[0]}
        missing = self._input.shape[0] - len(frames) if isinstance(self._input.shape[0], int) else 0
        if missing > 0:
            tensor = np.concatenate((tensor, np.repeat(tensor[-1:], missing, 0)))
        return {self._input.name: tensor}

    def check(self) -> None:
        """Runs the network on a black and on a noise frame, so that a mismatch is found before the work begins.

        Raises:
            PrerollError: as :meth:`scores`.
        """
        for frame in trial_frames(self.fit):
            self.scores([frame])

    def tensor(self, frames: list[Pixels]) -> NDArray[Any]:
        """Returns the network's input for frames as :meth:`scores` takes them."""
        return network_input(frames, self.card)

    def find(self, frames: list[Pixels], first: int = 0, views: list[View] | None = None) -> VideoDetections:
        """Runs the network and returns the detections that pass the card's thresholds.

        Args:
            frames: as for :meth:`scores`.
            first: index of the first of these frames in the video, counted from 0.
            views: as for :meth:`objects`.
        """
        found: VideoDetections = self._run(frames, lambda given: self._detections(given, len(frames), first, views))
        return found

    def find_and_embed(
        self, frames: list[Pixels], first: int = 0, views: list[View] | None = None
    ) -> tuple[VideoDetections, Vectors]:
        """Runs a network whose card names an embedding once, and returns detections as :meth:`find`, and its vectors.

        Returns:
            The detections, and float32 [n, d], not normalised.
        """
        assert self.card.embedding is not None
        count = len(frames)

        def read(outputs: list[NDArray[np.generic]]) -> tuple[VideoDetections, Vectors]:
            vectors = frame_vectors(outputs[-1], self.card.pool)[:count]
            return self._detections(outputs[:-1], count, first, views), vectors

        found: tuple[VideoDetections, Vectors] = self._run(frames, read, self.card.embedding)
        return found

    def _scores(self, outputs: list[NDArray[np.generic]]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = decode(outputs, self.card, [])
        return np.nan_to_num(scores, copy=False)

    def _located(self, outputs: list[NDArray[np.generic]], count: int, views: list[View] | None) -> list[Located]:
        height, width = self.card.input_size
        found: list[Located] = decode(outputs, self.card, views or [View(height, width, 0, 0, height, width)] * count)
        return found

    def _detections(
        self, outputs: list[NDArray[np.generic]], count: int, first: int, views: list[View] | None
    ) -> VideoDetections:
        if self.card.finds_objects:
            return VideoDetections.of_objects(self._located(outputs, count, views), first)
        scores = self._scores(outputs)[:count]
        frame, label = np.nonzero((scores > 0) & (scores >= np.float32(self.card.score_threshold)))
        return VideoDetections((frame + first).astype(np.int32), label.astype(np.int16), scores[frame, label])


def _shape(card: ModelCard) -> tuple[int, int, int]:
    height, width = card.input_size
    channels = 1 if card.channels == "gray" else 3
    return (channels, height, width) if card.layout == "NCHW" else (height, width, channels)


def trial_frames(fit: Fit) -> list[Pixels]:
    """Returns a black frame and one of noise, always the same."""
    noise = np.random.default_rng(0).integers(0, 256, (fit.height, fit.width, 3), np.uint8)
    return [np.zeros_like(noise), noise]


def open_session(content: bytes, model: Path) -> onnxruntime.InferenceSession:
    """Loads a network for one thread.

    Args:
        content: the ONNX file's bytes.
        model: its name, for error messages.

    Raises:
        PrerollError: if it cannot be loaded.
    """
    try:
        return inference_session(content)
    except Exception as error:  # as above
        raise PrerollError(f"detector {model}: cannot be loaded: {' '.join(str(error).split())}") from None
