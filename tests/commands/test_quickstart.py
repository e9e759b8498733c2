import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.envs.model.tables import Tables
from preroll.envs.policies.simple import random_policy
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.quickstart import QuickstartResult
from tests.resealed import reseal


def story(catalog: Catalog, tmp_path: Path, *learners: str) -> QuickstartResult:
    """Results of agents that play at random."""
    tables = Tables.compile("classic", catalog)
    evaluation = evaluate({name: random_policy(tables) for name in learners}, tables, sessions=300)
    return QuickstartResult(
        tmp_path / "catalog", tmp_path / "runs", [tmp_path / "c.png", tmp_path / "c.svg"], evaluation
    )


def test_it_ends_with_the_table_the_picture_and_the_tensorboard_command(
    small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "preroll.simulations.quickstart.run_quickstart", lambda *_, **__: story(small_catalog, tmp_path)
    )
    result = CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "% of optimum" in result.stdout
    assert str(tmp_path / "c.png") in result.stdout
    assert result.stdout.rstrip().endswith(f"preroll tensorboard {tmp_path / 'runs'}")


@pytest.mark.parametrize(("more", "exact"), [([], True), (["--no-exact"], False)])
def test_exact_values_are_computed_unless_they_are_not_wanted(
    more: list[str], exact: bool, small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def run(*_: object, exact: bool, **__: object) -> QuickstartResult:
        asked.append(exact)
        return story(small_catalog, tmp_path)

    monkeypatch.setattr("preroll.simulations.quickstart.run_quickstart", run)
    CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path), *more], catch_exceptions=False)
    assert asked == [exact]


def test_an_agent_no_better_than_random_is_an_error(
    small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = story(small_catalog, tmp_path, "dqn", "thompson")
    monkeypatch.setattr("preroll.simulations.quickstart.run_quickstart", lambda *_, **__: failed)
    with pytest.raises(
        PrerollError, match="not shown to earn more than random after 50,000 sessions: dqn, thompson"
    ) as error:
        CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path)], catch_exceptions=False)
    assert error.value.status == 1


def test_a_catalog_of_other_categories_is_told_before_training(small_catalog_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(small_catalog_folder, tmp_path / "catalog")
    reseal(folder, categories=["cars", "dogs", "films"])
    with pytest.raises(PrerollError, match=r"ads\.cats: the catalog .* has no such category"):
        CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path)], catch_exceptions=False)
    assert not (tmp_path / "runs").exists()
