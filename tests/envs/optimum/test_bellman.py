"""The compiled backups, cell by cell, against the Bellman equations written with NumPy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs.optimum import bellman
from preroll.envs.optimum.bellman import SlotModel
from preroll.envs.optimum.dynamic_program import every_ad, surely

N, F, A, R, G = 3, 4, 3, 2, 3


def model(seed: int) -> SlotModel:
    """Anything that the equations hold for: views above 1, factors of repetition above 1, levels in any order."""
    rng = np.random.default_rng(seed)
    view, reward = 1.3 * rng.random((R, F, A)), 3 * rng.random((R, A))
    level, stay = rng.integers(F, size=(F, A, 2)), rng.random((F, A, 2))
    return SlotModel(view, float(rng.choice([0.4, 1.7])), reward, level, stay, rng.integers(R, size=N).astype(np.int32))


def outcome(n_last: int, a: int, viewed: int) -> int:
    """The last outcome that follows, of those that are told apart: none, the last ad, or whether it was viewed, too."""
    return {1: 0, A + 1: a, 2 * A + 1: a + A * viewed}[n_last]


def values_of(one: SlotModel, after: NDArray[np.float64]) -> NDArray[np.float64]:
    """q of every state and action, [N, F, M, A]."""
    n_last = after.shape[2]
    q = np.zeros((N, F, n_last, A))
    for v, f, m, a in np.ndindex(*q.shape):
        p = views_of(one, n_last)[v, f, m, a]
        later = [after[v, one.level[f, a, viewed], outcome(n_last, a, viewed)] for viewed in (0, 1)]
        q[v, f, m, a] = p * (one.reward[one.kind[v], a] + one.stay[f, a, 1] * later[1])
        q[v, f, m, a] += (1 - p) * one.stay[f, a, 0] * later[0]
    return q


def views_of(one: SlotModel, n_last: int) -> NDArray[np.float64]:
    """P(view) of every state and action, [N, F, M, A]."""
    view = np.repeat(one.view[one.kind][:, :, None], n_last, axis=2)
    for a in range(A if n_last > 1 else 0):
        view[:, :, [outcome(n_last, a, viewed) for viewed in (0, 1)], a] *= one.repeat
    return np.asarray(np.minimum(view, 1.0))


def improved(one: SlotModel, after: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """The best value and ad of every state, the ads by last ad and view where the values are by last ad."""
    value = np.full(after.shape, np.nan)
    ads = np.full((*after.shape[:2], 1 if after.shape[2] == 1 else 2 * after.shape[2] - 1), -1, np.int16)
    bellman.improve(one, after, value, ads, np.empty((2, one.reward.shape[1])))
    return value, ads


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, A + 1])
def test_the_best_is_that_of_the_equations(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    after = rng.random((N, F, n_last))
    q = values_of(one, after)
    value, ads = improved(one, after)
    np.testing.assert_allclose(value, q.max(axis=-1), rtol=1e-12)
    by_last = [*range(n_last - 1), *range(n_last)]  # whether the last ad was viewed is no matter
    np.testing.assert_array_equal(ads, q.argmax(axis=-1)[:, :, by_last])


@pytest.mark.parametrize("repeat", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("n_ads", [1, 2, 3, 7])
def test_after_every_last_ad_the_best_is_the_one_that_a_search_of_its_own_finds(n_ads: int, repeat: float) -> None:
    """With ties, ties up to rounding, and chains of such, in which it counts where a search begins."""
    rng = np.random.default_rng(n_ads)
    for _ in range(300):
        steps = np.array([1.0, 1.5])[rng.integers(2, size=n_ads)] * (1 + 0.7e-12 * rng.integers(-3, 4, n_ads))
        view, reward = rng.choice([0.5, 0.75], (1, 1, n_ads)), steps[None]
        level, stay = np.zeros((1, n_ads, 2), np.int64), np.zeros((1, n_ads, 2))
        one = SlotModel(view, repeat, reward, level, stay, np.zeros(1, np.int32))
        value, ads = improved(one, np.zeros((1, 1, n_ads + 1)))
        for last in range(-1, n_ads):  # -1: there was none, which stands at the end
            best, first = -1.0, 0
            for a in range(n_ads):
                q = min(view[0, 0, a] * (repeat if a == last else 1), 1) * reward[0, a]
                if q > best * (1 + 1e-12):
                    best, first = q, a
            assert (value[0, 0, last], ads[0, 0, last]) == (best, first)
        np.testing.assert_array_equal(ads[0, 0, :n_ads], ads[0, 0, n_ads : 2 * n_ads])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, A + 1, 2 * A + 1])
def test_what_a_policy_earns_is_that_of_the_equations(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    after, value = rng.random((N, F, n_last)), np.full((N, F, n_last), np.nan)
    q, chosen = values_of(one, after), rng.integers(A, size=value.shape)
    bellman.follow(one, after, value, *surely(chosen))
    np.testing.assert_allclose(value, np.take_along_axis(q, chosen[..., None], axis=-1)[..., 0], rtol=1e-12)
    probabilities = rng.dirichlet(np.ones(A), value.shape) * (rng.random((*value.shape, A)) < 0.7)
    bellman.follow(one, after, value, *every_ad(probabilities))
    np.testing.assert_allclose(value, (q * probabilities).sum(axis=-1), rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, A + 1, 2 * A + 1])
def test_the_distribution_over_states_flows_by_the_same_probabilities(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    shape = (N, F, n_last)
    here, probabilities = rng.random(shape) * (rng.random(shape) < 0.7), rng.dirichlet(np.ones(A), shape)
    probabilities *= rng.random(probabilities.shape) < 0.7
    expected, p = np.zeros(shape), views_of(one, n_last)
    for v, f, m, a in np.ndindex(*shape, A):
        weight = here[v, f, m] * probabilities[v, f, m, a]
        for viewed, chance in ((0, 1 - p[v, f, m, a]), (1, p[v, f, m, a])):
            expected[v, one.level[f, a, viewed], outcome(n_last, a, viewed)] += weight * chance * one.stay[f, a, viewed]
    there, shown, before = np.full(shape, np.nan), rng.random((N, A)), np.zeros((N, A))
    before[:] = shown
    bellman.flow(one, here, *every_ad(probabilities), there, shown)
    np.testing.assert_allclose(there, expected, rtol=1e-12)
    np.testing.assert_allclose(shown - before, (here[..., None] * probabilities).sum(axis=(1, 2)), rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, A + 1, 2 * A + 1])
def test_actions_are_weighed_in_the_groups_of_their_states(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    shape = (N, F, n_last)
    after, mass = rng.random(shape), rng.random(shape) * (rng.random(shape) < 0.7)
    mass[0, 0, 0] = 1.0
    group, weighed = rng.integers(G, size=shape), rng.random((G, A))
    expected = weighed.copy()
    np.add.at(expected, group, mass[..., None] * values_of(one, after))
    bellman.weigh(one, after, mass, group, weighed)
    np.testing.assert_allclose(weighed, expected, rtol=1e-12)


def test_of_values_that_differ_by_rounding_the_first_is_the_best() -> None:
    view, reward = np.ones((1, 1, 3)), np.array([[1.0, 1.0 + 0.9e-12, 1.0 + 2.5e-12]])
    level, stay, kind = np.zeros((1, 3, 2), np.int64), np.zeros((1, 3, 2)), np.zeros(1, np.int32)
    one = SlotModel(view, 1.0, reward, level, stay, kind)
    value, ads = improved(SlotModel(view, 1.0, reward[:, :2], level[:, :2], stay[:, :2], kind), np.zeros((1, 1, 1)))
    assert (ads[0, 0, 0], value[0, 0, 0]) == (0, 1.0)
    _, ads = improved(one, np.zeros((1, 1, 1)))
    assert ads[0, 0, 0] == 2
