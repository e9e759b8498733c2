"""The vector of a picture by the encoder of a catalog: the picture is untrusted, and decoded by a worker."""

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of_text
from preroll.perception.analysis.encoder import EncoderFile
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.video.frame_folders import PICTURE_SUFFIXES
from preroll.perception.workers.pool import VideoJob, VideoPool


def encoder_of(catalog: Catalog, encoder: Path | None = None) -> EncoderFile:
    """Returns the encoder that a catalog was built with.

    Args:
        catalog: the catalog.
        encoder: its file; by default the network of its name.

    Raises:
        PrerollError: the catalog has no embeddings, or they are of another encoder or card.
    """
    told = catalog.manifest.get("encoder")
    if not isinstance(told, dict):
        raise PrerollError(
            f"catalog {catalog.path}: has no embeddings, so nothing is similar to a picture; `preroll catalog build"
            " --embed` adds them"
        )
    name = str(told.get("name"))
    try:
        found = EncoderFile.find(encoder or Path(name))
    except PrerollError as error:
        if encoder is not None:
            raise
        raise PrerollError(f"{error}; the catalog was embedded by {name}: give its file with --encoder") from None
    card = {"sha256": found.card.sha256, "card_sha256": sha256_of_text(found.card.without_words.model_dump_json())}
    if any(told.get(key) != value for key, value in card.items()):
        raise PrerollError(
            f"--encoder {found.model}: the catalog {catalog.path} was embedded by another network or card"
        )
    return found


def picture_vector(picture: Path, encoder: EncoderFile) -> NDArray[np.float32]:
    """Returns the vector of a picture, float32 [D], computed in a worker with limits.

    Raises:
        PrerollError: it is no picture that can be decoded.
    """
    suffix = picture.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise PrerollError(f"--image {picture}: must end in {', '.join(PICTURE_SUFFIXES)}")
    if not picture.is_file():
        raise PrerollError(f"--image {picture}: there is no such file")
    with TemporaryDirectory(prefix="preroll-") as folder, closing(VideoPool(encoder, workers=1)) as pool:
        try:
            shutil.copyfile(picture, Path(folder) / f"1{suffix}")
        except OSError as error:
            raise PrerollError(f"--image {picture}: cannot be read: {error.strerror or error}") from None
        pool.check()
        ((_, found),) = pool.map([VideoJob(Path(folder))])
    if not found.usable:
        raise PrerollError(f"--image {picture}: {found.reason.removeprefix(f'1{suffix}: ')}")
    vector: NDArray[np.float32] = found.vectors[0]
    return vector
