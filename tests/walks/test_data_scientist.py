"""A data scientist with a table of probabilities gets a scenario, a run in it, and a log to analyse."""

from pathlib import Path

import pandas as pd

from tests.walks.terminal import of_readme, scripted, typed

MATRIX = "ad,cars,cats,concerts,seconds,reward\nshop.short,0.3,0.2,0.1,10,1\nshop.long,0.1,0.05,0.2,30,3\n"


def test_a_data_scientist_gets_from_a_table_to_a_log(tmp_path: Path) -> None:
    (tmp_path / "matrix.csv").write_text(MATRIX)
    numbers = of_readme("preroll scenario new", **{"--catalog catalog": "--catalog demo --probabilities matrix.csv"})
    made = typed(numbers, tmp_path)
    assert (made.status, (tmp_path / "mine.yaml").is_file()) == (0, True)
    kept = typed(numbers, tmp_path)  # once more, now that a person may have changed it
    assert kept.status == 2
    assert "exists and is no empty file" in kept.text.replace("\n", "")

    trained = typed("preroll train thompson --scenario mine.yaml --sessions 1e3", tmp_path)
    assert trained.status == 0
    run = next(line.removeprefix("Run: runs/") for line in trained.lines if line.startswith("Run: runs/"))
    again = scripted("preroll train thompson --scenario mine.yaml --sessions 1e3", tmp_path)
    assert again.returncode == 2
    assert again.stderr.endswith("choose another folder, or replace it with --replace\n")
    assert again.stdout == ""

    logged = of_readme("preroll impressions", **{"classic-thompson-0": run})
    assert typed(f"{logged} --sessions 100", tmp_path).status == 0
    log = pd.read_parquet(tmp_path / "impressions.parquet")
    assert log["propensity"].between(0, 1).all()
    means = log.groupby("ad")["viewed"].mean()
    assert len(means) == 2
