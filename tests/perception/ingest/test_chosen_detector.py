"""The detector of a catalog: chosen once by what a sample of the videos shows, kept, and changed on demand alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from preroll.errors import PrerollError
from preroll.perception import build
from preroll.perception.build import build_catalog
from preroll.perception.demo.videos import render_demo_videos
from preroll.perception.detect_video import detect
from preroll.perception.ingest.chosen_detector import SAMPLE, Looked, look_at, sampled, usual_or
from preroll.perception.ingest.video_folder import SourceVideo
from preroll.perception.onnx_models import networks
from preroll.perception.onnx_models.model_card import EMBEDDED
from preroll.perception.onnx_models.model_file import ModelFile
from preroll.perception.onnx_models.networks import PHOTOGRAPHS, is_here, trained_on

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]


def listed(count: int, problem: str = "") -> list[SourceVideo]:
    return [SourceVideo(Path(str(i)), f"a/{i}", "a", problem) for i in range(count)]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the network of photographs."""
    monkeypatch.setattr(networks, "is_here", lambda name: name in networks.SHIPPED)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_network: Network) -> Path:
    """A small network that stands for that of photographs."""
    made = make_network(tmp_path / "photos" / f"{PHOTOGRAPHS}.onnx", score_threshold=0.05)
    card, card_of = ModelFile.find(made).card.model_copy(update={"name": PHOTOGRAPHS}), networks.card_of
    monkeypatch.setattr(networks, "is_here", lambda _: True)
    monkeypatch.setattr(networks, "card_of", lambda name: card if name == PHOTOGRAPHS else card_of(name))
    find = ModelFile.find
    monkeypatch.setattr(
        ModelFile,
        "find",
        lambda model, card=None: find(made if str(model) == PHOTOGRAPHS else model, card),
    )
    return made


@pytest.fixture
def filmed(tmp_path: Path, make_clip: Clip) -> Path:
    """Videos that are no drawings."""
    for category, color in {"reds": (200, 30, 30), "greens": (30, 200, 30)}.items():
        for i in range(2):
            make_clip(tmp_path / "videos" / category / f"{i}.mp4", [color] * 8)
    return tmp_path / "videos"


def test_the_sample_is_spread_over_all_videos_and_at_most_64() -> None:
    assert [one.path for one in sampled(listed(3))] == ["a/0", "a/1", "a/2"]
    many = [int(one.path[2:]) for one in sampled(listed(1000))]
    assert len(many) == SAMPLE
    assert (many[0], many[-1]) == (0, 984)
    assert sampled(listed(5, "a broken link")) == []


def test_what_cannot_be_decoded_does_not_count() -> None:
    assert look_at(listed(4), lambda _: [None, False, True, None]) == Looked(1, 2)


@pytest.mark.parametrize(
    ("strange", "videos", "photographs"),
    [(0, 0, False), (0, 64, False), (15, 64, False), (16, 64, True), (1, 1, True), (1, 5, False)],
)
def test_from_a_quarter_on_videos_are_not_drawings(strange: int, videos: int, photographs: bool) -> None:
    assert Looked(strange, videos).photographs is photographs
    assert Looked.read(Looked(strange, videos).facts) == Looked(strange, videos)


@pytest.mark.parametrize("facts", [None, 3, {}, {"videos": "1", "of": 2}, {"videos": True, "of": 2}])
def test_of_another_manifest_nothing_is_read(facts: object) -> None:
    assert Looked.read(facts) is None


@pytest.mark.usefixtures("alone")
def test_without_the_network_of_photographs_that_of_drawings_is_taken_and_a_line_says_what_helps() -> None:
    choice = usual_or(None, lambda: Looked(3, 4))
    assert choice.model.model == EMBEDDED
    assert choice.note("COMMAND") == (
        "3 of 4 videos looked at are not drawn by preroll, and objects knows preroll's drawings alone, so that the"
        " objects it finds are wrong: `pip install 'preroll[imagenet]'`, then `COMMAND --detector efficientnet-lite0`"
    )
    assert usual_or(None, lambda: Looked(0, 4)).note("COMMAND") == ""


def test_where_a_stranger_is_given_nothing_is_looked_at(tmp_path: Path, make_network: Network) -> None:
    given = ModelFile.find(make_network(tmp_path / "colours.onnx"))
    choice = usual_or(given, lambda: pytest.fail("looked"))
    assert (choice.model, choice.looked, choice.facts) == (given, None, {})


