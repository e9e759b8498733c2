"""What the agent sees, written for many lanes: :mod:`preroll.envs.model.observation` names its parts."""

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
from preroll.jit import inlined, loop


@inlined
def _write_entries(tables: Any, lanes: Any, i: Any, out: Any, start: Any) -> None:
    """What the agent sees of the session besides the user state: progress, the last ad, and whether it was viewed."""
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
    """Observations of ``n`` lanes: the video's row, behind it the user state's, then single entries.

    Rows are copied in whole chunks where there is room: what lies behind their end is written over by what follows, the
    next lane included. Written as it stands, a chunk is one move of the processor; in a function of its own, or with
    the row's own length, it becomes a call of memcpy, which takes three times as long.
    """
    size, n_row, n_own = at(tables.sizes[SIZE]), at(tables.sizes[VIDEO_SIZE]), at(tables.sizes[OWN_SIZE])
    row_chunks, own_chunks = (n_row + at(CHUNK - 1)) >> at(3), (n_own + at(CHUNK - 1)) >> at(3)
    room = out.shape[0] - np.int64(max(row_chunks * at(CHUNK), n_row + own_chunks * at(CHUNK)))
    fitting = at(min(room // np.int64(size) + 1, n)) if room >= 0 else at(0)
    for i in range(fitting):
        start, video, user_state = i * size, at(lanes.video[first + i]), at(lanes.user_state[first + i])
        for chunk in range(row_chunks):
            for k in range(at(CHUNK)):
                out[start + chunk * at(CHUNK) + k] = tables.rows[video, at(ROW) + chunk * at(CHUNK) + k]
        for chunk in range(own_chunks):
            for k in range(at(CHUNK)):
                out[start + n_row + chunk * at(CHUNK) + k] = tables.session_rows[
                    user_state * n_own + chunk * at(CHUNK) + k
                ]
        _write_entries(tables, lanes, first + i, out, start)
    for i in range(fitting, at(n)):
        start, video, user_state = i * size, at(lanes.video[first + i]), at(lanes.user_state[first + i])
        for k in range(n_row):
            out[start + k] = tables.rows[video, at(ROW) + k]
        for k in range(min(n_own, size - n_row)):
            out[start + n_row + k] = tables.session_rows[user_state * n_own + k]
        _write_entries(tables, lanes, first + i, out, start)
