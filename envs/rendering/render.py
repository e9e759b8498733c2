"""Render modes of the environment."""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.rendering.ansi import draw_text
from preroll.envs.rendering.timeline import Timeline
from preroll.errors import PrerollError

MODES = ("ansi", "rgb_array")


def check_mode(mode: str | None) -> None:
    """Checks that a render mode exists.

    Raises:
        PrerollError: If it is neither None nor one of :data:`MODES`.
    """
    if mode is not None and mode not in MODES:
        raise PrerollError(f"render_mode: {mode!r}: None, {' or '.join(map(repr, MODES))} is allowed")


def render(timeline: Timeline, mode: str) -> str | NDArray[np.uint8]:
    """Returns the slot just played as a line of text, or the session so far as an image uint8 [360, 640, 3].

    Raises:
        PrerollError: If no session was started.
    """
    if timeline.session < 0:
        raise PrerollError("render: no session is running: call reset() first")
    if mode == "ansi":
        return draw_text(timeline)
    from preroll.envs.rendering.rgb import draw  # loads Pillow, which text does not need

    return draw(timeline)
