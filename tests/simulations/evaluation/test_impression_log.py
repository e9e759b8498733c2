"""The impression log: complete, the agent's own, and good for off-policy evaluation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow.parquet import ParquetFile
from scipy import stats

from preroll.agents import make_agent
from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.policies.simple import fixed_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.impression_log import default_sessions, phases_met, write_impressions


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


def drifting(catalog: Catalog, *starts: int) -> Tables:
    """`classic` with one slot a session, whose rewards change at the sessions given."""
    drift = [{"from_session": start, "set": {"ads.*.*.reward": {"scale": 2}}} for start in starts]
    return Tables.compile(Scenario.load("classic").replace({"session.horizon": 1, "drift": drift}), catalog)


@pytest.mark.parametrize("starts", [(100, 200), (1,), (3, 4, 5000), (7000,)])
def test_by_default_every_phase_of_drift_occurs(
    small_catalog: Catalog, tmp_path: Path, starts: tuple[int, ...]
) -> None:
    tables = drifting(small_catalog, *starts)
    sessions = default_sessions(tables)
    assert sessions == max(10_000, 2 * starts[-1])
    write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=sessions)
    log = written(tmp_path / "log.parquet")
    first = log.groupby("phase")["lane_session"].min()
    assert first.to_dict() == dict(enumerate((0, *starts)))
    assert (log.groupby("phase")["lane_session"].max()[:-1] + 1).tolist() == list(starts)
    assert log["lane_session"].max() >= 2 * starts[-1] - 1
    assert phases_met(tables, sessions) == len(starts) + 1
    assert log["session"].nunique() == sessions


@pytest.mark.parametrize(("sessions", "met"), [(1, 1), (4, 1), (5, 2), (6, 2), (7, 3), (13, 3), (14, 3), (29, 3)])
def test_a_log_of_few_sessions_says_how_many_phases_it_has(
    small_catalog: Catalog, tmp_path: Path, sessions: int, met: int
) -> None:
    """Phases begin at the sessions 0, 4 and 6 of a lane: seven sessions meet them all, in one lane."""
    tables = drifting(small_catalog, 4, 6)
    write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=sessions)
    log = written(tmp_path / "log.parquet")
    assert phases_met(tables, sessions) == log["phase"].nunique() == met
    assert log["session"].nunique() == sessions


def test_the_phase_of_a_row_is_that_whose_rewards_it_has(small_catalog: Catalog, tmp_path: Path) -> None:
    tables = drifting(small_catalog, 4, 6)
    write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=1000)
    viewed = written(tmp_path / "log.parquet").query("viewed")
    rewards = {ad.label: ad.reward for ad in tables.ads}
    assert (viewed["reward"] == viewed["ad"].map(rewards) * 2.0 ** viewed["phase"]).all()


def test_without_drift_there_is_one_phase_and_as_many_lanes_as_before(small_catalog: Catalog, tmp_path: Path) -> None:
    tables = Tables.compile(Scenario.load("classic").replace({"session.horizon": 1}), small_catalog)
    write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=2500)
    log = written(tmp_path / "log.parquet")
    assert set(log["phase"]) == {0}
    assert (log["lane_session"] == log["session"] // 1000).all()


def test_the_length_of_a_row_is_the_class_of_its_ad_and_none_where_there_is_no_ad(
    small_catalog: Catalog, tmp_path: Path
) -> None:
    scenario = Scenario.load("fatigue").replace({"ads.cats.long.length": "short"})
    tables = Tables.compile(scenario, small_catalog)
    write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=50)
    log = written(tmp_path / "log.parquet")
    lengths = dict(zip(tables.spec.labels, tables.spec.lengths, strict=True))
    assert (lengths["cats.long"], lengths["none"]) == ("short", "none")
    assert (log["length"] == log["ad"].map(lengths)).all()


def test_a_row_group_does_not_depend_on_the_number_of_lanes(
    small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise, with one lane, every row would be a group of its own."""
    monkeypatch.setattr("preroll.simulations.evaluation.impression_log.ROW_GROUP", 10)
    tables = drifting(small_catalog, 20)
    rows = write_impressions(tmp_path / "log.parquet", make_agent("random", tables), tables, sessions=25)
    assert rows == 25
    assert ParquetFile(tmp_path / "log.parquet").metadata.num_row_groups == 3


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
    with pytest.raises(PrerollError, match=r"log\.json: the name .* should end in \.parquet or \.csv"):
        write_impressions(tmp_path / "log.json", agent, Tables.compile("classic", small_catalog), sessions=3)
    assert not list(tmp_path.iterdir())


def test_a_csv_file_has_the_same_rows_with_a_column_for_each_number_of_the_observation(
    small_catalog: Catalog, tmp_path: Path
) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    for name in ("log.parquet", "log.csv"):
        write_impressions(tmp_path / name, make_agent("thompson", tables), tables, sessions=20)
    one, other = written(tmp_path / "log.parquet"), pd.read_csv(tmp_path / "log.csv")
    numbers = [f"observation.{k}" for k in range(tables.layout.size)]
    np.testing.assert_array_equal(np.stack(one["observation"].tolist()), other[numbers].to_numpy(np.float32))
    pd.testing.assert_frame_equal(
        one.drop(columns="observation"), other.drop(columns=numbers), check_dtype=False, check_exact=True
    )
