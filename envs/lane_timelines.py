"""Timelines of all lanes of a vector environment, recorded only where it has a render mode."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from preroll.envs.infos.played import Played
from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.rendering.render import render
from preroll.envs.rendering.timeline import Timeline


class LaneTimelines:
    """The session of every lane, slot by slot; a session that ended makes place for the next one as in its lane."""

    def __init__(self, tables: Tables, n: int, mode: str) -> None:
        self._mode, self._n_levels = mode, tables.n_levels
        self._lanes = [Timeline(tables) for _ in range(n)]

    def start(self, state: NDArray[np.int32], lanes: Iterable[int]) -> None:
        """Starts the current sessions of some ``lanes``; ``state`` is that of all."""
        for lane in lanes:
            self._lanes[lane].start(state[layout.SESSION, lane], state[layout.VIDEO, lane])

    def add(self, state: NDArray[np.int32], played: Played) -> None:
        """Adds the slot just played, from the state after it."""
        _, reward, terminated, _ = played.returned
        begun = played.over if len(played.final) else played.begun
        self.start(state, np.flatnonzero(begun))
        names = ("video", "category", "ad", "viewed", "view_probability")
        for lane in np.flatnonzero(~begun):
            info = {name: getattr(played, name)[lane].item() for name in names}
            fatigue = state[layout.USER_STATE, lane] % self._n_levels
            ended = bool(terminated[lane])
            self._lanes[lane].add(info, float(reward[lane]), ended, fatigue, state[layout.VIDEO, lane])

    def frames(self) -> tuple[str | NDArray[np.uint8], ...]:
        """Returns the current frame of every lane."""
        return tuple(render(timeline, self._mode) for timeline in self._lanes)
