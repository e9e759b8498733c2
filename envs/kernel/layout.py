"""Arrays that the kernel works on, and the names of their parts.

Everything that a user carries from slot to slot, except the video and the last ad, is one number, the *user state*
(position of the slot, phase of drift, segment, fatigue level), so that a slot is a few look-ups.
:mod:`preroll.envs.model.packing` fills the tables that are read here, :mod:`preroll.envs.kernel.lanes` keeps the state.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel.views import seen_as
from preroll.jit import inlined

# Columns of a video's record: 0 … 9 are the neighbours (-1 padded), then their number, the kind and the category; from
# ROW on, the video's part of the observation as float32.
N_NEIGHBORS, N_NEAR, KIND, CATEGORY, ROW = 10, 10, 11, 12, 16
# Columns of `answers`, 64 bits each: CHANCE, P(view) if the ad [is not, is] the last one shown, and RISK, P(leave) if
# it was [not viewed, viewed], as bounds of dice; PAY, the reward of a view, float64; AFTER, the user state of the next
# slot if it was [not viewed, viewed], two int32; LIKELY, P(view) as CHANCE, float64, which no step reads.
CHANCE, RISK, PAY, AFTER, LIKELY = 0, 2, 4, 5, 6
N_ANSWERS = 8
# Columns of `choice` and of `user_states`; a row of `cuts` has a bound for each rank but the last, then for the jump.
JUMP, REPEAT, RANKS = range(3)
N_CHOICE = RANKS + 10
PHASE, SEGMENT, LEVEL = range(3)
N_CUTS, JUMP_CUT = 10, 9

# Entries of `sizes`: slots of a session; entries of an observation, and of its part that depends on the video; offsets
# of the session's single entries (-1: not shown); lengths of axes; LEAVES, whether any P(leave) is above 0; FULL,
# whether every video has ten neighbours; OWN_SIZE, the length of a row of `session_rows`; LIMIT, the slot after which a
# session is truncated: N_SLOTS, or earlier where Gymnasium's time limit is shorter.
N_SLOTS, SIZE, VIDEO_SIZE, AT_PROGRESS, AT_LAST_AD, AT_LAST_VIEW = range(6)
PHASES, SEGMENTS, POSITIONS, LEVELS, ACTIONS, KINDS, LEAVES, FULL, OWN_SIZE, LIMIT = range(6, 16)
N_SIZES = 16

CHUNK = 8  # floats copied at once
LARGE = 2**19  # int32 numbers; records larger than this do not stay in the processor's caches

# Cast of an index to unsigned: for signed ones Numba wraps negative values around, which prevents vectorisation.
at: Any = np.uint64

BLOCK = 256  # lanes processed together: their data fit into the first-level cache
# Numbers from one row of a block to the next. With BLOCK, rows would start 1024 or 2048 bytes apart, map to the same
# lines of that cache and evict each other.
STRIDE = BLOCK + 16
# Rows of the state of a block: two of uint64, then eight of int32. In compiled code they are constant offsets from one
# place, so that a loop needs one register for all of them.
KEYS = LANE_KEY, SESSION_KEY = tuple(at(STRIDE * row) for row in range(2))
ROWS = tuple(at(STRIDE * (4 + row)) for row in range(8))
# Session: its number in its lane, from 0. Slot: its number in its session, from 0. Last: outcome of the last slot, ad
# if not viewed, A + ad if viewed, 2A before the first. Ended: 1 if the next step starts a session (NEXT_STEP).
# Following: the next video if the user stays, drawn at the beginning of a slot.
SESSION, SLOT, USER_STATE, VIDEO, LAST, ENDED, VIDEO_KIND, FOLLOWING = ROWS
WORDS = STRIDE * 6  # of 64 bits in a block
# Rows of the scratch memory, through which the phases of a slot pass values for one block: numbers of 64 bits, the dice
# of viewing, of leaving and of the next video, the reward and the code of what was played; of 32 bits, the lanes whose
# session ended; of 8 bits, whether the user left, and whether the session is over.
DIE_OF_VIEW, DIE_OF_LEAVING, DIE_OF_VIDEO, PAID, PLAYED = (at(STRIDE * row) for row in range(5))
FOUND = at(2 * 5 * STRIDE)
LEFT, OVER = (at(STRIDE * (8 * 5 + 4 + row)) for row in range(2))
SCRATCH = STRIDE * 6  # 64-bit words, at the beginning of the state
# Rows of the results of a step, in the order of :class:`Told`: type, and bytes of a lane from the row on. The first
# three are those that the environments return.
RESULTS: dict[str, tuple[Any, int]] = {
    "reward": (np.float64, 27),
    "terminated": (np.bool_, 19),
    "truncated": (np.bool_, 18),
    "code": (np.int64, 17),
    "video": (np.int32, 9),
    "first": (np.int32, 5),
    "over": (np.bool_, 1),
}
LINE = 2  # bits of the code of a slot below its row of `answers`


class Packed(NamedTuple):
    """A compiled scenario in four arrays: each array passed to compiled code adds to the cost of every call."""

    words: NDArray[np.int64]  # answers, cuts, choice, segments, concatenated; some are the bits of float64
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

    answers: Any  # int64 [R · C · A · 8]  response: one row of 8 per (kind of video, user state, ad)
    cuts: Any  # int64 [P · 11 · 10]      bounds of the die of the next video by number of neighbours
    choice: Any  # float64 [P · 12]       jump, repeat, cumulative rank probabilities
    segments: Any  # float64 [P · U]      cumulative shares
    user_states: Any  # int32 [C · 3]     phase, segment, fatigue level of each user state
    phase_start: Any  # int32 [P]         first session of each phase
    sizes: Any  # int32 [16]
    links: Any  # int32 [N, w]            records of the videos, as integers
    rows: Any  # float32 [N · w]          the same memory, as float32
    progress: Any  # float32 [T + 1]      elapsed share of the horizon at each slot
    session_rows: Any  # float32 [C · s]  one-hot parts of the observation that the user state determines


class Block(NamedTuple):
    """State of a block of lanes, and the scratch memory, as numbers of the types of their rows."""

    keys: Any  # uint64
    state: Any  # int32
    words: Any  # int64   scratch
    numbers: Any  # int32  scratch
    flags: Any  # uint8   scratch


class Told(NamedTuple):
    """What a step tells of every lane, each [n]; what else there is to tell follows from the code."""

    reward: Any  # int64    bits of float64
    terminated: Any  # uint8
    truncated: Any  # uint8
    code: Any  # int64      of a slot: row of `answers` << LINE | ad is the last one shown << 1 | it was viewed; else −1
    video: Any  # int32
    first: Any  # int32     first video of the session that the step started, where `over` under SAME_STEP
    over: Any  # uint8      terminated or truncated


@inlined
def unpack(packed: Any) -> Any:
    """Returns named views of the packed arrays."""
    words, integers = packed.words, packed.integers
    sizes = integers[:N_SIZES]
    p, u, a = np.int64(sizes[PHASES]), np.int64(sizes[SEGMENTS]), np.int64(sizes[ACTIONS])
    c = p * u * sizes[POSITIONS] * sizes[LEVELS]
    n = sizes[KINDS] * c * a * N_ANSWERS
    m = n + p * (N_NEIGHBORS + 1) * N_CUTS
    floats = seen_as(words[m:], np.float64)
    user_states = integers[N_SIZES : N_SIZES + c * 3]
    phase_start = integers[N_SIZES + c * 3 :]
    progress = packed.looks[: sizes[N_SLOTS] + 1]
    session_rows = packed.looks[sizes[N_SLOTS] + 1 :]
    return KernelViews(
        words[:n],
        words[n:m],
        floats[: p * N_CHOICE],
        floats[p * N_CHOICE :],
        user_states,
        phase_start,
        sizes,
        packed.records,
        seen_as(packed.records, np.float32),
        progress,
        session_rows,
    )


@inlined
def block_of(lanes: Any, number: Any) -> Any:
    """Returns block ``number`` of the state."""
    start = SCRATCH + number * WORDS
    own, scratch = lanes[start : start + WORDS], lanes[:SCRATCH]
    return Block(
        seen_as(own, np.uint64),
        seen_as(own, np.int32),
        scratch,
        seen_as(scratch, np.int32),
        seen_as(scratch, np.uint8),
    )


@inlined
def told_of(results: Any) -> Any:
    """Returns named views of the results of a step."""
    w = results.shape[0] // 27  # eighths of a row
    returned, halves = seen_as(results[8 * w : 10 * w], np.uint8), seen_as(results[18 * w : 26 * w], np.int32)
    return Told(
        results[: 8 * w],
        returned[: 8 * w],
        returned[8 * w :],
        results[10 * w : 18 * w],
        halves[: 8 * w],
        halves[8 * w :],
        seen_as(results[26 * w :], np.uint8),
    )


def new_results(n: int) -> NDArray[np.int64]:
    """Allocates what a step tells of n lanes, in rows that are longer, as those of the state are."""
    return np.empty(_eighths(n) * 27, np.int64)


def result(results: NDArray[np.int64], name: str, n: int) -> NDArray[Any]:
    """Returns a view of one of :data:`RESULTS` for n lanes; of ``results``, only the rows from there on are needed."""
    kind, width = RESULTS[name]
    return np.ndarray(n, kind, results, results.nbytes - 8 * _eighths(n) * width)


def not_returned(results: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Returns a view of the results without those that the environments return."""
    return results[10 * _eighths(n) :]


def _eighths(n: int) -> int:
    return (n + 31) // 16 * 2
