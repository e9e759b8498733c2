"""A small, seeded part of the campaign of faults: kills at calls, calls that fail, bits that flip."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.faults.commands import KEPT, WRITERS
from benchmarks.faults.facts import BYSTANDERS, add_bystanders, differences, facts
from benchmarks.faults.shim import KINDS
from tests.conftest import ROOT

ROWS = "killed: train$|failing call: train$|flipped bit: run: [a-z.]+$"


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What comes of a training that is killed at every second call, of calls that fail, and of bits of a run."""
    if not sys.platform.startswith("linux") or shutil.which("gcc") is None:
        pytest.skip("needs Linux and gcc")
    out = tmp_path_factory.mktemp("faults") / "verdicts.json"
    options = ["--only", ROWS, "--every", "2", "--failures", "12", "--flips", "16", "--lanes", "1", "--minutes", "60"]
    command = [sys.executable, "-m", "benchmarks.faults", "--light", "--kills", "1", *options, "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[dict[str, str]] = json.loads(out.read_text("utf8"))
    return found


def test_a_training_killed_at_any_call_goes_on_to_the_same_run(verdicts: list[dict[str, str]]) -> None:
    killed = [one for one in verdicts if one["row"] == "killed: train"]
    assert {one["verdict"] for one in killed} == {"harmless"}
    assert len(killed) > 15
    assert all("status -9" in one["detail"] for one in killed)
    assert {kind for kind in KINDS if any(f"killed at {kind} " in one["detail"] for one in killed)} >= {
        "rename",
        "fsync",
    }


def test_a_call_that_fails_is_told_in_one_line_that_names_the_file(verdicts: list[dict[str, str]]) -> None:
    failed = [one for one in verdicts if one["row"] == "failing call: train"]
    assert len(failed) == 12
    assert {one["verdict"] for one in failed} <= {"noticed", "harmless"}
    assert sum("mine" in one["detail"].partition(" error: ")[2] for one in failed) > 6


def test_a_flipped_bit_is_noticed_unless_nobody_reads_it(verdicts: list[dict[str, str]]) -> None:
    flipped = Counter(
        (one["row"].rpartition(" ")[2], one["verdict"]) for one in verdicts if one["row"].startswith("flipped")
    )
    assert sum(flipped.values()) == 16
    assert {name for name, verdict in flipped if verdict != "noticed"} == {"events"}


def test_every_row_has_a_name_of_its_own_and_only_users_files_are_free() -> None:
    for rows in (WRITERS, KEPT):
        assert len({one.row for one in rows}) == len(rows)
    assert all(one.free == one.row.startswith("user's") for one in KEPT)


def test_a_strangers_file_that_is_touched_and_an_entry_that_differs_are_seen(tmp_path: Path) -> None:
    add_bystanders(tmp_path)
    (tmp_path / "result.json").write_text('{"revenue": 1.5, "cost": {"seconds": 1}}')
    before = facts(tmp_path)
    (tmp_path / BYSTANDERS[0]).unlink()
    (tmp_path / "result.json").write_text('{"revenue": 1.25, "cost": {"seconds": 2}}')
    first, *others = differences(facts(tmp_path), before, set())
    assert first.startswith(f"{BYSTANDERS[0]}: absent, not ")
    assert others == [f"{Path(BYSTANDERS[0]).parent}/: empty folder, not absent", "result.json#.revenue: 1.25, not 1.5"]
