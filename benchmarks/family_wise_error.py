"""Measured family-wise error of comparisons: ``python -m benchmarks.family_wise_error`` prints the tables of the docs.

All agents have the same true mean, so that every difference that is shown is false. At each point at most 5 in 100
families may show one. Chance may: a rate is above 5 % if an exact binomial test says so at 1 %.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from preroll.simulations.statistics.comparison import LEVEL, Verdict, compare_pairs
from preroll.simulations.statistics.holm import holm

Draw = Callable[[np.random.Generator, int, int], NDArray[np.float64]]
AGENTS, SEEDS = (2, 3, 5, 10, 15), (5, 10, 20)
MOST_UNEQUAL = 8.0  # largest standard deviation of an agent over the smallest
SIGNIFICANCE = 0.01


def normal(generator: np.random.Generator, agents: int, seeds: int) -> NDArray[np.float64]:
    """Draws normal scores [agents, seeds] of mean 0 and variance 1."""
    return generator.standard_normal((agents, seeds))


def skewed(generator: np.random.Generator, agents: int, seeds: int) -> NDArray[np.float64]:
    """Draws scores of Beta(8, 2), whose shape is that of shares of an optimum, less their mean."""
    return generator.beta(8, 2, (agents, seeds)) - 0.8


def families(
    draw: Draw, *, agents: int, seeds: int, unequal: bool, repetitions: int, seed: int = 0
) -> list[list[Verdict]]:
    """Returns the verdicts on families of agents with the same true mean.

    Args:
        draw: function that draws scores [agents, seeds] of mean 0.
        agents: agents of a family.
        seeds: seeds of every agent.
        unequal: whether standard deviations grow geometrically from agent to agent, by 8 in all.
        repetitions: number of families.
        seed: seed of the scores.
    """
    generator = np.random.default_rng(seed)
    scale = np.geomspace(1, MOST_UNEQUAL if unequal else 1, agents)[:, None]
    found = []
    for _ in range(repetitions):
        scores = (scale * draw(generator, agents, seeds)).tolist()
        found.append(compare_pairs({"point": {str(k): dict(enumerate(row)) for k, row in enumerate(scores)}}))
    return found


def false_alarms(made: list[list[Verdict]]) -> int:
    """Counts the families in which any difference is shown."""
    return sum(any(verdict.decided for verdict in family) for family in made)


def false_alarms_against_the_best(made: list[list[Verdict]]) -> int:
    """Counts the families in which the agent with the largest mean would be called better than another.

    Only the pairs of this agent are tested, with Holm's correction over them, as if it had not been chosen by the data.
    """
    count = 0
    for family in made:
        ahead = {verdict.more for verdict in family} - {verdict.less for verdict in family}
        count += bool((holm([verdict.result.p for verdict in family if verdict.more in ahead]) < LEVEL).any())
    return count


def above_level(count: int, repetitions: int) -> bool:
    """Returns whether a rate is above 5 % by an exact binomial test at 1 %."""
    return bool(stats.binomtest(count, repetitions, LEVEL, alternative="greater").pvalue < SIGNIFICANCE)


def hidden_difference(agents: int, seeds: int) -> float:
    """Computes the smallest observed difference that is shown for certain, in standard deviations of the differences.

    It is that of the first step of Holm's method over all pairs; a larger difference elsewhere can lower it.

    Examples:
        >>> [round(hidden_difference(agents, 5), 2) for agents in (2, 10)]
        [1.24, 3.75]
    """
    pairs = agents * (agents - 1) / 2
    return float(stats.t.ppf(1 - LEVEL / 2 / pairs, seeds - 1) / np.sqrt(seeds))


def main(repetitions: int = 2000) -> None:
    """Prints the tables of ``docs/statistics.md``."""
    kinds = [(draw, unequal) for draw in (normal, skewed) for unequal in (False, True)]
    print(
        "| agents | seeds | normal | normal, unequal | skewed | skewed, unequal | the best against the others, normal |"
    )
    print("|---|---|---|---|---|---|---|")
    above = []
    for agents, seeds in product(AGENTS, SEEDS):
        sizes = {"agents": agents, "seeds": seeds, "repetitions": repetitions}
        made = [families(draw, unequal=unequal, **sizes) for draw, unequal in kinds]
        counts = [*map(false_alarms, made), false_alarms_against_the_best(made[0])]
        above += [f"{agents} agents, {seeds} seeds" for count in counts[:2] if above_level(count, repetitions)]
        shares = " | ".join(f"{100 * count / repetitions:.1f} %" for count in counts)
        print(f"| {agents} | {seeds} | {shares} |", flush=True)
    print(f"\nNormal scores above 5 % by an exact binomial test at 1 %: {'; '.join(above) or 'none'}\n")
    print("| agents | pairs | " + " | ".join(f"{seeds} seeds" for seeds in SEEDS) + " |")
    print("|---|---|" + "---|" * len(SEEDS))
    for agents in AGENTS:
        hidden = " | ".join(f"{hidden_difference(agents, seeds):.2f}" for seeds in SEEDS)
        print(f"| {agents} | {agents * (agents - 1) // 2} | {hidden} |")


if __name__ == "__main__":
    main()
