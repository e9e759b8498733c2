"""The session model as one Numba kernel: dice, dynamics, observations, whole sessions.

All functions that call each other stand in this one file, because Numba's cache on disk checks only a function's own
file. With ``NUMBA_DISABLE_JIT=1`` the same functions run as plain Python (uint64 arithmetic overflows by design there:
run them under ``np.errstate(over="ignore")``).

A slot is played in phases over blocks of lanes (:func:`step`): dice, response, next video, ended sessions, observations
apart from each other, so that each loop keeps the processor's units full and the gathers of many lanes wait for memory
together.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.envs.compiled import compiled, inlined

# Purposes of dice. ACTION is for policies played inside the kernel, WATCH for the share of an ad that was watched.
VIEW, LEAVE, NEXT_VIDEO, FIRST_VIDEO, SEGMENT_DIE, ACTION, WATCH = range(1, 8)

# Rows of keys and of state.
LANE_KEY, SESSION_KEY = range(2)
SESSION, SLOT, POSITION, VIDEO, FATIGUE, LAST_AD, LAST_VIEW, SEGMENT, PHASE, ENDED = range(10)
N_STATE = 10

# Rows of the results of a step.
REWARD, VIEW_PROBABILITY, EXPECTED_REWARD = range(3)
TERMINATED, TRUNCATED, VIEWED = range(3)

SHOWN_VIDEO, SHOWN_CATEGORY = range(2)

# Columns of `links` (0 … 9 are the neighbours) and of `choice`.
N_NEIGHBORS, RELEVANCE, CATEGORY = 10, 10, 11
JUMP, REPEAT, RANKS = range(3)

# Entries of `sizes`: slots of a session, the offset of each of the session's parts (-1: not shown), lengths of axes.
N_SLOTS, AT_PROGRESS, AT_FATIGUE, AT_LAST_AD, AT_LAST_VIEW, AT_POSITION, AT_SEGMENT = range(7)
PHASES, SEGMENTS, POSITIONS, LEVELS, ACTIONS, KINDS = range(7, 13)
N_SIZES = 13

# Rows are this much longer than there are lanes: with 1024 or 16384 lanes the rows would otherwise start 4096 bytes
# apart, fall into the same lines of the first-level cache and push each other out.
PADDING = 16
BLOCK = np.uint64(256)  # lanes worked on together: their dice fit into the first-level cache

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _11, _3 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11), np.uint64(3)
_TO_UNIT = 2.0**-53


class Packed(NamedTuple):
    """A compiled scenario in four arrays: each array that is handed to compiled code costs time in every call."""

    floats: NDArray[np.float64]  # base, match, reward, hazard, choice, segments, one after the other
    integers: NDArray[np.int64]  # sizes, phase_start, gain
    rows: NDArray[np.float32]
    links: NDArray[np.int32]


class Tables(NamedTuple):
    """The tables by name. P phases, U segments, S slots of a video, F fatigue levels, A actions, R relevances."""

    base: NDArray[np.float64]  # [P, U, S, F, A]   p · position · wear · appeal
    match: NDArray[np.float64]  # [P, R, A]        m + (1 - m) · relevance
    reward: NDArray[np.float64]  # [P, A]
    hazard: NDArray[np.float64]  # [P, U, A, 2, F] P(leave)
    choice: NDArray[np.float64]  # [P, 2 + 10]     jump, repeat, cumulated rank probabilities
    segments: NDArray[np.float64]  # [P, U]        cumulated shares
    sizes: NDArray[np.int64]  # [13]
    phase_start: NDArray[np.int64]  # [P]          first session of each phase
    gain: NDArray[np.int64]  # [P, A, 2]           fatigue gained, less recovery; [not viewed, viewed]
    rows: NDArray[np.float32]  # [N, d]            observation of each video, zeros in the session's parts
    links: NDArray[np.int32]  # [N, 12]            ten neighbours (-1 padded), relevance class, category


def named(packed: Any) -> Any:
    """Views of the packed arrays by name."""
    floats, integers = packed.floats, packed.integers
    p, u, s = integers[PHASES], integers[SEGMENTS], integers[POSITIONS]
    f, a, r = integers[LEVELS], integers[ACTIONS], integers[KINDS]
    n = p * u * s * f * a
    base = floats[:n].reshape((p, u, s, f, a))
    match = floats[n : n + p * r * a].reshape((p, r, a))
    n += p * r * a
    reward = floats[n : n + p * a].reshape((p, a))
    n += p * a
    hazard = floats[n : n + p * u * a * 2 * f].reshape((p, u, a, 2, f))
    n += p * u * a * 2 * f
    choice = floats[n : n + p * (RANKS + N_NEIGHBORS)].reshape((p, RANKS + N_NEIGHBORS))
    n += p * (RANKS + N_NEIGHBORS)
    segments = floats[n : n + p * u].reshape((p, u))
    phase_start = integers[N_SIZES : N_SIZES + p]
    gain = integers[N_SIZES + p :].reshape((p, a, 2))
    sizes = integers[:N_SIZES]
    return Tables(base, match, reward, hazard, choice, segments, sizes, phase_start, gain, packed.rows, packed.links)


unpack = inlined(named)  # compiled code cannot hand arrays out, so Python calls `named`


class Lanes(NamedTuple):
    """The state of n parallel sessions, struct of arrays with rows of n + PADDING, and the dice of one block."""

    keys: NDArray[np.uint64]  # [2, n]   LANE_KEY, SESSION_KEY
    state: NDArray[np.int32]  # [10, n]  SESSION … ENDED
    dice: NDArray[np.float64]  # [3, BLOCK]


class Outcome(NamedTuple):
    """What happened in a slot, for n lanes, with rows of n + PADDING."""

    values: NDArray[np.float64]  # [3, n]  REWARD, VIEW_PROBABILITY, EXPECTED_REWARD
    flags: NDArray[np.bool_]  # [3, n]     TERMINATED, TRUNCATED, VIEWED
    shown: NDArray[np.int32]  # [2, n]     SHOWN_VIDEO, SHOWN_CATEGORY


@inlined
def at(index: Any) -> Any:
    """An index that is never negative: spares Numba the wrap-around, which keeps loops from being vectorised."""
    return np.uint64(index)


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
    tables: Any, phase: Any, segment: Any, position: Any, fatigue: Any, last_ad: Any, video: Any, ad: Any
) -> Any:
    """P(view) = min(p · (m + (1 - m) · relevance) · position · wear · appeal · repeat, 1)."""
    repeat = tables.choice[phase, REPEAT] if ad == last_ad else 1.0
    match = tables.match[phase, at(tables.links[video, RELEVANCE]), ad]
    return min(tables.base[phase, segment, position, fatigue, ad] * match * repeat, 1.0)


@inlined
def next_fatigue(tables: Any, phase: Any, fatigue: Any, ad: Any, viewed: Any) -> Any:
    """Fatigue f' = clip(f + gain[length, viewed] - recovery, 0, F - 1)."""
    level = fatigue + tables.gain[phase, ad, viewed]
    return at(min(max(level, 0), tables.sizes[LEVELS] - 1))


