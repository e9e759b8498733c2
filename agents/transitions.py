"""Transitions: one slot of every lane, from which agents learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.shown.card import Card
from preroll.shown.shown import Shown, told


@dataclass(frozen=True, slots=True, repr=False)
class Transitions(Shown):
    """One step of n lanes, as arrays whose first axis is the lane.

    Attributes:
        observations: float32 (n, d), the observations in which the actions were chosen.
        actions: int64 (n,), the ads shown, or "no ad".
        rewards: float64 (n,), revenue of the slot.
        next_observations: float32 (n, d), the true successors: where the session ended, its final observation,
            never the first one of the next session.
        terminated: bool (n,), whether the user left.
        truncated: bool (n,), whether the horizon was reached.
        viewed: bool (n,), whether the ad was viewed to its end.
        propensities: float64 (n,), probability with which the agent chose the action; None if it was not computed.
        memory_before, memory_after: float32 (n, H), what the agent remembered of the session before and after it saw
            the observations; None where it remembers nothing, or where it learns at once and still has it.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import Transitions, make_agent
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(6, scenario="classic", catalog="demo", autoreset_mode="SameStep")
        >>> agent = make_agent("linucb", envs)
        >>> observations, _ = envs.reset(seed=1)
        >>> actions = np.arange(6)
        >>> following, rewards, *ended, infos = envs.step(actions)
        >>> agent.update(Transitions(observations, actions, rewards, following, *ended, infos["viewed"]))
        >>> agent.steps
        6
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    next_observations: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    viewed: NDArray[np.bool_]
    propensities: NDArray[np.float64] | None = None
    memory_before: NDArray[np.float32] | None = None
    memory_after: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """Whether the session is over, for either reason, bool (n,)."""
        return self.terminated | self.truncated

    def _card(self) -> Card:
        names = [*self.__dataclass_fields__, "ended"]  # as they are typed
        given = {name: getattr(self, name) for name in names}
        return Card("Transitions", {name: told(value) for name, value in given.items() if value is not None})
