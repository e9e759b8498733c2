"""Many lanes at once choose as each of them would alone."""

import numpy as np
import pytest

from preroll.agents.contextual.ridge import choose
from preroll.agents.contextual.ridge_batched import choose_lanes, pays
from preroll.agents.contextual.ridge_update import absorb


@pytest.mark.parametrize(("n", "size"), [(1, 3), (16, 7), (64, 16), (65, 16), (200, 23), (1024, 16)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_scores_ads_ties_and_width_are_those_of_row_by_row(n: int, size: int, kind: type[np.floating]) -> None:
    rng = np.random.default_rng(n)
    inverses, moments, weights = np.tile(np.eye(size), (5, 1, 1)), np.zeros((5, size)), np.zeros((5, size))
    seen = rng.random((300, size))
    absorb(inverses, moments, weights, seen, rng.integers(4, size=300), rng.random(300) < 0.5)
    inverses[4], weights[4] = inverses[3], weights[3]  # always a tie
    pay, noise = np.array([1.0, 2.0, 0.0, 3.0, 3.0]), rng.standard_normal((n, 5))
    noise[:, 4] = noise[:, 3]
    features = (rng.random((n, size)) * (rng.random((n, size)) < 0.6)).astype(kind)
    results = []
    for function in (choose, choose_lanes):
        scores, choice = np.empty((n, 5)), np.empty(n, dtype=np.int64)
        ties, width = function(inverses, weights, pay, features, 0.7, noise, 1e-9, scores, choice)
        results.append((scores, choice, ties, width))
    (scores, choice, ties, width), (other_scores, other_choice, other_ties, other_width) = results
    np.testing.assert_allclose(other_scores, scores, rtol=1e-12, atol=1e-12)
    clear = np.sort(scores, axis=1)[:, -1] - np.sort(scores[:, :4], axis=1)[:, -2] > 1e-9
    assert np.array_equal(np.minimum(other_choice, 3)[clear], np.minimum(choice, 3)[clear])
    assert other_ties == ties
    assert other_width == pytest.approx(width, rel=1e-12)


def test_single_rounds_and_one_hot_rows_go_row_by_row() -> None:
    assert pays(np.ones((1024, 16), np.float32))
    assert not pays(np.ones((1, 16), np.float32))
    assert not pays(np.eye(100, dtype=np.float32))
