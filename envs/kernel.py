"""The session model as one Numba kernel: dice, dynamics, observations, whole sessions.

All functions that call each other stand in this one file, because Numba's cache on disk checks only a function's own
file. With ``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python (uint64 arithmetic overflows by design there:
run them under ``np.errstate(over="ignore")``).

State of n lanes, struct of arrays:
    keys uint64 [2, n]: LANE_KEY, SESSION_KEY.
    state int32 [9, n]: SESSION … ENDED, see below.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.compiled import compiled, inlined

# Purposes of dice. ACTION is for policies played inside the kernel, WATCH for the share of an ad that was watched.
VIEW, LEAVE, NEXT_VIDEO, FIRST_VIDEO, SEGMENT_DIE, ACTION, WATCH = range(1, 8)

# Rows of keys and of state.
LANE_KEY, SESSION_KEY = range(2)
SESSION, SLOT, VIDEO, FATIGUE, LAST_AD, LAST_VIEW, SEGMENT, PHASE, ENDED = range(9)
N_STATE = 9

# Rows of the results of a step.
REWARD, VIEW_PROBABILITY, EXPECTED_REWARD = range(3)
TERMINATED, TRUNCATED, VIEWED = range(3)

SHOWN_VIDEO, SHOWN_CATEGORY = range(2)

# Columns of `kind` and of `choice`.
RELEVANCE, CATEGORY = range(2)
JUMP, REPEAT, RANKS = range(3)

# Entries of `sizes`: slots of a session, slots of a video, then the offset of each dynamic part (-1: not shown).
N_SLOTS, SLOTS_PER_VIDEO, AT_PROGRESS, AT_FATIGUE, AT_LAST_AD, AT_LAST_VIEW, AT_POSITION, AT_SEGMENT = range(8)

BLOCK = 256  # lanes worked on together: their dice fit into the first-level cache

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _11, _3 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11), np.uint64(3)
_TO_UNIT = 2.0**-53


class Tables(NamedTuple):
    """The arrays of a compiled scenario. P phases, U segments, S slots of a video, F fatigue levels, A actions."""

    base: NDArray[np.float64]  # [P, U, S, F, A]   p · position · wear · appeal
    match: NDArray[np.float64]  # [P, R, A]        m + (1 - m) · relevance, R relevance classes
    reward: NDArray[np.float64]  # [P, A]
    gain: NDArray[np.int32]  # [P, A, 2]           fatigue gained, less recovery; [not viewed, viewed]
    hazard: NDArray[np.float64]  # [P, U, A, 2, F] P(leave)
    choice: NDArray[np.float64]  # [P, 2 + 10]     jump, repeat, cumulated rank probabilities
    phase_start: NDArray[np.int64]  # [P]          first session of each phase
    segments: NDArray[np.float64]  # [P, U]        cumulated shares
    rows: NDArray[np.float32]  # [N, d]            observation of each video, zeros in the session's parts
    kind: NDArray[np.int32]  # [N, 2]              RELEVANCE class and CATEGORY of each video
    neighbors: NDArray[np.int32]  # [N, 10]        -1 padded
    sizes: NDArray[np.int64]  # [8]


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
def view_probability(
    tables: Any, phase: Any, segment: Any, slot: Any, fatigue: Any, last_ad: Any, video: Any, ad: Any
) -> Any:
    """P(view) = min(p · (m + (1 - m) · relevance) · position · wear · appeal · repeat, 1)."""
    position = slot % tables.sizes[SLOTS_PER_VIDEO]
    p = tables.base[phase, segment, position, fatigue, ad] * tables.match[phase, tables.kind[video, RELEVANCE], ad]
    if ad == last_ad:
        p = p * tables.choice[phase, REPEAT]
    return min(p, 1.0)


@inlined
def next_fatigue(tables: Any, phase: Any, fatigue: Any, ad: Any, viewed: Any) -> Any:
    """Fatigue f' = clip(f + gain[length, viewed] - recovery, 0, F - 1)."""
    level = fatigue + tables.gain[phase, ad, viewed]
    return min(max(level, 0), tables.base.shape[3] - 1)


@inlined
def scaled(u: Any, n: Any) -> Any:
    """An integer in 0 … n - 1 from u in [0, 1)."""
    return min(int(u * n), n - 1)


@inlined
def next_video(tables: Any, phase: Any, video: Any, u: Any) -> Any:
    """Any video with probability jump, else neighbour k with probability ∝ decay^k over those that there are."""
    jump = tables.choice[phase, JUMP]
    n = tables.neighbors.shape[0]
    if u < jump:
        return scaled(u / jump, n)
    u = (u - jump) / (1.0 - jump)
    last = tables.neighbors.shape[1] - 1
    if tables.neighbors[video, last] < 0:
        while last >= 0 and tables.neighbors[video, last] < 0:
            last -= 1
        if last < 0:
            return scaled(u, n)
    u = u * tables.choice[phase, RANKS + last]
    rank = 0
    while rank < last and u >= tables.choice[phase, RANKS + rank]:
        rank += 1
    return np.int64(tables.neighbors[video, rank])


