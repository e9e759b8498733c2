"""Folders of frames: reading them in numeric order, and writing them.

The frames are 1.jpg, 2.jpg, … or have one beginning in common, such as img_00001.jpg, img_00002.jpg, …. How many there
are per second, if not as many as are sampled, stands in a file ``fps.txt`` beside them.
"""

import re
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from preroll.errors import PrerollError
from preroll.files.names import files_below
from preroll.perception.video.containers import SUFFIXES
from preroll.perception.video.resize import Pixels, on_gray

SAVED_SIZE = 224
NO_MEMORY = "it needs more memory than a worker may use"
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_SAVED, _JPEG = re.compile(r"\d+\.jpg"), b"\xff\xd8\xff"
_NUMBERED = re.compile(r"(|.*\D)(\d+)\.(jpe?g|png|webp|bmp)", re.IGNORECASE | re.DOTALL)
#: File that says how many frames of its folder are shown per second.
RATE_FILE = "fps.txt"
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(?:/(\d{1,6}))?")
_HIGHEST_RATE = 1000


def numbered_pictures(folder: Path) -> list[Path]:
    """Returns the frames of a folder in numeric order: 10 comes after 9.

    They are 1.jpg, 2.jpg, …; without any, img_00001.jpg, … if all numbered pictures begin alike and no video is beside
    them, whose previews they may be.
    """
    found: dict[str, list[tuple[int, Path]]] = {}
    video = False
    for path in folder.iterdir():
        if match := _NUMBERED.fullmatch(path.name):
            found.setdefault(match[1], []).append((int(match[2]), path))
        video = video or path.suffix.lower() in SUFFIXES
    frames = found.get("", [])
    if not frames and len(found) == 1 and not video:
        (frames,) = found.values()
    return [path for _, path in sorted(frames)]


def rate_of(folder: Path) -> Fraction | None:
    """Returns how many frames of a folder are shown per second, such as 25 or 30000/1001; None if it does not say.

    Raises:
        ValueError: its file says something else.
    """
    try:
        with (folder / RATE_FILE).open("rb") as file:
            text = file.read(64).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{RATE_FILE}: cannot be read: {error.strerror}") from None
    match = _RATE.fullmatch(text)
    rate = Fraction(match[1]) / int(match[2] or 1) if match and int(match[2] or 1) else Fraction(0)
    if not 0 < rate <= _HIGHEST_RATE:
        raise ValueError(
            f"{RATE_FILE}: must hold the frames per second, such as 25 or 30000/1001, up to {_HIGHEST_RATE}"
        )
    return rate


def files_of(folder: Path) -> list[Path]:
    """Returns the files that make up a folder of frames: the frames in order, and what says their rate."""
    rate = folder / RATE_FILE
    return [*numbered_pictures(folder), *([rate] if rate.is_file() else [])]


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
