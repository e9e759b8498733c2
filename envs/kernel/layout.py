"""Arrays that the kernel works on, and the names of their parts.

Everything that a user carries from slot to slot, except the video and the last ad, is one number, the *user state*
(position of the slot, phase of drift, segment, fatigue level), so that a slot is a few look-ups.
:mod:`preroll.envs.model.packing` fills the tables that are read here.
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
SHOWN_VIDEO, SHOWN_CATEGORY, SHOWN_FIRST = range(3)

# Columns of a video's record: 0 … 9 are the neighbours (-1 padded), then their number, the kind and the category; from
# ROW on, the video's part of the observation as float32.
N_NEIGHBORS, N_NEAR, KIND, CATEGORY, ROW = 10, 10, 11, 12, 16
# Columns of `answers`: CHANCE, P(view) if the ad [is not, is] the last one shown; RISK, P(leave) if it was [not viewed,
# viewed]; PAY, the reward of a view; as int64: AFTER, the user state of the next slot if it was [not viewed, viewed];
# SHOWN, the category of the video.
CHANCE, RISK, PAY, AFTER, SHOWN = 0, 2, 4, 5, 7
N_ANSWERS = 8
# Columns of `choice` and of `user_states`.
JUMP, REPEAT, RANKS = range(3)
N_CHOICE = RANKS + 10
PHASE, SEGMENT, LEVEL = range(3)

# Entries of `sizes`: slots of a session; entries of an observation, and of its part that depends on the video; offsets
# of the session's single entries (-1: not shown); lengths of axes; LEAVES, whether any P(leave) is above 0; FULL,
# whether every video has ten neighbours; OWN_SIZE, the length of a row of `session_rows`; LIMIT, the slot after which a
# session is truncated: N_SLOTS, or earlier where Gymnasium's time limit is shorter.
N_SLOTS, SIZE, VIDEO_SIZE, AT_PROGRESS, AT_LAST_AD, AT_LAST_VIEW = range(6)
PHASES, SEGMENTS, POSITIONS, LEVELS, ACTIONS, KINDS, LEAVES, FULL, OWN_SIZE, LIMIT = range(6, 16)
N_SIZES = 16

# Rows are longer than the number of lanes by this much: with 1024 or 16384 lanes they would otherwise start 4096 bytes
# apart, map to the same lines of the first-level cache and evict each other.
PADDING = 16
BLOCK = 256  # lanes processed together: their data fit into the first-level cache
# Offsets of the rows of the scratch array, through which the phases of a slot pass values for one block. They are
# constants, so that a loop needs one register for all rows: three random numbers; rank of the next neighbour, whether
# a neighbour follows, and the other video; P(view); reward of a view; whether the ad was viewed; whether the user
# left; the video's category; indices of the lanes whose session ended.
DIE_OF_VIEW, DIE_OF_LEAVING, DIE_OF_VIDEO, PLACE, NEAR, OTHER, LIKELY, WORTH, VIEW_DONE, LEFT, ABOUT, FOUND = (
    np.uint64((BLOCK + PADDING) * row) for row in range(12)
)
N_SCRATCH = 12
CHUNK = 8  # floats copied at once
LARGE = 2**19  # int32 numbers; records larger than this do not stay in the processor's caches

# Cast of an index to unsigned: for signed ones Numba wraps negative values around, which prevents vectorisation.
at: Any = np.uint64


class Packed(NamedTuple):
    """A compiled scenario in four arrays: each array passed to compiled code adds to the cost of every call."""

    floats: NDArray[np.float64]  # answers, choice, segments, concatenated
    integers: NDArray[np.int32]  # sizes, user_states, phase_start
    records: NDArray[np.int32]  # [N, w]  neighbours, their number, kind, category; the observation's row as float32
    looks: NDArray[np.float32]  # progress, session_rows

    def for_kernel(self) -> "Packed":
        """Returns the same memory, writable: for read-only arrays, Numba would compile everything a second time."""
        views = Packed._make(array.view() for array in self)
        for view in views:
            view.flags.writeable = view.flags.writeable or (view.base is not None and view.base.flags.writeable)
        return views


class KernelViews(NamedTuple):
    """Packed tables by name. C = S·P·U·F user states (position, phase, segment, level), A actions, R kinds of video."""

    answers: Any  # float64 [R · C · A · 8]  response: one row of 8 per (kind of video, user state, ad)
    choice: Any  # float64 [P · 12]       jump, repeat, cumulative rank probabilities
    segments: Any  # float64 [P · U]      cumulative shares
    user_states: Any  # int32 [C · 3]     phase, segment, fatigue level of each user state
    phase_start: Any  # int32 [P]         first session of each phase
    sizes: Any  # int32 [16]
    links: Any  # int32 [N, w]            records of the videos, as integers
    rows: Any  # float32 [N, w]           the same memory, as float32
    progress: Any  # float32 [T + 1]      elapsed share of the horizon at each slot
    session_rows: Any  # float32 [C · s]  one-hot parts of the observation that the user state determines


class State(NamedTuple):
    """State of n parallel sessions in three arrays, rows of length n + PADDING; :func:`lanes_of` names its parts."""

    keys: NDArray[np.uint64]  # [2, n]   LANE_KEY, SESSION_KEY
    state: NDArray[np.int32]  # [8, n]  SESSION … FOLLOWING
    scratch: NDArray[np.float64]  # [12 · (BLOCK + PADDING)]


class Results(NamedTuple):
    """Outcome of a slot in n lanes; rows have length n + PADDING."""

    ads: NDArray[np.int64]  # [n]
    values: NDArray[np.float64]  # [3, n]  REWARD, VIEW_PROBABILITY, EXPECTED_REWARD
    flags: NDArray[np.bool_]  # [4, n]     TERMINATED, TRUNCATED, VIEWED, OVER
    shown: NDArray[np.int32]  # [3, n]     SHOWN_VIDEO, SHOWN_CATEGORY, SHOWN_FIRST


class Lanes(NamedTuple):
    """Named views of the state of parallel sessions, each [n]."""

    lane_key: Any  # uint64
    session_key: Any  # uint64
    session: Any  # int32  number of the session in its lane, from 0
    slot: Any  # int32     number of the slot in its session, from 0
    user_state: Any  # int32     see the module
    video: Any  # int32
    last: Any  # int32     outcome of the last slot: ad if not viewed, A + ad if viewed, 2A before the first slot
    ended: Any  # int32    1 if the next step starts a new session (NEXT_STEP)
    kind: Any  # int32     kind of the video
    following: Any  # int32  next video if the user stays; drawn at the beginning of a slot


class Outcome(NamedTuple):
    """Named views of the outcome of a slot, each [n]."""

    reward: Any  # float64
    view_probability: Any  # float64
    expected_reward: Any  # float64
    terminated: Any  # bool
    truncated: Any  # bool
    viewed: Any  # bool
    over: Any  # bool      terminated or truncated
    video: Any  # int32
    category: Any  # int32
    first: Any  # int32    first video of the session that the step started, where `over` under SAME_STEP


@inlined
def unpack(packed: Any) -> Any:
    """Returns named views of the packed arrays."""
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
    """Returns named views of lanes ``start`` … ``stop`` - 1."""
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
    """Returns named views of the results of lanes ``start`` … ``stop`` - 1."""
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
        shown[SHOWN_FIRST, start:stop],
    )


def new_lanes(n: int) -> State:
    """Allocates the state of n lanes, which must be seeded and started before the first step."""
    width = n + PADDING
    keys, state = np.zeros((2, width), np.uint64), np.zeros((N_STATE, width), np.int32)
    return State(keys, state, np.zeros(N_SCRATCH * (BLOCK + PADDING)))


def new_results(n: int) -> Results:
    """Allocates the results of one slot in n lanes."""
    width = n + PADDING
    values, flags, shown = np.empty((3, width)), np.empty((4, width), np.bool_), np.empty((3, width), np.int32)
    return Results(np.empty(n, np.int64), values, flags, shown)
