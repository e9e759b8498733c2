"""Every path that a command takes: read, a folder that it writes, or a file that it writes, which asks first."""

import pickle
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from preroll.commands.cli import app
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.simulations import train
from tests.commands.conftest import Run

READ, FOLDER = "read", "folder"

#: What each path of each command is. A file that is written: a command line, one of its inputs, and a good name.
PATHS: dict[tuple[str, str], str | tuple[str, str, str]] = {
    ("agent import", "file"): READ,
    ("agent import", "run"): FOLDER,
    ("catalog build", "card"): READ,
    ("catalog build", "detector"): READ,
    ("catalog build", "downloads"): FOLDER,
    ("catalog build", "encoder"): READ,
    ("catalog build", "out"): FOLDER,
    ("catalog build", "save_frames"): FOLDER,
    ("catalog build", "videos"): READ,
    ("catalog demo-videos", "folder"): FOLDER,
    ("catalog export", "csv"): FOLDER,
    ("catalog new", "csv"): READ,
    ("catalog new", "out"): FOLDER,
    ("catalog page", "out"): (
        "catalog page catalog --videos videos --out OUT",
        "videos/1.mp4",
        "new.html",
    ),
    ("catalog page", "videos"): READ,
    ("catalog search", "encoder"): READ,
    ("catalog search", "image"): READ,
    ("catalog show", "confusion"): ("catalog show catalog --confusion OUT", "catalog/neighbors.npy", "new.png"),
    ("catalog show", "tensorboard"): FOLDER,
    ("catalog show", "videos"): READ,
    ("catalog similar", "picture"): (
        "catalog similar catalog 0 --videos videos --picture OUT",
        "videos/1.mp4",
        "new.jpg",
    ),
    ("catalog similar", "videos"): READ,
    ("compare", "plot"): ("compare classic mine.yaml -c catalog --plot OUT", "mine.yaml", "new.svg"),
    ("detect", "card"): READ,
    ("detect", "detector"): READ,
    ("detect", "out"): ("detect own.mp4 --out OUT", "own.mp4", "new.csv"),
    ("detect", "overlay"): FOLDER,
    ("detect", "source"): READ,
    ("detector card", "classes"): READ,
    ("detector card", "model"): READ,
    ("detector card", "pictures"): READ,
    ("detector card", "out"): ("detector card model.onnx --classes classes.txt --out OUT", "classes.txt", "new.json"),
    ("detector fine-tune", "card"): READ,
    ("detector fine-tune", "images"): READ,
    ("detector fine-tune", "model"): READ,
    ("detector fine-tune", "out"): ("detector fine-tune model.onnx videos --out OUT", "model.onnx", "new.onnx"),
    ("evaluate", "plot"): ("evaluate run --plot OUT", "run/scenario.yaml", "new.svg"),
    ("evaluate", "runs"): READ,
    ("experiment report", "folders"): READ,
    ("experiment report", "out"): ("experiment report experiment --out OUT", "experiment/plan.json", "new.html"),
    ("experiment report", "pictures"): FOLDER,
    ("experiment results", "folder"): FOLDER,
    ("experiment results", "plot"): ("experiment results experiment --plot OUT", "experiment/plan.json", "new.svg"),
    ("experiment run", "file"): READ,
    ("experiment run", "out"): FOLDER,
    ("experiment status", "folder"): READ,
    ("explain", "plot"): ("explain run --plot OUT", "run/scenario.yaml", "new.svg"),
    ("explain", "runs"): READ,
    ("export", "file"): ("export run OUT", "run/agent/arrays.safetensors", "new.onnx"),
    ("export", "run"): READ,
    ("impressions", "file"): ("impressions run OUT", "catalog/manifest.json", "new.parquet"),
    ("impressions", "run"): READ,
    ("optimum", "plot"): ("optimum -s mine.yaml -c catalog --plot OUT", "mine.yaml", "new.svg"),
    ("plot", "out"): ("plot run --out OUT", "run/scenario.yaml", "new.svg"),
    ("plot", "runs"): READ,
    ("predict annotate", "categories"): READ,
    ("predict annotate", "memorability"): READ,
    ("predict annotate", "names"): READ,
    ("predict annotate", "out"): FOLDER,
    ("predict annotate", "picture"): (
        "predict annotate catalog --calibrate --out copy --picture OUT",
        "catalog/videos.csv",
        "new.png",
    ),
    ("predict annotate", "response"): READ,
    ("predict annotate", "tags"): READ,
    ("predict annotate", "truth"): READ,
    ("predict annotate", "words"): READ,
    ("predict apply", "file"): READ,
    ("predict apply", "out"): FOLDER,
    ("predict convert", "out"): ("predict convert data.pkl OUT", "data.pkl", "new.json"),
    ("predict convert", "source"): READ,
    ("predict embed", "card"): READ,
    ("predict embed", "encoder"): READ,
    ("predict embed", "out"): FOLDER,
    ("predict embed", "videos"): READ,
    ("predict evaluate", "file"): READ,
    ("predict generate", "out"): FOLDER,
    ("predict train", "file"): READ,
    ("quickstart", "out"): FOLDER,
    ("runs list", "folder"): READ,
    ("runs rm", "runs"): FOLDER,
    ("scenario new", "out"): ("scenario new --catalog catalog --like mine.yaml --out OUT", "mine.yaml", "new.yaml"),
    ("scenario new", "probabilities"): READ,
    ("scenario show", "out"): ("scenario show mine.yaml --out OUT", "mine.yaml", "new.yaml"),
    ("tensorboard", "folder"): READ,
    ("train", "continued"): READ,
    ("train", "resume"): FOLDER,
    ("train", "run"): FOLDER,
    ("tune", "out"): FOLDER,
}
FILES = {" ".join(key): case for key, case in PATHS.items() if isinstance(case, tuple)}


