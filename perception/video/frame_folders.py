"""Folders of frames: reading them in numeric order, and writing them."""

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from preroll.errors import PrerollError
from preroll.files.names import files_below
from preroll.perception.video.resize import Pixels, on_gray

SAVED_SIZE = 224
NO_MEMORY = "it needs more memory than a worker may use"
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_SAVED, _JPEG = re.compile(r"\d+\.jpg"), b"\xff\xd8\xff"
_NUMBERED = re.compile(r"(\d+)\.(jpe?g|png|webp|bmp)", re.IGNORECASE)


def numbered_pictures(folder: Path) -> list[Path]:
    """Returns the frames 1.jpg, 2.jpg, … of a folder in numeric order: 10 comes after 9."""
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _NUMBERED.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def read_picture(path: Path) -> Pixels:
    """Reads a picture upright as uint8 [height, width, 3], RGB.

    Raises:
        ValueError: if it is not a complete picture, or has far too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("JPEG", "PNG", "WEBP", "BMP")) as image:
                upright = ImageOps.exif_transpose(image)
                if upright.has_transparency_data:
                    return on_gray(np.array(upright.convert("RGBA")))
                return np.array(upright.convert("RGB"))
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError, Warning) as error:
        said = NO_MEMORY if isinstance(error, MemoryError) else " ".join(str(error).split())
        raise ValueError(f"{path.name}: {said}") from None


def write_picture(path: Path, picture: Pixels) -> None:
    """Writes uint8 [height, width, 3], RGB, as a JPEG of quality 92."""
    Image.fromarray(picture).save(path, quality=92)


def check_only_frames(folder: Path, option: str = "--save-frames") -> None:
    """Checks that saving frames to ``folder`` replaces nothing but such frames; ``option`` names it in errors.

    Raises:
        PrerollError: if it is a file, or contains anything but the JPEG files 1.jpg, 2.jpg, ….
    """
    if folder.is_dir():
        strange = [name for name in files_below(folder) if not _is_saved_frame(folder / name, name)]
        if strange:
            raise PrerollError(f"{option}: {folder / strange[0]} is no frame and would be lost; give another folder")
    elif folder.exists() or folder.is_symlink():
        raise PrerollError(f"{option}: {folder} is a file; frames need a folder there")


def _is_saved_frame(path: Path, name: str) -> bool:
    if not _SAVED.fullmatch(name) or path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_JPEG)) in (_JPEG, b"")  # a full disk leaves empty ones
