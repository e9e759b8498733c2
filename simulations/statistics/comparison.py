"""Comparison of every agent with the best one of each task."""

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
        best: the agent with the largest mean on the task.
        agent: the other agent.
        result: best − agent, paired by seed.
        p: p value after Holm's correction over all verdicts of one comparison.
    """

    task: str
    best: str
    agent: str
    result: Paired
    p: float

    @property
    def words(self) -> str:
        """The verdict in words: ``BEST earns more``, or ``no difference shown``."""
        return f"{self.best} earns more" if self.p < 1 - CONFIDENCE else NO_DIFFERENCE


def against_the_best(
    scores: Mapping[str, Mapping[str, Mapping[int, float]]], candidates: Sequence[str] | None = None
) -> list[Verdict]:
    """Compares each agent with the one that has the largest mean on the same task.

    Holm's correction spans all agents and tasks. Choosing the best by the same runs is biased in its favour: a verdict
    means "these runs show that the agent is not the best", and is no proof that the best one is.

    Args:
        scores: revenue by seed, by agent, by task. Pairs share a seed: agents whose failed seeds differ are compared on
            the seeds that both have, and those with fewer than two in common are skipped.
        candidates: the agents to compare; by default all.

    Returns:
        One verdict for every agent and task, the best ones excepted.
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
