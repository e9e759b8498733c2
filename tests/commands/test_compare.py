"""`preroll compare` and `preroll scenario diff`: scenarios beside each other."""

import json
import re
from pathlib import Path

import pytest

from preroll.envs import Optimum, Tables, reference_values
from tests.commands.conftest import Run
from tests.conftest import CATEGORIES


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
    part = (
        told.partition("Best ad in the middle of a session where it differs, in ")[2].partition("\n\n")[0].splitlines()
    )
    rows = [line.split() for line in part[2:]]
    assert part[0] == f"{len(rows)} of 6 states that both have:"
    assert {row[0] for row in rows} <= {"patient", "hasty"}
    assert all(row[2] != row[3] for row in rows)
    assert "hidden-users: the optimum knows the hidden segment: a bound." in told


def test_ads_that_earn_the_same_are_no_difference_and_are_named_as_a_tie(
    run: Run, small_catalog_folder: Path, tmp_path: Path
) -> None:
    """A car's short ad earns 0.8 · 1 on classic, and the long one 0.4 · 2."""
    for better, reward in (("short", 1.1), ("long", 2.1)):
        changed = run("scenario", "show", "classic", "--set", f"ads.cars.{better}.reward={reward}")[1]
        (tmp_path / "changed.yaml").write_text(changed)
        told = run("compare", "classic", tmp_path / "changed.yaml", "-c", small_catalog_folder)[1]
        assert f"The best ad in the middle of a session is the same in {len(CATEGORIES)} states that both have." in told
    told = run("compare", "classic", "fatigue", "-c", small_catalog_folder)[1]  # where a pause is best
    assert re.search(r"^cars +\S+ +cars\.short or cars\.long  none *$", told, re.MULTILINE)


def test_three_scenarios_have_no_difference_and_drift_is_told(run: Run, small_catalog_folder: Path) -> None:
    told = run("compare", "classic", "drift", "campaigns", "--catalog", small_catalog_folder)[1]
    assert tables_of(told)[0]["policy"] == ["classic", "drift", "campaigns"]
    assert "drift: all values are those of the first phase of drift." in told


def test_numbers_for_programs_have_every_phase_of_every_scenario(run: Run, small_catalog_folder: Path) -> None:
    told = run("compare", "classic", "drift", "--catalog", small_catalog_folder, "--json")[1]
    found = json.loads(told)
    best = [row for row in found if row["policy"] == "optimum"]
    assert [(row["scenario"], row["from_session"]) for row in best] == [
        ("classic", 0), ("drift", 0), ("drift", 100), ("drift", 200),
    ]  # fmt: skip
    drift = Tables.compile("drift", small_catalog_folder)
    assert [row["revenue"] for row in best[1:]] == [Optimum(drift, phase).value for phase in range(3)]
    ads = [(row["scenario"], row["from_session"], row["category"], row["best_ad"]) for row in found if row["best_ad"]]
    assert len(ads) == 4 * 3
    assert ("classic", 0, "cats", "cats.long") in ads


def test_states_that_one_scenario_has_alone_are_not_counted_and_levels_with_the_same_ads_are_one_row(
    run: Run, small_catalog_folder: Path, tmp_path: Path
) -> None:
    keys = ("user.fatigue.levels=4", "user.fatigue.wear=[1, 0.4, 0.2, 0.1]", "user.leave.fatigue=[0, 0, 0, 0]")
    four = run("scenario", "show", "fatigue", *(word for key in keys for word in ("--set", key)))[1]
    (tmp_path / "four.yaml").write_text(four)
    status, told, errors = run("compare", "fatigue", tmp_path / "four.yaml", "-c", small_catalog_folder)
    assert status == 0, errors
    assert f" of {4 * len(CATEGORIES)} states that both have:" in told
    told = run("compare", "fatigue", "classic", "-c", small_catalog_folder)[1]
    assert f" of {6 * len(CATEGORIES)} states that both have:" in told
    assert re.search(r"^\w+ +\d–\d ", told, re.MULTILINE)


def test_a_change_is_made_in_all_of_them_and_a_picture_shows_their_best_ads(
    run: Run, small_catalog_folder: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "ads.svg"
    changed = ("--set", "user.mismatch=1", "--plot", picture)
    status, told, errors = run("compare", "classic", "fatigue", "-c", small_catalog_folder, *changed)
    assert status == 0, errors
    assert "user.mismatch" not in told
    assert told.endswith(f"Best ads by slot and fatigue: {picture}\n")
    assert picture.read_text("utf8").count("the best ad") <= 2


def test_a_diff_is_the_keys_alone(run: Run, tmp_path: Path) -> None:
    changed = run("scenario", "show", "classic", "--set", "user.mismatch=0.2", "--set", "name=mine")[1]
    (tmp_path / "mine.yaml").write_text(changed)
    assert run("scenario", "diff", "classic", tmp_path / "mine.yaml")[:2] == (
        0,
        "They differ in 1 key, beside name and description:\n"
        f"key            classic  {tmp_path / 'mine.yaml'}\n"
        "user.mismatch  0.4      0.2\n",
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
