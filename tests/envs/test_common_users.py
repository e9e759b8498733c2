"""Two policies on one seed meet the same users: what differs between them is the policy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Optimum, SessionVectorEnv, Tables, rollout
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.simple import fixed_policy
from preroll.perception.catalog.catalog import Catalog


def test_whatever_is_shown_the_users_of_a_seed_are_the_same(small_catalog: Catalog) -> None:
    """Whoever views an ad views every ad that is likelier to be viewed, and the sessions begin with the same videos."""
    tables = Tables.compile("classic", small_catalog)
    told = []
    for ad in (0, 3):  # for cats and for cars: each is likelier to be viewed than the other before some videos
        envs = SessionVectorEnv(500, tables=tables)
        videos = envs.reset(seed=3)[1]["video"]
        infos = envs.step(np.full(500, ad))[4]
        told.append((videos, infos["viewed"], infos["view_probability"]))
    (videos, viewed, p), (same_videos, viewed_other, p_other) = told
    np.testing.assert_array_equal(videos, same_videos)
    likelier = p_other >= p
    assert 0 < likelier.sum() < 500
    assert viewed_other[likelier & viewed].all()
    assert viewed[~likelier & viewed_other].all()


@pytest.mark.parametrize(("name", "reduction"), [("classic", 6.0), ("fatigue", 1.5)])
def test_the_difference_of_two_policies_varies_less_on_common_users(
    name: str, reduction: float, small_catalog: Catalog
) -> None:
    """7.9 and 2.0 times, over many seeds; a ratio of 20,000 pairs has a standard error of about 2 %."""
    tables = Tables.compile(name, small_catalog)
    best, other = Optimum(tables).policy, fixed_policy(tables, "long")

    def revenue(policy: Policy, seed: int) -> NDArray[np.float64]:
        return rollout(tables, policy, seed=seed, lanes=20_000, sessions_per_lane=1).revenue

    common = np.var(revenue(best, 1) - revenue(other, 1))
    apart = np.var(revenue(best, 10**6) - revenue(other, 1))
    assert apart > reduction * common
