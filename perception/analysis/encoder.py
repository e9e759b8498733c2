"""ONNX image encoders with model cards: one vector per frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from preroll.bounded import limits
from preroll.bounded.readers import load_json
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.files.names import beside
from preroll.perception.analysis.detector import BATCH, open_session
from preroll.perception.analysis.network_input import network_input
from preroll.perception.analysis.vectors import frame_vectors
from preroll.perception.onnx_models.card_fields import (
    AxisOrder,
    Channels,
    FrameFit,
    InputSize,
    Mean,
    NumberType,
    Pad,
    PadPlace,
    Scale,
)
from preroll.perception.onnx_models.model_card import Card, committed_cards
from preroll.perception.onnx_models.model_file import ModelFile, check_stranger
from preroll.perception.onnx_models.networks import find_network
from preroll.perception.video.resize import Fit, Pixels
from preroll.yaml_config import validated


class EncoderCard(Card):
    """Preprocessing and output of an encoder, with the input fields of a detector's card.

    Other fields of a detector's card (classes, thresholds, …) are accepted and ignored.
    """

    model_config = ConfigDict(extra="ignore")
    job: ClassVar[str] = "embed"
    later: ClassVar[Mapping[str, Any]] = {**Card.later, "activation": "softmax"}

    input_size: InputSize
    fit: FrameFit = "crop"
    pad: Pad = 114
    pad_place: PadPlace = "center"
    channels: Channels = "RGB"
    mean: Mean = (0.0, 0.0, 0.0)
    scale: Scale = (1.0, 1.0, 1.0)
    dtype: NumberType = "float32"
    layout: AxisOrder = "NCHW"
    output: str | None = Field(
        default=None,
        description="name of the output that contains the vectors, if `embedding` does not say it; the "
        "first one by default",
    )
    activation: Literal["softmax", "sigmoid"] = Field(
        default="softmax", description="of words: `softmax` (one of them is right) or `sigmoid` (each by itself)"
    )

    @property
    def vectors(self) -> str | None:
        """Name of the output that contains the vectors; None for the first one."""
        return self.embedding or self.output

    @property
    def without_words(self) -> "EncoderCard":
        """The card without what words become of cosines, on which no vector of a video depends."""
        return self.model_copy(update={"logit_scale": None, "logit_bias": 0.0, "activation": "softmax"})

    @property
    def words(self) -> dict[str, Any]:
        """Entry of a manifest: how a cosine becomes the probability of a word; empty if the card does not say it."""
        if self.logit_scale is None:
            return {}
        return {"words": {key: getattr(self, key) for key in ("logit_scale", "logit_bias", "activation")}}


@dataclass(frozen=True)
class EncoderFile:
    """An ONNX file and its card; the network itself is not loaded."""

    model: Path
    card: EncoderCard

    @classmethod
    def find(cls, model: Path, card: Path | None = None, trust: str | None = None) -> Self:
        """Finds the card of an encoder, and checks the file if its hash is not known to preroll.

        Args:
            model: the ONNX file, or the name of a network.
            card: its card; by default NAME.json beside the model, else the package's card with the model's hash.
            trust: sha256 of the file if its loops may have any number of rounds.

        Raises:
            PrerollError: if there is no card, it is for another file, or running the model could do more than compute.
        """
        model = find_network(model)
        found = _find_card(model, card)
        check_stranger(model, found.sha256, "encoder", trust)
        return cls(model, found)

    @classmethod
    def of_detector(cls, detector: ModelFile) -> Self:
        """Returns a detector as the encoder that its card makes it.

        Raises:
            PrerollError: its card names no embedding.
        """
        if detector.card.embedding is None:
            raise PrerollError(
                f"--embed: the card of the detector {detector.card.name} names no output `embedding`: give an encoder"
                " with --encoder, such as efficientnet-lite0"
            )
        return cls(detector.model, EncoderCard.model_validate(detector.card.model_dump()))


class Encoder:
    """A loaded encoder.

    Attributes:
        card: preprocessing and output of the encoder.
        fit: size of its frames.
        batch: largest number of frames per run of the network.
        width: D, the length of a vector.
    """

    def __init__(self, model: Path, card: EncoderCard) -> None:
        """Loads the network and runs it once on grey frames.

        Raises:
            PrerollError: if the model does not match its card.
        """
        self.model = model
        self.card = card
        height, width = self.card.input_size
        self.fit = Fit(height, width, self.card.fit, self.card.pad, self.card.pad_place)
        self._session = open_session(model.read_bytes(), model)
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise PrerollError(f"encoder {model}: it has {len(inputs)} inputs; one is expected, for the frames")
        self._input = inputs[0]
        outputs = [output.name for output in self._session.get_outputs()]
        if self.card.vectors is not None and self.card.vectors not in outputs:
            raise PrerollError(f"encoder {model}: output {self.card.vectors!r} is not one of {', '.join(outputs)}")
        self._output = self.card.vectors or outputs[0]
        first = self._input.shape[0]
        self._fixed = first if isinstance(first, int) else None
        self.batch = self._fixed or BATCH
        self.width = self.embed([np.full((height, width, 3), 128, np.uint8)]).shape[1]

    def embed(self, frames: list[Pixels]) -> NDArray[np.float32]:
        """Embeds frames of its input size.

        Args:
            frames: at most ``batch`` arrays uint8 [height, width, 3], RGB.

        Returns:
            float32 [n, D], not normalised.

        Raises:
            PrerollError: if the network fails, or its output is not one vector of finite numbers for each frame.
        """
        tensor = network_input(frames, self.card)
        if self._fixed:
            tensor = np.concatenate((tensor, np.repeat(tensor[-1:], self._fixed - len(frames), 0)))
        try:
            (found,) = self._session.run([self._output], {self._input.name: tensor})
            return frame_vectors(found, self.card.pool)[: len(frames)]
        except Exception as error:  # onnxruntime's exceptions derive directly from Exception
            raise PrerollError(f"encoder {self.model}: {' '.join(str(error).split())}") from None


def _find_card(model: Path, card: Path | None) -> EncoderCard:
    if not model.is_file():
        raise PrerollError(f"encoder {model}: no such file; it must be an ONNX model")
    digest, path = sha256_of(model), card or beside(model, ".json")
    if card is None and not path.is_file():
        known = committed_cards()
        if digest not in known:
            raise PrerollError(f"encoder {model}: no model card: write {path.name} beside it, or give one with --card")
        return EncoderCard.model_validate(known[digest].model_dump())
    try:
        content = load_json(path, limits.CARD_TEXT)
    except (OSError, ValueError) as error:
        raise PrerollError(f"model card {path}: cannot be read: {error}") from None
    found = validated(EncoderCard, content, f"model card {path}")
    if found.sha256 != digest:
        raise PrerollError(
            f"model card {path}: sha256 {found.sha256[:12]}… is of another file; {model.name} has {digest[:12]}…"
        )
    return found
