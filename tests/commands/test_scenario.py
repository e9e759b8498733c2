from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.envs.scenario.scenario import Scenario, preset_names
from preroll.errors import PrerollError
from tests.commands.conftest import Run


def scenario(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["scenario", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_every_preset_is_listed_in_a_line_with_the_first_words_of_its_description() -> None:
    lines = {line.split()[0]: line for line in scenario("list").splitlines()}
    for name in preset_names():
        first, _, _ = Scenario.load(name).description.partition(":")
        assert first in lines[name]


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_pipe_gets_whole_lines_where_a_variable_asks_for_a_terminals_colors(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("TERM", "dumb")
    assert len(scenario("list").splitlines()) == 1 + len(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_what_is_shown_can_be_saved_and_loaded_as_the_same_scenario(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(scenario("show", name))
    assert Scenario.load(tmp_path / "mine.yaml") == Scenario.load(name)


def test_a_check_tells_the_exact_optimum(small_catalog_folder: Path) -> None:
    told = scenario("check", "classic", "--catalog", str(small_catalog_folder))
    assert "classic is valid: 6 ads, 6 actions, up to 20 slots" in told
    assert "The exact optimum: " in told
    assert "greedy earns 100.0 % and random earns 5" in told
    told = scenario("check", "hidden-users", "--catalog", str(small_catalog_folder))
    assert "The optimum (it knows the hidden segment: a bound): " in told
    told = scenario("check", "drift", "--catalog", str(small_catalog_folder))
    assert "The exact optimum in the first phase of drift: " in told


def test_a_changed_scenario_can_be_checked_without_a_file(small_catalog_folder: Path, run: Run) -> None:
    arguments = ("scenario", "check", "hidden-users", "--catalog", small_catalog_folder, "--set")
    told = run(*arguments, "observe.segment=true")[1]
    assert "warning: user.segments" not in told
    code, told, errors = run(*arguments, "user.nothing=1")
    assert (code, told) == (2, "")
    assert "user.nothing: unknown key" in errors


def test_what_a_scenario_hides_is_a_warning_in_one_line(small_catalog_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(scenario("show", "fatigue", "--set", "observe.fatigue=false", "--set", "observe.last_view=false"))
    lines = scenario("check", str(file), "--catalog", str(small_catalog_folder)).splitlines()
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert len(lines) == 3
    assert warnings[0].startswith("warning: user.fatigue: {levels: 6, recovery: 1, gain: ")
    assert "observe.fatigue" in warnings[0]


def test_strict_makes_a_warning_status_1_and_lets_a_clean_scenario_pass(small_catalog_folder: Path, run: Run) -> None:
    code, said, error = run("scenario", "check", "hidden-users", "--strict", "--catalog", small_catalog_folder)
    assert (code, error) == (1, "error: hidden-users: 1 warning, and --strict allows none\n")
    assert "warning: user.segments: " in said
    assert run("scenario", "check", "fatigue", "--strict", "--catalog", small_catalog_folder)[0] == 0


def test_a_category_that_the_catalog_lacks_is_named(small_catalog_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(scenario("show", "classic").replace("cats:", "dogs:"))
    arguments = ["scenario", "check", str(tmp_path / "mine.yaml"), "--catalog", str(small_catalog_folder)]
    with pytest.raises(PrerollError, match=r"ads\.dogs: .* it has cars, cats, concerts"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("here")
def test_a_scenario_that_cannot_be_made_leaves_no_file_and_one_that_is_there_is_kept(run: Run, tmp_path: Path) -> None:
    assert run("scenario", "new", "--catalog", "none", "--out", "mine.yaml")[0] == 2
    assert not list(tmp_path.iterdir())
    status, told, _ = run("scenario", "new", "--catalog", "demo", "--out", "mine.yaml")
    assert (status, told) == (0, "Scenario: mine.yaml\nCheck it: preroll scenario check mine.yaml\n")
    made = (tmp_path / "mine.yaml").read_text()
    assert run("scenario", "show", "mine.yaml") == (0, made, "")
    status, _, errors = run("scenario", "show", "classic", "--out", "mine.yaml")
    assert (status, errors) == (
        2, "error: --out mine.yaml: exists and is no empty file; name another file, or give --replace\n"
    )  # fmt: skip
    assert (tmp_path / "mine.yaml").read_text() == made
    assert run("scenario", "show", "fatigue", "--out", "mine.yaml", "--replace")[0] == 0


def test_a_scenario_in_a_file_has_the_name_of_the_file(tmp_path: Path) -> None:
    for file, name in (("mine.yaml", "mine"), ("a.b.yaml", "fatigue-for-3-categories")):
        done = CliRunner().invoke(
            app, ["scenario", "new", "--catalog", "demo", "--like", "fatigue", "--out", str(tmp_path / file)]
        )
        assert done.exit_code == 0
        assert Scenario.load(tmp_path / file).name == name
