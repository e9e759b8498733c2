"""The first video of a session, and the recommender: which video follows."""

from typing import Any

import numpy as np

from preroll.envs.kernel.layout import (
    ACTIONS,
    DIE_OF_VIDEO,
    FOUND,
    FULL,
    JUMP,
    KIND,
    LARGE,
    LEVELS,
    N_CHOICE,
    N_NEAR,
    N_NEIGHBORS,
    NEAR,
    OTHER,
    PHASE,
    PHASES,
    PLACE,
    RANKS,
    ROW,
    SEGMENTS,
    at,
)
from preroll.envs.kernel.rng import FIRST_VIDEO, NEXT_VIDEO, SEGMENT_DIE, die, scaled, session_key
from preroll.jit import inlined, loop


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
    lanes.user_state[i] = (phase * n_segments + segment) * tables.sizes[LEVELS]
    lanes.video[i] = scaled(die(key, 0, FIRST_VIDEO), tables.links.shape[0])
    lanes.last[i] = 2 * tables.sizes[ACTIONS]
    lanes.ended[i] = 0


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
        phase = at(tables.user_states[at(3) * at(lanes.user_state[i]) + at(PHASE)]) * at(N_CHOICE)
        n_near = np.int64(tables.links[at(lanes.video[i]), at(N_NEAR)])
        place, near, other = _choose(scratch[DIE_OF_VIDEO + i], tables.choice, phase, n_near, tables.links.shape[0])
        numbers[PLACE + i], numbers[NEAR + i], numbers[OTHER + i] = place, near, other


@inlined
def look_ahead(tables: Any, lanes: Any, scratch: Any, numbers: Any) -> None:
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
