"""Rows that are added in groups give the regressions of the textbook."""

import numpy as np
import pytest

from preroll.agents.contextual.ridge_update import GROUP, absorb


@pytest.mark.parametrize("count", [1, 2, GROUP - 1, GROUP, GROUP + 1, 5 * GROUP + 3])
@pytest.mark.parametrize("size", [1, 6, 41])
def test_added_rows_give_the_inverse_and_the_weights_of_their_sums(count: int, size: int) -> None:
    """In two calls, of which the second goes on from the first; the ad in the middle is never shown."""
    rng = np.random.default_rng(count)
    inverses, moments, weights = np.tile(np.eye(size) / 2.0, (3, 1, 1)), np.zeros((3, size)), np.zeros((3, size))
    rows = rng.standard_normal((2, 2 * count, size)) * (rng.random((2, 2 * count, size)) < 0.7)
    ads, targets = 2 * rng.permuted(np.arange(4 * count) % 2).reshape(2, -1), rng.random((2, 2 * count))
    for one in range(2):
        absorb(inverses, moments, weights, rows[one].astype(np.float32), ads[one], targets[one])
    for ad in (0, 2):
        seen, told = rows[ads == ad].astype(np.float32).astype(np.float64), targets[ads == ad]
        expected = np.linalg.inv(2.0 * np.eye(size) + seen.T @ seen)
        np.testing.assert_allclose(inverses[ad], expected, atol=1e-9)
        np.testing.assert_allclose(moments[ad], told @ seen, atol=1e-9)
        np.testing.assert_allclose(weights[ad], expected @ moments[ad], atol=1e-9)
    assert np.array_equal(inverses[1], np.eye(size) / 2.0)
    assert not weights[1].any()


def test_rows_of_zeros_change_nothing_else() -> None:
    inverses, moments, weights = np.tile(np.eye(4), (2, 1, 1)), np.ones((2, 4)), np.ones((2, 4))
    absorb(inverses, moments, weights, np.zeros((3, 4)), np.array([0, 0, 1]), np.ones(3))
    assert np.array_equal(inverses, np.tile(np.eye(4), (2, 1, 1)))
    assert np.array_equal(moments, np.ones((2, 4)))
