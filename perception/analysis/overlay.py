"""Pictures of frames with the detected objects drawn in."""

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from preroll.perception.decoders.instances import Located, Mask
from preroll.perception.video.resize import Fit, Fitter, Pixels
from preroll.perception.video.sampling import FrameSample

#: Longer side of the pictures [pixels].
LONGEST = 640
#: Opacity of a mask in the colour of its class.
STRENGTH = 0.5
_FONT_SIZE = 14


class Canvas:
    """Converter from the frames of one video to upright pictures of the overlay's size, without cropping."""

    def __init__(self) -> None:
        self._fitters: dict[tuple[int, int], Fitter] = {}

    def __call__(self, sample: FrameSample) -> Pixels:
        """Returns uint8 [height, width, 3], RGB, whose longer side is :data:`LONGEST`, so that names are legible."""
        frame, aspect = sample.frame, sample.aspect
        height, width = float(frame.height), float(frame.width * aspect)
        if sample.turns % 2:
            height, width = width, height
        factor = LONGEST / max(height, width)
        size = max(1, round(height * factor)), max(1, round(width * factor))
        if size not in self._fitters:
            self._fitters[size] = Fitter(Fit(*size, "stretch"))
        return self._fitters[size](frame, turns=sample.turns, aspect=aspect, mirrored=sample.mirrored)


def draw_objects(picture: Pixels, located: Located, classes: tuple[str, ...], input_size: tuple[int, int]) -> Pixels:
    """Draws masks, boxes and names.

    Args:
        picture: uint8 [height, width, 3], RGB: the whole upright frame at any size.
        located: the objects found in it.
        classes: their names.
        input_size: rows and columns of the network's input, to which masks refer.

    Returns:
        A new picture of the same size.
    """
    image = Image.fromarray(picture)
    order = np.argsort(-located.area, kind="stable")
    if located.masks is not None:
        for i in order:
            shape = _on_picture(located.masks[i], located, image.size, input_size)
            tint = Image.new("RGB", image.size, color_of(int(located.label[i])))
            image.paste(tint, mask=shape.point(lambda value: round(255 * STRENGTH) if value >= 128 else 0))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(_FONT_SIZE)
    scale = np.array([image.width / located.view.width, image.height / located.view.height] * 2)
    for i in order:
        x0, y0, x1, y1 = (float(edge) for edge in located.box[i] * scale)
        color = color_of(int(located.label[i]))
        draw.rectangle((x0, y0, x1 - 1 if x1 - 1 > x0 else x0, y1 - 1 if y1 - 1 > y0 else y0), outline=color, width=2)
        text = f"{classes[located.label[i]]} {located.confidence[i]:.2f} · {located.area[i]:.1f} %"
        # A label that would cross the right edge is shifted to the left.
        place = max(0.0, min(x0, image.width - draw.textlength(text, font=font) - 6)) + 3, max(0.0, y0 - _FONT_SIZE - 4)
        box = draw.textbbox(place, text, font=font)
        draw.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), fill=color)
        draw.text(place, text, fill=(0, 0, 0), font=font)
    return np.asarray(image)


def color_of(label: int) -> tuple[int, int, int]:
    """Returns a bright RGB colour for a class; consecutive classes have distant hues."""
    red, green, blue = colorsys.hsv_to_rgb(label * 0.618034 % 1, (0.65, 0.35, 0.9)[label // 5 % 3], 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _on_picture(mask: Mask, located: Located, size: tuple[int, int], input_size: tuple[int, int]) -> Image.Image:
    """Returns a mask as a grey picture of the given width and height, at least 128 inside the object."""
    cells: NDArray[np.uint8] = np.zeros(mask.grid, np.uint8)
    rows, columns = mask.cells.shape
    cells[mask.top : mask.top + rows, mask.left : mask.left + columns] = np.where(mask.cells, 255, 0)
    view = located.view
    down, across = mask.grid[0] / input_size[0], mask.grid[1] / input_size[1]
    # Position of the frame on the grid; a part that was cropped off lies outside the grid and has no mask.
    part = (view.left * across, view.top * down, (view.left + view.columns) * across, (view.top + view.rows) * down)
    a, d = (part[2] - part[0]) / size[0], (part[3] - part[1]) / size[1]
    return Image.fromarray(cells).transform(
        size, Image.Transform.AFFINE, (a, 0, part[0], 0, d, part[1]), Image.Resampling.BILINEAR
    )
