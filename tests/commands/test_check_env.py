from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.envs import SessionEnv
from preroll.envs.conformance.check import NAMES
from preroll.errors import PrerollError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["check-env", "--slots", "20000", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_every_check_is_listed_with_its_result_and_what_it_did(small_catalog_folder: Path) -> None:
    lines = run("--scenario", "fatigue", "--catalog", str(small_catalog_folder), "--seed", "3").splitlines()
    table = {line.split("  ")[0].strip(): line for line in lines[1:]}
    assert list(table) == list(NAMES)
    assert all("  ok  " in line for line in table.values())
    assert "characters of JSON" in table["spec"]


def test_a_scenario_of_ones_own_is_checked(small_catalog_folder: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["scenario", "show", "classic"]).stdout
    (tmp_path / "mine.yaml").write_text(shown.replace("horizon: 20", "horizon: 3"))
    told = run("--scenario", str(tmp_path / "mine.yaml"), "--catalog", str(small_catalog_folder))
    assert "reached slot 3" in told
    assert "not applicable  users never leave in this scenario" in told


def test_a_failed_check_is_named_and_the_status_is_1(
    small_catalog_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = SessionEnv.step

    def wrong(self: SessionEnv, action: Any) -> Any:
        observation, reward, terminated, truncated, info = right(self, action)
        return observation, reward, terminated, truncated, {**info, "ad": 99}

    monkeypatch.setattr(SessionEnv, "step", wrong)
    arguments = ["check-env", "--slots", "2000", "--catalog", str(small_catalog_folder)]
    with pytest.raises(PrerollError, match="3 of 21 checks failed: infos, lanes, vector infos") as raised:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert raised.value.status == 1


def test_an_unknown_scenario_is_a_mistake_in_usage() -> None:
    with pytest.raises(PrerollError, match="no such preset or file") as raised:
        run("--scenario", "clasic")
    assert raised.value.status == 2
