"""From the model's tables to those that the kernel reads: everything that one slot needs, in one look-up each.

A *user state* is what a user carries from slot to slot, but for the video and the last ad: the position of the slot,
the phase of drift and the segment (both fixed during a session) and the fatigue level, in this order, so that the user
states of a video's first slot come first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout as kernel_layout
from preroll.envs.model.observation import OF_VIDEO, ObservationLayout

ALIGNMENT = 128  # bytes: the two cache lines of a video's record are then fetched together, and lie in one page


class Arrays(NamedTuple):
    """The model's tables. P phases, U segments, S slots of a video, F fatigue levels, A actions, R kinds of videos."""

    base: NDArray[np.float64]  # [P, U, S, F, A]   p · position · wear · appeal
    match: NDArray[np.float64]  # [P, R, A]        m + (1 - m) · relevance
    reward: NDArray[np.float64]  # [P, R, A]        of a view
    hazard: NDArray[np.float64]  # [P, U, A, 2, F] P(leave)
    choice: NDArray[np.float64]  # [P, 2 + 10]     jump, repeat, cumulated rank probabilities
    segments: NDArray[np.float64]  # [P, U]        cumulated shares
    phase_start: NDArray[np.int64]  # [P]          first session of each phase
    gain: NDArray[np.int64]  # [P, A, 2]           fatigue gained, less recovery; [not viewed, viewed]
    rows: NDArray[np.float32]  # [N, d]            observation of each video, zeros in the session's parts


def pack(
    arrays: Arrays,
    neighbors: NDArray[np.int32],
    kind: NDArray[np.int32],
    category: NDArray[np.int32],
    layout: ObservationLayout,
    n_slots: int,
) -> kernel_layout.Packed:
    """Packs the model's tables and the videos (neighbours [N, 10], kind [N], category [N]) for the kernel."""
    session_rows = _session_rows(arrays, layout)
    floats = (_answers(arrays, kind, category), arrays.choice, arrays.segments)
    sizes = _sizes(arrays, neighbors, layout, n_slots, session_rows.shape[-1])
    integers = (sizes, _cells(arrays), arrays.phase_start)
    progress = np.arange(n_slots + 1) / n_slots
    return kernel_layout.Packed(
        floats=np.concatenate([array.ravel() for array in floats]),
        integers=np.concatenate([array.ravel().astype(np.int32) for array in integers]),
        records=_records(neighbors, kind, category, arrays.rows[:, : sizes[kernel_layout.VIDEO_SIZE]]),
        looks=np.concatenate([progress.astype(np.float32), session_rows.ravel()]),
    )


def _by_cell(table: NDArray[np.float64], arrays: Arrays) -> NDArray[np.float64]:
    """A table [P, U, S, F, …] (or 1 for axes that do not matter) in the order of the user states [S, P, U, F, …]."""
    full = np.broadcast_to(table, arrays.base.shape[:4] + table.shape[4:])
    return np.moveaxis(full, 2, 0)


