"""A column of the tidy table has one type, the same in CSV and in Parquet."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.experiment.execution.tidy_table import as_text, results, write_parquet
from tests.simulations.conftest import MakeFile, load
from tests.simulations.experiment.execution.test_runner import in_this_process


def written(table: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a reader finds in the CSV and in the Parquet file."""
    (folder / "t.csv").write_text(as_text(table, "csv"), "utf8")
    write_parquet(table, folder / "t.parquet")
    return pd.read_csv(folder / "t.csv"), pd.read_parquet(folder / "t.parquet")


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, 2], "int64", [1, 2]),
        ([1, 0.123456789], "double", [1.0, 0.123456789]),
        ([1, None], "double", [1.0, None]),
        ([1, 2**70], "double", [1.0, 2.0**70]),
        ([True, False], "bool", [True, False]),
        ([True, None], "bool", [True, None]),
        ([True, "none"], "large_string", ["true", "none"]),
        ([0.123456789, "none"], "large_string", ["0.123456789", "none"]),
        ([True, 1.5, None, "x"], "large_string", ["true", "1.5", None, "x"]),
        ([False, 0.5], "large_string", ["false", "0.5"]),
        (["a", None], "large_string", ["a", None]),
        ([None, None], "double", [None, None]),
    ],
    ids=str,
)
def test_values_are_the_same_in_both_files(values: list[Any], kind: str, read: list[Any], tmp_path: Path) -> None:
    csv, parquet = written(pd.DataFrame({"key": values, "row": range(len(values))}), tmp_path)
    for table in (csv, parquet):
        assert [None if pd.isna(value) else value for value in table["key"]] == read
        assert [type(value) for value in table["key"].dropna()] == [type(value) for value in read if value is not None]
    assert str(pq.read_schema(tmp_path / "t.parquet").field("key").type) == kind


def test_a_column_without_a_value_keeps_the_type_that_values_of_it_have(tmp_path: Path) -> None:
    written(pd.DataFrame({"git": [None], "git_changed": [None], "machine": [None]}), tmp_path)
    types = [str(field.type) for field in pq.read_schema(tmp_path / "t.parquet")]
    assert types == ["large_string", "bool", "large_string"]


def test_a_table_of_unlike_agents_and_keys_reads_the_same_from_both(make_file: MakeFile, tmp_path: Path) -> None:
    """Settings that only one agent has, a key with values of two kinds, a length class that only one point has."""
    path = make_file(
        zip={"observe.category": [True, "none"], "ads.*.long.length": ["long", "longer"]},
        agents=["random", {"lean-ppo": {"num_envs": 4, "steps": 5, "batch": 10}}], vary={}, seeds=1, sessions=50,
        evaluate={"sessions": 30},
    )  # fmt: skip
    store = Store(tmp_path / "out")
    assert not run_plan(load(path), path.read_text(), store, in_this_process).failures
    csv, parquet = written(results(store), tmp_path)
    assert list(csv["observe.category"]) == ["true", "true", "none", "none"]
    assert list(csv.columns) == list(parquet.columns)
    for name in csv.columns:
        for one, other in zip(csv[name], parquet[name], strict=True):
            assert (pd.isna(one) and pd.isna(other)) or (one == other and type(one) is type(other)), name
