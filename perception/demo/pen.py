"""A pen that draws shapes in unit coordinates on a transparent square."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

Color = tuple[int, int, int]
Point = tuple[float, float]


class Pen:
    """Pen that draws smooth shapes on a square; (0, 0) is its upper left corner and (1, 1) its lower right one.

    Pillow draws without anti-aliasing, so the pen draws at a multiple of the size and reduces the result.
    """

    def __init__(self, size: int, oversampling: int = 2) -> None:
        """Creates a canvas of ``size`` × ``size`` pixels, drawn ``oversampling`` times as large."""
        self.oversampling = oversampling
        self.pixels = size * oversampling
        self.image = Image.new("RGBA", (self.pixels, self.pixels), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def disk(self, x: float, y: float, rx: float, ry: float, fill: Color | None, edge: Color | None = None) -> None:
        """Draws an ellipse around (x, y) with the half-axes rx and ry."""
        box = [(x - rx) * self.pixels, (y - ry) * self.pixels, (x + rx) * self.pixels, (y + ry) * self.pixels]
        self.draw.ellipse(box, fill=fill, outline=edge, width=max(1, round(0.012 * self.pixels)) if edge else 0)

    def shape(self, points: Sequence[Point], fill: Color) -> None:
        """Fills the polygon through ``points``."""
        self.draw.polygon([(x * self.pixels, y * self.pixels) for x, y in points], fill=fill)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Color, radius: float = 0.0) -> None:
        """Fills the rectangle from (x0, y0) to (x1, y1) with rounded corners."""
        corners = [x0 * self.pixels, y0 * self.pixels, x1 * self.pixels, y1 * self.pixels]
        self.draw.rounded_rectangle(corners, radius=radius * self.pixels, fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: Color) -> None:
        """Draws a line with round ends through ``points``, ``width`` wide."""
        scaled = [(x * self.pixels, y * self.pixels) for x, y in points]
        self.draw.line(scaled, fill=fill, width=max(1, round(width * self.pixels)), joint="curve")
        radius = width * self.pixels / 2
        if radius >= 2:
            for x, y in (scaled[0], scaled[-1]):
                self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=fill)

    def arc(self, x: float, y: float, rx: float, ry: float, angles: Point, width: float, fill: Color) -> None:
        """Draws the part of an ellipse between two angles [degrees, clockwise from 3 o'clock]."""
        box = [(x - rx) * self.pixels, (y - ry) * self.pixels, (x + rx) * self.pixels, (y + ry) * self.pixels]
        self.draw.arc(box, angles[0], angles[1], fill=fill, width=max(1, round(width * self.pixels)))

    def finish(self) -> Image.Image:
        """Returns the drawing as RGBA, reduced to its final size and cropped to its opaque part."""
        image = self.image.reduce(self.oversampling)
        return image.crop(image.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox())
