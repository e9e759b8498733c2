"""Damaged and forged catalogs are noticed before anything is computed from them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import ROOT
from tests.damage import check
from tests.resealed import reseal


def everything(folder: Path) -> list[Any]:
    catalog = Catalog.load(folder)
    tables = Tables.compile(Scenario.load("classic").replace({"observe.category": "predicted"}), catalog)
    columns = [array.tobytes() for array in catalog.detection_columns.values()]
    arrays = [catalog.importance, catalog.neighbor_scores, catalog.category_probabilities, tables.neighbors]
    assert all(array is not None for array in arrays)
    told = [catalog.categories, catalog.classes, catalog.videos().to_csv(), catalog.category.tolist()]
    return [*told, *columns, *(np.asarray(array).tobytes() for array in arrays)]


def test_a_damaged_catalog_is_noticed_or_reads_the_same(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "perception" / "catalog" / "demo", tmp_path / "catalog")
    check(tmp_path / "catalog", everything)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("neighbors", lambda a: a.__setitem__((0, 0), 300), "neighbors, row 0: must lie in 0 … 299"),
        ("neighbors", lambda a: a.__setitem__((5, 3), -2), "neighbors, row 5: must lie in 0 … 299"),
        ("neighbors", lambda a: a.__setitem__((5, 3), -1), "row 5: must have its padding, −1, behind all neighbours"),
        ("neighbors", lambda a: a.__setitem__((7, 9), 7), "neighbors, row 7: must not hold the video itself"),
        ("category", lambda a: a.__setitem__(9, 3), "category, row 9: must lie in 0 … 2, or be −1"),
        ("category_probabilities", lambda a: a.__setitem__((2, 1), np.nan), r"category_probabilities, row 2"),
        ("importance", lambda a: a.__setitem__((4, 1), np.inf), r"importance, row 4: must lie in \[0, 1\]"),
        ("neighbor_scores", lambda a: a.__setitem__((4, 1), np.nan), "neighbor_scores, row 4: must be finite"),
        ("detections/offsets", lambda a: a.__setitem__(3, 9999), "detections/offsets: must rise from 0 to 7125"),
        ("detections/class", lambda a: a.__setitem__(3, 99), "detections/class, row 3: must lie in"),
        ("detections/frame", lambda a: a.__setitem__(3, -1), "detections/frame, row 3: must be 0 or more"),
    ],
)
def test_forged_arrays_are_refused_although_their_hashes_match(
    tmp_path: Path, name: str, change: Callable[[Any], None], told: str
) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(ROOT / "perception" / "catalog" / "demo", folder)
    array = np.load(folder / f"{name}.npy")
    change(array)
    np.save(folder / f"{name}.npy", array)
    reseal(folder)
    with pytest.raises(PrerollError, match=told):
        everything(folder)


def test_forged_tables_are_refused_although_their_hashes_match(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(ROOT / "perception" / "catalog" / "demo", folder)
    lines = (folder / "videos.csv").read_text().splitlines()
    for content, told in (
        ("\n".join(lines[:-1]), "column index must hold each of 0 … 299 once"),
        ("\n".join(lines) + "\n" + lines[-1], "column index must hold each of 0 … 299 once"),
        ("", r"videos\.csv: cannot be read"),
        ("index,path\n0,x", r"videos\.csv: cannot be read"),
        ("\n".join([lines[0], *("x" + line for line in lines[1:])]), r"videos\.csv: cannot be read"),
    ):
        (folder / "videos.csv").write_text(content)
        reseal(folder)
        with pytest.raises(PrerollError, match=told):
            Catalog.load(folder).videos()


def test_what_is_assigned_to_a_catalog_reaches_no_compiled_code_unchecked() -> None:
    for name, value in (("neighbors", 300), ("category", 3)):
        catalog = Catalog.load(ROOT / "perception" / "catalog" / "demo")
        array = np.array(getattr(catalog, name))
        array.flat[0] = value
        setattr(catalog, name, array)
        with pytest.raises(PrerollError, match=f"{name}, row 0: must lie in"):
            Tables.compile("classic", catalog)
