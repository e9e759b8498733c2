"""First video of a session, and the recommender that draws the next ones."""

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
    """Starts session number ``session`` of lane ``i``: draws its segment and first video."""
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
    """Draws the random numbers of the next video."""
    for i in range(at(lanes.slot.shape[0])):
        scratch[DIE_OF_VIDEO + i] = die(lanes.session_key[i], lanes.slot[i], NEXT_VIDEO)


@inlined
def _choose(u: Any, choice: Any, phase: Any, n_near: Any, n: Any) -> Any:
    """Chooses the next video: a neighbour with probability ∝ decay^rank, or, with probability jump, any video.

    Args:
        u: random number in [0, 1).
        choice: jump, repeat and cumulative rank probabilities of every phase.
        phase: offset in ``choice`` of the row of the phase.
        n_near: number of neighbours of the video; without any, every video is equally likely.
        n: number of videos.

    Returns:
        rank: rank of the neighbour.
        near: whether a neighbour follows.
        other: index of the video if no neighbour follows, else 0.
    """
    jump, total = choice[phase + at(JUMP)], choice[phase + at(RANKS - 1 + max(n_near, 1))]
    jumps = u < jump
    # Given whether it jumps, u is uniform on a part of [0, 1); rescaled to [0, 1), it also chooses the video.
    u = (u - (0.0 if jumps else jump)) / (jump if jumps else 1.0 - jump)
    rank, share = 0, u * total
    for k in range(N_NEIGHBORS - 1):  # no early exit: the rank is random, and a branch on it would be mispredicted
        rank += share >= choice[phase + at(RANKS + k)]
    near = not (jumps | (n_near == 0))
    return max(min(rank, n_near - 1), 0), near, scaled(u, n) * (not near)


@loop
def _draw(choice: Any, n: Any, n_lanes: Any, scratch: Any, numbers: Any) -> None:
    """Draws the next videos where all lanes are in one phase and every video has ten neighbours."""
    for i in range(n_lanes):
        place, near, other = _choose(scratch[DIE_OF_VIDEO + i], choice, at(0), N_NEIGHBORS, n)
        numbers[PLACE + i], numbers[NEAR + i], numbers[OTHER + i] = place, near, other


@inlined
def _draw_each(tables: Any, lanes: Any, scratch: Any, numbers: Any) -> None:
    """Draws the next videos as :func:`_draw` does, for lanes in different phases and videos with fewer neighbours."""
    for i in range(at(lanes.slot.shape[0])):
        phase = at(tables.user_states[at(3) * at(lanes.user_state[i]) + at(PHASE)]) * at(N_CHOICE)
        n_near = np.int64(tables.links[at(lanes.video[i]), at(N_NEAR)])
        place, near, other = _choose(scratch[DIE_OF_VIDEO + i], tables.choice, phase, n_near, tables.links.shape[0])
        numbers[PLACE + i], numbers[NEAR + i], numbers[OTHER + i] = place, near, other


@inlined
def look_ahead(tables: Any, lanes: Any, scratch: Any, numbers: Any) -> None:
    """Looks up the kind of each lane's video and draws the next video, at the beginning of a slot.

    No ad changes the next video, so that a video's record is read at one place in the step. In large catalogs these
    reads dominate; a first loop that only touches both halves of the records keeps many reads in flight.
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
        lanes.following[i] = near * numbers[NEAR + i] + numbers[OTHER + i]  # a conditional would become a branch
        lanes.kind[i] = tables.links[video, at(KIND)]
