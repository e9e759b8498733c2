import numpy as np
import pytest

from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.perception.catalog.catalog import Catalog


def test_on_classic_greedy_is_the_optimum_and_random_earns_57_percent(small_catalog: Catalog) -> None:
    exact = PhasedOptimum(Tables.compile("classic", small_catalog))
    value = {name: exact.value_of(policy) for name, policy in exact.references.items()}
    assert value["greedy"] == pytest.approx(value["optimum"], rel=1e-12)
    assert value["optimum"] == pytest.approx(exact.optimum, rel=1e-12)
    assert 0.55 < value["random"] / value["optimum"] < 0.59


def test_with_drift_values_are_means_over_the_phases_that_a_lane_plays(small_catalog: Catalog) -> None:
    plain = Scenario.load("classic").model_dump(mode="json")
    plain["drift"] = [{"from_session": 6, "set": {"ads.*.*.reward": {"scale": 2}}}]
    tables = Tables.compile(plain, small_catalog)
    first, second = Optimum(tables, 0).value, Optimum(tables, 1).value
    assert second == pytest.approx(2 * first)
    assert PhasedOptimum(tables, 5).optimum == pytest.approx(first)
    assert PhasedOptimum(tables, 8).optimum == pytest.approx((6 * first + 2 * second) / 8)
    assert PhasedOptimum(tables).optimum == pytest.approx((first + second) / 2)  # a bug once: that of the first session
    exact = PhasedOptimum(tables, 8)
    assert exact.value_of(exact.references["optimum"]) == pytest.approx(exact.optimum)
    np.testing.assert_allclose(exact.optimum_by_phase, [first, second])
