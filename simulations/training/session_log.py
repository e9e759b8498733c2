"""Session ledger of a training: totals of every session, which are numbered in the order in which they start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.observation import SessionSpec


@dataclass(frozen=True)
class Step:
    """Outcome of one slot of n lanes, as needed by the ledger; every array is [n].

    Attributes:
        actions: int64.
        rewards: float64, revenue of the slot.
        expected_rewards: float64, P(view) · reward of the ad that was shown.
        viewed: bool.
        terminated: bool, the user left.
        truncated: bool, the horizon was reached.
    """

    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    expected_rewards: NDArray[np.float64]
    viewed: NDArray[np.bool_]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


class SessionLedger:
    """Slots, ads, views and revenue of every session of n lanes.

    Sessions are numbered in the order in which they start; those that start together, in the order of their lanes. All
    sessions numbered below ``sessions`` are recorded, however late they end: "the first to end" would favour short
    ones.

    Attributes:
        sessions: k, number of sessions to record.
        lengths: the L length classes of the ads.
        ended: number of recorded sessions that have ended.
        steps: slots played so far, including those of sessions numbered k and above.
        revenue, expected: float64 [k], sum of rewards and of expected rewards.
        slots, views: int32 [k], slots, and ads viewed.
        shown: int32 [L, k], ads shown of each length class.
        terminated: bool [k], whether the user left before the horizon.
        lane_session: int32 [k], number of the session within its lane, which decides its phase of drift.

    Args:
        spec: ads and their length classes.
        lanes: n.
        sessions: k.
        first: number within its lane of every lane's first session.
    """

    def __init__(self, spec: SessionSpec, lanes: int, sessions: int, first: int = 0) -> None:
        self.sessions = sessions
        self.ended = 0
        self.steps = 0
        self.revenue, self.expected = np.zeros(sessions), np.zeros(sessions)
        self.lengths = tuple(dict.fromkeys(ad.length for ad in spec.ads))
        self.slots, self.views, self.lane_session = np.zeros((3, sessions), np.int32)
        self.shown = np.zeros((len(self.lengths), sessions), np.int32)
        self.terminated = np.zeros(sessions, np.bool_)
        self._is_of_length = np.array([[length == one for length in spec.lengths] for one in self.lengths])
        self._number = np.arange(lanes)
        self._next = lanes
        self._played = np.full(lanes, first, np.int32)
        self._sums = np.zeros((2, lanes))
        self._counts = np.zeros((2 + len(self.lengths), lanes), np.int32)

    @property
    def complete(self) -> int:
        """Number below which all sessions have ended."""
        return min(int(self._number.min()), self.sessions)

    @property
    def done(self) -> bool:
        """Whether all recorded sessions have ended."""
        return self.ended == self.sessions

    @property
    def lane_sessions(self) -> int:
        """Number within its lane of the first session that no lane has begun: the next users of every lane are new."""
        return int((self._played + (self._counts[0] > 0)).max())

    def add(self, step: Step) -> int:
        """Adds one slot of every lane and returns the number of recorded sessions that ended with it."""
        self.steps += len(step.actions)
        self._sums[0] += step.rewards
        self._sums[1] += step.expected_rewards
        self._counts[0] += 1
        self._counts[1] += step.viewed
        self._counts[2:] += self._is_of_length[:, step.actions]
        lanes = np.flatnonzero(step.terminated | step.truncated)
        return self._close(lanes, step.terminated) if lanes.size else 0

    def _close(self, lanes: NDArray[np.int64], left: NDArray[np.bool_]) -> int:
        """Records the sessions that ended on ``lanes``, numbers their successors, and returns the number recorded."""
        booked = lanes[self._number[lanes] < self.sessions]
        rows = self._number[booked]
        self.revenue[rows], self.expected[rows] = self._sums[:, booked]
        self.slots[rows], self.views[rows] = self._counts[:2, booked]
        self.shown[:, rows] = self._counts[2:, booked]
        self.terminated[rows] = left[booked]
        self.lane_session[rows] = self._played[booked]
        self._sums[:, lanes] = 0
        self._counts[:, lanes] = 0
        self._played[lanes] += 1
        self._number[lanes] = np.arange(self._next, self._next + lanes.size)
        self._next += lanes.size
        self.ended += booked.size
        return int(booked.size)
