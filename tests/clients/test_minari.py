"""Minari: the stored dataset is what a plain loop with the stored seeds plays, infos included."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from tests.clients.conftest import needs
from tests.clients.plain import ID, by_progress, play

pytestmark = needs("minari", "jax", "h5py")


@pytest.mark.parametrize("scenario", ["fatigue", "published"])
def test_a_dataset_is_what_the_plain_loop_plays(scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    import minari

    env = minari.DataCollector(gym.make(ID, scenario=scenario), record_infos=True)
    choose = by_progress if scenario == "fatigue" else (lambda observation: by_progress(observation) % 2)
    for seed in (5, None, None, 8):  # Minari draws those that are not given
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            observation, _, terminated, truncated, _ = env.step(choose(observation))
            over = terminated or truncated
    env.create_dataset("preroll/test-v0", author="a", author_email="a@b.c", code_permalink="c", algorithm_name="n")
    dataset = minari.load_dataset("preroll/test-v0")
    seeds = [int(about["seed"]) for about in dataset.storage.get_episode_metadata(range(4))]
    assert (dataset.total_episodes, seeds[0], seeds[3]) == (4, 5, 8)
    for seed, episode in zip(seeds, dataset.iterate_episodes(), strict=True):
        (session,) = play(seed, 1, choose, scenario=scenario)
        np.testing.assert_array_equal(episode.observations, session.observations)
        for name, column in (
            ("actions", session.actions),
            ("rewards", session.rewards),
            ("terminations", session.terminated),
            ("truncations", session.truncated),
        ):
            np.testing.assert_array_equal(getattr(episode, name), column, err_msg=name)
        assert set(episode.infos) == set(session.infos[0])
        for key, column in episode.infos.items():
            np.testing.assert_array_equal(column, [info[key] for info in session.infos], err_msg=key)
    again = dataset.recover_environment()
    np.testing.assert_array_equal(again.reset(seed=5)[0], play(5, 1, choose, scenario=scenario)[0].observations[0])
