"""First video of a session, and the recommender that draws the next ones."""

from typing import Any

import numpy as np

from preroll.envs.kernel.layout import (
    ACTIONS,
    DIE_OF_VIDEO,
    ENDED,
    FOLLOWING,
    FOUND,
    FULL,
    JUMP,
    JUMP_CUT,
    KIND,
    LANE_KEY,
    LARGE,
    LAST,
    LEVELS,
    N_CHOICE,
    N_CUTS,
    N_NEAR,
    N_NEIGHBORS,
    PHASE,
    PHASES,
    ROW,
    SEGMENTS,
    SESSION,
    SESSION_KEY,
    SLOT,
    USER_STATE,
    VIDEO,
    VIDEO_KIND,
    at,
)
from preroll.envs.kernel.rng import FIRST_VIDEO, NEXT_VIDEO, SEGMENT_DIE, die, scaled, session_key, unit, whole_die
from preroll.jit import inlined, loop


@inlined
def start_session(tables: Any, block: Any, i: Any, session: Any) -> None:
    """Starts session number ``session`` of lane ``i``: draws its segment and first video."""
    key = session_key(block.keys[LANE_KEY + i], session)
    n_segments, state = tables.sizes[SEGMENTS], block.state
    phase = 0
    while phase + 1 < tables.phase_start.shape[0] and session >= tables.phase_start[phase + 1]:
        phase += 1
    segment = 0
    if n_segments > 1:
        u = die(key, 0, SEGMENT_DIE)
        while segment + 1 < n_segments and u >= tables.segments[phase * n_segments + segment]:
            segment += 1
    block.keys[SESSION_KEY + i] = key
    state[SESSION + i] = session
    state[SLOT + i] = 0
    state[USER_STATE + i] = (phase * n_segments + segment) * tables.sizes[LEVELS]
    state[VIDEO + i] = scaled(die(key, 0, FIRST_VIDEO), tables.links.shape[0])
    state[LAST + i] = 2 * tables.sizes[ACTIONS]
    state[ENDED + i] = 0


@inlined
def _choose(k: Any, cuts: Any, row: Any, jump: Any, n: Any) -> Any:
    """Chooses the next video: a neighbour with probability ∝ decay^rank, or, with probability jump, any video.

    Args:
        k: whole die.
        cuts: bounds of dice.
        row: offset of the bounds of the phase and the number of neighbours; without any, every video is equally likely.
        jump: probability of a jump.
        n: number of videos.

    Returns:
        Rank of the neighbour, or −1 − the number of any video.
    """
    rank = np.int64(0)
    for r in range(N_NEIGHBORS - 1):  # no early exit: the rank is random, and a branch on it would be mispredicted
        rank += k >= cuts[row + at(r)]
    u = unit(k)
    jumps = u < jump
    # Given whether it jumps, u is uniform on a part of [0, 1); rescaled to [0, 1), it also chooses the video.
    other = scaled((u - (0.0 if jumps else jump)) / (jump if jumps else 1.0 - jump), n)
    return rank if k >= cuts[row + at(JUMP_CUT)] else ~other


@loop
def _roll_videos(block: Any, n: Any) -> None:
    """Draws the random numbers of the next video."""
    for i in range(n):
        block.words[DIE_OF_VIDEO + i] = whole_die(block.keys[SESSION_KEY + i], block.state[SLOT + i], NEXT_VIDEO)


@loop
def _draw(cuts: Any, jump: Any, n_videos: Any, words: Any, n: Any) -> None:
    """Draws the next videos where all lanes are in one phase and every video has ten neighbours."""
    for i in range(n):
        row = at(N_NEIGHBORS * N_CUTS)
        words[DIE_OF_VIDEO + i] = _choose(words[DIE_OF_VIDEO + i], cuts, row, jump, n_videos)


@inlined
def _draw_each(tables: Any, block: Any, n: Any) -> None:
    """Draws the next videos as :func:`_draw` does, for lanes in different phases and videos with fewer neighbours."""
    state, words, n_videos = block.state, block.words, tables.links.shape[0]
    for i in range(n):
        phase = at(tables.user_states[at(3) * at(state[USER_STATE + i]) + at(PHASE)])
        row = phase * at(N_NEIGHBORS + 1) + at(tables.links[at(state[VIDEO + i]), at(N_NEAR)])
        jump = tables.choice[phase * at(N_CHOICE) + at(JUMP)]
        words[DIE_OF_VIDEO + i] = _choose(words[DIE_OF_VIDEO + i], tables.cuts, row * at(N_CUTS), jump, n_videos)


@loop
def _look_up(links: Any, block: Any, n: Any) -> None:
    """Looks up the next video and the kind of each lane's video in its record."""
    state = block.state
    for i in range(n):
        video, drawn = at(state[VIDEO + i]), block.words[DIE_OF_VIDEO + i]
        near, jumps = np.int64(links[video, at(drawn & 15)]), drawn >> 63  # 64 equal bits: a choice would branch
        state[FOLLOWING + i] = (near & ~jumps) | (~drawn & jumps)
        state[VIDEO_KIND + i] = links[video, at(KIND)]


@inlined
def look_ahead(tables: Any, block: Any, n: Any) -> None:
    """Looks up the kind of each lane's video and draws the next video, at the beginning of a slot.

    No ad changes the next video, so that a video's record is read at one place in the step. In large catalogs these
    reads dominate; a first loop that only touches both halves of the records keeps many reads in flight.
    """
    links, words = tables.links, block.words
    if links.size > LARGE:
        for i in range(n):
            video = at(block.state[VIDEO + i])
            block.numbers[FOUND + i] = links[video, at(0)] + links[video, at(ROW)]
    _roll_videos(block, n)
    if tables.sizes[PHASES] == 1 and tables.sizes[FULL] > 0:
        _draw(tables.cuts, tables.choice[JUMP], links.shape[0], words, n)
    else:
        _draw_each(tables, block, n)
    _look_up(links, block, n)
