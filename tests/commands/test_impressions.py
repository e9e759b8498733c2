from pathlib import Path

import pandas as pd

from preroll.envs import Scenario
from preroll.simulations import train
from tests.commands.conftest import Run

DRIFT = [{"from_session": start, "set": {"ads.*.*.reward": {"scale": 2}}} for start in (3, 12_000)]


def trained(catalog: Path, folder: Path) -> Path:
    scenario = Scenario.load("classic").replace({"session.horizon": 1, "drift": DRIFT})
    train("random", scenario=scenario, catalog=catalog, sessions=10, run=folder / "run")
    return folder / "run"


def test_by_default_a_log_meets_every_phase_and_says_so(small_catalog_folder: Path, tmp_path: Path, run: Run) -> None:
    code, told, _ = run("impressions", trained(small_catalog_folder, tmp_path), tmp_path / "log.parquet")
    assert code == 0
    assert "24,000 impressions of 24,000 sessions" in told
    assert told.splitlines()[-1] == "Phases of drift: 3 of 3."
    assert set(pd.read_parquet(tmp_path / "log.parquet")["phase"]) == {0, 1, 2}


def test_a_log_too_small_for_every_phase_says_what_it_takes(
    small_catalog_folder: Path, tmp_path: Path, run: Run
) -> None:
    arguments = (trained(small_catalog_folder, tmp_path), tmp_path / "log.parquet", "--sessions", "40")
    _, told, _ = run("impressions", *arguments)
    assert told.splitlines()[-1] == "Phases of drift: 2 of 3; all of them need --sessions 12001 or more."


def test_the_name_decides_whether_it_is_parquet_or_csv(small_catalog_folder: Path, tmp_path: Path, run: Run) -> None:
    arguments = ("impressions", trained(small_catalog_folder, tmp_path))
    code, told, _ = run(*arguments, tmp_path / "log.csv", "--sessions", "40")
    assert code == 0
    assert "40 impressions of 40 sessions" in told
    assert len(pd.read_csv(tmp_path / "log.csv")) == 40
    code, told, errors = run(*arguments, tmp_path / "log.json", "--sessions", "40")
    assert (code, told) == (2, "")
    assert errors.endswith("log.json: the name should end in .parquet or .csv\n")
