"""`preroll compare` and `preroll scenario diff`: scenarios beside each other."""

import json
import re
from pathlib import Path

import pytest

from preroll.envs import Optimum, Tables, reference_values
from tests.commands.conftest import Run


def tables_of(told: str) -> list[dict[str, list[str]]]:
    """Cells of the tables, by what the first column says; each table follows a line that ends in a colon."""
    parts = re.split(r"^.*:\n", told, flags=re.MULTILINE)[1:]
    rows = [[re.split(r"\s{2,}", line.rstrip()) for line in part.splitlines() if "  " in line] for part in parts]
    return [{row[0]: row[1:] for row in table} for table in rows]


def test_values_stand_beside_each_other_with_the_difference_of_two(run: Run, small_catalog_folder: Path) -> None:
    status, told, _ = run("compare", "classic", "fatigue", "--catalog", small_catalog_folder)
    assert status == 0
    revenue, percent, _, keys = tables_of(told)
    assert revenue["policy"] == ["classic", "fatigue", "difference"]
    one, two = ({row.name: row for row in reference_values(Tables.compile(name, small_catalog_folder))}
                for name in ("classic", "fatigue"))  # fmt: skip
    assert list(revenue) == ["policy", *one]
    for name in one:
        values = one[name].value, two[name].value, two[name].value - one[name].value
        assert [float(text.replace("−", "-")) for text in revenue[name]] == pytest.approx(values, abs=1e-4)
        assert float(percent[name][1]) == pytest.approx(100 * two[name].share, abs=0.01)
    assert keys["session.horizon"] == ["20", "40"]
    assert "They differ in 14 keys" in told


def test_one_best_ad_stands_for_all_levels_and_users_that_a_scenario_does_not_tell_apart(
    run: Run, small_catalog_folder: Path
) -> None:
    told = run("compare", "classic", "hidden-users", "--catalog", small_catalog_folder)[1]
    part = told.partition("Best ad in the middle of a session; ")[2].splitlines()
    rows = [line.split() for line in part[2:8]]
    assert [row[0] for row in rows] == ["patient"] * 3 + ["hasty"] * 3
    assert [row[2] for row in rows[:3]] == [row[2] for row in rows[3:]]
    differ = sum(row[2] != row[3] for row in rows)
    assert part[0] == f"it differs in {differ} of 6 rows:"
    assert "hidden-users: the optimum (it knows the hidden segment: a bound)." in told


def test_three_scenarios_have_no_difference_and_drift_is_told(run: Run, small_catalog_folder: Path) -> None:
    told = run("compare", "classic", "drift", "campaigns", "--catalog", small_catalog_folder)[1]
    assert tables_of(told)[0]["policy"] == ["classic", "drift", "campaigns"]
    assert "drift: the exact optimum, in the first phase of drift." in told


def test_numbers_for_programs_have_every_phase_of_every_scenario(run: Run, small_catalog_folder: Path) -> None:
    told = run("compare", "classic", "drift", "--catalog", small_catalog_folder, "--json")[1]
    best = [row for row in json.loads(told) if row["policy"] == "optimum"]
    assert [(row["scenario"], row["from_session"]) for row in best] == [
        ("classic", 0), ("drift", 0), ("drift", 100), ("drift", 200),
    ]  # fmt: skip
    drift = Tables.compile("drift", small_catalog_folder)
    assert [row["revenue"] for row in best[1:]] == [Optimum(drift, phase).value for phase in range(3)]


def test_a_diff_is_the_keys_alone(run: Run, tmp_path: Path) -> None:
    changed = run("scenario", "show", "classic", "--set", "user.mismatch=0.2", "--set", "name=mine")[1]
    (tmp_path / "mine.yaml").write_text(changed)
    assert run("scenario", "diff", "classic", tmp_path / "mine.yaml")[:2] == (
        0,
        "They differ in 1 key, beside name and description:\n"
        f"key            classic  {tmp_path / 'mine.yaml'}\n"
        f"user.mismatch  0.4      {'0.2':{len(str(tmp_path / 'mine.yaml'))}}\n",
    )
    (tmp_path / "same.yaml").write_text(run("scenario", "show", "classic")[1])
    same = run("scenario", "diff", "classic", tmp_path / "same.yaml")
    assert same[:2] == (0, "They differ in no key but name and description.\n")


@pytest.mark.parametrize("command", ["compare", "scenario diff"])
@pytest.mark.parametrize(
    ("named", "line"),
    [
        ("classic", "classic: with what? name at least two scenarios"),
        ("classic classic", "classic: is named twice"),
        ("classic clasic", "clasic"),
    ],
)
def test_mistakes_are_one_line(command: str, named: str, line: str, run: Run) -> None:
    status, told, errors = run(*command.split(), *named.split())
    assert (status, told) == (2, "")
    assert line in errors
    assert len(errors.splitlines()) == 1
