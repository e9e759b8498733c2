import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import PrerollError
from tests.conftest import write_catalog
from tests.perception.visualization.conftest import Scene

pytestmark = pytest.mark.usefixtures("without_processes")


@pytest.fixture(scope="module")
def folder(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(scene.catalog, tmp_path_factory.mktemp("command") / "catalog")


def test_a_page_is_written_and_said(scene: Scene, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["catalog", "page", str(folder), "--videos", str(scene.videos), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: 30 of 30 videos, 4 with thumbnails; {out.stat().st_size / 1e6:.2f} MB\n"
    assert "Drawing thumbnails: 30 of 30" in result.stderr
    assert "note: 26 of 30 videos without thumbnails: not found (25); changed since the catalog was built (1)\n" in (
        result.stderr
    )
    assert "<h1>Catalog catalog</h1>" in out.read_text()


def test_a_table_of_the_videos_will_do_for_their_folder(scene: Scene, folder: Path, tmp_path: Path) -> None:
    (scene.videos / "table.csv").write_text("path,category\n")
    arguments = ["catalog", "page", str(folder), "--videos", str(scene.videos / "table.csv")]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "page.html")])
    assert "30 of 30 videos, 4 with thumbnails" in result.stdout


def test_the_page_goes_to_a_pipe_alone(folder: Path) -> None:
    command = [sys.executable, "-m", "preroll", "catalog", "page", str(folder), "--out", "/dev/stdout"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout[:15], done.stdout[-7:]) == ("<!doctype html>", "</html>")
    assert done.stderr.startswith("/dev/stdout: 30 of 30 videos, 0 with thumbnails; ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("page", "nowhere", "--out", "page.html"), "catalog nowhere: no such folder"),
        (("page", "demo", "--out", "page.html", "--videos", "no"), "--videos no: no such folder, and no such"),
        (("page", "demo", "--out", "page.html", "--video-timeout", "x"), "--video-timeout x: must be seconds"),
        (("page", "demo", "--out", "notes.txt"), "--out notes.txt: the name should end in .html or .htm"),
        (("show", "demo", "--tensorboard", "."), "--tensorboard .: must be a new or an empty folder"),
        (("show", "demo", "--tensorboard", "notes.txt"), "--tensorboard notes.txt: is a file; a new or an"),
        (("show", "demo", "--videos", "."), "--videos: is for the pictures of --tensorboard, which is not"),
        (("show", "demo", "--tensorboard", "new", "--videos", "no"), "--videos no: no such folder, and no"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    result = CliRunner().invoke(app, ["catalog", *arguments])
    assert isinstance(result.exception, PrerollError)
    assert (result.exception.status, result.output) == (2, "")
    assert str(result.exception).startswith(message)
    assert len(str(result.exception).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_for_tensorboard_is_written_beside_what_is_said(scene: Scene, folder: Path, tmp_path: Path) -> None:
    before = CliRunner().invoke(app, ["catalog", "show", str(folder)]).stdout
    arguments = ["catalog", "show", str(folder), "--tensorboard", str(tmp_path / "points")]
    result = CliRunner().invoke(app, [*arguments, "--videos", str(scene.videos)])
    assert result.stdout == (
        f"{before}\n30 points of 30 videos, 4 with pictures, as importance, category_probabilities.\n"
        f"Projector, in the tab of this name: preroll tensorboard {tmp_path / 'points'}\n"
    )
    assert "note: 26 of 30 videos without thumbnails: not found (25)" in result.stderr
    result = CliRunner().invoke(app, [*arguments[:-1], str(tmp_path / "plain")])
    assert "30 points of 30 videos, without pictures, which need --videos" in result.stdout
