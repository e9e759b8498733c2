"""Contact sheet of a video and its neighbours: a frame of each, side by side."""

import io
from pathlib import Path

import numpy as np
from av import VideoFrame
from PIL import Image, ImageDraw, ImageFont

from preroll.errors import PrerollError
from preroll.perception.analysis.overlay import Canvas
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.video.resize import Fit, Fitter, Pixels
from preroll.perception.video.sampling import Decoding, UnreadableError, sample

_HEIGHT, _WIDTH, _TEXT, _GAP = 135, 180, 18, 6
_SHOWN = 5


def similar_picture(catalog: Catalog, video: int, videos: Path, shown: int = _SHOWN) -> bytes:
    """Draws a row of frames: the video, and its neighbours with their scores.

    Args:
        catalog: the catalog.
        video: a row of its arrays.
        videos: the folder of videos, or the folder of the table, from which it was built.
        shown: number of neighbours.

    Returns:
        The content of a JPEG file.

    Raises:
        PrerollError: if a video no longer exists or cannot be read.
    """
    paths = catalog.videos().set_index("index")["path"]
    near = catalog.neighbors[video][:shown]
    scores = catalog.neighbor_scores[video][:shown]
    rows = [video, *(int(row) for row in near if row >= 0)]
    titles = [
        paths[video],
        *(f"{score:.3f}  {paths[row]}" for row, score in zip(near, scores, strict=True) if row >= 0),
    ]
    picture = Image.new("RGB", (len(rows) * (_WIDTH + _GAP) - _GAP, _HEIGHT + _TEXT), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    for i, (row, title) in enumerate(zip(rows, titles, strict=True)):
        left = i * (_WIDTH + _GAP)
        picture.paste(Image.fromarray(_middle_frame(videos / paths[row])), (left, _TEXT))
        draw.text((left, 3), _fitting(title, font), fill="black", font=font)
    memory = io.BytesIO()
    picture.save(memory, "JPEG", quality=85)
    return memory.getvalue()


def _middle_frame(path: Path) -> Pixels:
    """Returns the middle sample of a video; decodes it twice rather than hold all samples in memory."""
    try:
        count = sum(1 for _ in sample(path, Decoding()))
        frames = sample(path, Decoding())
        whole = Canvas()(next(one for i, one in enumerate(frames) if i == count // 2))
    except (UnreadableError, OSError) as error:
        raise PrerollError(f"--videos: {path}: {error}; give the folder that the catalog was made of") from None
    fit = Fit(_HEIGHT, _WIDTH, "letterbox", pad=255)
    return Fitter(fit)(VideoFrame.from_ndarray(np.ascontiguousarray(whole), format="rgb24"))


def _fitting(text: str, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont") -> str:
    """Returns the longest start of a text that is no wider than a frame."""
    while font.getlength(text) > _WIDTH:
        text = f"{text[:-2]}…"
    return text