@inlined
def scaled(u: Any, n: Any) -> Any:
    """An integer in 0 … n - 1 from u in [0, 1)."""
    return at(min(np.int64(u * n), n - 1))


@inlined
def next_video(tables: Any, phase: Any, video: Any, u: Any) -> Any:
    """Any video with probability jump, else neighbour k with probability ∝ decay^k over those that there are."""
    jump = tables.choice[phase, JUMP]
    n = tables.links.shape[0]
    if u < jump:
        return scaled(u / jump, n)
    u = (u - jump) / (1.0 - jump)
    last = N_NEIGHBORS - 1
    while last >= 0 and tables.links[video, last] < 0:
        last -= 1
    if last < 0:
        return scaled(u, n)
    u = u * tables.choice[phase, RANKS + last]
    rank = 0
    for k in range(N_NEIGHBORS - 1):  # no early exit: the rank is random, and a branch on it would be mispredicted
        rank += u >= tables.choice[phase, RANKS + k]
    return at(tables.links[video, at(min(rank, last))])


@inlined
def start_session(tables: Any, lanes: Any, i: Any, session: Any) -> None:
    """Puts lane ``i`` at the first slot of its session number ``session``."""
    state = lanes.state
    key = session_key(lanes.keys[LANE_KEY, i], session)
    lanes.keys[SESSION_KEY, i] = key
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
    state[POSITION, i] = 0
    state[VIDEO, i] = scaled(die(key, 0, FIRST_VIDEO), tables.links.shape[0])
    state[FATIGUE, i] = 0
    state[LAST_AD, i] = -1
    state[LAST_VIEW, i] = 0
    state[SEGMENT, i] = segment
    state[PHASE, i] = phase
    state[ENDED, i] = 0


