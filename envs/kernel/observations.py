"""Writing of observations for many lanes; :mod:`preroll.envs.model.observation` names their parts."""

from typing import Any

from preroll.envs.kernel.layout import (
    ACTIONS,
    AT_LAST_AD,
    AT_LAST_VIEW,
    AT_PROGRESS,
    CHUNK,
    LAST,
    OWN_SIZE,
    ROW,
    SIZE,
    SLOT,
    USER_STATE,
    VIDEO,
    VIDEO_SIZE,
    at,
)
from preroll.envs.kernel.moves import move_row
from preroll.jit import inlined, loop


@loop
def _copy_rows(tables: Any, state: Any, first: Any, stop: Any, out: Any, start: Any) -> None:
    """Writes the video's row and the user state's.

    Rows are copied by whole chunks where there is room; entries beyond the end of a row are overwritten by what
    follows, including the next lane.
    """
    size, n_row, n_own = at(tables.sizes[SIZE]), at(tables.sizes[VIDEO_SIZE]), at(tables.sizes[OWN_SIZE])
    row_chunks, own_chunks, width = (n_row + at(CHUNK - 1)) >> at(3), n_own >> at(3), at(tables.links.shape[1])
    longest = max(row_chunks * at(CHUNK), n_row + n_own)
    fit = stop  # lanes before this one have room; found from the end, since a check of each would take as long as moves
    while fit > first and start + (fit - at(1)) * size + longest > at(out.shape[0]):
        fit -= at(1)
    o = start + first * size
    for i in range(first, fit):
        move_row(out, o, tables.rows, at(state[VIDEO + i]) * width + at(ROW), row_chunks)
        if n_own > at(0):
            move_row(out, o + n_row, tables.session_rows, at(state[USER_STATE + i]) * n_own, own_chunks)
        o += size
    for i in range(fit, stop):
        video, own = at(state[VIDEO + i]) * width + at(ROW), at(state[USER_STATE + i]) * n_own
        for k in range(n_row):
            out[o + k] = tables.rows[video + k]
        for k in range(min(n_own, size - n_row)):
            out[o + n_row + k] = tables.session_rows[own + k]
        o += size


@loop
def _write_entries(tables: Any, state: Any, first: Any, stop: Any, out: Any, start: Any) -> None:
    """Writes the entries that the user state does not determine: progress, last ad, and whether it was viewed."""
    sizes, size, n_ads = tables.sizes, at(tables.sizes[SIZE]), tables.sizes[ACTIONS]
    if sizes[AT_PROGRESS] >= 0:
        for i in range(first, stop):
            out[start + i * size + at(sizes[AT_PROGRESS])] = tables.progress[at(state[SLOT + i])]
    if sizes[AT_LAST_VIEW] >= 0:
        for i in range(first, stop):
            viewed = (state[LAST + i] >= n_ads) & (state[LAST + i] < 2 * n_ads)
            out[start + i * size + at(sizes[AT_LAST_VIEW])] = viewed
    if sizes[AT_LAST_AD] >= 0:
        for i in range(first, stop):
            last = state[LAST + i]
            if last < 2 * n_ads:
                out[start + i * size + at(sizes[AT_LAST_AD] + last - n_ads * (last >= n_ads))] = 1.0


@inlined
def observe(tables: Any, state: Any, first: Any, stop: Any, out: Any, start: Any) -> None:
    """Writes the observations of lanes ``first`` … ``stop`` - 1, of which that of lane 0 would begin at ``start``.

    Rows and single entries take a loop each: one loop for both takes twice as long.
    """
    _copy_rows(tables, state, first, stop, out, start)
    _write_entries(tables, state, first, stop, out, start)
