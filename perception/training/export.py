"""Export of a trained network to ONNX, checked against torch before it is written, and the classifier's model card."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from preroll import atomic
from preroll.errors import PrerollError
from preroll.perception.cards import ModelCard
from preroll.perception.objects import OBJECT_CLASSES
from preroll.perception.training.network import Probabilities
from preroll.perception.training.pictures import PAD, SIDE

NAME = "objects"
#: Largest difference between torch and onnxruntime that passes as rounding.
TOLERANCE = 1e-4


def export_classifier(
    folder: Path, network: Probabilities, *, threshold: float, training: dict[str, Any], metrics: dict[str, Any]
) -> None:
    """Write ``folder``/objects.onnx and its card ``folder``/objects.json.

    Args:
        folder: made if missing.
        network: uint8 [n, 3, 128, 128] → probabilities [n, classes].
        threshold: a class is detected where its probability is at least this.
        training: how the network was made, for the card.
        metrics: precision and recall, for the card.

    Raises:
        PrerollError: onnxruntime does not compute what torch computes; nothing is written.
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
    """Return a network as an ONNX file with a free batch dimension and its weights inside.

    Args:
        network: uint8 [n, 3, 128, 128] → probabilities [n, …].

    Raises:
        PrerollError: onnxruntime does not compute what torch computes.
    """
    example = torch.zeros((2, 3, SIDE, SIDE), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about torch's own deprecated calls
        program = torch.onnx.export(
            network.eval(),
            (example,),
            input_names=["pictures"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise PrerollError("the ONNX exporter gave no program")
    model = program.model_proto
    for node in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        node.ClearField("metadata_props")  # holds stack traces with this machine's paths
    data: bytes = model.SerializeToString()
    _check_parity(network, data)
    return data


def _check_parity(network: nn.Module, model: bytes) -> None:
    """Compare torch and onnxruntime on random pictures, in batches of 1 and 5."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for n in (1, 5):
        pictures = rng.integers(0, 256, (n, 3, SIDE, SIDE), dtype=np.uint8)
        with torch.no_grad():
            expected = network(torch.from_numpy(pictures)).numpy()
        (found,) = session.run(None, {"pictures": pictures})
        difference = float(np.abs(found - expected).max())
        if found.shape != expected.shape or difference > TOLERANCE:
            raise PrerollError(f"the exported network differs from torch by {difference:.2g}; nothing was written")