def _by_kind(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """A table [P, R, A] as [R, S, P, U, F, A] with axes of length 1."""
    return np.moveaxis(table, 1, 0)[:, None, :, None, None, :]


def _answers(arrays: Arrays, kind: NDArray[np.int32], category: NDArray[np.int32]) -> NDArray[np.float64]:
    """How users answer, [R, S, P, U, F, A, 8]; integers as bits of float64."""
    view = _view(arrays)
    answers = np.zeros((*view.shape[:-1], kernel_layout.N_ANSWERS))
    integers = answers.view(np.int64)
    answers[..., kernel_layout.CHANCE : kernel_layout.CHANCE + 2] = view
    answers[..., kernel_layout.RISK : kernel_layout.RISK + 2] = _risk(arrays)
    answers[..., kernel_layout.PAY] = _by_kind(arrays.reward)
    integers[..., kernel_layout.AFTER : kernel_layout.AFTER + 2] = _after(arrays)
    shown = np.full(len(view), -1)
    shown[kind] = category
    integers[..., kernel_layout.SHOWN] = shown[:, None, None, None, None, None]
    return answers


def _view(arrays: Arrays) -> NDArray[np.float64]:
    """P(view) = min(base · match · repeat, 1), [R, C, A, 2]; the last axis: is the ad the last one that was shown?"""
    repeat = np.ones((len(arrays.choice), 2))
    repeat[:, 1] = arrays.choice[:, kernel_layout.REPEAT]
    view = _by_cell(arrays.base, arrays)[None] * _by_kind(arrays.match)
    return np.minimum(view[..., None] * repeat[None, None, :, None, None, None, :], 1.0)


def _level_after(arrays: Arrays) -> NDArray[np.int64]:
    """Fatigue f' = clip(f + gain[length, viewed] - recovery, 0, F - 1), [P, F, A, 2]."""
    n_levels = arrays.base.shape[3]
    return np.asarray(np.clip(np.arange(n_levels)[None, :, None, None] + arrays.gain[:, None], 0, n_levels - 1))


def _risk(arrays: Arrays) -> NDArray[np.float64]:
    """P(leave) = hazard[length, viewed, f', segment], [C, A, 2]."""
    after = _level_after(arrays)[:, None]
    p, u, _, a, v = np.ix_(*(np.arange(n) for n in (*arrays.base.shape[:2], *after.shape[2:])))
    return _by_cell(arrays.hazard[p, u, a, v, after][:, :, None], arrays)


def _after(arrays: Arrays) -> NDArray[np.int64]:
    """The next slot's user state: the next position (after a video's last one the first), the same user, level f'."""
    p, u, s, f, _ = arrays.base.shape
    number = np.arange(s * p * u * f).reshape(s, p, u, f)
    phase, segment = np.arange(p)[:, None, None, None, None], np.arange(u)[:, None, None, None]
    following = (np.arange(s) + 1) % s
    return np.asarray(number[following[:, None, None, None, None, None], phase, segment, _level_after(arrays)[:, None]])


def _cells(arrays: Arrays) -> NDArray[np.int64]:
    """Phase, segment and fatigue level of every user state, [C, 3]."""
    p, u, s, f, _ = arrays.base.shape
    return np.moveaxis(np.indices((s, p, u, f))[1:], 0, -1).reshape(-1, 3)


def _session_rows(arrays: Arrays, layout: ObservationLayout) -> NDArray[np.float32]:
    """The one-hot parts of the observation that the user state determines, zeros in the session's others, [C, s]."""
    p, u, s, f, _ = arrays.base.shape
    ones = {"fatigue", "last_ad", "position", "segment"} & set(layout.parts)
    size = layout.size - video_size(layout) if ones else 0
    rows = np.zeros((s, p, u, f, -(-size // kernel_layout.CHUNK) * kernel_layout.CHUNK), dtype=np.float32)
    position, _, segment, level = np.indices((s, p, u, f))
    for name, index in (("fatigue", level), ("position", position), ("segment", segment)):
        if name in layout.parts:
            at = layout.parts[name].start - video_size(layout) + index
            np.put_along_axis(rows, at[..., None], 1.0, axis=-1)
    return rows


def video_size(layout: ObservationLayout) -> int:
    """Entries of the parts of an observation that belong to the video; they come first."""
    return max((layout.parts[name].stop for name in OF_VIDEO if name in layout.parts), default=0)


def _records(
    neighbors: NDArray[np.int32], kind: NDArray[np.int32], category: NDArray[np.int32], rows: NDArray[np.float32]
) -> NDArray[np.int32]:
    """What the kernel reads of a video, in one place of memory: int32 [N, w], the row as bits of float32."""
    line = 16
    records = aligned(np.zeros((len(neighbors), kernel_layout.ROW + -(-rows.shape[1] // line) * line), dtype=np.int32))
    records[:, : kernel_layout.N_NEIGHBORS] = neighbors
    records[:, kernel_layout.N_NEAR] = (neighbors >= 0).sum(axis=1)
    records[:, kernel_layout.KIND] = kind
    records[:, kernel_layout.CATEGORY] = category
    records[:, kernel_layout.ROW : kernel_layout.ROW + rows.shape[1]] = np.ascontiguousarray(rows).view(np.int32)
    return records


def aligned(array: NDArray[np.int32]) -> NDArray[np.int32]:
    """A copy that begins at a multiple of ALIGNMENT bytes, in large pages where the system has them."""
    buffer = np.empty(array.size + ALIGNMENT // 4, dtype=np.int32)  # zeros() would not ask for large pages
    skip = -buffer.ctypes.data % ALIGNMENT // 4
    copy = buffer[skip : skip + array.size].reshape(array.shape)
    copy[:] = array
    return copy


def _sizes(
    arrays: Arrays, neighbors: NDArray[np.int32], layout: ObservationLayout, n_slots: int, own: int
) -> NDArray[np.int64]:
    p, u, s, f, a = arrays.base.shape
    single = [layout.offset(name) for name in ("progress", "last_ad", "last_view")]
    leaves, full = (arrays.hazard > 0).any(), (neighbors >= 0).all()
    return np.array(
        [n_slots, layout.size, video_size(layout), *single, p, u, s, f, a, arrays.match.shape[1], leaves, full, own]
    )
