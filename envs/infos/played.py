"""What a step of the vector environment played: arrays that the kernel writes, and infos made of them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.infos.abandonment import watched
from preroll.envs.infos.entries import NOT_PLAYED, keys
from preroll.envs.infos.lazy import Completed
from preroll.envs.kernel import layout
from preroll.envs.kernel.lanes import Lanes
from preroll.envs.model.tables import Tables

Floats = NDArray[np.float32]


@cache
def _names(abandons: bool, final: bool) -> dict[str, None]:
    """Returns the keys of the infos of a step, in order; ``final`` where sessions ended under SAME_STEP."""
    told = (*keys(abandons), *(("final_obs", "final_info") if final else ()))
    return dict.fromkeys(name for key in told for name in (key, f"_{key}"))


def _nobody() -> None:
    return None


class Played:
    """Slot that the last step played in every lane, in both autoreset modes: arrays [n], most made when they are read.

    They can be read as long as the arrays that the step returned. Where a step of NEXT_STEP only started a session,
    ``ad`` is −1, nothing was viewed, and both expectations are NaN.

    Attributes:
        ended: number of lanes in which it did.
        final: last observations of the sessions that ended, float32 [n, d], elsewhere undefined; [0, d] unless
            SAME_STEP.

    Examples:
        >>> import numpy as np
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo", autoreset_mode="SameStep")
        >>> _ = envs.reset(seed=1)
        >>> _ = envs.step(np.array([0, 2, 4]))
        >>> envs.played.ad.tolist(), envs.played.ended
        ([0, 2, 4], 0)
    """

    __slots__ = (
        *("abandoned", "arguments", "ended", "final", "given", "returned"),
        *("_n", "_results", "_same_step", "_tables"),
    )

    def __init__(self, tables: Tables, packed: layout.Packed, lanes: Lanes, same_step: bool) -> None:
        n, size = lanes.n, tables.layout.size
        observations, results = np.empty((n, size), np.float32), layout.new_results(n)
        self.final = np.empty((n if same_step else 0, size), np.float32)
        self._tables, self._same_step, self._n, self.ended = tables, same_step, n, 0
        self._results = layout.not_returned(results, n)
        self.abandoned: NDArray[np.float64] | None = None
        flat = observations.reshape(-1), self.final.reshape(-1)
        #: Arguments of ``kernel.step`` after the actions, and the arrays that a step returns.
        self.arguments: tuple[Any, ...] = (*packed, lanes.words, results, *flat, False)
        self.returned: tuple[Floats, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]] = (
            observations,
            layout.result(results, "reward", n),
            layout.result(results, "terminated", n),
            layout.result(results, "truncated", n),
        )
        #: Weak reference to what was given of this step and may still have to read these arrays: infos.
        self.given: Callable[[], Completed | None] = _nobody

    def _told(self, name: str) -> NDArray[Any]:
        return layout.result(self._results, name, self._n)

    @property
    def video(self) -> NDArray[np.int32]:
        """Video of the slot, int32."""
        return self._told("video")

    @property
    def over(self) -> NDArray[np.bool_]:
        """Whether the session ended in this slot, bool."""
        return self._told("over")

    @property
    def begun(self) -> NDArray[np.bool_]:
        """Whether the step only started a session in place of a slot, as after an ended one under NEXT_STEP."""
        return np.asarray(self._told("code") < 0)

    @property
    def viewed(self) -> NDArray[np.bool_]:
        """Whether the ad was viewed, bool."""
        code = self._told("code")
        return np.asarray((code > 0) & (code & 1 > 0))

    @property
    def ad(self) -> NDArray[np.int64]:
        """The action, int64; −1 where none was played."""
        code = self._told("code")
        return np.where(code < 0, -1, (code >> layout.LINE) % self._tables.n_actions)

    @property
    def category(self) -> NDArray[np.int32]:
        """Category of the video, int32; −1 if unknown."""
        return np.asarray(self._tables.category[self.video])

    @property
    def view_probability(self) -> NDArray[np.float64]:
        """P(view) of the ad, float64."""
        code, answers = self._told("code"), self._tables.answers
        return np.where(code < 0, np.nan, answers[code >> layout.LINE, layout.LIKELY + (code >> 1 & 1)])

    @property
    def expected_reward(self) -> NDArray[np.float64]:
        """P(view) times the reward of a view, float64."""
        pay = self._tables.answers[self._told("code") >> layout.LINE, layout.PAY]
        return np.asarray(self.view_probability * pay)

    @property
    def watched(self) -> NDArray[np.float64]:
        """Fraction of the ad that was watched, float64; only where the scenario has an abandonment curve."""
        assert self.abandoned is not None
        fractions = watched(self.abandoned, self.viewed, self.ad, len(self._tables.ads))
        return np.where(self.begun, np.nan, fractions)

    def successors(self, following: Floats) -> Floats:
        """Returns the true next observations: the last one of a session that ended, else that of ``following``.

        Under SAME_STEP the rows of the others are completed in :attr:`final`, without a copy.
        """
        if not len(self.final) or not self.ended:
            return following
        self.final[~self.over] = following[~self.over]
        return self.final

    def truncate(self, last: NDArray[np.bool_]) -> None:
        """Sets both flags where the user left in the ``last`` slot of a time limit, as Gymnasium's TimeLimit does."""
        _, _, terminated, truncated = self.returned
        truncated |= terminated & last

    def release(self) -> tuple[Floats, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Returns the arrays that a step returns, and keeps none of them."""
        returned, self.returned, self.arguments = self.returned, (), ()  # type: ignore[assignment]
        return returned

    def names(self) -> dict[str, None]:
        """Returns the keys of the infos, in order."""
        return _names(self.abandoned is not None, self._same_step and self.ended > 0)

    def build(self, key: str) -> Any:
        """Returns the infos' value of one of the :meth:`names`, in arrays that nobody else has."""
        name = key.removeprefix("_")
        if key != name:
            return self._mask(name)
        if name == "final_obs":
            return self._final_obs()
        if name == "final_info":
            return self._final_info()
        values = self._of_slot(name)
        if self._same_step and self.ended:
            values[self.over] = self._of_next(name)
        return values

    def _mask(self, name: str) -> NDArray[np.bool_]:
        """Returns the lanes that have a key; under SAME_STEP, an ended one tells of the next session alone."""
        if name.startswith("final_"):
            return np.array(self.over)
        if name not in NOT_PLAYED:
            return np.ones(len(self.over), np.bool_)
        return np.asarray(~(self.over if self._same_step else self.begun))

    def _of_slot(self, name: str) -> NDArray[Any]:
        """Returns a copy of the slot's values, int64 where they are whole numbers."""
        values = np.array(getattr(self, name))
        return values.astype(np.int64) if values.dtype.kind == "i" else values

    def _of_next(self, name: str) -> Any:
        """Returns what the reset of the next session tells where one ended."""
        if name in NOT_PLAYED:
            return NOT_PLAYED[name]
        videos = self._told("first")[self.over]
        return videos if name == "video" else self._tables.category[videos]

    def _final_obs(self) -> NDArray[Any]:
        rows = np.full(len(self.over), None, dtype=object)
        for lane in np.flatnonzero(self.over):
            rows[lane] = self.final[lane].copy()
        return rows

    def _final_info(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name in keys(self.abandoned is not None):
            told[name], told[f"_{name}"] = self._of_slot(name), self.over.copy()
            told[name][~self.over] = 0
        return told