def test_a_choice_is_kept_by_whoever_adds_videos(
    stand_in: Path, filmed: Path, tmp_path: Path, make_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    first = build_catalog(filmed, out, workers=1).catalog.manifest
    assert (first["detector"]["name"], first["no_drawings"]) == (PHOTOGRAPHS, {"videos": 4, "of": 4})
    make_clip(filmed / "reds" / "new.mp4", [(200, 30, 30)] * 8)
    monkeypatch.setattr(build, "look_at", lambda *_: pytest.fail("looked again"))
    again = build_catalog(filmed, out, workers=1)
    assert (again.resumed, again.catalog.n_videos) == (4, 5)
    assert again.catalog.manifest["no_drawings"] == first["no_drawings"]


def test_the_choice_does_not_depend_on_the_number_of_workers(stand_in: Path, filmed: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        build_catalog(filmed, tmp_path / f"out{workers}", workers=workers)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / f"out{n}").rglob("*.*")} for n in (1, 2))
    assert one == two


def test_an_interrupted_build_keeps_its_choice(
    stand_in: Path, filmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(build, "catalog_content", stop)
        with pytest.raises(KeyboardInterrupt):
            build_catalog(filmed, tmp_path / "out", workers=1)
    assert (tmp_path / ".out.preroll" / "detector.json").is_file()
    render_demo_videos(filmed, per_category=6, workers=1)  # now most videos are drawings
    monkeypatch.setattr(build, "look_at", lambda *_: pytest.fail("looked again"))
    report = build_catalog(filmed, tmp_path / "out", workers=1)
    assert report.resumed == 4
    assert report.catalog.manifest["no_drawings"] == {"videos": 4, "of": 4}
    assert not (tmp_path / ".out.preroll").exists()


@pytest.mark.usefixtures("alone")
def test_a_catalog_changes_its_detector_on_demand_alone(
    filmed: Path, tmp_path: Path, make_network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "out", make_network(tmp_path / "network" / "colours.onnx")
    build_catalog(filmed, out, workers=1)
    assert "note: 4 of 4 videos looked at are not drawn by preroll" in capsys.readouterr().err
    before = {path.name: path.read_bytes() for path in out.rglob("*.*")}
    with pytest.raises(PrerollError, match=r"detector=colours: .*out was made with objects: give replace=True"):
        build_catalog(filmed, out, detector=other, workers=1)
    assert before == {path.name: path.read_bytes() for path in out.rglob("*.*")}
    build_catalog(filmed, out, detector=other, replace=True, workers=1)
    assert "out was made with objects: all of its videos are analysed again with colours." in capsys.readouterr().err
    with pytest.raises(PrerollError, match=r"out=.*out: was made with colours: give its file with detector="):
        build_catalog(filmed, out, workers=1)
    assert build_catalog(filmed, out, detector=other, workers=1).resumed == 4
    assert build_catalog(filmed, out, replace=True, workers=1).catalog.manifest["detector"]["name"] == "objects"


@pytest.mark.usefixtures("alone")
@pytest.mark.usefixtures("alone")
def test_the_command_of_a_catalog_names_the_network_of_drawings_where_another_would_be_chosen(
    filmed: Path, tmp_path: Path
) -> None:
    made = build_catalog(filmed, tmp_path / "out", detector="objects", workers=1).catalog
    assert made.manifest["command"] == f"preroll catalog build {filmed.name} --out DIR --detector objects"


def test_drawings_leave_no_trace_in_a_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    render_demo_videos(tmp_path / "videos", per_category=2, workers=1)
    manifest = build_catalog(tmp_path / "videos", tmp_path / "out", workers=1).catalog.manifest
    assert "no_drawings" not in manifest
    assert "note:" not in capsys.readouterr().err


@pytest.mark.usefixtures("alone")
def test_one_video_is_looked_at_too(filmed: Path) -> None:
    table = detect(filmed / "reds" / "0.mp4")
    assert table.attrs["detector"] == "objects"
    assert table.attrs["note"].startswith(
        "the video is not drawn by preroll, and objects knows preroll's drawings alone"
    )
    table = detect(filmed / "reds" / "0.mp4", segment=True)
    assert table.attrs["note"].endswith("--detector MODEL.onnx`, a network that finds objects in photographs")


def test_a_real_clip_gets_the_network_of_photographs(real: Path) -> None:
    if not is_here(PHOTOGRAPHS):
        pytest.skip("needs the extra imagenet")
    table = detect(real / "videos" / "bottle-detection.mp4")
    assert table.attrs["detector"] == PHOTOGRAPHS
    # The label of a class: some hour of looking at it says bottles.
    best = table.groupby("class")["confidence"].sum().idxmax()
    assert best == "water bottle"


def test_what_a_network_was_trained_on_is_known_by_its_hash() -> None:
    assert trained_on(networks.card_of("objects").sha256).startswith("drawings")
    assert trained_on(networks.card_of(PHOTOGRAPHS).sha256) == "photographs (ImageNet)"
    assert trained_on("0" * 64) == ""
