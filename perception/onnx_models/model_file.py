"""An untrusted ONNX file with its card: checked as data in this process, and loaded only by worker processes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from preroll.errors import PrerollError
from preroll.perception.onnx_models.model_card import EMBEDDED, Card, ModelCard, committed_cards, find_card, read_card
from preroll.perception.onnx_models.networks import find_network

if TYPE_CHECKING:
    import onnx

# Protocol buffers are limited to 2 GiB.
_LARGEST = (2 << 30) - 1
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
_CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")


class HasModelCard(Protocol):
    """Protocol of detectors and encoders, as far as supervisors of workers use them."""

    @property
    def model(self) -> Path:
        """The ONNX file."""

    @property
    def card(self) -> Card:
        """Its model card."""


@dataclass(frozen=True)
class ModelFile:
    """An ONNX file and its card; the network itself is not loaded."""

    model: Path
    card: ModelCard

    @classmethod
    def find(cls, model: Path, card: Path | ModelCard | None = None) -> Self:
        """Finds the card of a model, and checks the file if it is not one shipped with or known to preroll.

        Args:
            model: the ONNX file, or the name of a network.
            card: its card or the card's file; by default the one beside the model, else the package's card with its
                sha256.

        Raises:
            PrerollError: as :func:`preroll.perception.onnx_models.networks.find_network`,
                :func:`preroll.perception.onnx_models.model_card.find_card` and :func:`check_model`.
        """
        model = find_network(model)
        found = card if isinstance(card, ModelCard) else find_card(model, card)
        check_stranger(model, found.sha256)
        return cls(model, found)


def check_stranger(path: Path, sha256: str, what: str = "detector") -> None:
    """Checks a file whose hash is not known to preroll with :func:`check_model`; ``what`` names it in errors."""
    if sha256 not in _ours():
        check_model(path, what)


def check_model(path: Path, what: str = "detector") -> None:
    """Reads an ONNX file as data and checks that running it can neither read other files nor loop.

    Raises:
        PrerollError: if it is not an ONNX file, has data in other files, operators that are unknown or of a custom
            domain, functions, or control flow (If, Loop, Scan).
    """
    import onnx

    if not path.is_file():
        raise PrerollError(f"{what} {path}: no such file; it must be an ONNX model")
    if path.stat().st_size > _LARGEST:
        raise PrerollError(f"{what} {path}: larger than 2 GiB, which no ONNX file can be")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's exceptions derive directly from Exception
        raise PrerollError(f"{what} {path}: not an ONNX file: {' '.join(str(error).split())}") from None
    for problem in _problems(model):
        raise PrerollError(f"{what} {path}: {problem}")


def _ours() -> set[str]:
    cards = [read_card(path) for path in EMBEDDED.parent.glob("*.json")]
    return {*committed_cards(), *(card.sha256 for card in cards)}


def _problems(model: "onnx.ModelProto") -> Iterator[str]:
    import onnx

    graph = model.graph
    if not graph.node:
        yield "not an ONNX file: it has no graph"
    if model.functions:
        yield f"it defines a function of its own, {model.functions[0].name!r}; only standard operators are taken"
    versions = {entry.domain: entry.version for entry in model.opset_import}
    for node in graph.node:
        yield from _node_problems(node, versions)
    sparse = [part for one in graph.sparse_initializer for part in (one.values, one.indices)]
    for tensor in (*graph.initializer, *sparse):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            yield f"its weights {tensor.name!r} lie in another file; only models in one file are taken"


def _node_problems(node: "onnx.NodeProto", versions: dict[str, int]) -> Iterator[str]:
    import onnx

    if node.op_type in _CONTROL_FLOW:
        yield f"it has the operator {node.op_type}; models with control flow (If, Loop, Scan) are not taken"
    if node.domain not in _DOMAINS:
        yield f"it has the operator {node.op_type} of the domain {node.domain!r}; only standard operators are taken"
    domain = "" if node.domain == "ai.onnx" else node.domain
    if not onnx.defs.has(node.op_type, versions.get(domain, 1), domain):
        yield f"it has the operator {node.op_type}, which its version {versions.get(domain)} of ONNX does not know"
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs:
            yield f"its operator {node.op_type} holds a graph of its own; such models are not taken"
        for tensor in _tensors(attribute):
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                yield f"a constant of its operator {node.op_type} lies in another file; one file is taken"


def _tensors(attribute: Any) -> list[Any]:
    sparse = [*attribute.sparse_tensors, *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else [])]
    dense = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    return dense + [part for one in sparse for part in (one.values, one.indices)]
