"""The page about runs."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import PrerollError
from preroll.simulations import train, write_report


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs on one scenario and one on another."""
    folder = tmp_path_factory.mktemp("runs")
    for agent, scenario in (("thompson", "fatigue"), ("greedy", "fatigue"), ("random", "classic")):
        train(agent, scenario=scenario, sessions=100, run=folder / agent)
    return [folder / name for name in ("thompson", "greedy", "random")]


def test_the_page_of_runs_has_curve_table_policies_and_losses_and_needs_nothing_else(runs: list[Path]) -> None:
    done = CliRunner().invoke(app, ["experiment", "report", *map(str, runs[:2])])
    assert done.exit_code == 0, done.output
    path = runs[0].with_name("thompson.html")
    assert done.stdout.startswith(f"{path}: ")
    html = path.read_text("utf8")
    titles = re.findall(r"<h2>(.*?)</h2>", html)
    assert titles == re.findall(r'<a href="#[a-z-]+">(.*?)</a>', html)
    assert [title.split()[0] for title in titles] == ["Learning", "Against", "What", "Where", "How"]
    for row in ("thompson", "greedy", "random", "optimum"):
        assert f">{row}</td>" in html
    assert html.count("data:image/png;base64,") == 2  # of thompson beside the optimum; greedy is a reference
    assert "<h3>thompson: lost before each category at each fatigue level, % of the optimum</h3>" in html
    assert not re.findall(r'(?:src|href)=["\']?(?!data:|#)[^"\'\s>]+', html.replace("xlink:", ""))


def test_the_function_takes_what_the_command_takes(runs: list[Path], tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["experiment", "report", *map(str, runs[:2])]).exit_code == 0
    of_command = runs[0].with_name("thompson.html").read_bytes()
    assert write_report(runs[:2], tmp_path / "page.html").read_bytes() == of_command
    assert write_report(runs[0]) == runs[0].with_name("thompson.html")
    for folders, told in (
        ([], "no folder: a page is about"),
        ([runs[0], tmp_path], "no complete run"),
        (tmp_path / "none", "is no folder of"),
    ):
        with pytest.raises(PrerollError, match=told):
            write_report(folders)
    with pytest.raises(PrerollError, match=r"report.pdf: the name should end in .html or .htm$"):
        write_report(runs[0], tmp_path / "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.parametrize(
    ("names", "options", "told"),
    [
        ((0, 2), (), "were trained on different scenarios"),
        ((0,), ("--pictures", "p"), "is for an experiment; runs have `preroll explain --plot`"),
        ((0,), ("--out", "{run}"), "is "),
    ],
)
def test_what_no_page_can_be_made_of_is_refused_in_one_line(
    names: tuple[int, ...], options: tuple[str, ...], told: str, runs: list[Path]
) -> None:
    given = [option.format(run=runs[0]) for option in options]
    done = CliRunner().invoke(app, ["experiment", "report", *(str(runs[i]) for i in names), *given])
    assert done.exit_code != 0
    assert told in str(done.exception or done.output)


def test_a_long_name_leaves_room_for_the_curve(runs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 40)
    shutil.copytree(runs[0], folder)
    done = CliRunner().invoke(app, ["experiment", "report", str(folder), "--out", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    assert "…ong-long-" in (tmp_path / "page.html").read_text("utf8")


def test_a_folder_that_is_neither_experiment_nor_run_is_told_so_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    told = CliRunner().invoke(app, ["experiment", "report", str(tmp_path / "suit")]).exception
    assert str(told) == (
        f"{tmp_path / 'suit'}: is no folder of an experiment, nor of a run; did you mean {tmp_path / 'suite'}?"
    )
