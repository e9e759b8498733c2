"""The session model as one Numba kernel: dice, dynamics, observations, whole sessions.

All functions that call each other stand in this one file, because Numba's cache on disk checks only a function's own
file. With ``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python (uint64 arithmetic overflows by design there:
run them under ``np.errstate(over="ignore")``).

What a user carries from slot to slot is one number, the *cell* (position of the slot, phase of drift, segment, fatigue
level), so that a slot is a few look-ups: :mod:`preroll.envs.packing` turns the model's tables into those that are read
here. A slot is played in phases over blocks of lanes (:func:`step`): dice, response, next video, ended sessions,
observations apart from each other, so that each loop is vectorised, without a branch on what is random, and the
look-ups of many lanes wait for memory together.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.compiled import compiled, inlined, loop

# Purposes of dice. ACTION is for policies played inside the kernel, WATCH for the share of an ad that was watched.
VIEW, LEAVE, NEXT_VIDEO, FIRST_VIDEO, SEGMENT_DIE, ACTION, WATCH = range(1, 8)

# Rows of keys and of state.
LANE_KEY, SESSION_KEY = range(2)
SESSION, SLOT, CELL, VIDEO, LAST, ENDED, VIDEO_KIND, FOLLOWING = range(8)
N_STATE = 8

# Rows of the results of a step.
REWARD, VIEW_PROBABILITY, EXPECTED_REWARD = range(3)
TERMINATED, TRUNCATED, VIEWED, OVER = range(4)
SHOWN_VIDEO, SHOWN_CATEGORY = range(2)

# Columns of a video's record: 0 … 9 are the neighbours (-1 padded), ROW … its part of the observation as float32.
N_NEIGHBORS, N_NEAR, KIND, CATEGORY, ROW = 10, 10, 11, 12, 16
# Columns of `answers`: P(view) if the ad is not, is the last one that was shown; P(leave) if it was not, was viewed;
# the reward of a view; as int64, the next slot's cell if it was not, was viewed, and the video's category.
CHANCE, RISK, PAY, AFTER, SHOWN = 0, 2, 4, 5, 7
N_ANSWERS = 8
# Columns of `choice` and of `cells`.
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

at: Any = (
    np.uint64
)  # an index that is never negative spares Numba the wrap-around, which keeps loops from being vectorised

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _11, _3 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11), np.uint64(3)
_TO_UNIT = 2.0**-53


class Packed(NamedTuple):
    """A compiled scenario in four arrays: each array that is handed to compiled code costs time in every call."""

    floats: NDArray[np.float64]  # answers, choice, segments, one after the other
    integers: NDArray[np.int32]  # sizes, cells, phase_start
    records: NDArray[np.int32]  # [N, w]  neighbours, their number, kind, category; the observation's row as float32
    looks: NDArray[np.float32]  # progress, session_rows


class Tables(NamedTuple):
    """The packed tables by name. C = S · P · U · F cells (position, phase, segment, level), A actions, R kinds."""

    answers: Any  # float64 [R · C · A · 8]  how users answer: a line of memory for each (kind of video, cell, ad)
    choice: Any  # float64 [P · 12]       jump, repeat, cumulated rank probabilities
    segments: Any  # float64 [P · U]      cumulated shares
    cells: Any  # int32 [C · 3]           phase, segment, fatigue level of a cell
    phase_start: Any  # int32 [P]         first session of each phase
    sizes: Any  # int32 [15]
    links: Any  # int32 [N, w]            the records as integers
    rows: Any  # float32 [N, w]           the records as numbers
    progress: Any  # float32 [T + 1]      share of the horizon that is over at each slot
    session_rows: Any  # float32 [C · s]  one-hot parts of the observation that the cell determines


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
    cell: Any  # int32     what the user carries along
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
    cells = integers[N_SIZES : N_SIZES + c * 3]
    phase_start = integers[N_SIZES + c * 3 :]
    progress = packed.looks[: sizes[N_SLOTS] + 1]
    session_rows = packed.looks[sizes[N_SLOTS] + 1 :]
    links, rows = packed.records, packed.records.view(np.float32)
    return Tables(answers, choice, segments, cells, phase_start, sizes, links, rows, progress, session_rows)


@inlined
def lanes_of(keys: Any, state: Any, start: Any, stop: Any) -> Any:
    """Lanes ``start`` … ``stop`` - 1 by name."""
    return Lanes(
        keys[LANE_KEY, start:stop],
        keys[SESSION_KEY, start:stop],
        state[SESSION, start:stop],
        state[SLOT, start:stop],
        state[CELL, start:stop],
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


@inlined
def mix(x: Any) -> Any:
    """The 64-bit finaliser of SplitMix64 (Steele, Lea and Flood 2014; Stafford's variant 13), a bijection."""
    x = (x ^ (x >> _30)) * _MIX_1
    x = (x ^ (x >> _27)) * _MIX_2
    return x ^ (x >> _31)


@inlined
def lane_key(seed: Any) -> Any:
    """Key of the lane with ``seed`` (seed of the reset + lane)."""
    return mix(np.uint64(seed) ^ _GAMMA)


@inlined
def session_key(lane: Any, session: Any) -> Any:
    """Key of one session of a lane."""
    return mix(lane ^ (np.uint64(session) * _MIX_1))


@inlined
def die(key: Any, slot: Any, purpose: Any) -> Any:
    """A number in [0, 1) that depends on (session key, slot, purpose) and nothing else."""
    counter = (np.uint64(slot) << _3) | np.uint64(purpose)
    return np.float64(mix(key ^ (counter * _GAMMA)) >> _11) * _TO_UNIT


@inlined
def scaled(u: Any, n: Any) -> Any:
    """An integer in 0 … n - 1 from u in [0, 1)."""
    return min(np.int64(u * n), n - 1)


@inlined
def start_session(tables: Any, lanes: Any, i: Any, session: Any) -> None:
    """Puts lane ``i`` at the first slot of its session number ``session``."""
    key = session_key(lanes.lane_key[i], session)
    n_segments = tables.sizes[SEGMENTS]
    phase = 0
    while phase + 1 < tables.phase_start.shape[0] and session >= tables.phase_start[phase + 1]:
        phase += 1
    segment = 0
    if n_segments > 1:
        u = die(key, 0, SEGMENT_DIE)
        while segment + 1 < n_segments and u >= tables.segments[phase * n_segments + segment]:
            segment += 1
    lanes.session_key[i] = key
    lanes.session[i] = session
    lanes.slot[i] = 0
    lanes.cell[i] = (phase * n_segments + segment) * tables.sizes[LEVELS]
    lanes.video[i] = scaled(die(key, 0, FIRST_VIDEO), tables.links.shape[0])
    lanes.last[i] = 2 * tables.sizes[ACTIONS]
    lanes.ended[i] = 0


@compiled
def seed_lanes(lanes: Any, chosen: Any, seeds: Any) -> None:
    """Gives lane ``chosen[j]`` the user stream ``seeds[j]`` (uint64) and puts it before its session 0."""
    for j in range(chosen.shape[0]):
        lanes.keys[LANE_KEY, chosen[j]] = lane_key(seeds[j])
        lanes.state[SESSION, chosen[j]] = -1


@inlined
def _write_entries(tables: Any, lanes: Any, i: Any, out: Any, start: Any) -> None:
    """What the agent sees of the session besides the cell: progress, the last ad, and whether it was viewed."""
    sizes, last, n_ads = tables.sizes, lanes.last[i], tables.sizes[ACTIONS]
    viewed = (last >= n_ads) & (last < 2 * n_ads)
    if sizes[AT_PROGRESS] >= 0:
        out[start + at(sizes[AT_PROGRESS])] = tables.progress[at(lanes.slot[i])]
    if sizes[AT_LAST_VIEW] >= 0:
        out[start + at(sizes[AT_LAST_VIEW])] = viewed
    if sizes[AT_LAST_AD] >= 0 and last < 2 * n_ads:
        out[start + at(sizes[AT_LAST_AD] + last - n_ads * viewed)] = 1.0


@loop
def _write_rows(tables: Any, lanes: Any, first: Any, n: Any, out: Any) -> None:
    """Observations of ``n`` lanes: the video's row, behind it the one that belongs to the cell, then single entries.

    Rows are copied in whole chunks where there is room: what lies behind their end is written over by what follows, the
    next lane included. Written as it stands, a chunk is one move of the processor; in a function of its own, or with
    the row's own length, it becomes a call of memcpy, which takes three times as long.
    """
    size, n_row, n_own = at(tables.sizes[SIZE]), at(tables.sizes[VIDEO_SIZE]), at(tables.sizes[OWN_SIZE])
    row_chunks, own_chunks = (n_row + at(CHUNK - 1)) >> _3, (n_own + at(CHUNK - 1)) >> _3
    room = out.shape[0] - np.int64(max(row_chunks * at(CHUNK), n_row + own_chunks * at(CHUNK)))
    fitting = at(min(room // np.int64(size) + 1, n)) if room >= 0 else at(0)
    for i in range(fitting):
        start, video, cell = i * size, at(lanes.video[first + i]), at(lanes.cell[first + i])
        for chunk in range(row_chunks):
            for k in range(at(CHUNK)):
                out[start + chunk * at(CHUNK) + k] = tables.rows[video, at(ROW) + chunk * at(CHUNK) + k]
        for chunk in range(own_chunks):
            for k in range(at(CHUNK)):
                out[start + n_row + chunk * at(CHUNK) + k] = tables.session_rows[cell * n_own + chunk * at(CHUNK) + k]
        _write_entries(tables, lanes, first + i, out, start)
    for i in range(fitting, at(n)):
        start, video, cell = i * size, at(lanes.video[first + i]), at(lanes.cell[first + i])
        for k in range(n_row):
            out[start + k] = tables.rows[video, at(ROW) + k]
        for k in range(min(n_own, size - n_row)):
            out[start + n_row + k] = tables.session_rows[cell * n_own + k]
        _write_entries(tables, lanes, first + i, out, start)


@compiled
def observe(packed: Any, lanes: Any, observations: Any) -> None:
    """Writes what every lane sees into ``observations`` float32 [n, d]."""
    n = np.int64(observations.shape[0])
    named = lanes_of(lanes.keys, lanes.state, 0, n)
    _write_rows(unpack(packed), named, at(0), n, observations.reshape(observations.size))


@loop
def _roll(lanes: Any, scratch: Any, leaves: Any) -> None:
    """The dice of viewing and, where anybody ever leaves, of leaving."""
    n = at(lanes.slot.shape[0])
    if leaves:
        for i in range(n):
            scratch[DIE_OF_VIEW + i] = die(lanes.session_key[i], lanes.slot[i], VIEW)
            scratch[DIE_OF_LEAVING + i] = die(lanes.session_key[i], lanes.slot[i], LEAVE)
    else:
        for i in range(n):
            scratch[DIE_OF_VIEW + i] = die(lanes.session_key[i], lanes.slot[i], VIEW)


@loop
def _roll_videos(lanes: Any, scratch: Any) -> None:
    """The dice of the next video."""
    for i in range(at(lanes.slot.shape[0])):
        scratch[DIE_OF_VIDEO + i] = die(lanes.session_key[i], lanes.slot[i], NEXT_VIDEO)


@inlined
def _choose(u: Any, choice: Any, phase: Any, n_near: Any, n: Any) -> Any:
    """(place, near, other): a neighbour of the video (1) with probability ∝ decay^place, or any other one (0).

    The probability of any video is jump, out of the row that begins at ``choice[phase]``. Only the ``n_near``
    neighbours that there are count; without any of them it is any video. ``other`` is 0 for a neighbour.
    """
    jump, total = choice[phase + at(JUMP)], choice[phase + at(RANKS - 1 + max(n_near, 1))]
    jumps = u < jump
    u = (u - (0.0 if jumps else jump)) / (jump if jumps else 1.0 - jump)
    rank, share = 0, u * total
    for k in range(N_NEIGHBORS - 1):  # no early exit: the rank is random, and a branch on it would be mispredicted
        rank += share >= choice[phase + at(RANKS + k)]
    near = not (jumps | (n_near == 0))
    return max(min(rank, n_near - 1), 0), near, scaled(u, n) * (not near)


@loop
def _draw(choice: Any, n: Any, n_lanes: Any, scratch: Any, numbers: Any) -> None:
    """What the recommender plays next, where all lanes are in one phase and every video has ten neighbours."""
    for i in range(n_lanes):
        place, near, other = _choose(scratch[DIE_OF_VIDEO + i], choice, at(0), N_NEIGHBORS, n)
        numbers[PLACE + i], numbers[NEAR + i], numbers[OTHER + i] = place, near, other


@inlined
def _draw_each(tables: Any, lanes: Any, scratch: Any, numbers: Any) -> None:
    """As :func:`_draw`, for lanes in different phases and videos with fewer neighbours."""
    for i in range(at(lanes.slot.shape[0])):
        phase = at(tables.cells[at(3) * at(lanes.cell[i]) + at(PHASE)]) * at(N_CHOICE)
        n_near = np.int64(tables.links[at(lanes.video[i]), at(N_NEAR)])
        place, near, other = _choose(scratch[DIE_OF_VIDEO + i], tables.choice, phase, n_near, tables.links.shape[0])
        numbers[PLACE + i], numbers[NEAR + i], numbers[OTHER + i] = place, near, other


@inlined
def _look_ahead(tables: Any, lanes: Any, scratch: Any, numbers: Any) -> None:
    """The kind of each lane's video and the video that follows, which no ad changes, as soon as a slot begins.

    A video's record is then read in one place of the step. In large catalogs that costs most, and a loop that does
    nothing but touch both halves of the records has many of them under way in memory at once.
    """
    if tables.links.size > LARGE:
        for i in range(at(lanes.slot.shape[0])):
            numbers[FOUND + i] = tables.links[at(lanes.video[i]), at(0)] + tables.links[at(lanes.video[i]), at(ROW)]
    if tables.sizes[PHASES] == 1 and tables.sizes[FULL] > 0:
        _roll_videos(lanes, scratch)
        _draw(tables.choice, tables.links.shape[0], at(lanes.slot.shape[0]), scratch, numbers)
    else:
        _roll_videos(lanes, scratch)
        _draw_each(tables, lanes, scratch, numbers)
    for i in range(at(lanes.slot.shape[0])):
        video = at(lanes.video[i])
        near = np.int64(tables.links[video, at(numbers[PLACE + i])])
        lanes.following[i] = near * numbers[NEAR + i] + numbers[OTHER + i]  # a choice would become a branch
        lanes.kind[i] = tables.links[video, at(KIND)]


@compiled
def start_next(packed: Any, lanes: Any, chosen: Any) -> None:
    """Puts the ``chosen`` lanes at the first slot of their next session."""
    tables, n = unpack(packed), np.int64(lanes.state.shape[1] - PADDING)
    named, numbers = lanes_of(lanes.keys, lanes.state, 0, n), lanes.scratch.view(np.int64)
    for j in range(chosen.shape[0]):
        i = at(chosen[j])
        start_session(tables, named, i, np.int64(named.session[i]) + 1)
    for start in range(0, n, BLOCK):
        block = lanes_of(lanes.keys, lanes.state, start, min(start + BLOCK, n))
        _look_ahead(tables, block, lanes.scratch, numbers)


@inlined
def _respond(tables: Any, lanes: Any, ads: Any, scratch: Any, numbers: Any) -> None:
    """Views or not; tires; leaves or not; after the last slot of a video, and if the user stays, the next video.

    All that looks something up stands in this one loop, which is not vectorised on purpose: the gather instructions of
    many processors are slower than single loads. What is random makes no branch.
    """
    answers, cells, n_ads = tables.answers, tables.answers.view(np.int64), np.int64(tables.sizes[ACTIONS])
    first = tables.sizes[PHASES] * tables.sizes[SEGMENTS] * tables.sizes[LEVELS]
    n_cells = at(first * tables.sizes[POSITIONS])  # those before `first` are the cells of a video's first slot
    for i in range(at(lanes.slot.shape[0])):
        ad, last = np.int64(ads[i]), np.int64(lanes.last[i])
        user = at(lanes.kind[i]) * n_cells + at(lanes.cell[i])
        line = (user * at(n_ads) + at(ad)) * at(N_ANSWERS)
        again = (last == ad) | (last == ad + n_ads)
        p = answers[line + at(CHANCE) + at(again)]
        viewed = at(scratch[DIE_OF_VIEW + i] < p)
        left = scratch[DIE_OF_LEAVING + i] < answers[line + at(RISK) + viewed]
        cell = cells[line + at(AFTER) + viewed]
        scratch[LIKELY + i] = p
        scratch[WORTH + i] = answers[line + at(PAY)]
        numbers[ABOUT + i] = cells[line + at(SHOWN)]
        numbers[VIEW_DONE + i] = viewed
        numbers[LEFT + i] = left
        lanes.cell[i] = cell
        lanes.video[i] = lanes.video[i] if left | (cell >= first) else lanes.following[i]


@loop
def _settle(lanes: Any, ads: Any, scratch: Any, numbers: Any, outcome: Any, n_ads: Any, n_slots: Any) -> None:
    """The reward of an ad that was viewed; on to the next slot; the horizon ends the session of a user who stayed."""
    for i in range(at(lanes.slot.shape[0])):
        p, pay, slot = scratch[LIKELY + i], scratch[WORTH + i], lanes.slot[i] + np.int32(1)
        viewed, left = numbers[VIEW_DONE + i], numbers[LEFT + i] != 0
        outcome.reward[i] = pay * viewed
        outcome.view_probability[i] = p
        outcome.expected_reward[i] = pay * p
        outcome.viewed[i] = viewed != 0
        outcome.terminated[i] = left
        outcome.truncated[i] = (slot == n_slots) & (not left)
        outcome.over[i] = (slot == n_slots) | left
        outcome.category[i] = numbers[ABOUT + i]
        lanes.last[i] = ads[i] + n_ads * viewed
        lanes.slot[i] = slot


@inlined
def _play(tables: Any, lanes: Any, ads: Any, scratch: Any, numbers: Any, outcome: Any) -> None:
    """One slot on the lanes of a block: dice, response, results."""
    sizes = tables.sizes
    for i in range(at(lanes.slot.shape[0])):
        outcome.video[i] = lanes.video[i]
    _roll(lanes, scratch, sizes[LEAVES] > 0)
    _respond(tables, lanes, ads, scratch, numbers)
    _settle(lanes, ads, scratch, numbers, outcome, sizes[ACTIONS], sizes[N_SLOTS])


@inlined
def _find_ended(lanes: Any, outcome: Any, numbers: Any) -> Any:
    """Writes the lanes whose session is over, now or since the step before, to the row FOUND; gives their number."""
    n = at(0)
    for i in range(at(outcome.over.shape[0])):
        numbers[FOUND + n] = i
        n += at((lanes.ended[i] != 0) | outcome.over[i])
    return n


@inlined
def _begin_again(tables: Any, lanes: Any, outcome: Any, i: Any) -> None:
    """The step after an ended session under NEXT_STEP: a new session, and nothing earned."""
    start_session(tables, lanes, i, np.int64(lanes.session[i]) + 1)
    outcome.reward[i] = outcome.view_probability[i] = outcome.expected_reward[i] = 0.0
    outcome.terminated[i] = outcome.truncated[i] = outcome.viewed[i] = outcome.over[i] = False
    outcome.video[i] = lanes.video[i]
    outcome.category[i] = tables.links[at(lanes.video[i]), CATEGORY]


@inlined
def _turn(tables: Any, lanes: Any, outcome: Any, numbers: Any, same_step: Any, final: Any) -> Any:
    """Deals with ended sessions; gives how many ended."""
    ended = 0
    for j in range(_find_ended(lanes, outcome, numbers)):
        i = at(numbers[FOUND + j])
        if lanes.ended[i]:  # ended in the step before: what this step computed for it is thrown away
            _begin_again(tables, lanes, outcome, i)
        elif same_step:
            ended += 1
            _write_rows(tables, lanes, i, np.int64(1), final[np.int64(i * at(tables.sizes[SIZE])) :])
            start_session(tables, lanes, i, np.int64(lanes.session[i]) + 1)
        else:
            ended += 1
            lanes.ended[i] = 1
    return ended


@inlined
def _take(actions: Any, n_ads: Any, ads: Any) -> Any:
    """Copies the actions to ``ads``; gives whether all of these ads exist."""
    wrong = False
    for i in range(at(actions.shape[0])):
        wrong |= (actions[i] < 0) | (actions[i] >= n_ads)
        ads[i] = actions[i]
    return not wrong


@compiled
def step(
    actions: Any,
    floats: Any,
    integers: Any,
    records: Any,
    looks: Any,
    keys: Any,
    state: Any,
    scratch: Any,
    same_step: Any,
    observations: Any,
    ads: Any,
    values: Any,
    flags: Any,
    shown: Any,
    final: Any,
) -> Any:
    """Plays one slot on every lane; gives the number of sessions that ended.

    A lane whose session ended starts its next one at once (``same_step``: its last observation goes to ``final``) or
    with the next call (the ad is then ignored, the reward is 0), as Gymnasium's SAME_STEP and NEXT_STEP say.

    Arguments: actions int64 [n]; the arrays of :class:`Packed` and of :class:`State`; observations float32 [n, d]; the
    arrays of :class:`Results`; final float32 [n, d] (not used unless ``same_step``). An ad that does not exist is
    refused with -1 before anything is played.
    """
    tables = unpack(Packed(floats, integers, records, looks))
    if not _take(actions, np.int64(tables.sizes[ACTIONS]), ads):
        return -1
    n, size, numbers = np.int64(actions.shape[0]), np.int64(tables.sizes[SIZE]), scratch.view(np.int64)
    seen, last_seen = observations.reshape(observations.size), final.reshape(final.size)
    ended = 0
    for start in range(0, n, BLOCK):
        stop: Any = min(start + BLOCK, n)
        lanes, outcome = lanes_of(keys, state, start, stop), outcome_of(values, flags, shown, start, stop)
        _play(tables, lanes, ads[start:stop], scratch, numbers, outcome)
        ended += _turn(tables, lanes, outcome, numbers, same_step, last_seen[start * size :])
        _look_ahead(tables, lanes, scratch, numbers)
        _write_rows(tables, lanes, at(0), stop - start, seen[start * size :])
    return ended


@inlined
def _chosen_ad(tables: Any, lanes: Any, i: Any, ads: Any, probabilities: Any) -> Any:
    """The ad of a policy table in the state of lane ``i``."""
    cell, slot, video, last = at(lanes.cell[i]), at(lanes.slot[i]), at(lanes.video[i]), at(lanes.last[i])
    cell *= at(3)
    phase, segment = at(tables.cells[cell + at(PHASE)]), at(tables.cells[cell + at(SEGMENT)])
    level = at(tables.cells[cell + at(LEVEL)])
    if ads.shape[0] > 0:
        return np.int64(ads[phase, segment, slot, video, level, last])
    u = die(lanes.session_key[i], slot, ACTION)
    ad = np.int64(0)
    total = probabilities[phase, segment, slot, video, level, last, at(0)]
    while ad + 1 < probabilities.shape[6] and u >= total:
        ad += 1
        total += probabilities[phase, segment, slot, video, level, last, at(ad)]
    return ad


class Account(NamedTuple):
    """What the lanes of a block have done so far, [BLOCK]."""

    lane: Any  # int64      whose session it is: lanes that are done give their place to others
    revenue: Any  # float64 of this session
    views: Any  # int64     of this session


@inlined
def _close(lanes: Any, account: Any, i: Any, left: Any, revenue: Any, counts: Any) -> None:
    """Writes down the session of lane ``i``."""
    lane, session = at(account.lane[i]), at(lanes.session[i])
    revenue[lane, session] = account.revenue[i]
    counts[0, lane, session] = lanes.slot[i]
    counts[1, lane, session] = account.views[i]
    counts[2, lane, session] = left
    account.revenue[i] = 0.0
    account.views[i] = 0


@inlined
def _take_place(lanes: Any, account: Any, i: Any, j: Any) -> None:
    """Puts lane ``j`` into the place of lane ``i``, which has played all its sessions."""
    lanes.lane_key[i], lanes.session_key[i], lanes.session[i] = (
        lanes.lane_key[j],
        lanes.session_key[j],
        lanes.session[j],
    )
    lanes.slot[i], lanes.cell[i], lanes.video[i], lanes.last[i] = (
        lanes.slot[j],
        lanes.cell[j],
        lanes.video[j],
        lanes.last[j],
    )
    account.lane[i], account.revenue[i], account.views[i] = account.lane[j], account.revenue[j], account.views[j]


@compiled
def play_sessions(
    packed: Any,
    lanes: Any,
    ads: Any,
    probabilities: Any,
    results: Any,
    account: Any,
    revenue: Any,
    counts: Any,
    by_ad: Any,
) -> None:
    """Plays whole sessions with a policy table: lane i plays the next ``revenue.shape[1]`` sessions of its stream.

    The policy is ``ads`` int [P, U, T, N, F, M], or ``probabilities`` float64 [P, U, T, N, F, M, A] where ``ads`` has a
    first axis of length 0. ``results`` and ``account`` are room for one block. What was played goes to
    revenue float64 [n, k], counts int32 [3, n, k] (slots, views, left) and by_ad int64 [n, A].
    """
    tables = unpack(packed)
    keys, state, scratch = lanes.keys, lanes.state, lanes.scratch
    n, n_sessions = revenue.shape
    numbers = scratch.view(np.int64)
    for start in range(0, n, BLOCK):
        playing: Any = min(BLOCK, n - start)
        block = lanes_of(keys, state, start, start + playing)
        for i in range(playing):
            account.lane[i], account.revenue[i], account.views[i] = start + i, 0.0, 0
            start_session(tables, block, i, 0)
        while playing > 0:
            block = lanes_of(keys, state, start, start + playing)
            _look_ahead(tables, block, scratch, numbers)
            outcome = outcome_of(results.values, results.flags, results.shown, 0, playing)
            for i in range(at(playing)):
                results.ads[i] = _chosen_ad(tables, block, i, ads, probabilities)
            _play(tables, block, results.ads[:playing], scratch, numbers, outcome)
            for i in range(at(playing)):
                by_ad[at(account.lane[i]), at(results.ads[i])] += 1
                account.revenue[i] += outcome.reward[i]
                account.views[i] += outcome.viewed[i]
            found = _find_ended(block, outcome, numbers)
            for j in range(at(found)):
                i = at(numbers[FOUND + found - at(1) - j])
                _close(block, account, i, outcome.terminated[i], revenue, counts)
                session = np.int64(block.session[i]) + 1
                if session < n_sessions:
                    start_session(tables, block, i, session)
                else:
                    playing -= 1
                    _take_place(block, account, i, at(playing))


@compiled
def watch_dice(lanes: Any, dice: Any) -> None:
    """For every lane the die of how much of the ad is watched in its slot, into ``dice`` float64 [n]."""
    for i in range(dice.shape[0]):
        dice[i] = die(lanes.keys[SESSION_KEY, i], lanes.state[SLOT, i], WATCH)
