"""What is read of cells is kept, and read again where a file of a cell is another one."""

import os
import shutil
from pathlib import Path

import pytest

from preroll.files import sealed
from preroll.simulations.experiment.execution import cell as cells
from preroll.simulations.experiment.execution import records
from preroll.simulations.experiment.execution.records import RECORDS
from preroll.simulations.experiment.execution.store import CellState, Store
from preroll.simulations.experiment.execution.tidy_table import results
from tests.simulations.conftest import MakeFile, load


@pytest.fixture
def store(small_store: Store, tmp_path: Path) -> Store:
    """A copy whose cells were read once."""
    copy = Store(Path(shutil.copytree(small_store.path, tmp_path / "out")))
    copy.states(copy.read_plan())
    return Store(copy.path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders of the cells that are read from now on."""
    found: list[str] = []

    def told(folder: Path) -> None:
        found.append("/".join(folder.parts[-3:]))
        check(folder)

    check = cells.check_cell
    monkeypatch.setattr(records, "check_cell", told)
    return found


def test_results_read_nothing_twice(store: Store, small_store: Store, read: list[str]) -> None:
    table = results(store)
    assert not read
    assert table.equals(results(small_store))


def test_what_is_new_is_read_and_nothing_else(store: Store, read: list[str]) -> None:
    first, *_ = plan = store.read_plan().cells
    os.utime(store.folder(first) / "cell.json")
    states = store.states(store.read_plan())
    assert read == [first.id]
    assert set(states.values()) == {CellState.DONE}
    assert len(states) == len(plan)


@pytest.mark.parametrize("name", ["cell.json", "result.json", "settings.yaml", "agent/agent.json", "manifest.json"])
def test_a_damaged_file_is_found_though_the_cell_was_read_before(store: Store, name: str) -> None:
    plan = store.read_plan()
    path = store.folder(plan.cells[3]) / name
    path.write_bytes(path.read_bytes()[:-2] + b"xx")
    states = store.states(plan)
    assert [one for one, state in states.items() if state is CellState.DAMAGED] == [plan.cells[3].id]


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff"])
def test_a_damaged_file_of_records_is_made_anew(store: Store, read: list[str], text: bytes) -> None:
    (store.path / RECORDS).write_bytes(text)
    plan = store.read_plan()
    assert set(store.states(plan).values()) == {CellState.DONE}
    assert len(read) == len(plan.cells)
    assert set(sealed.read(store.path / RECORDS)["cells"]) == {cell.id for cell in plan.cells}


def test_where_the_file_cannot_be_written_results_are_the_same(store: Store, small_store: Store) -> None:
    (store.path / RECORDS).unlink()
    (store.path / RECORDS).mkdir()
    assert results(store).equals(results(small_store))


def test_cells_that_are_no_part_of_the_plan_any_more_leave_the_records(store: Store, make_file: MakeFile) -> None:
    less = load(make_file(seeds=1))
    os.utime(store.folder(less.cells[0]) / "cell.json")
    store.states(less)
    assert set(sealed.read(store.path / RECORDS)["cells"]) == {cell.id for cell in less.cells}