@compiled
def seed_lanes(lanes: Any, chosen: Any, seeds: Any) -> None:
    """Gives lane ``chosen[j]`` the user stream ``seeds[j]`` (uint64) and puts it before its session 0."""
    for j in range(chosen.shape[0]):
        lanes.keys[LANE_KEY, chosen[j]] = lane_key(seeds[j])
        lanes.state[SESSION, chosen[j]] = -1


@compiled
def start_next(packed: Any, lanes: Any, chosen: Any) -> None:
    """Puts the ``chosen`` lanes at the first slot of their next session."""
    tables = unpack(packed)
    for j in range(chosen.shape[0]):
        start_session(tables, lanes, chosen[j], np.int64(lanes.state[SESSION, chosen[j]]) + 1)


@inlined
def write_observation(tables: Any, state: Any, i: Any, observations: Any) -> None:
    """Writes what lane ``i`` sees into row i of ``observations``: the video's row, the session's parts on its zeros."""
    sizes = tables.sizes
    video = at(state[VIDEO, i])
    for k in range(observations.shape[1]):
        observations[i, k] = tables.rows[video, k]
    if sizes[AT_PROGRESS] >= 0:
        observations[i, at(sizes[AT_PROGRESS])] = state[SLOT, i] / sizes[N_SLOTS]
    if sizes[AT_FATIGUE] >= 0:
        observations[i, at(sizes[AT_FATIGUE] + state[FATIGUE, i])] = 1.0
    if sizes[AT_LAST_AD] >= 0 and state[LAST_AD, i] >= 0:
        observations[i, at(sizes[AT_LAST_AD] + state[LAST_AD, i])] = 1.0
    if sizes[AT_LAST_VIEW] >= 0:
        observations[i, at(sizes[AT_LAST_VIEW])] = state[LAST_VIEW, i]
    if sizes[AT_POSITION] >= 0:
        observations[i, at(sizes[AT_POSITION] + state[POSITION, i])] = 1.0
    if sizes[AT_SEGMENT] >= 0:
        observations[i, at(sizes[AT_SEGMENT] + state[SEGMENT, i])] = 1.0


@compiled
def observe(packed: Any, lanes: Any, observations: Any) -> None:
    """Writes what every lane sees into ``observations`` float32 [n, d]."""
    tables = unpack(packed)
    for i in range(np.uint64(observations.shape[0])):
        write_observation(tables, lanes.state, i, observations)


@inlined
def _roll(lanes: Any, start: Any, stop: Any) -> None:
    """The dice of lanes ``start`` … ``stop`` - 1 in their present slots."""
    keys, state, dice = lanes.keys, lanes.state, lanes.dice
    for i in range(start, stop):
        dice[0, i - start] = die(keys[SESSION_KEY, i], state[SLOT, i], VIEW)
    for i in range(start, stop):
        dice[1, i - start] = die(keys[SESSION_KEY, i], state[SLOT, i], LEAVE)
    for i in range(start, stop):
        dice[2, i - start] = die(keys[SESSION_KEY, i], state[SLOT, i], NEXT_VIDEO)


