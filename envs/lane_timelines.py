"""Timelines of all lanes of a vector environment, recorded only where it has a render mode."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from preroll.envs.infos.played import Played
from preroll.envs.kernel import layout
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.model.tables import Tables
from preroll.envs.rendering.render import render
from preroll.envs.rendering.timeline import Timeline


class LaneTimelines:
    """The session of every lane, slot by slot; a session that ended makes place for the next one as in its lane."""

    def __init__(self, tables: Tables, n: int, mode: str) -> None:
        self._mode, self._n_levels = mode, tables.n_levels
        self._lanes = [Timeline(tables) for _ in range(n)]

    def start(self, lanes: Lanes, chosen: Iterable[int]) -> None:
        """Starts the current sessions of the ``chosen`` lanes."""
        session, video = lanes.read(layout.SESSION), lanes.read(layout.VIDEO)
        for lane in chosen:
            self._lanes[lane].start(session[lane], video[lane])

    def add(self, lanes: Lanes, played: Played) -> None:
        """Adds the slot just played, from the state after it."""
        _, reward, terminated, _ = played.returned
        begun = played.over if len(played.final) else played.begun
        self.start(lanes, np.flatnonzero(begun))
        names = ("video", "category", "ad", "viewed", "view_probability")
        told = {name: getattr(played, name).tolist() for name in names}
        fatigue, following = lanes.read(layout.USER_STATE) % self._n_levels, lanes.read(layout.VIDEO)
        for lane in np.flatnonzero(~begun):
            info = {name: values[lane] for name, values in told.items()}
            ended = bool(terminated[lane])
            self._lanes[lane].add(info, float(reward[lane]), ended, fatigue[lane], following[lane])

    def frames(self) -> tuple[str | NDArray[np.uint8], ...]:
        """Returns the current frame of every lane."""
        return tuple(render(timeline, self._mode) for timeline in self._lanes)
