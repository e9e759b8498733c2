"""The compiled backups, cell by cell, against the Bellman equations written with NumPy."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs.optimum import bellman

N, F, A, R, G = 3, 4, 3, 2, 3


class Model(NamedTuple):
    """Arguments of the backups."""

    view: NDArray[np.float64]
    repeat: float
    reward: NDArray[np.float64]
    level: NDArray[np.int64]
    stay: NDArray[np.float64]
    kind: NDArray[np.int32]


def model(seed: int) -> Model:
    """Anything that the equations hold for: views above 1, factors of repetition above 1, levels in any order."""
    rng = np.random.default_rng(seed)
    view, reward = 1.3 * rng.random((R, F, A)), 3 * rng.random((R, A))
    level, stay = rng.integers(F, size=(F, A, 2)), rng.random((F, A, 2))
    return Model(view, float(rng.choice([0.4, 1.7])), reward, level, stay, rng.integers(R, size=N).astype(np.int32))


def values_of(one: Model, after: NDArray[np.float64]) -> NDArray[np.float64]:
    """q of every state and action, [N, F, M, A]."""
    n_last = after.shape[2]
    q = np.zeros((N, F, n_last, A))
    for v, f, m, a in np.ndindex(*q.shape):
        p = views_of(one, n_last)[v, f, m, a]
        unseen, seen = (0, 0) if n_last == 1 else (a, A + a)
        later = [after[v, one.level[f, a, viewed], last] for viewed, last in ((0, unseen), (1, seen))]
        q[v, f, m, a] = p * (one.reward[one.kind[v], a] + one.stay[f, a, 1] * later[1])
        q[v, f, m, a] += (1 - p) * one.stay[f, a, 0] * later[0]
    return q


def views_of(one: Model, n_last: int) -> NDArray[np.float64]:
    """P(view) of every state and action, [N, F, M, A]."""
    view = np.repeat(one.view[one.kind][:, :, None], n_last, axis=2)
    if n_last > 1:
        for a in range(A):
            view[:, :, [a, A + a], a] *= one.repeat
    return np.minimum(view, 1.0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, 2 * A + 1])
def test_backups_are_those_of_the_equations(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    after, value = rng.random((N, F, n_last)), np.full((N, F, n_last), np.nan)
    q, ads = values_of(one, after), np.full((N, F, n_last), -1, np.int16)
    bellman.improve(*one, after, value, ads)
    np.testing.assert_allclose(value, q.max(axis=-1), rtol=1e-12)
    np.testing.assert_array_equal(ads, q.argmax(axis=-1))
    chosen = rng.integers(A, size=value.shape).astype(np.int16)
    bellman.follow_ads(*one, after, value, chosen)
    np.testing.assert_allclose(value, np.take_along_axis(q, chosen[..., None], axis=-1)[..., 0], rtol=1e-12)
    probabilities = rng.dirichlet(np.ones(A), value.shape) * (rng.random((*value.shape, A)) < 0.7)
    bellman.follow_probabilities(*one, after, value, probabilities)
    np.testing.assert_allclose(value, (q * probabilities).sum(axis=-1), rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, 2 * A + 1])
def test_the_distribution_over_states_flows_by_the_same_probabilities(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    shape = (N, F, n_last)
    here, probabilities = rng.random(shape) * (rng.random(shape) < 0.7), rng.dirichlet(np.ones(A), shape)
    probabilities *= rng.random(probabilities.shape) < 0.7
    expected, p = np.zeros(shape), views_of(one, n_last)
    for v, f, m, a in np.ndindex(*shape, A):
        weight = here[v, f, m] * probabilities[v, f, m, a]
        for viewed, chance in ((0, 1 - p[v, f, m, a]), (1, p[v, f, m, a])):
            last = 0 if n_last == 1 else a + A * viewed
            expected[v, one.level[f, a, viewed], last] += weight * chance * one.stay[f, a, viewed]
    there, shown, before = np.full(shape, np.nan), rng.random((N, A)), np.zeros((N, A))
    before[:] = shown
    bellman.flow(one.view, one.repeat, one.level, one.stay, one.kind, here, probabilities, there, shown)
    np.testing.assert_allclose(there, expected, rtol=1e-12)
    np.testing.assert_allclose(shown - before, (here[..., None] * probabilities).sum(axis=(1, 2)), rtol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_last", [1, 2 * A + 1])
def test_actions_are_weighed_in_the_groups_of_their_states(seed: int, n_last: int) -> None:
    one, rng = model(seed), np.random.default_rng(100 + seed)
    shape = (N, F, n_last)
    after, mass = rng.random(shape), rng.random(shape) * (rng.random(shape) < 0.7)
    mass[0, 0, 0] = 1.0
    group, weighed = rng.integers(G, size=shape), rng.random((G, A))
    expected = weighed.copy()
    np.add.at(expected, group, mass[..., None] * values_of(one, after))
    bellman.weigh(*one, after, mass, group, weighed)
    np.testing.assert_allclose(weighed, expected, rtol=1e-12)


def test_of_values_that_differ_by_rounding_the_first_is_the_best() -> None:
    view, reward = np.ones((1, 1, 3)), np.array([[1.0, 1.0 + 0.9e-12, 1.0 + 2.5e-12]])
    level, stay, kind = np.zeros((1, 3, 2), np.int64), np.zeros((1, 3, 2)), np.zeros(1, np.int32)
    value, ads = np.zeros((1, 1, 1)), np.zeros((1, 1, 1), np.int16)
    bellman.improve(view, 1.0, reward[:, :2], level[:, :2], stay[:, :2], kind, np.zeros((1, 1, 1)), value, ads)
    assert (ads[0, 0, 0], value[0, 0, 0]) == (0, 1.0)
    bellman.improve(view, 1.0, reward, level, stay, kind, np.zeros((1, 1, 1)), value, ads)
    assert ads[0, 0, 0] == 2