@inlined
def _respond(tables: Any, lanes: Any, ads: Any, outcome: Any, start: Any, stop: Any) -> None:
    """Views or not, tires, leaves or not; on to the next slot."""
    state, values, flags, shown = lanes.state, outcome.values, outcome.flags, outcome.shown
    n_slots, positions = tables.sizes[N_SLOTS], tables.sizes[POSITIONS]
    for i in range(start, stop):
        phase, segment, video, ad = at(state[PHASE, i]), at(state[SEGMENT, i]), at(state[VIDEO, i]), at(ads[i])
        position, fatigue = at(state[POSITION, i]), at(state[FATIGUE, i])
        p = view_probability(tables, phase, segment, position, fatigue, state[LAST_AD, i], video, ad)
        viewed = at(lanes.dice[0, i - start] < p)
        tired = next_fatigue(tables, phase, state[FATIGUE, i], ad, viewed)
        left = lanes.dice[1, i - start] < tables.hazard[phase, segment, ad, viewed, tired]
        slot = state[SLOT, i] + 1
        values[REWARD, i] = tables.reward[phase, ad] * viewed
        values[VIEW_PROBABILITY, i] = p
        values[EXPECTED_REWARD, i] = tables.reward[phase, ad] * p
        flags[TERMINATED, i] = left
        flags[TRUNCATED, i] = (slot == n_slots) & (not left)
        flags[VIEWED, i] = viewed
        shown[SHOWN_VIDEO, i] = video
        shown[SHOWN_CATEGORY, i] = tables.links[video, CATEGORY]
        state[SLOT, i] = slot
        state[POSITION, i] = (state[POSITION, i] + 1) * (state[POSITION, i] + 1 != positions)
        state[FATIGUE, i] = tired
        state[LAST_AD, i] = ad
        state[LAST_VIEW, i] = viewed


@inlined
def _move(tables: Any, lanes: Any, outcome: Any, start: Any, stop: Any) -> None:
    """After the last slot of a video, and where the user stays, the next video."""
    state = lanes.state
    for i in range(start, stop):
        if (state[POSITION, i] == 0) & (not outcome.flags[TERMINATED, i]):
            video = next_video(tables, at(state[PHASE, i]), at(state[VIDEO, i]), lanes.dice[2, i - start])
            state[VIDEO, i] = video


@inlined
def _begin_again(tables: Any, lanes: Any, outcome: Any, i: Any) -> None:
    """The step after an ended session under NEXT_STEP: a new session, and nothing earned."""
    start_session(tables, lanes, i, np.int64(lanes.state[SESSION, i]) + 1)
    for row in range(3):
        outcome.values[row, i] = 0.0
        outcome.flags[row, i] = False
    outcome.shown[SHOWN_VIDEO, i] = lanes.state[VIDEO, i]
    outcome.shown[SHOWN_CATEGORY, i] = tables.links[at(lanes.state[VIDEO, i]), CATEGORY]


@inlined
def _turn(tables: Any, lanes: Any, outcome: Any, same_step: Any, final: Any, start: Any, stop: Any) -> Any:
    """Deals with ended sessions; gives how many ended."""
    ended = 0
    for i in range(start, stop):
        if lanes.state[ENDED, i]:  # ended in the step before: what this step computed for it is thrown away
            _begin_again(tables, lanes, outcome, i)
        elif outcome.flags[TERMINATED, i] | outcome.flags[TRUNCATED, i]:
            ended += 1
            if same_step:
                write_observation(tables, lanes.state, i, final)
                start_session(tables, lanes, i, np.int64(lanes.state[SESSION, i]) + 1)
            else:
                lanes.state[ENDED, i] = 1
    return ended


