"""Model cards for arbitrary networks: built from the ONNX file and the user's options, and checked for plausibility."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
from onnx import TensorProto
from pydantic import ValidationError

from preroll.bounded.readers import parse_json
from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.analysis.detector import Detector
from preroll.perception.analysis.plausibility import oddities
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.onnx_models.model_file import check_stranger
from preroll.perception.video.resize import Pixels

_TYPES = {TensorProto.UINT8: "uint8", TensorProto.FLOAT16: "float16", TensorProto.FLOAT: "float32"}
# Upper limit for a file of class names [bytes].
_LONGEST_LIST = 4 << 20


@dataclass(frozen=True)
class InputShape:
    """Input specification read from a network's file.

    Attributes:
        dtype: number type.
        layout: NCHW or NHWC.
        size: height and width [pixels]; None if the file leaves them free.
        gray: whether it has one channel instead of three.
    """

    dtype: str
    layout: str
    size: tuple[int, int] | None
    gray: bool


def read_input(model: Path, trust: str | None = None) -> InputShape:
    """Reads the type and the shape of a network's input; the network itself is not loaded.

    Args:
        model: the ONNX file.
        trust: its sha256 if its loops may have any number of rounds.

    Raises:
        PrerollError: if the file is not an accepted network, or its input cannot hold a frame.
    """
    check_stranger(model, sha256_of(model) if model.is_file() else "", trust=trust)
    graph = onnx.load(str(model), load_external_data=False).graph
    weights = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in weights]
    if len(inputs) != 1:
        raise PrerollError(f"detector {model}: it has {len(inputs)} inputs; one is expected, for the frames")
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in _TYPES:
        kind = TensorProto.DataType.Name(tensor.elem_type).lower()
        raise PrerollError(f"detector {model}: its input is {kind}; must be uint8, float16 or float32")
    axes = [one.dim_value or None for one in tensor.shape.dim]
    if len(axes) not in (3, 4):
        raise PrerollError(f"detector {model}: its input has {len(axes)} axes; a frame needs 3 or 4")
    first, height, width = axes[-3:]
    if first in (1, 3):
        layout, channels = "NCHW", first
    elif width in (1, 3):
        layout, channels, height, width = "NHWC", width, first, height
    else:
        raise PrerollError(f"detector {model}: its input {axes} has no axis of 3 colour channels, nor of 1 for gray")
    size = (height, width) if height and width else None
    return InputShape(_TYPES[tensor.elem_type], layout, size, channels == 1)


def read_classes(path: Path) -> tuple[str, ...]:
    """Reads class names: one per line, a JSON list, or a dictionary from number to name in Python or JSON syntax.

    Raises:
        PrerollError: if the file has none of these formats.
    """
    try:
        if path.stat().st_size > _LONGEST_LIST:
            raise PrerollError(f"--classes {path}: larger than 4 MiB, which no list of classes is")
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PrerollError(f"--classes {path}: cannot be read: {error}") from None
    if text[:1] not in ("[", "{"):
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        content: Any = parse_json(text)
    except ValueError:
        try:
            content = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise PrerollError(f"--classes {path}: neither JSON, nor a Python literal, nor one name a line") from None
    if isinstance(content, dict):
        numbered = {str(key): value for key, value in content.items()}
        if set(numbered) != {str(i) for i in range(len(numbered))}:
            raise PrerollError(f"--classes {path}: its keys must be the numbers 0 … {len(numbered) - 1}")
        content = [numbered[str(i)] for i in range(len(numbered))]
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise PrerollError(f"--classes {path}: must be a list of names")
    return tuple(content)


class TrialCard(ModelCard):
    """Card of a network whose outputs are still to be read."""

    job: ClassVar[str] = "trial"


def trial_card(model: Path, classes: tuple[str, ...], given: dict[str, Any], trust: str | None) -> TrialCard:
    """Builds a card by which a network can be run; arguments are those of :func:`make_card`.

    Of the fields that are given it has those of the input. Else pixels go from 0 to 1, as most networks want them that
    take no bytes: with pixels up to 255 those of torchvision find no region and end in an error.
    """
    anything = {"decoder": "classifier", "fit": "stretch", "channels": "RGB", "activation": "sigmoid"}
    told = {key: given[key] for key in ("input_size", "channels", "mean", "scale") if given.get(key) is not None}
    if read_input(model, trust).dtype != "uint8":
        told = {"scale": (1 / 255,) * 3, **told}
    fields = {**anything, "outputs": "logits", **told}
    return TrialCard.model_validate(make_card(model, classes, fields, trust).model_dump())


def make_card(model: Path, classes: tuple[str, ...], given: dict[str, Any], trust: str | None = None) -> ModelCard:
    """Builds the card of a network from its file and the given fields.

    Args:
        model: the ONNX file.
        classes: names, in the order of the network's outputs.
        given: other fields of :class:`ModelCard`; None counts as not given.
        trust: sha256 of the file if its loops may have any number of rounds.

    Raises:
        PrerollError: naming the first field that is missing or invalid.
    """
    found = read_input(model, trust)
    size = given.get("input_size") or found.size
    if size is None:
        raise PrerollError(f"detector {model}: its input may have any size; say which with --size HEIGHTxWIDTH")
    told = {key: value for key, value in given.items() if value is not None}
    fields = {
        "name": model.stem,
        "sha256": sha256_of(model),
        "dtype": found.dtype,
        "layout": found.layout,
        **told,
        **({"channels": "gray"} if found.gray else {}),
        "input_size": size,
        "classes": classes,
    }
    try:
        return ModelCard.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the card"
        raise PrerollError(f"detector {model}: {key}: {first['msg']}") from None


def doubts(detector: Detector, frames: list[Pixels]) -> list[str]:
    """Checks the outputs of a network for very different pictures and describes what is suspicious.

    Args:
        detector: the network with its new card.
        frames: very different pictures of its input size.

    Returns:
        One line for each doubt; an empty list if all seems well.
    """
    if detector.card.finds_objects:
        if odd := oddities(detector, frames):
            return odd
        found = [detector.objects([frame])[0] for frame in frames]
        if not any(len(one.label) for one in found):
            return [
                f"nothing is found in any of {counted(len(frames), 'picture')}; are mean, scale and channels right?"
            ]
        return []
    outputs = [np.asarray(detector.raw([frame])[0], np.float64).ravel() for frame in frames]
    raw = np.stack([one[: len(detector.card.classes)] for one in outputs])
    result = []
    if not np.isfinite(raw).all():
        result.append("some of its outputs are not finite numbers")
    elif detector.card.outputs == "probabilities" and (raw.min() < -1e-3 or raw.max() > 1 + 1e-3):
        low, high = raw.min(), raw.max()
        result.append(
            f"its outputs go from {low:.3g} to {high:.3g}, so they are no probabilities; say --outputs logits"
        )
    elif detector.card.outputs == "logits" and raw.min() >= 0 and np.allclose(raw.sum(1), 1, atol=1e-2):
        result.append("its outputs sum to 1, so they are probabilities already; say --outputs probabilities")
    tops = raw.argmax(1)
    if (tops == tops[0]).all():
        name = detector.card.classes[int(tops[0])]
        result.append(
            f"the top class is {name!r} on all of {len(frames)} very different pictures;"
            " are mean, scale, channels and the order of the classes right?"
        )
    return result
