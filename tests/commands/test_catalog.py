import shutil
from pathlib import Path

import numpy as np
import pytest

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.terminal.catalog_summary import report_of
from tests.commands.conftest import Run

pytestmark = pytest.mark.usefixtures("without_processes")


def shown(run: Run, catalog: str | Path = "demo") -> str:
    status, told, _ = run("catalog", "show", catalog)
    assert status == 0
    return told


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


@pytest.fixture(scope="session")
def demo_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five clips of each demo category."""
    from preroll.perception.demo.videos import render_demo_videos

    folder = tmp_path_factory.mktemp("demo") / "videos"
    render_demo_videos(folder, per_category=5, workers=1)
    return folder


@pytest.fixture
def built(run: Run, tmp_path: Path, demo_videos: Path) -> tuple[Path, str]:
    """A copy of a catalog of them, built once, and what was told of it, as if it had been built there."""
    out = demo_videos.parent / "built"
    told = out.with_suffix(".txt")
    if not told.exists():
        status, text, _ = run("catalog", "build", demo_videos, "--out", out, "--workers", "1")
        assert status == 0
        told.write_text(text)
    copy = Path(shutil.copytree(out, tmp_path / "catalog"))
    return copy, told.read_text().replace(str(out), str(copy))


def test_videos_become_a_catalog_that_can_be_shown_and_verified(run: Run, built: tuple[Path, str]) -> None:
    out, told = built
    assert "15 videos, 12 object classes" in told
    assert "Made by: preroll catalog build videos --out DIR" in told
    assert "Detector: objects, trained on drawings (30,000 drawn pictures)." in told
    assert "Neighbours in the video's own category" in told
    assert run("catalog", "show", out)[1] == told
    assert "Who saw every object" not in told, "five clips of each category are not the demo catalog's"
    status, told, _ = run("catalog", "verify", out)
    assert (status, "all as they were built" in told) == (0, True)
    status, told, _ = run("catalog", "similar", out, "cats-001.mp4")
    assert told.startswith("Most similar to cats/cats-001.mp4:\nrank  score  path")
    found = told.strip().splitlines()[2:]
    assert 1 <= len(found) <= 10
    assert all(float(line.split()[1]) > 0 for line in found), "a video that has nothing in common is no neighbour"


def test_bad_videos_are_told_with_their_reasons(run: Run, tmp_path: Path, demo_videos: Path) -> None:
    videos = tmp_path / "videos"
    shutil.copytree(demo_videos, videos)
    (videos / "cats" / "story.mp4").write_text("once upon a time")
    (videos / "dogs").mkdir()
    (videos / "dogs" / "none.mp4").write_bytes(b"")
    (videos / "cats" / "notes.txt").write_text("")
    status, told, errors = run("catalog", "build", videos, "--out", tmp_path / "out", "--workers", "1")
    assert status == 1
    assert "2 of 17 videos left out; 0 seen in part." in told
    assert "cats/story.mp4  unreadable  not a video that can be opened" in told
    assert "1 other file beside the videos passed over." in told
    assert last_line(errors) == "error: no usable video is left in: dogs; the catalog is without them"
    assert Catalog.load(tmp_path / "out").n_videos == 15


def test_an_altered_catalog_is_found_out(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(Catalog.load("demo").path, copy)
    (copy / "videos.csv").write_text("altered")
    status, told, errors = run("catalog", "verify", copy)
    assert status == 1
    assert told == "videos.csv: its content does not match the manifest\n"
    assert last_line(errors).endswith("1 file not as built")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "nowhere", "--out", "out"), "error: videos nowhere: no such folder"),
        (("build", "empty", "--out", "out"), "error: videos empty: no video in any subfolder"),
        (("build", "empty"), "Missing option '--out'"),
        (("show", "nowhere"), "error: catalog nowhere: no such folder"),
        (("similar", "demo", "cats-999.mp4"), "error: catalog"),
        (("similar", "demo", "0", "--picture", "a.jpg"), "error: --picture and --videos: give both, or neither"),
        (("build", "empty", "--out", "out", "--worker-memory", "much"), "error: --worker-memory much: must be a size"),
        (("build", "empty", "--out", "out", "--video-timeout", "10x"), "error: --video-timeout 10x: must be seconds"),
        (("build", "table.csv", "--out", "out"), "error: videos table.csv: no such file; a table of videos is"),
        (("export", "demo", "--csv", "."), "error: --csv .: must be a new or an empty folder"),
        (
            ("build", "empty", "--out", "out", "--group-by", "clip"),
            "error: --group-by clip: of a folder of videos it must",
        ),
        (("verify", "empty"), "error: catalog empty: it has no manifest.json"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    status, told, errors = run("catalog", *arguments)
    assert (status, told) == (2, "")
    assert message in errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_a_build_again_knows_its_videos_and_takes_other_choices(
    run: Run, demo_videos: Path, built: tuple[Path, str]
) -> None:
    arguments = ("catalog", "build", demo_videos, "--out", built[0], "--workers", "1")
    status, told, _ = run(*arguments, "--importance", "presence", "--idf", "--classifier", "random-forest")
    assert status == 0
    assert "15 of 15 videos known from before, with no change since." in told
    assert "--importance presence --classifier random-forest --idf" in told
    _, told, _ = run(*arguments, "--approximate", "--worker-memory", "1.5GiB", "--video-timeout", "30+5x")
    assert "They were found approximately: recall 100.0 %." in told


def test_a_catalog_comes_out_as_pictures_and_tables(
    run: Run, tmp_path: Path, demo_videos: Path, built: tuple[Path, str]
) -> None:
    status, told, _ = run("catalog", "show", "demo", "--confusion", tmp_path / "confusion.png")
    assert status == 0
    assert "Brier" in told
    assert "Who saw every object of these clips would tell the category of 97.0 % of them." in told
    assert "ECE" in told
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
    status, told, _ = run("catalog", "export", "demo", "--csv", tmp_path / "tables")
    assert status == 0
    assert "neighbors.csv" in told
    drawn = ("--videos", demo_videos, "--picture", tmp_path / "row.jpg")
    status, told, _ = run("catalog", "similar", built[0], "cats-001.mp4", *drawn)
    assert status == 0
    assert (tmp_path / "row.jpg").read_bytes().startswith(b"\xff\xd8")


def test_demo_videos_come_with_their_ceiling(run: Run, tmp_path: Path) -> None:
    status, told, _ = run("catalog", "demo-videos", tmp_path / "videos", "--per-category", "5", "--workers", "1")
    assert status == 0
    assert told.startswith("15 videos in ")
    assert told.endswith("\nAlways the likeliest category: 33.3 %.\n")
    assert "would tell the category of" in told
    assert len(list((tmp_path / "videos").glob("*/*.mp4"))) == 15


def test_a_catalog_tells_what_its_categories_were_predicted_from(run: Run, tmp_path: Path) -> None:
    before = Catalog.load("demo")
    rows = np.eye(len(before.categories), dtype=np.float32)[before.category]
    Predictions("genres", tuple(before.videos()["path"]), before.categories, rows).save(tmp_path / "genres")
    assert "Category from objects: 95.7 % right, each video judged by a model that never saw it; macro" in shown(run)
    run("predict", "annotate", before.path, "--calibrate", "--out", tmp_path / "calibrated")
    assert "(ECE) 0.026; always the likeliest category 33.3 % right.\n" in shown(run)
    told = shown(run, tmp_path / "calibrated")
    assert "% right, each video judged by a model that never saw it, calibrated on other videos; macro" in told
    run("predict", "annotate", tmp_path / "calibrated", "--categories", tmp_path / "genres", "--out", tmp_path / "new")
    told = shown(run, tmp_path / "new")
    assert "Category from predicted genres: 100.0 % right; macro" in told
    assert "objects:" not in told


def test_only_videos_of_a_known_category_tell_how_often_it_is_recognized() -> None:
    probabilities = np.array([[1, 0], [1, 0], [0, 1]])
    for category, accuracy in (([0, -1, 1], 1.0), ([0, 1, -1], 0.5), ([-1, -1, -1], None)):
        catalog = Catalog.from_arrays(
            categories=("cars", "cats"),
            category=category,
            neighbors=np.full((3, 10), -1),
            importance=np.ones((3, 1)),
            classes=("car",),
            category_probabilities=probabilities,
        )
        report = report_of(catalog)
        assert (report and report.accuracy) == accuracy


def test_pieces_of_one_clip_are_warned_of_until_they_are_grouped(run: Run, tmp_path: Path, demo_videos: Path) -> None:
    for clip in sorted(demo_videos.glob("c*/*-00[12].mp4")):
        for piece in (1, 2):
            place = tmp_path / "videos" / clip.parent.name / f"{clip.stem}_part{piece}.mp4"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip, place)
    arguments = ("catalog", "build", tmp_path / "videos", "--out", tmp_path / "out", "--workers", "1")
    status, told, errors = run(*arguments)
    assert (status, "saw it; macro" in told) == (0, True)
    assert (
        "warning: 12 of 12 videos nearly equal one that their judge learned from, such as cars/cars-001_part1" in errors
    )
    status, told, errors = run(*arguments, "--group-by", "name")
    assert status == 0
    assert "each video judged by a model that never saw it or its group; macro" in told
    assert "Neighbours of other groups in the video's own category" in told
    assert "cars/cars-001_part1" not in errors
    _, told, _ = run(*arguments, "--group-by", "folder")
    assert "not measured, for a category has fewer than two groups of videos to learn from." in told


def test_a_catalog_is_searched_by_class(run: Run) -> None:
    status, told, _ = run("catalog", "search", "demo", "fish", "--most", "3")
    lines = told.strip().splitlines()
    assert (status, len(lines)) == (0, 4)
    assert lines[0].split() == ["rank", "importance", "path", "category"]
    shares = [float(line.split()[1]) for line in lines[1:]]
    assert shares == sorted(shares, reverse=True)
    assert all("cats/" in line for line in lines[1:])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fisch",), "'fisch' is none of its 12 classes; did you mean fish?\n"),
        (("bear",), "'bear' is none of its 12 classes\n"),
        (("boat",), "'boat' is none of its 12 classes\n"),
        ((), "give either a NAME or --image"),
        (("fish", "--image", "a.png"), "give either a NAME or --image"),
        (("--image", "a.png"), "has no embeddings"),
        (("fish", "--most", "0"), "Invalid value for '--most': 0: must be a whole number from 1"),
    ],
)
def test_a_search_that_finds_nothing_says_why_in_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    status, out, err = run("catalog", "search", "demo", *arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_words_are_annotated_and_searched(run: Run, tmp_path: Path, demo_videos: Path, network: Path) -> None:
    """Of a catalog whose encoder gives shares of red, green and blue."""
    out, words = tmp_path / "catalog", tmp_path / "words.npy"
    status, told, _ = run(
        "catalog",
        "build",
        demo_videos,
        "--out",
        out,
        "--encoder",
        network,
        "--neighbors-by",
        "embedding",
        "--workers",
        "1",
    )
    assert status == 0
    assert "by embedding" in told
    assert "They are neighbours by the embedding." in told
    np.save(words, np.eye(3, dtype=np.float32))
    (tmp_path / "names.txt").write_text("red\ngreen\nblue\n")
    status, told, _ = run(
        "predict", "annotate", out, "--words", words, "--names", tmp_path / "names.txt", "--out", tmp_path / "new"
    )
    assert status == 0
    assert "note: no word is the category 'cars': categories stay as they were" in told
    assert run("catalog", "search", tmp_path / "new", "green", "--most", "1")[0] == 0
    assert run("catalog", "verify", tmp_path / "new")[0] == 0
    status, _, err = run("predict", "annotate", out, "--words", words, "--out", tmp_path / "other")
    assert (status, "--words and --names: give both" in err) == (2, True)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    from tests.perception.conftest import write_network

    return write_network(tmp_path / "net" / "colours.onnx", logit_scale=5.0)


def test_what_is_there_twice_is_listed_and_warned_of(run: Run, tmp_path: Path, demo_videos: Path) -> None:
    status, told, _ = run("catalog", "duplicates", "demo")
    assert (status, last_line(told)) == (0, "No video is there twice, as far as is known.")
    videos = shutil.copytree(demo_videos, tmp_path / "videos")
    (videos / "dogs").mkdir()
    clip = next(path for path in sorted((videos / "cats").iterdir()))
    shutil.copyfile(clip, videos / "cars" / "twice.mp4")
    status, _, error = run("catalog", "build", videos, "--out", tmp_path / "out", "--workers", "1")
    assert status == 1
    assert "no usable video is left in: dogs" in error
    assert f"1 file is in two categories, such as cars/twice.mp4 and cats/{clip.name}" in error
    status, told, _ = run("catalog", "duplicates", tmp_path / "out")
    assert status == 0
    lines = [line.split() for line in told.splitlines()]
    assert lines[0] == ["pair", "difference", "by", "path", "category"]
    pair = ["1", "0.000", "file"]
    assert lines[-2:] == [[*pair, "cars/twice.mp4", "cars"], [*pair, f"cats/{clip.name}", "cats"]]