@compiled
def step(
    floats: Any,
    integers: Any,
    rows: Any,
    links: Any,
    keys: Any,
    state: Any,
    dice: Any,
    ads: Any,
    same_step: Any,
    observations: Any,
    values: Any,
    flags: Any,
    shown: Any,
    final: Any,
) -> Any:
    """Plays one slot on every lane; gives the number of sessions that ended.

    A lane whose session ended starts its next one at once (``same_step``: its last observation goes to ``final``) or
    with the next call (the ad is then ignored, the reward is 0), as Gymnasium's SAME_STEP and NEXT_STEP say.

    Arguments: the arrays of :class:`Packed` and of :class:`Lanes`, ads int64 [n], observations float32 [n, d], the
    arrays of :class:`Outcome`, final float32 [n, d] (not used unless ``same_step``). An ad that does not exist is
    refused with -1 before anything is played.
    """
    tables, lanes = unpack(Packed(floats, integers, rows, links)), Lanes(keys, state, dice)
    outcome = Outcome(values, flags, shown)
    n = np.uint64(ads.shape[0])
    wrong = False
    for i in range(n):
        wrong |= (ads[i] < 0) | (ads[i] >= tables.sizes[ACTIONS])
    if wrong:
        return -1
    ended = 0
    for start in range(np.uint64(0), n, BLOCK):
        stop = min(start + BLOCK, n)
        _roll(lanes, start, stop)
        _respond(tables, lanes, ads, outcome, start, stop)
        _move(tables, lanes, outcome, start, stop)
        ended += _turn(tables, lanes, outcome, same_step, final, start, stop)
        for i in range(start, stop):
            write_observation(tables, state, i, observations)
    return ended


@inlined
def _chosen_ad(lanes: Any, i: Any, ads: Any, probabilities: Any, n_ads: Any) -> Any:
    """The ad of a policy table in the state of lane ``i``."""
    state = lanes.state
    last = 2 * n_ads
    if state[LAST_AD, i] >= 0:
        last = state[LAST_AD, i] + n_ads * state[LAST_VIEW, i]
    phase, segment, slot = state[PHASE, i], state[SEGMENT, i], state[SLOT, i]
    video, level = state[VIDEO, i], state[FATIGUE, i]
    if ads.shape[0] > 0:
        return np.int64(ads[phase, segment, slot, video, level, last])
    u = die(lanes.keys[SESSION_KEY, i], slot, ACTION)
    ad = np.int64(0)
    total = probabilities[phase, segment, slot, video, level, last, 0]
    while ad + 1 < n_ads and u >= total:
        ad += 1
        total += probabilities[phase, segment, slot, video, level, last, ad]
    return ad


@compiled
def play_sessions(
    packed: Any, lanes: Any, ads: Any, probabilities: Any, outcome: Any, revenue: Any, counts: Any, by_ad: Any
) -> None:
    """Plays whole sessions with a policy table: lane i plays the next ``revenue.shape[1]`` sessions of its stream.

    The policy is ``ads`` int [P, U, T, N, F, M], or ``probabilities`` float64 [P, U, T, N, F, M, A] where ``ads`` has a
    first axis of length 0. Results are added to revenue float64 [n, k], counts int32 [3, n, k] (slots, views, left) and
    by_ad int64 [n, A].
    """
    tables = unpack(packed)
    n_ads = tables.sizes[ACTIONS]
    chosen = by_ad[:, n_ads]  # the column after the counts is where the ads of a slot are handed over
    for i in range(np.uint64(revenue.shape[0])):
        for j in range(revenue.shape[1]):
            start_session(tables, lanes, i, np.int64(lanes.state[SESSION, i]) + 1)
            over = False
            while not over:
                ad = _chosen_ad(lanes, i, ads, probabilities, n_ads)
                chosen[i] = ad
                _roll(lanes, i, i + np.uint64(1))
                _respond(tables, lanes, chosen, outcome, i, i + np.uint64(1))
                _move(tables, lanes, outcome, i, i + np.uint64(1))
                over = outcome.flags[TERMINATED, i] | outcome.flags[TRUNCATED, i]
                revenue[i, j] += outcome.values[REWARD, i]
                counts[0, i, j] += 1
                counts[1, i, j] += lanes.state[LAST_VIEW, i]
                by_ad[i, ad] += 1
            counts[2, i, j] = outcome.flags[TERMINATED, i]
