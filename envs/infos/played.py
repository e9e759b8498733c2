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
    """Slot that the last step played in every lane, in both autoreset modes: views of what the kernel wrote, [n] each.

    They are valid as long as the arrays that the step returned. Where a step of NEXT_STEP only started a session,
    ``ad`` is −1, nothing was viewed, and both expectations are NaN.

    Attributes:
        video: video of the slot, int32.
        category: its category, int32; −1 if unknown.
        viewed: whether the ad was viewed, bool.
        view_probability: P(view) of the ad, float64.
        expected_reward: P(view) times the reward of a view, float64.
        over: whether the session ended in this slot, bool.
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
        *("arguments", "category", "ended", "expected_reward", "final", "given", "over", "returned"),
        *("video", "view_probability", "viewed", "abandoned", "_ads", "_first", "_same_step", "_tables"),
    )

    def __init__(self, tables: Tables, packed: layout.Packed, lanes: layout.State, n: int, same_step: bool) -> None:
        observations, results = np.empty((n, tables.layout.size), np.float32), layout.new_results(n)
        self.final = np.empty((n if same_step else 0, tables.layout.size), np.float32)
        reward, self.view_probability, self.expected_reward = results.values[:, :n]
        terminated, truncated, self.viewed, self.over = results.flags[:, :n]
        self.video, self.category, self._first = results.shown[:, :n]
        self._ads, self.ended = results.ads, 0
        self._tables, self._same_step = tables, same_step
        self.abandoned: NDArray[np.float64] | None = None
        #: Arguments of ``kernel.step`` after the actions, and the arrays that a step returns.
        self.arguments: tuple[Any, ...] = (*packed, *lanes, same_step, observations, *results, self.final)
        self.returned: tuple[Floats, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]] = (
            *(observations, reward, terminated, truncated),
        )
        #: Weak reference to what was given of this step and may still have to read these arrays: infos.
        self.given: Callable[[], Completed | None] = _nobody

    @property
    def begun(self) -> NDArray[np.bool_]:
        """Whether the step only started a session in place of a slot, as after an ended one under NEXT_STEP."""
        return np.asarray(np.isnan(self.view_probability))

    @property
    def ad(self) -> NDArray[np.int64]:
        """The action, int64; −1 where none was played."""
        return np.where(self.begun, -1, self._ads)

    @property
    def watched(self) -> NDArray[np.float64]:
        """Fraction of the ad that was watched, float64; only where the scenario has an abandonment curve."""
        assert self.abandoned is not None
        fractions = watched(self.abandoned, self.viewed, self._ads, len(self._tables.ads))
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
        videos = self._first[self.over]
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
