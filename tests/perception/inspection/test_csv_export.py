from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.csv_export import export_tables


def test_the_demo_catalog_comes_out_as_it_is(tmp_path: Path) -> None:
    demo = Catalog.load("demo")
    rows = export_tables(demo, tmp_path / "out")
    assert rows["videos.csv"] == rows["importance.csv"] == rows["categories.csv"] == 300
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "out").iterdir()}
    assert {f"{name}.csv": len(table) for name, table in tables.items()} == rows
    np.testing.assert_allclose(tables["importance"][list(demo.classes)], demo.importance, rtol=1e-5, atol=1e-6)
    first = tables["neighbors"].query("path == 'cats/cats-001.mp4'")
    paths = demo.videos()["path"]
    assert first["neighbor"].tolist() == [paths[i] for i in demo.neighbors[100]]
    found = tables["detections"].query("path == 'cats/cats-001.mp4'")
    assert found["class"].tolist() == demo.detections(100)["class"].tolist()
    assert tables["videos"]["split"].isna().all()


def test_no_name_becomes_a_formula(tmp_path: Path) -> None:
    catalog = Catalog.from_arrays(
        categories=["=1+1", "cats"],
        category=[0, 1],
        neighbors=np.full((2, 10), -1),
        importance=np.array([[0.5], [1 / 3]], np.float32),
        classes=["@class"],
    )
    rows = export_tables(catalog, tmp_path / "out")
    assert rows == {"videos.csv": 2, "importance.csv": 2, "neighbors.csv": 0}
    text = (tmp_path / "out" / "importance.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines() == ["path,category,'@class", "'=1+1/0,'=1+1,0.5", "cats/1,cats,0.333333"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear")
    with pytest.raises(PrerollError, match="must be a new or an empty folder"):
        export_tables(Catalog.load("demo"), tmp_path)
