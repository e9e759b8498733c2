"""The table in docs/agents.md explains every tag that a run of any agent writes, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

from preroll.agents import AGENTS
from preroll.agents.registry import find
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.training.curves import SHARE_MEANING, SHARE_TAG, TAGS, share_tags
from preroll.simulations.training.timing import TIME_TAGS
from preroll.simulations.training.training import train
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "agents.md").read_text("utf8")
ROWS = [
    (tag, who.split(", "), meaning)
    for tag, who, meaning in re.findall(r"^\| `(\S+/\S+)` \| (.+?) \| (.+) \|$", PAGE, re.M)
]
# budgets that let every agent train at least once in a hundred sessions
SMALL: dict[str, Any] = {
    "num_envs": 8,
    "steps": 10,
    "batch": 40,
    "learning_starts": 80,
    "buffer": 1_000,
    "train_every": 80,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", list(AGENTS))
def test_every_tag_of_a_run_is_explained_as_one_of_that_agent(
    name: str, small_catalog_folder: Path, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = {key: value for key, value in SMALL.items() if key in find(name).load().Settings.model_fields}
    catalog = Catalog.load(small_catalog_folder)
    train(name, scenario="fatigue", catalog=catalog, sessions=100, run=tmp_path / "run", settings=settings)
    written = EventAccumulator(str(tmp_path / "run")).Reload().Tags()["scalars"]
    explained = {tag for tag, who, _ in ROWS if who == ["all"] or name in who}
    assert set(written) == (explained - {SHARE_TAG}) | set(share_tags(["short", "long"]))


def test_the_table_has_a_tag_once_and_says_what_the_code_says() -> None:
    meanings = {tag: meaning for tag, _, meaning in ROWS}
    assert len(meanings) == len(ROWS)
    for tag, meaning in (TAGS | TIME_TAGS | {SHARE_TAG: SHARE_MEANING}).items():
        assert meanings[tag] == meaning
    assert {name for _, who, _ in ROWS for name in who} <= {"all", *AGENTS}


@pytest.mark.parametrize("name", list(AGENTS))
def test_every_agent_has_its_paragraph(name: str) -> None:
    assert re.search(rf"^(\*\*`[a-z0-9-]+`\*\*, )*\*\*`{name}`\*\*", PAGE, re.M)