def paths_of(group: typer.Typer, *above: str) -> Iterator[tuple[str, str]]:
    """Command and parameter of every path that the command line takes."""
    for command in group.registered_commands:
        assert command.callback is not None
        name = " ".join((*above, command.name or command.callback.__name__.replace("_", "-")))
        hints = typing.get_type_hints(command.callback)
        yield from ((name, parameter) for parameter, hint in hints.items() if "Path" in str(hint))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from paths_of(inner.typer_instance, *above, str(inner.name))


def test_every_path_of_every_command_has_its_row() -> None:
    """A new option that names a file or folder to write gets a row here, and with it the tests below."""
    assert sorted(PATHS) == sorted(paths_of(app))


@pytest.fixture(scope="module")
def world(small_catalog_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an input for every command."""
    place = tmp_path_factory.mktemp("world")
    shutil.copytree(small_catalog_folder, place / "catalog")
    train("thompson", scenario="classic", catalog=place / "catalog", sessions=50, run=place / "run")
    shutil.copy(EMBEDDED, place / "model.onnx")
    shutil.copy(EMBEDDED.with_suffix(".json"), place / "model.json")
    for name in ("own.mp4", "videos/1.mp4", "classes.txt", "experiment/plan.json"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("no matter what")
    shutil.copy(place / "run" / "scenario.yaml", place / "mine.yaml")
    (place / "data.pkl").write_bytes(pickle.dumps([1, 2]))
    return place


@pytest.fixture
def here(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(world, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")


def state() -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of change of everything."""
    found = {str(path): path.lstat() for path in (Path(), *Path().rglob("*"))}
    return {name: (one.st_ino, one.st_size if name != "." else 0, 0 if name == "." else one.st_mtime_ns)
            for name, one in found.items()}  # fmt: skip


def refusal(run: Run, case: tuple[str, str, str], out: str, *more: str) -> str:
    """What a command says that writes to ``out`` and is refused before it does anything."""
    before = state()
    status, told, errors = run(*case[0].replace("OUT", out).split(), *more)
    assert (status, told) == (2, "")
    assert state().keys() == before.keys()
    assert {name: one for name, one in state().items() if Path(name).is_file()} == {
        name: one for name, one in before.items() if Path(name).is_file()
    }
    assert len(errors.splitlines()) == 1
    return errors


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("which", FILES)
def test_no_command_writes_over_what_it_reads(which: str, run: Run) -> None:
    case = FILES[which]
    source, suffix = Path(case[1]), Path(case[2]).suffix
    Path(f"soft{suffix}").symlink_to(source)
    Path(f"hard{suffix}").hardlink_to(source)
    other_case = source.with_name(source.name.upper())
    for out in (str(source), f"./{source}", f"soft{suffix}", f"hard{suffix}", str(other_case)):
        assert "which this command reads" in refusal(run, case, out)
        assert "which this command reads" in refusal(run, case, out, "--replace")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("which", FILES)
def test_every_command_asks_before_it_replaces_what_is_of_another_kind(which: str, run: Run) -> None:
    case = FILES[which]
    Path(case[2]).write_bytes(b"\0\0\0\x20ftypisom")
    assert "--replace" in refusal(run, case, case[2])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("which", FILES)
def test_a_place_that_cannot_be_written_is_told_before_the_work(which: str, run: Run) -> None:
    case = FILES[which]
    suffix = Path(case[2]).suffix
    Path(f"folder{suffix}").mkdir()
    Path(f"link{suffix}").symlink_to("nowhere")
    assert "is a folder" in refusal(run, case, f"folder{suffix}", "--replace")
    assert "is a link to nowhere, which does not exist" in refusal(run, case, f"link{suffix}")
    assert "too long" in refusal(run, case, "x" * 250 + suffix)
    assert "own.mp4 is no folder" in refusal(run, case, f"own.mp4/new{suffix}")
    place = Path(f".new{suffix}.preroll")
    place.mkdir()
    (place / "notes.txt").touch()
    assert "is in the way and is not preroll's" in refusal(run, case, f"new{suffix}")


@pytest.mark.usefixtures("here")
def test_a_product_goes_to_a_pipe_alone_and_messages_beside_it() -> None:
    command = [sys.executable, "-m", "preroll", "predict", "convert", "data.pkl", "/dev/stdout"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[\n  1,\n  2\n]\n", "/dev/stdout: list of 2\n")


@pytest.mark.usefixtures("here")
def test_a_linked_file_is_written_through_its_link(run: Run) -> None:
    Path("link.json").symlink_to("table.json")
    Path("table.json").write_text("{}")
    assert run("predict", "convert", "data.pkl", "link.json")[0] == 0
    assert Path("link.json").is_symlink()
    assert Path("table.json").read_text() == "[\n  1,\n  2\n]\n"
