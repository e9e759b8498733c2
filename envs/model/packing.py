"""Packing of the model's tables into the arrays that the kernel reads: one look-up per (kind of video, user state, ad).

A *user state* is everything that a user carries from slot to slot, except the video and the last ad: the position of
the slot, the phase of drift and the segment (both fixed during a session) and the fatigue level. User states are
numbered in this order, so that those of a video's first slot come first.
"""

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout as kernel_layout
from preroll.envs.kernel.rng import bounds
from preroll.envs.model.observation import OF_VIDEO, ObservationLayout
from preroll.envs.model.probabilities import (
    Arrays,
    by_kind,
    leave_probabilities,
    states_after,
    view_probabilities,
)

ALIGNMENT = 128  # bytes: the two cache lines of a video's record are then fetched together and lie in one page


def pack(
    arrays: Arrays,
    neighbors: NDArray[np.int32],
    kind: NDArray[np.int32],
    category: NDArray[np.int32],
    layout: ObservationLayout,
    n_slots: int,
) -> kernel_layout.Packed:
    """Packs the model's tables and the videos for the kernel.

    Args:
        arrays: tables of the model.
        neighbors: nearest neighbours of every video, int32 [N, 10], -1 padded.
        kind: kind of every video, int32 [N].
        category: category of every video, int32 [N]; -1 if unknown.
        layout: layout of the observation.
        n_slots: T, largest number of slots of a session.
    """
    session_rows = _session_rows(arrays, layout)
    words = (_answers(arrays), _cuts(arrays), arrays.choice, arrays.segments)
    sizes = _sizes(arrays, neighbors, layout, n_slots, session_rows.shape[-1])
    integers = (sizes, _user_states(arrays), arrays.phase_start)
    progress = np.arange(n_slots + 1) / n_slots
    return kernel_layout.Packed(
        words=np.concatenate([array.ravel().view(np.int64) for array in words]),
        integers=np.concatenate([array.ravel().astype(np.int32) for array in integers]),
        records=_records(neighbors, kind, category, arrays.rows[:, : sizes[kernel_layout.VIDEO_SIZE]]),
        looks=np.concatenate([progress.astype(np.float32), session_rows.ravel()]),
    )


def limited(packed: kernel_layout.Packed, max_episode_steps: int) -> kernel_layout.Packed:
    """Returns the packed tables with a time limit: sessions are truncated after so many slots at the latest."""
    integers = packed.integers.copy()
    integers[kernel_layout.LIMIT] = min(max_episode_steps, integers[kernel_layout.N_SLOTS])
    return packed._replace(integers=integers)


def _answers(arrays: Arrays) -> NDArray[np.int64]:
    """Computes the user's response to every ad, int64 [R, S, P, U, F, A, 8]."""
    view = view_probabilities(arrays)
    answers = np.zeros((*view.shape[:-1], kernel_layout.N_ANSWERS), np.int64)
    floats, integers = answers.view(np.float64), answers.view(np.int32)
    answers[..., kernel_layout.CHANCE : kernel_layout.CHANCE + 2] = bounds(view)
    answers[..., kernel_layout.RISK : kernel_layout.RISK + 2] = bounds(leave_probabilities(arrays))
    floats[..., kernel_layout.PAY] = by_kind(arrays.reward)
    integers[..., 2 * kernel_layout.AFTER : 2 * kernel_layout.AFTER + 2] = states_after(arrays)
    floats[..., kernel_layout.LIKELY : kernel_layout.LIKELY + 2] = view
    return answers


def _cuts(arrays: Arrays) -> NDArray[np.int64]:
    """Computes bounds of the die of the next video by phase and number of neighbours, int64 [P, 11, 10].

    A neighbour follows from the last bound on; its rank is the number of the others that the die reaches.
    """
    never, ranks = 2**53, np.arange(kernel_layout.N_CUTS - 1)
    cuts = np.full((len(arrays.choice), kernel_layout.N_NEIGHBORS + 1, kernel_layout.N_CUTS), never)
    for own, choice in zip(cuts, arrays.choice, strict=True):
        jump, shares = choice[kernel_layout.JUMP], choice[kernel_layout.RANKS :]
        own[1:, kernel_layout.JUMP_CUT] = bounds(jump)
        if jump < 1:
            first = _first_dice(jump, shares)
            own[1:, ranks] = np.where(ranks < np.arange(len(shares))[:, None], first, never)
    return cuts


def _first_dice(jump: float, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the first whole die of each rank but the first, by number of neighbours, int64 [10, 9].

    They are found by bisection: as float64 rounds what a die says of the rank, it has no inverse.
    """
    shape = len(shares), len(shares) - 1
    low, high = np.zeros(shape, np.int64), np.full(shape, 2**53)
    while (low < high).any():
        middle = (low + high) // 2
        passed = (middle * 2.0**-53 - jump) / (1 - jump) * shares[:, None] >= shares[:-1]
        low, high = np.where(passed, low, np.minimum(middle + 1, high)), np.where(passed, middle, high)
    return low


def _user_states(arrays: Arrays) -> NDArray[np.int64]:
    """Returns phase, segment and fatigue level of every user state, [C, 3]."""
    p, u, s, f, _ = arrays.base.shape
    return np.moveaxis(np.indices((s, p, u, f))[1:], 0, -1).reshape(-1, 3)


def _session_rows(arrays: Arrays, layout: ObservationLayout) -> NDArray[np.float32]:
    """Computes the one-hot parts of the observation that the user state determines, float32 [S, P, U, F, s].

    The other parts of the session are 0; s is a multiple of ``CHUNK``.
    """
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
    """Returns the number of entries of an observation that depend on the video alone; they come first."""
    return max((layout.parts[name].stop for name in OF_VIDEO if name in layout.parts), default=0)


def _records(
    neighbors: NDArray[np.int32], kind: NDArray[np.int32], category: NDArray[np.int32], rows: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Packs all that the kernel reads of a video into one record, int32 [N, w]; its row holds the bits of float32."""
    line = 16
    records = aligned(np.zeros((len(neighbors), kernel_layout.ROW + -(-rows.shape[1] // line) * line), dtype=np.int32))
    records[:, : kernel_layout.N_NEIGHBORS] = neighbors
    records[:, kernel_layout.N_NEAR] = (neighbors >= 0).sum(axis=1)
    records[:, kernel_layout.KIND] = kind
    records[:, kernel_layout.CATEGORY] = category
    records[:, kernel_layout.ROW : kernel_layout.ROW + rows.shape[1]] = np.ascontiguousarray(rows).view(np.int32)
    return records


def aligned(array: NDArray[np.int32]) -> NDArray[np.int32]:
    """Returns a copy that starts at a multiple of ``ALIGNMENT`` bytes, in large pages if the system supports them."""
    buffer = np.empty(array.size + ALIGNMENT // 4, dtype=np.int32)  # np.zeros would not request large pages
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
    counts = [p, u, s, f, a, arrays.match.shape[1]]
    return np.array([n_slots, layout.size, video_size(layout), *single, *counts, leaves, full, own, n_slots])
