"""d3rlpy: an impression log is a dataset, with the sessions and revenues of the log, and trains."""

from pathlib import Path

import numpy as np
import pandas as pd

from preroll.simulations import train, write_impressions
from tests.clients.conftest import needs

pytestmark = needs("d3rlpy")


def test_an_impression_log_is_a_dataset_that_trains(tmp_path: Path) -> None:
    import d3rlpy

    trained = train("thompson", scenario="fatigue", sessions=200)
    write_impressions(tmp_path / "log.parquet", trained.agent, trained.tables, sessions=50)
    log = pd.read_parquet(tmp_path / "log.parquet").sort_values(["session", "slot"])
    last = (log["session"] != log["session"].shift(-1)).to_numpy()
    dataset = d3rlpy.dataset.MDPDataset(
        observations=np.stack(log["observation"].to_list()),
        actions=log["ad"].map(trained.tables.spec.labels.index).to_numpy(),
        rewards=log["reward"].to_numpy(),
        terminals=log["terminated"].to_numpy().astype(np.float32),
        timeouts=(last & ~log["terminated"].to_numpy()).astype(np.float32),
        action_size=len(trained.tables.spec.labels),
    )
    assert last.sum() == log["session"].nunique() == 50
    assert (log["terminated"].to_numpy() <= last).all()
    assert [episode.transition_count for episode in dataset.episodes] == slots_to_learn_from(log)
    revenue = log.groupby("session")["reward"].sum()
    assert [float(episode.rewards.sum()) for episode in dataset.episodes] == revenue.tolist()
    ends = log[last].set_index("session")["terminated"]
    assert [bool(episode.terminated) for episode in dataset.episodes] == ends.tolist()
    algorithm = d3rlpy.algos.DiscreteCQLConfig(batch_size=32).create(device=None)
    algorithm.build_with_dataset(dataset)
    losses = algorithm.update(dataset.sample_transition_batch(32))
    assert np.isfinite(list(losses.values())).all()
    chosen = algorithm.predict(np.stack(log["observation"].head(5).to_list()))
    assert ((chosen >= 0) & (chosen < 7)).all()


def slots_to_learn_from(log: pd.DataFrame) -> list[int]:
    """Number of transitions of each session: the last slot of one that was cut has no successor in the log."""
    sessions = log.groupby("session")
    return (sessions.size() - ~sessions["terminated"].any()).tolist()
