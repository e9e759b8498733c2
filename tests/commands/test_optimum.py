"""`preroll optimum`: exact values as a table, the best ads in words and as a picture."""

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from preroll.envs import Optimum, Tables, belief_optimum, reference_values
from preroll.envs.policies.policy_map import NONE_YET, policy_map
from tests.commands.conftest import Run


def rows_of(told: str) -> dict[str, list[str]]:
    """Cells of the rows of the first table, by name of the policy."""
    table = told.split("\n\n")[0].splitlines()
    return {cells[0]: cells[1:] for cells in (re.split(r"\s{2,}", line.strip()) for line in table)}


def best_ads_of(told: str) -> list[dict[str, list[str]]]:
    """The tables of best ads: labels by category, one table for every phase and segment."""
    parts = re.split(r"\n\nBest ad in slot .*:\n", told)[1:]
    return [dict(list(rows_of(part).items())[1:4]) for part in parts]


def expected_ads(tables: Tables, phase: int, segment: int = 0) -> dict[str, list[str]]:
    chosen = policy_map(tables, Optimum(tables, phase).policy, segment=segment, last=NONE_YET)
    return {name: [tables.spec.labels[ad] for ad in ads[tables.n_slots // 2]] for name, ads in chosen.items()}


def test_every_reference_policy_has_its_row(run: Run, small_catalog_folder: Path) -> None:
    status, told, _ = run("optimum", "--scenario", "fatigue", "--catalog", small_catalog_folder)
    assert status == 0
    rows = rows_of(told)
    assert rows["policy"][:2] == ["revenue/session", "% of optimum"]
    for row in reference_values(Tables.compile("fatigue", small_catalog_folder)):
        shares = [f"{100 * share:.1f} %" for share in (*row.shares.values(), row.empty_share)]
        expected = [f"{row.value:.4f}", f"{100 * row.share:.2f}", *shares, f"{row.slots:.2f}"]
        assert rows[row.name] == [*expected, *([row.note] if row.note else [])]
    assert "Best ad in slot 21 of 40, for most videos of the category:" in told
    assert re.search(r"category\s+fatigue 0\s+fatigue 1 .*fatigue 5", told)


def test_where_it_takes_long_a_bar_counts_the_slots(
    run: Run, small_catalog_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("optimum", "--scenario", "hidden-users", "--catalog", small_catalog_folder)
    _, told, quiet = run(*arguments)
    monkeypatch.setattr("preroll.commands.optimum.LONG", 1)
    status, same, counted = run(*arguments)
    assert (status, same) == (0, told)
    assert "the exact optimum" not in quiet
    assert "the exact optimum, slots: 40 of 40" in counted  # 20 slots for each of two segments


def test_under_drift_every_phase_has_its_table(run: Run, small_catalog_folder: Path) -> None:
    status, told, _ = run("optimum", "--scenario", "drift", "--catalog", small_catalog_folder)
    assert status == 0
    parts = re.split(r"Phase \d, from session (\d+):\n", told)
    tables = Tables.compile("drift", small_catalog_folder)
    assert parts[1::2] == ["0", "100", "200"]
    for phase, part in enumerate(parts[2::2]):
        assert rows_of(part)["optimum"][0] == f"{Optimum(tables, phase).value:.4f}"
        assert "Best ad in slot 11 of 20" in part
    expected = [expected_ads(tables, phase) for phase in range(3)]
    assert best_ads_of(told) == expected
    assert expected[0] != expected[1]


def test_what_an_agent_that_infers_the_segment_can_earn_is_told(run: Run, small_catalog_folder: Path) -> None:
    status, told, _ = run("optimum", "--scenario", "hidden-users", "--catalog", small_catalog_folder)
    assert status == 0
    exact = Optimum(Tables.compile("hidden-users", small_catalog_folder))
    bounds = belief_optimum(exact)
    assert f"can earn {bounds.lower:.4f} to {bounds.upper:.4f}" in told
    assert f"({100 * bounds.lower / exact.value:.2f} to {100 * bounds.upper / exact.value:.2f} % of the bound)" in told
    for name in ("patient", "hasty"):
        assert f"Best ad in slot 11 of 20 for {name} users" in told
    tables = exact.tables
    expected = [expected_ads(tables, 0, segment) for segment in range(2)]
    assert best_ads_of(told) == expected
    assert expected[0] != expected[1]
    assert rows_of(told)["optimum"][-1] == "knows the hidden segment: a bound"


@pytest.mark.parametrize("scenario", ["fatigue", "drift"])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_best_ads_are_drawn(run: Run, small_catalog_folder: Path, here: None, scenario: str, ending: str) -> None:
    picture = Path(f"best.{ending}")
    status, told, _ = run("optimum", "-s", scenario, "-c", small_catalog_folder, "--plot", picture)
    assert status == 0
    assert told.splitlines()[-1] == f"Best ads by slot and fatigue: best.{ending}"
    if ending == "png":
        with Image.open(picture) as drawn:
            assert min(drawn.size) > 100
    else:
        text = picture.read_text("utf8")
        assert text.count('<g id="axes_') == 3 * (3 if scenario == "drift" else 1)  # phases and categories


def test_a_picture_of_another_kind_is_refused_before_anything_is_computed(run: Run, here: None) -> None:
    status, told, errors = run("optimum", "--catalog", "nowhere", "--plot", "best.pdf")
    assert (status, told) == (2, "")
    assert errors == "error: --plot: best.pdf: the name should end in .png or .svg\n"


@pytest.mark.parametrize("scenario", ["fatigue", "drift", "hidden-users"])
def test_numbers_for_programs_are_the_values_of_every_phase(
    scenario: str, run: Run, small_catalog_folder: Path, tmp_path: Path
) -> None:
    arguments = ("optimum", "--scenario", scenario, "--catalog", small_catalog_folder)
    csv, text = (run(*arguments, form)[1] for form in ("--csv", "--json"))
    rows = json.loads(text)
    assert list(pd.read_csv(io.StringIO(csv))["policy"]) == [row["policy"] for row in rows]
    tables, found = Tables.compile(scenario, small_catalog_folder), iter(rows)
    for phase, start in enumerate(tables.arrays.phase_start.tolist()):
        for expected in reference_values(tables, phase):
            row = next(found)
            assert (row["from_session"], row["policy"], row["revenue"]) == (start, expected.name, expected.value)
            assert row["percent_of_optimum"] == 100 * expected.share
            assert row["share.short"] == expected.shares["short"]
    if scenario == "hidden-users":
        between = belief_optimum(Optimum(tables))
        row = next(found)
        assert (row["revenue"], row["revenue_low"], row["revenue_high"]) == (None, between.lower, between.upper)
    assert list(found) == []


def test_with_numbers_the_picture_is_told_on_stderr(run: Run, small_catalog_folder: Path, tmp_path: Path) -> None:
    arguments = ("optimum", "--scenario", "classic", "--catalog", small_catalog_folder)
    _, told, errors = run(*arguments, "--json", "--plot", tmp_path / "ads.png")
    assert len(json.loads(told)) > 1
    assert str(tmp_path / "ads.png") in errors
