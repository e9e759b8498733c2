"""Training time until given shares of the optimum, in CPU-seconds without the measurements themselves."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from preroll.agents import make_agent
from preroll.envs import Optimum, PhasedOptimum, Tables, tabulate
from preroll.seeds import AGENT, derive
from preroll.simulations.training.loop import Loop

SHARES = (0.90, 0.95)
ActionProbabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]


class Stopwatch:
    """CPU-seconds at which a policy first earned each of :data:`SHARES` of the optimum.

    Attributes:
        reached: CPU-seconds by share.
        best: largest share so far.
    """

    def __init__(self, tables: Tables, optimum: Optimum) -> None:
        self.tables, self.optimum = tables, optimum
        self.reached: dict[float, float] = {}
        self.best = 0.0
        self.blocks: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []

    def _once_each(self, action_probabilities: ActionProbabilities) -> ActionProbabilities:
        """Returns a function that queries each distinct observation once: most are shared by several states."""
        number = -1

        def ask(observations: NDArray[np.float32]) -> NDArray[np.float64]:
            """Returns the probabilities (n, A) of the next block; blocks arrive in the same order every time."""
            nonlocal number
            number += 1
            if number == len(self.blocks):
                # Every row as one opaque value, so that np.unique compares whole observations.
                packed = observations.view(np.dtype((np.void, observations.shape[1] * observations.itemsize)))[:, 0]
                _, first, place = np.unique(packed, return_index=True, return_inverse=True)
                self.blocks.append((observations[first], place))
            distinct, place = self.blocks[number]
            return action_probabilities(distinct)[place]

        return ask

    def measure(self, action_probabilities: ActionProbabilities, spent: float) -> bool:
        """Evaluates the policy; returns True as soon as every share has been reached."""
        policy = tabulate(self.tables, self._once_each(action_probabilities))
        share = self.optimum.value_of(policy) / self.optimum.value
        self.best = max(self.best, share)
        for wanted in SHARES:
            if share >= wanted:
                self.reached.setdefault(wanted, spent)
        return len(self.reached) == len(SHARES)


def timed_training(name: str, tables: Tables, optimum: Optimum, seed: int) -> Stopwatch:
    """Trains an agent as ``preroll train`` does, and measures its policy after every update of its network."""
    agent = make_agent(name, tables, seed=derive(seed, AGENT))
    loop = Loop(agent, tables, agent.settings.sessions, PhasedOptimum(tables))
    loop.start(seed)
    watch, spent, played, since = Stopwatch(tables, optimum), 0.0, 0, time.process_time()
    every = getattr(agent.settings, "steps", 40)
    while not loop.done:
        if loop.step():
            for _ in loop.points():
                pass
        played += 1
        if played % every == 0:
            spent += time.process_time() - since
            if watch.measure(agent.action_probabilities, spent):
                break
            since = time.process_time()
    return watch
