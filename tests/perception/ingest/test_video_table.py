import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preroll.errors import PrerollError
from preroll.perception.build import build_catalog
from preroll.perception.ingest.video_table import is_table, read_table

pytestmark = pytest.mark.usefixtures("without_processes")

Clip = Callable[..., Path]
Network = Callable[..., Path]
DOWNLOADS = Path("downloads")


def write(folder: Path, text: str) -> Path:
    path = folder / "videos.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_start_at_the_table_and_urls_are_noted(tmp_path: Path, make_clip: Clip) -> None:
    for name in ("a", "c"):
        make_clip(tmp_path / "sub" / f"{name}.mp4", [(0, 0, 0)])
    table = write(
        tmp_path,
        "\ufeffpath,category,split\nsub/../sub/a.mp4,cats,train\nhttps://host.example/v/b.mp4?x=1,cars,test\n"
        f'{tmp_path}/sub/c.mp4,dogs,\n"no, such.mp4",cats,test\n',
    )
    videos = read_table(table, DOWNLOADS).videos
    assert [one.category for one in videos] == ["cars", "cats", "cats", "dogs"]
    by_path = {(one.category, one.path): one for one in videos}
    assert by_path["cats", "sub/a.mp4"].split == "train"
    assert by_path["cats", "sub/a.mp4"].problem == ""
    assert by_path["dogs", "sub/c.mp4"].problem == ""
    assert by_path["cats", "no, such.mp4"].problem.startswith("not there")
    web = by_path["cars", "https://host.example/v/b.mp4?x=1"]
    assert (web.url, web.name, web.split) == (web.path, "b.mp4", "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the columns must be path or url, category"),
        ("path,label\n", "line 1: the columns must be path or url, category"),
        ("path,category,colour\n", r"line 1: column 'colour'; known, once each: path, url, category, split"),
        ("path,path,category\n", r"line 1: column 'path'; known, once each"),
        ("path,category\n", "it lists no video"),
        ("path,category\na.mp4\n", "line 2: should have 2 fields"),
        ("path,category\na.mp4,cats,dogs\n", "line 2: should have 2 fields"),
        ("path,category\na.mp4,\n", "line 2: category '': it must be a name"),
        ("path,category\na.mp4,cats/wild\n", "line 2: category 'cats/wild': it must be a name without /"),
        ("path,category\n,cats\n", "line 2: it must have a path or a url"),
        ("path,url,category\na.mp4,http://h/b,cats\n", "line 2: it must have a path or a url"),
        (
            "path,category,split\na.mp4,cats,Train\n",  # would have been judged, not learned from
            "line 2: split 'Train': it must be train, val, test or empty",
        ),
        ("path,category\na.mp4,cats\n./a.mp4,dogs\n", "line 3: a.mp4 is in line 2 too"),
        ("url,category\na.mp4,cats\n", "line 2: url 'a.mp4' must begin with http"),
        ("url,category\nfile:///etc/passwd,cats\n", "line 2: url 'file:///etc/passwd' must begin with http"),
        ("url,category\nhttp://me:secret@host/a,cats\n", "line 2: the url holds a user's name or password"),
        ("url,category\nhttp://[/a,cats\n", "line 2: url 'http://"),
        ('path,category\n"a.mp4,cats\n', "line 2: unexpected end of data"),
        ("path,category\na\0.mp4,cats\n", "is no text"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PrerollError, match=message) as caught:
        read_table(write(tmp_path, text), DOWNLOADS)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_any_table_is_read_or_refused(rows: str, path: str, category: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "videos.csv"
        table.write_text(f"path,category\n{path},{category}\n{rows}", encoding="utf-8", errors="replace")
        try:
            listing = read_table(table, DOWNLOADS)
        except PrerollError:
            return
        assert all(one.category and one.path for one in listing.videos)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    assert is_table(tmp_path / "a.csv")
    assert not is_table(tmp_path)
    with pytest.raises(PrerollError, match=r"nowhere\.csv: no such file"):
        read_table(tmp_path / "nowhere.csv", DOWNLOADS)


def test_a_table_becomes_a_catalog_with_its_splits(tmp_path: Path, make_clip: Clip, make_network: Network) -> None:
    lines = ["path,category,split"]
    for category, color in (("blues", (0, 0, 255)), ("reds", (255, 0, 0))):
        for i in range(4):
            make_clip(tmp_path / "clips" / f"{category}{i}.mp4", [color] * 5)
            lines.append(f"clips/{category}{i}.mp4,{category},{'test' if i == 3 else 'train'}")
    lines.append("clips/lost.mp4,reds,train")
    network = make_network(tmp_path / "network" / "colours.onnx", score_threshold=0.05)
    table = write(tmp_path, "\n".join(lines))
    report = build_catalog(table, tmp_path / "out", detector=network, workers=1, save_frames=tmp_path / "frames")
    videos = report.catalog.videos().set_index("path")
    assert report.catalog.manifest["command"] == "preroll catalog build videos.csv --out DIR --detector colours.onnx"
    assert videos["split"]["clips/blues3.mp4"] == "test"
    assert videos["status"]["clips/lost.mp4"] == "not_a_file"
    assert report.catalog.category_probabilities is not None
    assert (report.catalog.category_probabilities.argmax(1) == report.catalog.category).all()
    assert (tmp_path / "frames" / "reds" / "clips-reds3.mp4" / "1.jpg").is_file()
