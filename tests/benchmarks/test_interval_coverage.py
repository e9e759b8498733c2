from benchmarks.interval_coverage import coverage_of_bootstrap, coverage_of_policy, mean_of_scores, normal
from preroll.envs.model.tables import Tables
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.simple import fixed_policy, random_policy
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.statistics.aggregates import interquartile_mean


def test_t_intervals_of_fixed_policies_cover_the_exact_value_in_93_to_97_of_100(small_catalog: Catalog) -> None:
    """1,000 repetitions at 95 %: outside of 93 to 97 with probability 0.4 % for each of three policies."""
    classic, fatigue = (Tables.compile(name, small_catalog) for name in ("classic", "fatigue"))
    for tables, policy in (
        (classic, random_policy(classic)),
        (classic, greedy_policy(classic)),
        (fatigue, fixed_policy(fatigue, "short")),
    ):
        assert 0.93 <= coverage_of_policy(tables, policy, repetitions=1000, sessions=50) <= 0.97


def test_a_bootstrap_of_five_seeds_covers_far_less_than_it_claims_and_of_twenty_nearly_that() -> None:
    """400 repetitions: at the measured 83 % and 93 % the bounds are missed with probability below 1e-3."""
    few = coverage_of_bootstrap(normal, 0.0, mean_of_scores, runs=5, tasks=1, repetitions=400)
    many = coverage_of_bootstrap(normal, 0.0, interquartile_mean, runs=20, tasks=5, repetitions=400)
    assert few < 0.89
    assert many > 0.89
