"""Writing of observations for many lanes; :mod:`preroll.envs.model.observation` names their parts."""

from typing import Any

import numpy as np

from preroll.envs.kernel.layout import (
    ACTIONS,
    AT_LAST_AD,
    AT_LAST_VIEW,
    AT_PROGRESS,
    CHUNK,
    OWN_SIZE,
    ROW,
    SIZE,
    VIDEO_SIZE,
    at,
)
from preroll.envs.kernel.moves import move_row
from preroll.jit import inlined, loop


@inlined
def _write_entries(tables: Any, lanes: Any, i: Any, out: Any, start: Any) -> None:
    """Writes the entries that the user state does not determine: progress, last ad, and whether it was viewed."""
    sizes, last, n_ads = tables.sizes, lanes.last[i], tables.sizes[ACTIONS]
    viewed = (last >= n_ads) & (last < 2 * n_ads)
    if sizes[AT_PROGRESS] >= 0:
        out[start + at(sizes[AT_PROGRESS])] = tables.progress[at(lanes.slot[i])]
    if sizes[AT_LAST_VIEW] >= 0:
        out[start + at(sizes[AT_LAST_VIEW])] = viewed
    if sizes[AT_LAST_AD] >= 0 and last < 2 * n_ads:
        out[start + at(sizes[AT_LAST_AD] + last - n_ads * viewed)] = 1.0


@loop
def write_rows(tables: Any, lanes: Any, first: Any, n: Any, out: Any) -> None:
    """Writes the observations of ``n`` lanes: the video's row, then the user state's, then single entries.

    Rows are copied by whole chunks where there is room; entries beyond the end of a row are overwritten by what
    follows, including the next lane.
    """
    size, n_row, n_own = at(tables.sizes[SIZE]), at(tables.sizes[VIDEO_SIZE]), at(tables.sizes[OWN_SIZE])
    row_chunks, own_chunks, width = (n_row + at(CHUNK - 1)) >> at(3), n_own >> at(3), at(tables.rows.shape[1])
    rows = tables.rows.reshape(tables.rows.size)
    room = out.shape[0] - np.int64(max(row_chunks * at(CHUNK), n_row + n_own))
    # Lanes whose chunks end inside `out`; the remaining ones are copied entry by entry.
    fitting = at(min(room // np.int64(size) + 1, n)) if room >= 0 else at(0)
    for i in range(fitting):
        start, video, user_state = i * size, at(lanes.video[first + i]), at(lanes.user_state[first + i])
        move_row(out, start, rows, video * width + at(ROW), row_chunks)
        if n_own > at(0):
            move_row(out, start + n_row, tables.session_rows, user_state * n_own, own_chunks)
        _write_entries(tables, lanes, first + i, out, start)
    for i in range(fitting, at(n)):
        start, video, user_state = i * size, at(lanes.video[first + i]), at(lanes.user_state[first + i])
        for k in range(n_row):
            out[start + k] = tables.rows[video, at(ROW) + k]
        for k in range(min(n_own, size - n_row)):
            out[start + n_row + k] = tables.session_rows[user_state * n_own + k]
        _write_entries(tables, lanes, first + i, out, start)
