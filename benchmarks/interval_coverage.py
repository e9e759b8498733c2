"""Measured coverage of intervals: ``python -m benchmarks.interval_coverage`` prints the table of the docs.

A 95 % interval should contain the true value in 95 of 100 repetitions. Three kinds of scores with known true values:
revenue of a fixed policy in simulated sessions (its exact value comes from the optimum module), normal scores, and
skewed ones (Beta(8, 2), which resemble shares of the optimum).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from preroll.envs import Optimum, Policy, Tables, rollout
from preroll.seeds import EVALUATION, derive
from preroll.simulations.statistics.aggregates import interquartile_mean
from preroll.simulations.statistics.bootstrap import bootstrap_interval
from preroll.simulations.statistics.intervals import mean_interval

Draw = Callable[[np.random.Generator, int, int], NDArray[np.float64]]
TASKS = 5


def coverage_of_policy(
    tables: Tables, policy: Policy, *, repetitions: int, seeds: int = 5, sessions: int = 20, first_seed: int = 0
) -> float:
    """Computes the share of t intervals over independent seeds that contain the exact value of a policy.

    Args:
        tables: the scenario on the catalog.
        policy: a fixed policy.
        repetitions: number of intervals.
        seeds: number of seeds per interval.
        sessions: sessions per seed; few, so that the mean deviates from normal as far as it ever does.
        first_seed: first seed of the first interval; further seeds count up.
    """
    exact = Optimum(tables).value_of(policy)
    covered = 0
    for repetition in range(repetitions):
        bases = [derive(first_seed + repetition * seeds + k, EVALUATION) for k in range(seeds)]
        revenue = [rollout(tables, policy, seed=base, lanes=sessions, sessions_per_lane=1).revenue for base in bases]
        interval = mean_interval(np.array([values.mean() for values in revenue]))
        covered += interval.low <= exact <= interval.high
    return covered / repetitions


def coverage_of_bootstrap(
    draw: Draw,
    truth: float,
    aggregate: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    runs: int,
    tasks: int,
    repetitions: int,
    seed: int = 0,
) -> float:
    """Computes the share of stratified bootstrap intervals that contain the true value.

    Args:
        draw: function that draws scores [n, m].
        truth: value of the aggregate for infinitely many runs.
        aggregate: function from [r, n, m] to [r].
        runs: n.
        tasks: m.
        repetitions: number of intervals.
        seed: seed of scores and resampling.
    """
    generator = np.random.default_rng(seed)
    covered = 0
    for repetition in range(repetitions):
        scores = draw(generator, runs, tasks)
        interval = bootstrap_interval(scores, aggregate, repetitions=1000, seed=repetition, fewest=2)
        covered += interval.low <= truth <= interval.high
    return covered / repetitions


def mean_of_scores(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Computes the mean over runs and tasks, [...] for [..., n, m]."""
    return np.asarray(scores.mean(axis=(-2, -1)))


def normal(generator: np.random.Generator, runs: int, tasks: int) -> NDArray[np.float64]:
    """Draws normal scores of mean 0: mean and interquartile mean are 0."""
    return generator.standard_normal((runs, tasks))


def skewed(generator: np.random.Generator, runs: int, tasks: int) -> NDArray[np.float64]:
    """Draws scores of Beta(8, 2), whose mean is 0.8; see :func:`skewed_interquartile_mean`."""
    return generator.beta(8, 2, (runs, tasks))


def skewed_interquartile_mean() -> float:
    """Computes the interquartile mean of Beta(8, 2): the mean of its quantiles from 1/4 to 3/4, by the midpoint rule.

    Examples:
        >>> round(skewed_interquartile_mean(), 4)
        0.8172
    """
    return float(stats.beta(8, 2).ppf(np.linspace(0.25, 0.75, 20_001)[:-1] + 0.25 / 20_000).mean())


def main(repetitions: int = 2000) -> None:
    """Prints the measured coverage, as in the table of ``docs/statistics.md``."""
    rows = []
    for runs in (3, 5, 10, 20):
        for name, draw, mean, middle in (
            ("normal", normal, 0.0, 0.0),
            ("skewed", skewed, 0.8, skewed_interquartile_mean()),
        ):
            generator = np.random.default_rng(runs)
            single = [mean_interval(draw(generator, runs, 1)[:, 0]) for _ in range(repetitions)]
            t = float(np.mean([one.low <= mean <= one.high for one in single]))
            b1 = coverage_of_bootstrap(draw, mean, mean_of_scores, runs=runs, tasks=1, repetitions=repetitions)
            b5 = coverage_of_bootstrap(
                draw, middle, interquartile_mean, runs=runs, tasks=TASKS, repetitions=repetitions
            )
            rows.append(f"| {runs} | {name} | {100 * t:.1f} % | {100 * b1:.1f} % | {100 * b5:.1f} % |")
    print("| seeds | scores | t, mean | bootstrap, mean | bootstrap, IQM over 5 tasks |")
    print("|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
