"""An untrusted ONNX file with its card: checked as data in this process, and loaded only by worker processes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from preroll.errors import PrerollError
from preroll.perception.onnx_models.graph_check import problems
from preroll.perception.onnx_models.model_card import EMBEDDED, Card, ModelCard, committed_cards, find_card, read_card
from preroll.perception.onnx_models.networks import find_network

# Protocol buffers are limited to 2 GiB.
_LARGEST = (2 << 30) - 1


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
    """An ONNX file and its card; the network itself is not loaded.

    Attributes:
        model: the file.
        card: its card.
        trusted: whether its loops may have any number of rounds.
    """

    model: Path
    card: ModelCard
    trusted: bool = False

    @classmethod
    def find(cls, model: Path, card: Path | ModelCard | None = None, trust: str | None = None) -> Self:
        """Finds the card of a model, and checks the file if it is not one shipped with or known to preroll.

        Args:
            model: the ONNX file, or the name of a network.
            card: its card or the card's file; by default the one beside the model, else the package's card with its
                sha256.
            trust: sha256 of the file if its loops may have any number of rounds.

        Raises:
            PrerollError: as :func:`preroll.perception.onnx_models.networks.find_network`,
                :func:`preroll.perception.onnx_models.model_card.find_card` and :func:`check_model`.
        """
        model = find_network(model)
        found = card if isinstance(card, ModelCard) else find_card(model, card)
        check_stranger(model, found.sha256, trust=trust)
        return cls(model, found, trust is not None)


def check_stranger(path: Path, sha256: str, what: str = "detector", trust: str | None = None) -> None:
    """Checks a file whose hash is not known to preroll with :func:`check_model`; ``what`` names it in errors."""
    if trust is not None and trust.strip().lower() != sha256:
        raise PrerollError(f"--trust {trust}: {what} {path} has the sha256 {sha256}")
    if sha256 not in _ours():
        check_model(path, what, trusted=trust is not None)


def check_model(path: Path, what: str = "detector", *, trusted: bool = False) -> None:
    """Reads an ONNX file as data and checks that running it can neither read other files nor loop without end.

    Args:
        path: the file.
        what: names it in errors.
        trusted: whether loops may have any number of rounds.

    Raises:
        PrerollError: if it is not an ONNX file, has data in other files, operators that are unknown, read files or are
            of a custom domain, or loops whose number of rounds is open or large.
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
    for problem in problems(model, path.name, trusted=trusted):
        raise PrerollError(f"{what} {path}: {problem}")


def _ours() -> set[str]:
    cards = [read_card(path) for path in EMBEDDED.parent.glob("*.json")]
    return {*committed_cards(), *(card.sha256 for card in cards)}
