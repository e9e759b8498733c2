"""Exact values on the way change nothing, and are those of the agents that were there."""

from pathlib import Path

import pytest

from preroll.envs.optimum.phases import PhasedOptimum
from preroll.simulations.training.run import Run
from preroll.simulations.training.training import train
from preroll.simulations.valued_training import POINTS, TAG, train_job


@pytest.mark.parametrize("agent", ["thompson", "dqn"])
def test_looking_at_a_policy_changes_nothing_and_ends_with_its_exact_value(
    agent: str, small_catalog_folder: Path, tmp_path: Path
) -> None:
    request = {"scenario": "fatigue", "catalog": str(small_catalog_folder), "sessions": 600, "seed": 3}
    train_job({**request, "agent": agent, "run": tmp_path / "valued", "settings": {}}, lambda *_: None)
    alone = train(agent, **request)  # type: ignore[arg-type]
    curve = Run.load(tmp_path / "valued").curve.values
    values = curve.pop(TAG)
    assert curve == alone.curve.values
    assert 2 <= len([value for value in values if value is not None]) <= POINTS
    exact = PhasedOptimum(alone.tables)
    assert values[-1] == pytest.approx(exact.value_of(alone.agent.policy(alone.tables)))


def test_what_does_not_learn_is_not_valued(small_catalog_folder: Path, tmp_path: Path) -> None:
    request = {"scenario": "classic", "catalog": str(small_catalog_folder), "sessions": 100, "seed": 3}
    train_job({**request, "agent": "random", "run": tmp_path / "run", "settings": {}}, lambda *_: None)
    assert TAG not in Run.load(tmp_path / "run").curve.values
