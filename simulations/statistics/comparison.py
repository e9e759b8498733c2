"""Comparison of all pairs of agents of each task: the one decision behind every word, colour and interval."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from preroll.simulations.statistics.holm import holm
from preroll.simulations.statistics.intervals import CONFIDENCE
from preroll.simulations.statistics.paired import Paired, paired

#: Largest probability of any false difference in a family.
LEVEL = 1 - CONFIDENCE
NO_DIFFERENCE = "no difference shown"


@dataclass(frozen=True)
class Verdict:
    """Two agents of a task.

    Attributes:
        task: name of the task.
        more: the agent with the larger mean over the seeds that both have.
        less: the other agent.
        result: more − less, paired by seed. The intervals of a task contain all true differences at once with 95 %
            (Bonferroni), so that none excludes 0 where no difference is shown.
        p: p value after Holm's correction over all pairs of the task.
        p_overall: p value after Holm's correction over all pairs of all tasks.
    """

    task: str
    more: str
    less: str
    result: Paired
    p: float
    p_overall: float

    @property
    def decided(self) -> bool:
        """Whether a difference is shown."""
        return self.p < LEVEL

    @property
    def decided_overall(self) -> bool:
        """Whether a difference would be shown with all pairs of all tasks as one family."""
        return self.p_overall < LEVEL

    @property
    def words(self) -> str:
        """The verdict in words: ``MORE earns more``, or ``no difference shown``."""
        return f"{self.more} earns more" if self.decided else NO_DIFFERENCE


def compare_pairs(scores: Mapping[str, Mapping[str, Mapping[int, float]]]) -> list[Verdict]:
    """Compares all pairs of agents of each task by paired t tests.

    Holm's correction over the pairs of a task keeps the probability of any false difference in it at 5 %, for normal
    scores of any variances. Comparing with the best agent alone would not: it is chosen by the same scores.

    Args:
        scores: revenue by seed, by agent, by task. Pairs share a seed: agents whose failed seeds differ are compared on
            the seeds that both have, and those with fewer than two in common are skipped.

    Returns:
        One verdict for every pair of every task.
    """
    found = {task: _pairs(agents) for task, agents in scores.items()}
    p = {task: np.array([result.p for *_, result in pairs]) for task, pairs in found.items()}
    overall = iter(holm(np.concatenate([[], *p.values()])))
    return [
        Verdict(task, *pair, float(adjusted), float(next(overall)))
        for task, pairs in found.items()
        for pair, adjusted in zip(pairs, holm(p[task]), strict=True)
    ]


def undominated(agents: Iterable[str], verdicts: Sequence[Verdict]) -> list[str]:
    """Returns the agents of a task that no other is shown to earn more than; the best is decided where one is left.

    Pairs that share different seeds may contradict each other, until none is left: then all are.

    Args:
        agents: all agents of the task, also those that could not be compared.
        verdicts: the verdicts of the task.
    """
    worse = {verdict.less for verdict in verdicts if verdict.decided}
    return [agent for agent in agents if agent not in worse] or list(agents)


def _pairs(agents: Mapping[str, Mapping[int, float]]) -> list[tuple[str, str, Paired]]:
    """Returns (more, less, more − less) for every pair with at least two seeds in common."""
    found = []
    for one, other in combinations(agents, 2):
        seeds = sorted(agents[one].keys() & agents[other].keys())
        if len(seeds) >= 2:
            values = {name: [agents[name][seed] for seed in seeds] for name in (one, other)}
            found.append(sorted(values.items(), key=lambda entry: -float(np.mean(entry[1]))))
    confidence = 1 - LEVEL / max(len(found), 1)
    return [(more, less, paired(a, b, confidence)) for (more, a), (less, b) in found]
