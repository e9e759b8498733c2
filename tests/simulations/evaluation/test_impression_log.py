"""The impression log: complete, the agent's own, and good for off-policy evaluation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from preroll.agents import make_agent
from preroll.envs import Optimum, Tables
from preroll.envs.policies.simple import fixed_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.impression_log import write_impressions


def written(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file)


def test_every_slot_of_every_session_has_a_row(small_catalog: Catalog, tmp_path: Path) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    rows = write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=1500)
    log = written(tmp_path / "log.parquet")
    assert len(log) == rows
    assert sorted(log["session"].unique()) == list(range(1500))
    by_session = log.groupby("session")
    assert (by_session["slot"].max() == by_session["slot"].size() - 1).all()
    assert (by_session["slot"].diff().dropna() == 1).all()
    last = by_session.tail(1)
    assert (last["terminated"] | (last["slot"] == tables.n_slots - 1)).all()
    assert log["terminated"].sum() == last["terminated"].sum()
    assert set(log["ad"]) == set(tables.spec.labels)
    assert (log["reward"] > 0).equals(log["viewed"])
    assert (log["category"] == [tables.spec.categories[k] for k in tables.category[log["video"]]]).all()
    seen = np.stack(log["observation"].tolist())
    np.testing.assert_array_equal(
        seen[:, tables.layout.parts["category"].slice].argmax(1), tables.category[log["video"]]
    )


def test_the_log_estimates_what_another_policy_would_earn(small_catalog: Catalog, tmp_path: Path) -> None:
    """Inverse propensity weighting; on classic what follows does not depend on the ad. False alarm 1e-6."""
    tables = Tables.compile("classic", small_catalog)
    agent = make_agent("epsilon-greedy", tables, seed=1, schedule="constant", epsilon=0.5)
    write_impressions(tmp_path / "log.parquet", agent, tables, sessions=4000)
    log = written(tmp_path / "log.parquet")
    category = log["ad"].str.split(".").str
    chosen = (category[0] == log["category"]) & (category[1] == "short")
    estimates = (chosen * log["reward"] / log["propensity"]).groupby(log["session"]).sum()
    truth = Optimum(tables).value_of(fixed_policy(tables, "short"))
    assert stats.ttest_1samp(estimates, truth).pvalue > 1e-6
    assert abs(estimates.mean() - truth) < 0.05 * truth


def test_without_exploring_a_decided_agent_shows_its_best_ad(small_catalog: Catalog, tmp_path: Path) -> None:
    tables = Tables.compile("classic", small_catalog)
    file = tmp_path / "log.parquet"
    write_impressions(file, make_agent("always-long", tables), tables, sessions=3, explore=False)
    assert (written(file)["propensity"] == 1).all()
    assert written(file)["ad"].str.endswith(".long").all()


def test_the_same_seed_writes_the_same_bytes(small_catalog: Catalog, tmp_path: Path) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    for name in ("a.parquet", "b.parquet"):
        write_impressions(tmp_path / name, make_agent("random", tables, seed=3), tables, sessions=20, seed=5)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_an_agent_of_another_scenario_or_another_kind_of_file_is_refused_and_nothing_written(
    small_catalog: Catalog, tmp_path: Path
) -> None:
    agent = make_agent("random", Tables.compile("classic", small_catalog))
    with pytest.raises(PrerollError, match="agent random: was made for other ads"):
        write_impressions(tmp_path / "log.parquet", agent, Tables.compile("fatigue", small_catalog), sessions=3)
    with pytest.raises(PrerollError, match="sessions: 0: at least 1"):
        write_impressions(tmp_path / "log.parquet", agent, Tables.compile("classic", small_catalog), sessions=0)
    with pytest.raises(PrerollError, match=r"log\.csv: an impression log is a Parquet file; its name must end in"):
        write_impressions(tmp_path / "log.csv", agent, Tables.compile("classic", small_catalog), sessions=3)
    assert not list(tmp_path.iterdir())
