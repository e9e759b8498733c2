"""Every command that prints a table prints it whole on a terminal of 80 and of 60 columns."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from preroll.bounded.yaml_text import dump_yaml
from preroll.commands import detect, predict
from preroll.envs.conformance import check
from preroll.perception.inspection import duplicates
from preroll.perception.prediction.framework.task import PredictionReport, Table
from preroll.simulations import train
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.terminal.catalog_summary import list_videos
from tests.commands.conftest import Run
from tests.simulations.conftest import load, settings
from tests.simulations.experiment.execution.test_runner import in_this_process
from tests.terminal.pseudo_terminal import shown

#: Command lines in a folder with a catalog, two runs and an experiment.
COMMANDS = [
    "agent list",
    "agent show ppo",
    "catalog duplicates catalog",
    "catalog export catalog --csv OUT",
    "catalog search catalog cat",
    "catalog show catalog",
    "catalog similar catalog 0",
    "check-env --slots 40",
    "compare classic fatigue --catalog catalog",
    "compare classic fatigue hidden-users drift --catalog catalog",
    "detector list",
    "evaluate runs/of-a-rather-long-name runs/other --sessions 300",
    "experiment results experiment",
    "experiment run small.yaml --out OUT --dry-run",
    "experiment status experiment --cells",
    "explain runs/other",
    "optimum --catalog catalog",
    "optimum --scenario drift --catalog catalog",
    "optimum --scenario hidden-users --catalog catalog",
    "runs list",
    "scenario diff classic fatigue",
    "scenario list",
]
LEFT_OUT = r"^No room for: [^`]*`[^`]*`\.\n"


@pytest.fixture(scope="module")
def world(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands can be given."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "catalog").symlink_to(small_catalog_folder)
    for name in ("of-a-rather-long-name", "other"):
        train("thompson", scenario="fatigue", catalog=small_catalog_folder, sessions=100, run=folder / "runs" / name)
    few = {"agents": ["random", "greedy"], "seeds": 1, "sessions": 50, "evaluate": {"sessions": 30}}
    text = dump_yaml(settings(catalog=str(small_catalog_folder), **few))
    (folder / "small.yaml").write_text(text)
    assert not run_plan(load(folder / "small.yaml"), text, Store(folder / "experiment"), in_this_process).failures
    return folder


@pytest.fixture
def give(run: Run, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Gives a command and returns what it prints into a pipe."""
    monkeypatch.chdir(world)
    pair = (
        "cats/a video of some length.mp4",
        "cats",
        "dogs/another video that shows the same.mp4",
        "dogs",
        0.0,
        "file",
    )
    monkeypatch.setattr(duplicates, "find_duplicates", lambda _: pd.DataFrame([pair], columns=duplicates.COLUMNS))

    monkeypatch.setattr(check, "check_env", partial(check.check_env, only=["replay", "spec"]))

    def given(command: str) -> str:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        status, told, errors = run(*(word if word != "OUT" else tmp_path / "out" for word in command.split()))
        assert status == 0, errors
        return told

    return given


def words(text: str) -> list[str]:
    """Words and numbers, less the rules of tables; a heading may be folded after a slash."""
    return re.sub(r"─+", " ", text).replace("/", "/ ").split()


def whole(piped: str, told: str, columns: int) -> None:
    """Checks that a terminal shows what a pipe gets: whole words, in lines that fit, and what is left out by name."""
    wide = [line for line in told.splitlines() if len(line) > columns]
    longer = [line for line in wide if "  " in line.strip() or line.strip() not in piped]
    assert not longer, "only commands and sentences to copy may be longer"
    table, left_out = re.subn(LEFT_OUT, "", told, flags=re.MULTILINE)
    known = set(words(piped)) | {f"{word}:" for word in words(piped)}  # what stands below a table has its row's name
    assert set(words(table)) <= known
    if not left_out:
        assert set(words(piped)) <= set(words(table)) | {word.rstrip(":") for word in words(table)}


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_word_is_broken_and_what_is_left_out_is_told(
    command: str, columns: int, give: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped, told = give(command), shown(monkeypatch, columns, lambda: give(command))
    whole(piped, told, columns)


@pytest.mark.parametrize(
    ("command", "columns", "left_out"),
    [
        ("runs list", 60, "size; written; scenario; agent"),
        ("evaluate runs/other --sessions 300", 80, "less optimum, paired; exact; slots"),
        ("evaluate runs/other --sessions 300", 60, "less optimum, paired; exact; slots; viewed; regret"),
        ("optimum --catalog catalog", 60, "slots; empty"),
    ],
)
def test_columns_that_others_imply_are_left_out_first(
    command: str, columns: int, left_out: str, give: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = " ".join(shown(monkeypatch, columns, lambda: give(command)).split())
    assert f"No room for: {left_out}. A wider terminal shows all, and so does `| cat`." in told


def video_rows() -> None:
    reason = "decoding failed at frame 1,234 of 5,678: the stream ends in the middle of a picture"
    list_videos([("cats/a video of some length.mp4", "partial", reason), ("dogs/2.mp4", "unreadable", "empty file")])


def predictions() -> None:
    columns = ("genre", "videos", "AP", "AP at random", "F1", "threshold", "precision", "recall")
    rows: list[tuple[object, ...]] = [(name, 12, *(0.25,) * 6) for name in ("Action", "Documentary", "Science-Fiction")]
    predict._tell(PredictionReport({"mean average precision": 0.5}, Table(columns, rows, ("genre",))))


def detections() -> None:
    table = pd.DataFrame({"class": ["traffic light"], "frame": [0], "confidence": [0.5], "area": [12.5]})
    table.attrs |= {"frames": 3, "note": "", "status": "ok", "reason": ""}
    detect._tell(Path("own.mp4"), table)


@pytest.mark.parametrize("columns", [80, 60, 40])
@pytest.mark.parametrize("action", [video_rows, predictions, detections])
def test_tables_of_videos_and_networks_are_whole_too(
    action: Callable[[], None],
    columns: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    action()
    whole(capsys.readouterr().out, shown(monkeypatch, columns, action), columns)
