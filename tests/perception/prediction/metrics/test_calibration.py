from pathlib import Path

import numpy as np
import pytest

from preroll.perception.prediction.metrics import calibration

ODDS = np.random.default_rng(0).normal(-1, 2, (3000, 5))
TRUE = np.random.default_rng(1).random(ODDS.shape) < 1 / (1 + np.exp(-ODDS))


def test_the_temperature_of_overconfident_tags_is_found() -> None:
    sure = 1 / (1 + np.exp(-2 * ODDS))
    temperature = calibration.tags_temperature(sure, TRUE)
    assert temperature == pytest.approx(2, abs=0.15)
    before, after = (
        calibration.reliability(p, TRUE).error for p in (sure, calibration.temperature_scaled_tags(sure, temperature))
    )
    assert after < 0.02 < before


def test_the_temperature_of_overconfident_classes_is_found(rng: np.random.Generator) -> None:
    powers = np.exp(ODDS)
    true = (rng.random((len(powers), 1)) > (powers / powers.sum(1, keepdims=True)).cumsum(1)).sum(1).clip(max=4)
    sure = np.exp(3 * ODDS) / np.exp(3 * ODDS).sum(1, keepdims=True)
    assert calibration.classes_temperature(sure, true) == pytest.approx(3, abs=0.25)


def test_heat_keeps_the_order_and_temperature_1_changes_nothing() -> None:
    p = np.linspace(0.01, 0.99, 50)[None]
    np.testing.assert_allclose(calibration.temperature_scaled_tags(p, 1), p)
    assert (np.diff(calibration.temperature_scaled_tags(p, 3)) > 0).all()
    np.testing.assert_allclose(calibration.heated_classes(p, 2).sum(1), 1)


def test_reliability_counts_every_pair_once() -> None:
    found = calibration.reliability(np.array([0.0, 0.04, 0.96, 1.0]), np.array([False, True, True, True]), bins=10)
    assert found.count.tolist() == [2] + [0] * 8 + [2]
    assert found.observed[[0, -1]].tolist() == [0.5, 1]
    assert found.error == pytest.approx((0.48 + 0.02) / 2)


def test_the_picture_is_written(tmp_path: Path) -> None:
    path = tmp_path / "reliability.png"
    calibration.draw_reliability(path, {"tags": calibration.reliability(1 / (1 + np.exp(-ODDS)), TRUE)}, "Tags")
    assert path.read_bytes()[:4] == b"\x89PNG"
