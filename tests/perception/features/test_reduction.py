"""Embeddings reduced by their principal components."""

from typing import Any

import numpy as np
import pytest

from preroll.perception.features.reduction import reduce_embeddings


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def units(rng: np.random.Generator, videos: int, width: int, rank: int = 3) -> Any:
    rows = rng.standard_normal((videos, rank)) * [5, 2, 1][:rank] @ rng.standard_normal((rank, width)) + 1
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


@pytest.mark.parametrize(("videos", "width"), [(50, 12), (8, 40), (5000, 6)])
def test_axes_are_orthonormal_in_falling_variance_and_of_a_fixed_sign(
    rng: np.random.Generator, videos: int, width: int
) -> None:
    rows = units(rng, videos, width)
    found = reduce_embeddings(rows, 4)
    count = len(found.axes)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(count), atol=1e-5)
    variances = found.values.var(0)
    assert (np.diff(variances) <= 0).all()
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in found.axes)
    # Another way to the same: the singular values of the centred matrix.
    singular = np.linalg.svd(rows - rows.mean(0, dtype=np.float64), compute_uv=False)[:count]
    places = (found.values - 0.5) * 2 * found.limits[1]
    np.testing.assert_allclose(np.linalg.norm(places, axis=0), singular, rtol=1e-3)


def test_what_is_stored_gives_the_values_again(rng: np.random.Generator) -> None:
    rows = units(rng, 30, 10)
    found = reduce_embeddings(rows, 2)
    places = (rows.astype(np.float64) - found.mean) @ found.axes.T
    again = (places - found.limits[0]) / (found.limits[1] - found.limits[0])
    np.testing.assert_allclose(again, found.values, atol=1e-6)
    assert found.values.min() >= 0
    assert found.values.max() <= 1
    assert max(found.values.max() - 0.5, 0.5 - found.values.min()) == pytest.approx(0.5)


def test_distances_keep_their_proportions(rng: np.random.Generator) -> None:
    rows = units(rng, 30, 10, rank=2)
    found = reduce_embeddings(rows)
    true = np.linalg.norm(rows[:, None].astype(np.float64) - rows, axis=2)
    seen = np.linalg.norm(found.values[:, None] - found.values, axis=2)
    np.testing.assert_allclose(seen * 2 * found.limits[1], true, atol=2e-3)


def test_no_more_components_than_the_videos_span(rng: np.random.Generator) -> None:
    assert reduce_embeddings(units(rng, 3, 10)).values.shape == (3, 2)


def test_equal_videos_are_all_in_the_middle() -> None:
    found = reduce_embeddings(np.full((5, 4), 0.5, np.float16))
    assert found.values.tolist() == [[0.5]] * 5


def test_the_order_of_the_videos_is_no_matter(rng: np.random.Generator) -> None:
    rows = units(rng, 60, 10)
    order = rng.permutation(60)
    one, other = reduce_embeddings(rows, 3), reduce_embeddings(rows[order], 3)
    np.testing.assert_allclose(one.values[order], other.values, atol=1e-4)
