import numpy as np
import pytest
from scipy import stats

from preroll.envs.model.tables import Tables
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.policies.rollout import rollout
from preroll.envs.policies.simple import random_policy
from preroll.envs.scenario.scenario import Scenario
from preroll.envs.vector import SessionVectorEnv
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


@pytest.mark.compiled
def test_with_three_neighbors_and_no_jumps_the_three_nearest_follow_by_rank_decay_alone(small_catalog: Catalog) -> None:
    scenario = Scenario.load("classic").replace({"recommender.neighbors": 3, "recommender.jump": 0.0})
    envs = SessionVectorEnv(512, tables=Tables.compile(scenario, small_catalog), autoreset_mode="SameStep")
    envs.reset(seed=1)
    *_, infos = envs.step(np.zeros(512, np.int64))
    seen = np.zeros(3, int)
    for _ in range(15):
        before = infos["video"].copy()
        *_, infos = envs.step(np.zeros(512, np.int64))
        found = small_catalog.neighbors[before][:, :3] == infos["video"][:, None]
        assert found.any(axis=1).all()
        seen += np.bincount(found.argmax(axis=1), minlength=3)
    weights = np.array([1, 0.8, 0.64]) / 2.44
    low, high = stats.binom.ppf([[1e-6 / 6], [1 - 1e-6 / 6]], seen.sum(), weights)  # false alarm once in a million
    assert ((low <= seen) & (seen <= high)).all()


@pytest.mark.compiled
def test_the_exact_value_knows_how_many_neighbors_there_are(small_catalog: Catalog) -> None:
    """Within 5 standard errors of 20,000 simulated sessions."""
    tables = Tables.compile(Scenario.load("fatigue").replace({"recommender.neighbors": 1}), small_catalog)
    policy = random_policy(tables)
    revenue = rollout(tables, policy, seed=2, lanes=1000, sessions_per_lane=20).revenue.mean(axis=1)
    error = revenue.std(ddof=1) / len(revenue) ** 0.5
    assert abs(revenue.mean() - Optimum(tables).value_of(policy)) < 5 * error


def test_users_that_drift_keep_their_neighbors() -> None:
    drift = [{"from_session": 5, "set": {"recommender.neighbors": 2}}]
    with pytest.raises(PrerollError, match="may change probabilities, rewards and gains"):
        Scenario.load("classic").replace({"drift": drift})
