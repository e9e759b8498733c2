"""What is meant by a wrong name comes before the list of all names; a strange name gets the list alone."""

from pathlib import Path

import pytest

from preroll.console.nearest import known, meant, neighbors
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.training.run import Run


def test_letters_of_another_case_are_the_same_name() -> None:
    assert known("PPO", "agents are", ["random", "ppo"]) == "did you mean ppo? Agents are random, ppo"


def test_at_most_three_are_asked_for_the_nearest_first() -> None:
    assert meant("agnt", ["agents", "agent", "agent-12", "agent-1"]) == "; did you mean agent, agents or agent-1?"


@pytest.mark.parametrize("name", ["zzz", "", None, ["random"], 7])
def test_what_is_like_no_name_gets_the_list_alone(name: object) -> None:
    assert known(name, "agents are", ["random"]) == "agents are random"


def test_folders_of_runs_and_catalogs_are_names_too(tmp_path: Path) -> None:
    (tmp_path / "thompson").mkdir()
    (tmp_path / "thomsen").write_text("no folder")
    with pytest.raises(PrerollError, match=r"no such folder; did you mean \S+/thompson\?$"):
        Run.load(tmp_path / "thomson")
    with pytest.raises(PrerollError, match=r"catalog dmeo: no such folder; did you mean demo\?$"):
        Catalog.load("dmeo")
    assert neighbors(tmp_path / "no" / "such") == []


def test_a_folder_that_holds_something_else_is_not_asked_for_again(tmp_path: Path) -> None:
    """A bug once: `empty: is no folder of an experiment, nor of a run; did you mean empty?`."""
    for name in ("empty", "empty2"):
        (tmp_path / name).mkdir()
    assert neighbors(tmp_path / "empty") == [tmp_path / "empty2"]
