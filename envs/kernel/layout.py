"""The arrays that the kernel works on, and their parts by name.

What a user carries from slot to slot is one number, the *user state* (position of the slot, phase of drift, segment,
fatigue level), so that a slot is a few look-ups: :mod:`preroll.envs.model.packing` fills the tables that are read here.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.jit import inlined

# Rows of keys and of state.
LANE_KEY, SESSION_KEY = range(2)
SESSION, SLOT, USER_STATE, VIDEO, LAST, ENDED, VIDEO_KIND, FOLLOWING = range(8)
N_STATE = 8

# Rows of the results of a step.
REWARD, VIEW_PROBABILITY, EXPECTED_REWARD = range(3)
TERMINATED, TRUNCATED, VIEWED, OVER = range(4)
SHOWN_VIDEO, SHOWN_CATEGORY = range(2)

# Columns of a video's record: 0 … 9 are the neighbours (-1 padded), ROW … its part of the observation as float32.
N_NEIGHBORS, N_NEAR, KIND, CATEGORY, ROW = 10, 10, 11, 12, 16
# Columns of `answers`: P(view) if the ad is not, is the last one that was shown; P(leave) if it was not, was viewed;
# the reward of a view; as int64, the next slot's user state if it was not, was viewed, and the video's category.
CHANCE, RISK, PAY, AFTER, SHOWN = 0, 2, 4, 5, 7
N_ANSWERS = 8
# Columns of `choice` and of `user_states`.
JUMP, REPEAT, RANKS = range(3)
N_CHOICE = RANKS + 10
PHASE, SEGMENT, LEVEL = range(3)

# Entries of `sizes`: slots of a session, entries of an observation and of the video's part of it, where the session's
# single entries stand (-1: not shown), lengths of axes, whether anybody ever leaves and every video has ten neighbours,
# and the length of a row of the session's parts.
N_SLOTS, SIZE, VIDEO_SIZE, AT_PROGRESS, AT_LAST_AD, AT_LAST_VIEW = range(6)
PHASES, SEGMENTS, POSITIONS, LEVELS, ACTIONS, KINDS, LEAVES, FULL, OWN_SIZE = range(6, 15)
N_SIZES = 15

# Rows are this much longer than there are lanes: with 1024 or 16384 lanes the rows would otherwise start 4096 bytes
# apart, fall into the same lines of the first-level cache and push each other out.
PADDING = 16
BLOCK = 256  # lanes worked on together: what they need fits into the first-level cache
# Rows of the scratch: what the phases of a slot hand to each other for one block. Their places are constants, so that a
# loop needs one register for all of them: dice, which neighbour or which other video follows, P(view), the reward
# of a view, whether the ad was viewed and the user left, the video's category, and the lanes whose session ended.
DIE_OF_VIEW, DIE_OF_LEAVING, DIE_OF_VIDEO, PLACE, NEAR, OTHER, LIKELY, WORTH, VIEW_DONE, LEFT, ABOUT, FOUND = (
    np.uint64((BLOCK + PADDING) * row) for row in range(12)
)
N_SCRATCH = 12
CHUNK = 8  # floats that are copied at once
LARGE = 2**19  # numbers; records that take more of them than this do not stay in the processor's caches

# An index that is never negative spares Numba the wrap-around, which keeps loops from being vectorised.
at: Any = np.uint64


class Packed(NamedTuple):
    """A compiled scenario in four arrays: each array that is handed to compiled code costs time in every call."""

    floats: NDArray[np.float64]  # answers, choice, segments, one after the other
    integers: NDArray[np.int32]  # sizes, user_states, phase_start
    records: NDArray[np.int32]  # [N, w]  neighbours, their number, kind, category; the observation's row as float32
    looks: NDArray[np.float32]  # progress, session_rows


class KernelViews(NamedTuple):
    """The packed tables by name. C = S·P·U·F user states (position, phase, segment, level), A actions, R kinds."""

    answers: Any  # float64 [R · C · A · 8]  how users answer: a line of memory for each (kind of video, user state, ad)
    choice: Any  # float64 [P · 12]       jump, repeat, cumulated rank probabilities
    segments: Any  # float64 [P · U]      cumulated shares
    user_states: Any  # int32 [C · 3]     phase, segment, fatigue level of a user state
    phase_start: Any  # int32 [P]         first session of each phase
    sizes: Any  # int32 [15]
    links: Any  # int32 [N, w]            the records as integers
    rows: Any  # float32 [N, w]           the records as numbers
    progress: Any  # float32 [T + 1]      share of the horizon that is over at each slot
    session_rows: Any  # float32 [C · s]  one-hot parts of the observation that the user state determines


class State(NamedTuple):
    """The state of n parallel sessions in three arrays; rows of n + PADDING. :func:`lanes_of` gives it by name."""

    keys: NDArray[np.uint64]  # [2, n]   LANE_KEY, SESSION_KEY
    state: NDArray[np.int32]  # [8, n]  SESSION … FOLLOWING
    scratch: NDArray[np.float64]  # [12 · (BLOCK + PADDING)]


class Results(NamedTuple):
    """What happened in a slot on n lanes; rows of n + PADDING."""

    ads: NDArray[np.int64]  # [n]
    values: NDArray[np.float64]  # [3, n]  REWARD, VIEW_PROBABILITY, EXPECTED_REWARD
    flags: NDArray[np.bool_]  # [4, n]     TERMINATED, TRUNCATED, VIEWED, OVER
    shown: NDArray[np.int32]  # [2, n]     SHOWN_VIDEO, SHOWN_CATEGORY


class Lanes(NamedTuple):
    """The state of parallel sessions, by name; each an array [n]."""

    lane_key: Any  # uint64
    session_key: Any  # uint64
    session: Any  # int32  number of the lane's session, from 0
    slot: Any  # int32     number of the session's slot, from 0
    user_state: Any  # int32     what the user carries along
    video: Any  # int32
    last: Any  # int32     outcome of the last slot: ad if not viewed, A + ad if viewed, 2A before the first slot
    ended: Any  # int32    1: the next step starts a new session
    kind: Any  # int32     of the video
    following: Any  # int32  the video that follows if the user stays: drawn as soon as a slot begins


class Outcome(NamedTuple):
    """What happened in a slot, by name; each an array [n]."""

    reward: Any  # float64
    view_probability: Any  # float64
    expected_reward: Any  # float64
    terminated: Any  # bool
    truncated: Any  # bool
    viewed: Any  # bool
    over: Any  # bool      terminated or truncated
    video: Any  # int32
    category: Any  # int32


@inlined
def unpack(packed: Any) -> Any:
    """Views of the packed arrays by name."""
    floats, integers = packed.floats, packed.integers
    sizes = integers[:N_SIZES]
    p, u, a = np.int64(sizes[PHASES]), np.int64(sizes[SEGMENTS]), np.int64(sizes[ACTIONS])
    c = p * u * sizes[POSITIONS] * sizes[LEVELS]
    n = sizes[KINDS] * c * a * N_ANSWERS
    answers = floats[:n]
    choice = floats[n : n + p * N_CHOICE]
    segments = floats[n + p * N_CHOICE :]
    user_states = integers[N_SIZES : N_SIZES + c * 3]
    phase_start = integers[N_SIZES + c * 3 :]
    progress = packed.looks[: sizes[N_SLOTS] + 1]
    session_rows = packed.looks[sizes[N_SLOTS] + 1 :]
    links, rows = packed.records, packed.records.view(np.float32)
    return KernelViews(answers, choice, segments, user_states, phase_start, sizes, links, rows, progress, session_rows)


@inlined
def lanes_of(keys: Any, state: Any, start: Any, stop: Any) -> Any:
    """Lanes ``start`` … ``stop`` - 1 by name."""
    return Lanes(
        keys[LANE_KEY, start:stop],
        keys[SESSION_KEY, start:stop],
        state[SESSION, start:stop],
        state[SLOT, start:stop],
        state[USER_STATE, start:stop],
        state[VIDEO, start:stop],
        state[LAST, start:stop],
        state[ENDED, start:stop],
        state[VIDEO_KIND, start:stop],
        state[FOLLOWING, start:stop],
    )


@inlined
def outcome_of(values: Any, flags: Any, shown: Any, start: Any, stop: Any) -> Any:
    """The results of lanes ``start`` … ``stop`` - 1 by name."""
    return Outcome(
        values[REWARD, start:stop],
        values[VIEW_PROBABILITY, start:stop],
        values[EXPECTED_REWARD, start:stop],
        flags[TERMINATED, start:stop],
        flags[TRUNCATED, start:stop],
        flags[VIEWED, start:stop],
        flags[OVER, start:stop],
        shown[SHOWN_VIDEO, start:stop],
        shown[SHOWN_CATEGORY, start:stop],
    )


def new_lanes(n: int) -> State:
    """Room for n lanes; seed and start them before playing."""
    width = n + PADDING
    keys, state = np.zeros((2, width), np.uint64), np.zeros((N_STATE, width), np.int32)
    return State(keys, state, np.zeros(N_SCRATCH * (BLOCK + PADDING)))


def new_results(n: int) -> Results:
    """Room for what happens in one slot on n lanes."""
    width = n + PADDING
    values, flags, shown = np.empty((3, width)), np.empty((4, width), np.bool_), np.empty((2, width), np.int32)
    return Results(np.empty(n, np.int64), values, flags, shown)