@inlined
def start_session(tables: Any, keys: Any, state: Any, i: Any, session: Any) -> None:
    """Puts lane ``i`` at the first slot of its session number ``session``."""
    key = session_key(keys[LANE_KEY, i], session)
    keys[SESSION_KEY, i] = key
    phase = 0
    while phase + 1 < tables.phase_start.shape[0] and session >= tables.phase_start[phase + 1]:
        phase += 1
    segment = 0
    if tables.segments.shape[1] > 1:
        u = die(key, 0, SEGMENT_DIE)
        while segment + 1 < tables.segments.shape[1] and u >= tables.segments[phase, segment]:
            segment += 1
    state[SESSION, i] = session
    state[SLOT, i] = 0
    state[VIDEO, i] = scaled(die(key, 0, FIRST_VIDEO), tables.neighbors.shape[0])
    state[FATIGUE, i] = 0
    state[LAST_AD, i] = -1
    state[LAST_VIEW, i] = 0
    state[SEGMENT, i] = segment
    state[PHASE, i] = phase
    state[ENDED, i] = 0


@compiled
def seed_lanes(keys: Any, state: Any, lanes: Any, seeds: Any) -> None:
    """Gives lane ``lanes[j]`` the user stream ``seeds[j]`` (uint64) and puts it before its session 0."""
    for j in range(lanes.shape[0]):
        keys[LANE_KEY, lanes[j]] = lane_key(seeds[j])
        state[SESSION, lanes[j]] = -1


@compiled
def start_sessions(tables: Any, keys: Any, state: Any, lanes: Any, sessions: Any) -> None:
    """Starts session ``sessions[j]`` on lane ``lanes[j]``."""
    for j in range(lanes.shape[0]):
        start_session(tables, keys, state, lanes[j], sessions[j])


@inlined
def write_observation(tables: Any, state: Any, i: Any, row: Any) -> None:
    """Writes what lane ``i`` sees into ``row`` float32 [d]: the video's row, then the session's parts on its zeros."""
    sizes = tables.sizes
    video = state[VIDEO, i]
    for k in range(row.shape[0]):
        row[k] = tables.rows[video, k]
    if sizes[AT_PROGRESS] >= 0:
        row[sizes[AT_PROGRESS]] = state[SLOT, i] / sizes[N_SLOTS]
    if sizes[AT_FATIGUE] >= 0:
        row[sizes[AT_FATIGUE] + state[FATIGUE, i]] = 1.0
    if sizes[AT_LAST_AD] >= 0 and state[LAST_AD, i] >= 0:
        row[sizes[AT_LAST_AD] + state[LAST_AD, i]] = 1.0
    if sizes[AT_LAST_VIEW] >= 0:
        row[sizes[AT_LAST_VIEW]] = state[LAST_VIEW, i]
    if sizes[AT_POSITION] >= 0:
        row[sizes[AT_POSITION] + state[SLOT, i] % sizes[SLOTS_PER_VIDEO]] = 1.0
    if sizes[AT_SEGMENT] >= 0:
        row[sizes[AT_SEGMENT] + state[SEGMENT, i]] = 1.0


@compiled
def observe(tables: Any, state: Any, observations: Any) -> None:
    """Writes what every lane sees into ``observations`` float32 [n, d]."""
    for i in range(state.shape[1]):
        write_observation(tables, state, i, observations[i])


@inlined
def advance(tables: Any, state: Any, i: Any, ad: Any, dice: Any, values: Any, flags: Any, shown: Any) -> Any:
    """Plays one slot on lane ``i`` with three dice (view, leave, next video); gives whether the session ended."""
    phase, segment, slot = state[PHASE, i], state[SEGMENT, i], state[SLOT, i]
    video, fatigue = state[VIDEO, i], state[FATIGUE, i]
    p = view_probability(tables, phase, segment, slot, fatigue, state[LAST_AD, i], video, ad)
    viewed = 1 if dice[0] < p else 0
    reward = tables.reward[phase, ad]
    fatigue = next_fatigue(tables, phase, fatigue, ad, viewed)
    left = dice[1] < tables.hazard[phase, segment, ad, viewed, fatigue]
    slot += 1
    over = slot == tables.sizes[N_SLOTS]
    values[REWARD, i] = reward * viewed
    values[VIEW_PROBABILITY, i] = p
    values[EXPECTED_REWARD, i] = p * reward
    flags[TERMINATED, i] = left
    flags[TRUNCATED, i] = over and not left
    flags[VIEWED, i] = viewed
    shown[SHOWN_VIDEO, i] = video
    shown[SHOWN_CATEGORY, i] = tables.kind[video, CATEGORY]
    state[SLOT, i] = slot
    state[FATIGUE, i] = fatigue
    state[LAST_AD, i] = ad
    state[LAST_VIEW, i] = viewed
    if not left and slot % tables.sizes[SLOTS_PER_VIDEO] == 0:
        state[VIDEO, i] = next_video(tables, phase, video, dice[2])
    return left or over


