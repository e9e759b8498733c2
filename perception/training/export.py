"""Export of a trained network to ONNX, checked against torch before it is written, and the classifier's model card."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from preroll.files import atomic
from preroll.perception.demo.objects import OBJECT_CLASSES
from preroll.perception.onnx_models.model_card import ModelCard
from preroll.perception.onnx_models.parity import check_parity
from preroll.perception.onnx_models.torch_export import to_onnx
from preroll.perception.training.network import ClassProbabilities
from preroll.perception.training.pictures import PAD, SIDE

NAME = "objects"


def export_classifier(
    folder: Path, network: ClassProbabilities, *, threshold: float, training: dict[str, Any], metrics: dict[str, Any]
) -> None:
    """Writes ``folder``/objects.onnx and its card ``folder``/objects.json.

    Args:
        folder: created if missing.
        network: uint8 [n, 3, 128, 128] → probabilities [n, classes].
        threshold: smallest probability at which a class is detected.
        training: provenance of the network, for the card.
        metrics: precision and recall, for the card.

    Raises:
        PrerollError: if onnxruntime does not reproduce torch's outputs; nothing is written.
    """
    model = onnx_bytes(network)
    card = ModelCard(
        name=NAME,
        sha256=hashlib.sha256(model).hexdigest(),
        decoder="classifier",
        input_size=(SIDE, SIDE),
        fit="letterbox",
        pad=PAD,
        channels="RGB",
        dtype="uint8",
        layout="NCHW",
        activation="sigmoid",
        outputs="probabilities",
        score_threshold=threshold,
        classes=OBJECT_CLASSES,
        description="Finds the object classes of the demo videos; trained on rendered pictures.",
        license="MIT",
        metrics=metrics,
        training=training,
    )
    atomic.write_bytes(folder / f"{NAME}.onnx", model)
    atomic.write_json(folder / f"{NAME}.json", card.model_dump(mode="json"))


def onnx_bytes(network: nn.Module) -> bytes:
    """Exports a network as an ONNX file with a free batch dimension and embedded weights.

    Args:
        network: uint8 [n, 3, 128, 128] → probabilities [n, …].

    Returns:
        The content of the ONNX file.

    Raises:
        PrerollError: if onnxruntime does not reproduce torch's outputs on random pictures in batches of 1 and 5.
    """
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, 256, (n, 3, SIDE, SIDE), dtype=np.uint8) for n in (1, 5)]
    model = to_onnx(network, (torch.from_numpy(batches[1]),), inputs=["pictures"], output="probabilities")
    with torch.no_grad():
        expected = [network(torch.from_numpy(pictures)).numpy() for pictures in batches]
    examples = ({"pictures": pictures} for pictures in batches)
    check_parity("pictures network", model, zip(examples, expected, strict=True))
    return model
