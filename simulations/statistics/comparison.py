"""Who earns more, task by task: every agent against the best one, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from preroll.simulations.statistics.holm import holm
from preroll.simulations.statistics.intervals import CONFIDENCE
from preroll.simulations.statistics.paired import Paired, paired

NO_DIFFERENCE = "no difference shown"


@dataclass(frozen=True)
class Verdict:
    """One agent against the best of its task.

    Attributes:
        task: name of the task.
        best: the agent with the largest mean there.
        agent: the other one.
        result: best − agent, paired by seed.
        p: p value after Holm's correction over all verdicts that were made together.
    """

    task: str
    best: str
    agent: str
    result: Paired
    p: float

    @property
    def words(self) -> str:
        """``BEST earns more``, or ``no difference shown``."""
        return f"{self.best} earns more" if self.p < 1 - CONFIDENCE else NO_DIFFERENCE


def against_the_best(
    scores: Mapping[str, Mapping[str, Mapping[int, float]]], candidates: Sequence[str] | None = None
) -> list[Verdict]:
    """Compares, in every task, each agent with the one that has the largest mean there.

    Holm's correction spans all agents and tasks. That the best is chosen by the same runs favours it: a verdict is read
    as "these runs show that the agent is not the best", not as a proof that the best one is.

    Args:
        scores: revenue by seed, by agent, by task. Pairs are of one seed, so that agents of which other seeds failed
            are compared on those that both have; those with fewer than two in common are left out.
        candidates: the agents to compare; by default all.
    """
    found: list[tuple[str, str, str, Paired]] = []
    for task, agents in scores.items():
        able = {
            name: values
            for name, values in agents.items()
            if len(values) >= 2 and (candidates is None or name in candidates)
        }
        if not able:
            continue
        best = max(able, key=lambda name: float(np.mean(list(able[name].values()))))
        for name, values in able.items():
            seeds = sorted(able[best].keys() & values.keys())
            if name != best and len(seeds) >= 2:
                result = paired([able[best][seed] for seed in seeds], [values[seed] for seed in seeds])
                found.append((task, best, name, result))
    adjusted = holm([result.p for *_, result in found])
    return [Verdict(*entry, float(p)) for entry, p in zip(found, adjusted, strict=True)]