@compiled
def step(
    tables: Any,
    keys: Any,
    state: Any,
    ads: Any,
    same_step: Any,
    observations: Any,
    values: Any,
    flags: Any,
    shown: Any,
    final: Any,
    dice: Any,
) -> int:
    """Plays one slot on every lane; gives the number of sessions that ended.

    A lane whose session ended starts its next one at once (``same_step``: its last observation goes to ``final``) or
    with the next call (the ad is then ignored, the reward is 0), as Gymnasium's SAME_STEP and NEXT_STEP say.

    Shapes: ads int64 [n], observations and final float32 [n, d], values float64 [3, n], flags bool [3, n], shown
    int32 [2, n] (video and category of the slot that was played). An ad that does not exist is refused with -1 before
    anything is played.

    Phases over blocks: dice apart from dynamics apart from copies, so that each loop keeps the processor's units full
    and the copies of many lanes wait for memory together.
    """
    n = state.shape[1]
    wrong = 0
    for i in range(n):
        wrong |= (ads[i] < 0) | (ads[i] >= tables.reward.shape[1])
    if wrong:
        return -1
    ended = 0
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        for i in range(start, stop):
            key, slot = keys[SESSION_KEY, i], state[SLOT, i]
            dice[i - start, 0] = die(key, slot, VIEW)
            dice[i - start, 1] = die(key, slot, LEAVE)
            dice[i - start, 2] = die(key, slot, NEXT_VIDEO)
        for i in range(start, stop):
            if state[ENDED, i]:
                _begin_again(tables, keys, state, i, values, flags, shown)
            elif advance(tables, state, i, ads[i], dice[i - start], values, flags, shown):
                ended += 1
                if same_step:
                    write_observation(tables, state, i, final[i])
                    start_session(tables, keys, state, i, state[SESSION, i] + 1)
                else:
                    state[ENDED, i] = 1
        for i in range(start, stop):
            write_observation(tables, state, i, observations[i])
    return ended


@inlined
def _begin_again(tables: Any, keys: Any, state: Any, i: Any, values: Any, flags: Any, shown: Any) -> None:
    """The step after an ended session under NEXT_STEP: a new session, and nothing earned."""
    start_session(tables, keys, state, i, state[SESSION, i] + 1)
    values[:, i] = 0.0
    flags[:, i] = False
    shown[SHOWN_VIDEO, i] = state[VIDEO, i]
    shown[SHOWN_CATEGORY, i] = tables.kind[state[VIDEO, i], CATEGORY]


@compiled
def play_sessions(
    tables: Any,
    keys: Any,
    state: Any,
    ads: Any,
    probabilities: Any,
    dice: Any,
    values: Any,
    flags: Any,
    shown: Any,
    revenue: Any,
    counts: Any,
    by_ad: Any,
) -> None:
    """Plays whole sessions with a policy table: lane i plays the next ``revenue.shape[1]`` sessions of its stream.

    The policy is ``ads`` int [P, U, T, N, F, M], or ``probabilities`` float64 [P, U, T, N, F, M, A] where ``ads`` has a
    first axis of length 0. Results are added to revenue float64 [n, k], counts int32 [3, n, k] (slots, views, left) and
    by_ad int64 [A].
    """
    n_ads = tables.reward.shape[1]
    for i in range(revenue.shape[0]):
        for j in range(revenue.shape[1]):
            start_session(tables, keys, state, i, state[SESSION, i] + 1)
            over = False
            while not over:
                key, slot = keys[SESSION_KEY, i], state[SLOT, i]
                phase, segment, video, level = state[PHASE, i], state[SEGMENT, i], state[VIDEO, i], state[FATIGUE, i]
                last = 2 * n_ads
                if state[LAST_AD, i] >= 0:
                    last = state[LAST_AD, i] + n_ads * state[LAST_VIEW, i]
                ad = np.int64(0)
                if ads.shape[0] > 0:
                    ad = np.int64(ads[phase, segment, slot, video, level, last])
                else:
                    u = die(key, slot, ACTION)
                    total = probabilities[phase, segment, slot, video, level, last, 0]
                    while ad + 1 < n_ads and u >= total:
                        ad += 1
                        total += probabilities[phase, segment, slot, video, level, last, ad]
                dice[0, 0] = die(key, slot, VIEW)
                dice[0, 1] = die(key, slot, LEAVE)
                dice[0, 2] = die(key, slot, NEXT_VIDEO)
                over = advance(tables, state, i, ad, dice[0], values, flags, shown)
                revenue[i, j] += values[REWARD, i]
                counts[0, i, j] += 1
                counts[1, i, j] += state[LAST_VIEW, i]
                by_ad[ad] += 1
            counts[2, i, j] = flags[TERMINATED, i]
