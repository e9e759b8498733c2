"""Videos whose category nobody knows: their users answer to perception's probabilities."""

import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, SessionVectorEnv, Tables, rollout
from preroll.envs.policies.simple import random_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def partly_labeled(labeled: Catalog, probabilities: np.ndarray | None) -> Catalog:
    category = np.array(labeled.category)
    category[::3] = -1
    return Catalog.from_arrays(
        categories=labeled.categories,
        category=category,
        neighbors=labeled.neighbors,
        importance=labeled.importance,
        classes=labeled.classes,
        category_probabilities=probabilities,
    )


def test_relevance_is_the_probability_of_the_ads_category(small_catalog: Catalog) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), small_catalog.n_videos)
    catalog = partly_labeled(small_catalog, probabilities)
    tables = Tables.compile("classic", catalog)
    envs = SessionVectorEnv(512, tables=tables)
    envs.reset(seed=0)
    m, ad = Scenario.load("classic").user.mismatch, tables.ads[1]
    *_, infos = envs.step(np.full(512, 1))
    video = infos["video"]
    own = catalog.category[video] == catalog.categories.index(ad.category)
    relevance = np.where(catalog.category[video] < 0, probabilities[video, catalog.categories.index(ad.category)], own)
    np.testing.assert_allclose(infos["view_probability"], ad.view_probability * (m + (1 - m) * relevance), rtol=1e-6)
    assert set(infos["category"][catalog.category[video] < 0]) == {-1}


@pytest.mark.compiled
def test_the_exact_value_is_that_of_the_simulation(small_catalog: Catalog) -> None:
    """The mean of 40,000 sessions is within 5 standard errors: about one false alarm in a million."""
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), small_catalog.n_videos)
    tables = Tables.compile("fatigue", partly_labeled(small_catalog, probabilities))
    policy = random_policy(tables)
    revenue = rollout(tables, policy, seed=1, lanes=400, sessions_per_lane=100).revenue.mean(axis=1)
    error = revenue.std(ddof=1) / np.sqrt(len(revenue))
    assert abs(revenue.mean() - Optimum(tables).value_of(policy)) < 5 * error


def test_without_probabilities_every_video_needs_a_category(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match="category, row 0: must lie in 0 … 2"):
        partly_labeled(small_catalog, None)
