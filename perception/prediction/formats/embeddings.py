"""Embeddings of a video's frames: one .npy file per video, float [N, width], optionally zero-padded in front."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.bounded.readers import load_array
from preroll.files import manifest, sealed
from preroll.files.manifest import Manifest
from preroll.perception.prediction.formats.numbers import LARGEST
from preroll.perception.prediction.framework.bad_input import Skipping


def manifest_of(folder: Path) -> Manifest | None:
    """Reads the manifest of a folder of embeddings, if ``preroll predict embed`` wrote it.

    Raises:
        PrerollError: the manifest is damaged.
    """
    try:
        text = sealed.read_text(folder / manifest.NAME)
    except (FileNotFoundError, sealed.DamagedError):
        return None
    return manifest.read(folder) if sealed.is_sealed(text) else None


def read_embeddings(
    path: Path, width: int, skipping: Skipping, written: Manifest | None = None
) -> NDArray[np.floating] | None:
    """Reads the frame embeddings of one video.

    Rows of zeros are not embeddings: leading ones are padding and are cut off, later ones stay and are masked by the
    models.

    Args:
        path: file ID.npy.
        width: expected length of an embedding.
        skipping: policy for bad files.
        written: manifest of the folder, with which the file is compared if it names it.

    Returns:
        Memory-mapped float [N, width] without leading padding, or None if the file is bad and was skipped.

    Raises:
        PrerollError: the file is bad and skipping is not allowed.
    """
    try:
        name = "" if written is None else path.relative_to(written.folder).as_posix()
        if written is not None and name in written.files and path.exists():
            written.verified(name)
        frames = load_array(path)
    except sealed.DamagedError as error:
        skipping.bad(path, "", str(error).removeprefix(f"{path}: "))
        return None
    except FileNotFoundError:
        skipping.bad(path, "", "there is no such file for this id")
        return None
    except (OSError, ValueError, EOFError) as error:
        skipping.bad(path, "", f"cannot be read as an array: {error}")
        return None
    if frames.dtype.kind != "f" or frames.ndim != 2:
        skipping.bad(path, "", f"must be numbers [N, {width}], not {frames.dtype} {np.shape(frames)}")
        return None
    if frames.shape[1] != width:
        skipping.bad(path, "", f"has embeddings of width {frames.shape[1]}, must have {width}")
        return None
    usable = np.abs(frames) < LARGEST
    if not usable.all():
        row, column = np.argwhere(~usable)[0] + 1
        skipping.bad(path, f"row {row}, column {column}", f"is not a finite number below {LARGEST:g}")
        return None
    shown = np.flatnonzero(frames.any(1))
    if not len(shown):
        skipping.bad(path, "", "holds nothing but padding")
        return None
    found: NDArray[np.floating] = frames[shown[0] :]
    return found
