"""Networks by name: those shipped with preroll, those made of packages with weights, and those that were fetched.

What is made or fetched is kept in ``PREROLL_CACHE``, else in the user's folder of caches, as
``networks/SHA256/NAME.onnx``: the folder says what its file must be, and the file is compared with it at every use.
"""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from preroll.cache import say_not_kept, user_cache_folder
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.hashing import sha256_of
from preroll.perception.onnx_models.model_card import (
    EMBEDDED,
    EMBEDDED_SEGMENTER,
    FOLDER,
    ModelCard,
    committed_cards,
    read_card,
)
from preroll.perception.onnx_models.weight_packages import PACKAGES, network_from_package

#: The network of drawings, and the one of photographs, of which a catalog's default is chosen.
DRAWINGS, PHOTOGRAPHS = "objects", "efficientnet-lite0"
SHIPPED = {DRAWINGS: EMBEDDED, "segments": EMBEDDED_SEGMENTER}

_KIND = "networks"
_ADDRESS = re.compile(r"[a-z]+:/", re.IGNORECASE)  # a path has one slash where an address has two
_NAME = re.compile(r"\w[\w.+-]{0,99}", re.ASCII)
_TRAINED_ON = {
    DRAWINGS: "drawings (30,000 drawn pictures)",
    "segments": "drawings",
    "SqueezeNet_fp16": "photographs (ImageNet)",
    "yolox_nano": "photographs (COCO)",
    **dict.fromkeys(PACKAGES, "photographs (ImageNet)"),
}


@dataclass(frozen=True)
class KnownNetwork:
    """A network that has a name.

    Attributes:
        name: as ``--detector`` takes it.
        classes: number of classes; None if it has no card.
        trained_on: what its pictures were.
        license: that of the weights.
        here: whether it can be used now.
        source: where it comes from, or the command that installs it.
    """

    name: str
    classes: int | None
    trained_on: str
    license: str
    here: bool
    source: str


def find_network(model: Path) -> Path:
    """Returns the file of a network: the path itself if there is such a file, else that of the network of this name.

    Raises:
        PrerollError: the network of this name is not here, cannot be made, or is not what it was; or it is an address.
    """
    name = str(model)
    if not model.exists() and _ADDRESS.match(name):
        raise PrerollError(f"detector {name}: is an address: fetch it with `preroll detector get URL --sha256 HASH`")
    if model.exists() or not _NAME.fullmatch(name):
        return model
    if name in SHIPPED:
        return SHIPPED[name]
    if name in PACKAGES:
        return _from_package(name)
    found = fetched().get(name, [])
    if len(found) > 1:
        raise PrerollError(f"detector {name}: {len(found)} networks have this name: {', '.join(map(str, found))}")
    for file in found:
        if sha256_of(file) != file.parent.name:
            raise PrerollError(f"detector {name}: {file}: is not what was fetched; remove it and fetch it again")
    for card in committed_cards().values() if not found else ():
        if card.name == name:
            raise PrerollError(f"detector {name}: is not here: {to_fetch(card)}")
    return found[0] if found else model


def to_fetch(card: ModelCard) -> str:
    """Returns the command that fetches the network of a card, and where its address is to be found."""
    return f"`preroll detector get URL --sha256 {card.sha256}` (of {card.source})"


def card_of(name: str) -> ModelCard:
    """Returns the card of a shipped network or of one that is made of a package."""
    return read_card(SHIPPED[name].with_suffix(".json") if name in SHIPPED else FOLDER / f"{name}.json")


def is_here(name: str) -> bool:
    """Returns whether a shipped network, or one that is made of a package, can be used now."""
    return name in SHIPPED or _kept(card_of(name).sha256, name) is not None or PACKAGES[name].find() is not None


def trained_on(sha256: str) -> str:
    """Returns what the pictures of a network's training were, in words; empty if that is not known here."""
    known = {card.sha256: card.name for card in (*committed_cards().values(), *map(card_of, SHIPPED))}
    return _TRAINED_ON.get(known.get(sha256, ""), "")


def knows_drawings_alone(sha256: str) -> bool:
    """Returns whether a network was trained on preroll's drawings alone."""
    return sha256 in {card_of(name).sha256 for name in SHIPPED}


