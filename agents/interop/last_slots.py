"""Infos of the lanes whose session ended, as stable-baselines3 wants them: one dict a lane, built when it is read."""

from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from preroll.envs.infos.lazy import Lazy
from preroll.envs.infos.played import Played


class LastSlots:
    """Last slots of all sessions that ended in one step.

    Args:
        slot: what the step played; read when the first info is, or before the environment writes over it.
        cut: whether a lane's session was cut by the horizon, bool [n].
    """

    def __init__(self, slot: Played, cut: NDArray[np.bool_]) -> None:
        self._slot, self._cut = slot, cut
        self.rows: dict[int, dict[str, Any]] = {}
        slot.given = ref(self)

    def complete(self) -> None:
        """Builds the infos of all lanes; written out, since it takes longer than the step itself."""
        if self.rows:
            return
        slot, lanes = self._slot, np.flatnonzero(self._slot.over)
        columns = (slot.video, slot.category, slot.ad, slot.viewed, slot.view_probability, slot.expected_reward)
        told = (column[lanes].tolist() for column in (*columns, self._cut))
        rows = self.rows
        for lane, video, category, ad, viewed, p, expected, cut, seen in zip(
            lanes.tolist(), *told, slot.final[lanes], strict=True
        ):
            rows[lane] = {
                "video": video,
                "category": category,
                "ad": ad,
                "viewed": viewed,
                "view_probability": p,
                "expected_reward": expected,
                "terminal_observation": seen,
                "TimeLimit.truncated": cut,
            }
        if slot.abandoned is not None:
            for row, watched in zip(rows.values(), slot.watched[lanes].tolist(), strict=True):
                row["watched"] = watched


class LastSlot(Lazy):
    """Info of a lane whose session ended: that of its last slot."""

    __slots__ = ("lane",)

    lane: int

    def _whole(self, source: LastSlots, given: dict[str, Any]) -> dict[str, Any]:
        source.complete()
        return source.rows[self.lane]
