"""Content of picture files; it depends on what is drawn alone, not on date or version."""

import io
import warnings
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_bytes(figure: "Figure", kind: Literal["png", "svg"], *, dpi: int = 150, salt: str = "preroll") -> bytes:
    """Returns a figure of matplotlib as the content of a file.

    Args:
        figure: the figure.
        kind: format of the file.
        dpi: pixels per inch of a PNG.
        salt: prefix of the ids of an SVG; two on one page must not share them.
    """
    from matplotlib import rc_context

    memory = io.BytesIO()
    with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}), warnings.catch_warnings():
        # A name may have letters that matplotlib's font lacks: readers of an SVG have them, in a PNG they are boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(memory, format=kind, dpi=dpi, metadata={"Date" if kind == "svg" else "Software": None})
    return memory.getvalue()