def known_networks() -> list[KnownNetwork]:
    """Returns every network that has a name: shipped, of packages, with a card in the package, and fetched."""
    rows = []
    for name in (*SHIPPED, *PACKAGES):
        card = card_of(name)
        source = "shipped with preroll" if name in SHIPPED else PACKAGES[name].command
        rows.append(_row(card, is_here(name), source, "MIT" if name in SHIPPED else card.license))
    kept = fetched()
    for card in sorted(committed_cards().values(), key=lambda one: one.name):
        if card.name not in PACKAGES:
            rows += [_row(card, card.name in kept, to_fetch(card).replace("`", ""), card.license)]
    named = {row.name for row in rows}
    return rows + [_fetched_row(name, files[0]) for name, files in sorted(kept.items()) if name not in named]


def _fetched_row(name: str, file: Path) -> KnownNetwork:
    beside = file.with_suffix(".json")
    if not beside.is_file():
        return KnownNetwork(name, None, "", "", True, str(file))
    card = read_card(beside)
    return KnownNetwork(name, len(card.classes), "", card.license, True, str(file))


def _row(card: ModelCard, here: bool, source: str, license_: str) -> KnownNetwork:
    return KnownNetwork(card.name, len(card.classes), _TRAINED_ON.get(card.name, ""), license_, here, source)


def fetched() -> dict[str, list[Path]]:
    """Returns the files of networks that were fetched, by name."""
    folder = user_cache_folder(_KIND)
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*/*.onnx")) if folder is not None else ():
        if file.stem not in PACKAGES:
            found.setdefault(file.stem, []).append(file)
    return found


def place_of(name: str, sha256: str) -> Path:
    """Returns where a network that is to be fetched belongs.

    Raises:
        PrerollError: the name is none, or that of another network, or this user has no folder of caches.
    """
    if not _NAME.fullmatch(name):
        raise PrerollError(f"name {name!r}: must be letters, digits and _ . + -, and at most 100: give another --name")
    taken = {card.name: card.sha256 for card in (*committed_cards().values(), *map(card_of, SHIPPED))}
    taken |= {other: files[0].parent.name for other, files in fetched().items()}
    if taken.get(name, sha256) != sha256:
        raise PrerollError(
            f"name {name!r}: is that of the network with the sha256 {taken[name]}, not {sha256}: give another --sha256,"
            " or another --name"
        )
    folder = user_cache_folder(_KIND)
    if folder is None:
        raise PrerollError("there is no folder to keep it in: set PREROLL_CACHE to one that can be written")
    return folder / sha256 / f"{name}.onnx"


def _kept(sha256: str, name: str) -> Path | None:
    """Returns the file of a network that is kept and is what it must be, else None."""
    folders = [user_cache_folder(_KIND), *([_temporary()] if _temporary.cache_info().currsize else [])]
    for folder in folders:
        file = folder / sha256 / f"{name}.onnx" if folder is not None else None
        try:
            if file is not None and file.is_file() and sha256_of(file) == sha256:
                return file
        except OSError:
            continue  # it is made again
    return None


def _from_package(name: str) -> Path:
    wanted = card_of(name).sha256
    if (file := _kept(wanted, name)) is not None:
        return file
    content = network_from_package(name)
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise PrerollError(
            f"detector {name}: the network made of {PACKAGES[name].name} has the sha256 {found[:12]}…, but its card"
            f" says {wanted[:12]}…: these versions of onnx and protobuf write it differently; see constraints.txt"
        )
    return _keep(content, wanted, name)


def _keep(content: bytes, sha256: str, name: str) -> Path:
    """Writes a network to where it is kept; where nothing can be kept, to a folder that ends with this process."""
    folder = user_cache_folder(_KIND)
    why = "this user has no folder for it"
    if folder is not None:
        file = folder / sha256 / f"{name}.onnx"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(file, content)
            return file
        except PrerollError as error:
            why = str(error)
        except OSError as error:
            why = f"{folder}: {error.strerror or error}"
    say_not_kept(f"the network {name}", why)
    file = _temporary() / sha256 / f"{name}.onnx"
    atomic.write_bytes(file, content)
    return file


@cache
def _temporary() -> Path:
    """Returns a folder that is removed as this process ends."""
    _HELD.append(tempfile.TemporaryDirectory(prefix="preroll-"))
    return Path(_HELD[0].name)


_HELD: list["tempfile.TemporaryDirectory[str]"] = []
