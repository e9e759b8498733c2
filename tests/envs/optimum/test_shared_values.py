"""Values that lanes of several lengths share, and what is kept of the last policy."""

import numpy as np

from preroll.envs import PhasedOptimum, Policy, Tables, fixed_policy
from preroll.envs.policies.simple import random_policy


def test_lanes_of_another_length_have_the_values_that_they_have_alone() -> None:
    tables = Tables.compile("drift", "demo")
    first = PhasedOptimum(tables, 30)
    assert first.optimum != PhasedOptimum(tables, 300).optimum
    long = fixed_policy(tables, "long")
    for sessions in (30, 300, 30):
        shared, alone = first.over(sessions), PhasedOptimum(tables, sessions)
        assert shared.optimum == alone.optimum
        assert shared.value_of(long) == alone.value_of(long)
        assert shared.explain(long).to_dict() == alone.explain(long).to_dict()


def test_what_is_kept_is_of_this_policy_alone() -> None:
    tables = Tables.compile("classic", "demo")
    exact = PhasedOptimum(tables)
    short, even = fixed_policy(tables, "short"), random_policy(tables)
    ads = np.array(short.ads)
    ads.flat[0] = int(ads.flat[0] == 0)  # another ad before one video
    one_more = Policy(ads=ads)
    for policy in (short, even, one_more, short, even):
        alone = PhasedOptimum(tables)
        assert exact.value_of(policy) == alone.value_of(policy)
        assert exact.explain(policy).to_dict() == alone.explain(policy).to_dict()
    assert exact.explain(short).regret != exact.explain(one_more).regret
