import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape

from preroll.perception.catalog.catalog import Catalog
from preroll.perception.visualization import page as page_module
from preroll.perception.visualization.page import LARGEST, MOST_VIDEOS, Told, write_page
from preroll.perception.visualization.thumbnails import Thumbnails, Tile
from preroll.terminal.catalog_summary import CATEGORY_COLUMNS, category_rows, quality_told, report_of
from tests.browser import dump
from tests.conftest import make_catalog
from tests.perception.visualization import conftest as made
from tests.perception.visualization.conftest import Scene, with_table

pytestmark = pytest.mark.usefixtures("without_processes")


def told_of(catalog: Catalog) -> Told:
    return Told(quality_told(catalog), CATEGORY_COLUMNS, category_rows(catalog), report_of(catalog))


def html_of(catalog: Catalog, folder: Path, **more: Any) -> str:
    path = folder / "page.html"
    write_page(catalog, path, told_of(catalog), **more)
    return path.read_text("utf8")


@pytest.fixture(scope="module")
def html(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> str:
    return html_of(scene.catalog, tmp_path_factory.mktemp("page"), videos=scene.videos, workers=1)


class Read(HTMLParser):
    """What a browser finds on a page: elements, attributes, ids, where links lead, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append(tag)
        self.attributes += given
        self.links += [value for name, value in given.items() if name in ("href", "src")]
        self.ids += [given["id"]] if "id" in given else []
        self.labels += [given["aria-label"]] if given.get("role") == "img" else []
        assert tag not in ("img", "svg") or {"alt", "aria-label", "aria-hidden"} & set(given), given

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def card(html: str, row: int) -> str:
    """The part of the page about one video, without elements."""
    part = html.split(f'<details id="v{row}">')[1].split("</details>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part)).split())


def test_the_page_needs_nothing_else_and_runs_no_script_but_its_own(html: str) -> None:
    read = Read(html)
    assert all(link.startswith(("#", "data:image/webp;base64,")) for link in read.links)
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    assert "@import" not in html
    assert "url(" not in html
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    assert html.startswith("<!doctype html>\n<html lang")


def test_every_video_is_shown_with_what_the_catalog_knows_of_it(scene: Scene, html: str) -> None:
    catalog, paths = scene.catalog, scene.catalog.videos().set_index("index")["path"]
    assert catalog.category_probabilities is not None
    for row in range(catalog.n_videos):
        text = card(html, row)
        assert paths[row] in text
        for name, value in zip(catalog.classes, catalog.importance[row], strict=True):
            assert f"{name} {value:.3f}" in text
        for name, value in zip(catalog.categories, catalog.category_probabilities[row], strict=True):
            assert f"{name} {value:.3f}" in text
        for other, score in zip(catalog.neighbors[row], catalog.neighbor_scores[row], strict=True):
            assert f"{score:.3f} {paths[other]}" in text
    assert "4.0 s; 12 frames sampled; partial: decoding stopped after 4.0 of 9.0 s: Invalid data" in card(html, 2)


def test_it_says_in_words_and_numbers_what_catalog_show_says(scene: Scene, html: str) -> None:
    for sentence in quality_told(scene.catalog):
        assert f"<p>{escape(sentence)}</p>" in html
    report = report_of(scene.catalog)
    assert report is not None
    (matrix,) = re.findall(r'<table class="map">(.*?)</table>', html, re.DOTALL)
    numbers = [[int(n) for n in re.findall(r">(\d+)</td>", line)] for line in matrix.split("<tr>")[2:]]
    assert numbers == report.confusion.tolist()


def test_pictures_have_names_and_what_has_none_is_counted(html: str) -> None:
    read = Read(html)
    assert sorted(one for one in read.ids if one.startswith("p")) == ["p0", "p1", "p2", "p3"]
    assert "A frame of cars/0.mp4" in read.labels
    assert "4 frames of cars/0.mp4, in order" in read.labels
    assert "26 of 30 videos without thumbnails: not found (25); changed since the catalog was built (1)." in html


def test_without_videos_it_says_how_to_get_thumbnails(scene: Scene, tmp_path: Path) -> None:
    html = html_of(scene.catalog, tmp_path)
    assert "There are no thumbnails: <code>preroll catalog page … --videos VIDEOS</code> draws them." in html
    assert "<image" not in html


def section(html: str, title: str) -> str:
    part = html.split(f"<h2>{title}</h2>")[1].split("</section>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", part)).split())


def test_what_is_odd_has_sections_of_its_own(scene: Scene, html: str) -> None:
    odd = section(html, "Damaged or left out")
    assert "cars/2.mp4" not in odd
    assert "concerts/2.mp4 partial decoding stopped after" in odd
    assert "cats/story.mp4 unreadable no <b>" in odd
    assert "cars/0.mp4 , cats/1.mp4 : the same file in different categories" in section(html, "There twice")


def test_those_recognized_worst_come_first(tmp_path: Path) -> None:
    catalog = make_catalog()
    wrong = {3: 0.2, 7: 0.01, 11: 0.1}
    assert catalog.category_probabilities is not None
    probabilities = np.eye(3, dtype=np.float32)[catalog.category]
    for row, own in wrong.items():
        probabilities[row] = (1 - own) * np.eye(3)[(catalog.category[row] + 1) % 3]
        probabilities[row, catalog.category[row]] = own
    catalog.__dict__["category_probabilities"] = probabilities
    html = html_of(catalog, tmp_path)
    found = re.findall(r'<li><a href="#v(\d+)">.*?true ([\d.]+)</li>', html, re.DOTALL)
    assert found == [("7", "0.010"), ("11", "0.100"), ("3", "0.200")]
    assert "3 of 30 videos have another likeliest category; here are the 3" in html
    assert "→ concerts" in card(html, 7)
    assert "→" not in card(html, 0)


def test_hostile_names_stand_on_the_page_as_text(scene: Scene, html: str, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\"'onload=&{{7*7}}\x1b[31m\u202e\n.mp4"
    catalog = scene.with_paths({0: f"cars/{hostile}", 2: f"{hostile}/2.mp4"}).catalog
    catalog.categories = (hostile, *catalog.categories[1:])
    catalog.__dict__["classes"] = (f"{hostile}\udcff", *catalog.classes[1:])
    catalog.manifest = {**catalog.manifest, "command": hostile}
    page = html_of(catalog, tmp_path)
    found, harmless = Read(page), Read(html)
    assert found.elements.count("script") == 1
    assert set(found.elements) <= set(harmless.elements) | {"code"}
    assert set(found.attributes) <= set(harmless.attributes)
    shown = hostile.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert any(shown in text for text in found.texts)
    assert any(f"{shown}\\udcff" in text for text in found.texts)
    assert not {"\x1b", "\u202e", "\udcff"} & set(page)


def large(videos: int, categories: int, name: str) -> Catalog:
    """A catalog in memory of so many videos."""
    rng = np.random.default_rng(0)
    names = tuple(sorted(f"{name}{k}" for k in range(categories)))
    catalog = Catalog.from_arrays(
        categories=names,
        category=np.arange(videos) % categories,
        neighbors=(np.arange(videos)[:, None] + np.arange(1, 11)) % videos,
        importance=rng.random((videos, 20)),
        classes=[f"class {c}" for c in range(20)],
        category_probabilities=np.full((videos, categories), 1 / categories),
    )
    table = catalog.videos()
    table["path"] = [f"{name}/{i}.mp4" for i in range(videos)]
    return with_table(catalog, table)


@pytest.fixture
def largest_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thumbnails of every video, of as many bytes as they may have."""

    def draw(_: Catalog, rows: list[int], __: Path, tile: Tile, **___: object) -> Thumbnails:
        return Thumbnails({row: np.zeros((tile.frames, 1, 1, 3), np.uint8) for row in rows})

    monkeypatch.setattr(page_module, "draw_thumbnails", draw)
    monkeypatch.setattr(page_module, "encoded", lambda _, most: b"x" * most)


@pytest.mark.usefixtures("largest_pictures")
@pytest.mark.parametrize(("videos", "categories", "name"), [(5000, 3, "c"), (1200, 600, "c"), (600, 2, "&<'\"" * 5000)])
def test_the_page_of_a_large_catalog_is_a_sample_that_says_so(
    videos: int, categories: int, name: str, tmp_path: Path
) -> None:
    html = html_of(large(videos, categories, name), tmp_path, videos=tmp_path)
    assert 0.9 * LARGEST < len(html.encode()) <= LARGEST
    shown = html.count("<details")
    assert 1 <= shown <= 2 * MOST_VIDEOS
    assert f"{shown:,} of {videos:,} videos are shown" in html


def test_a_catalog_with_little_in_it_has_a_page_too(tmp_path: Path) -> None:
    """One video of unknown category, without objects, neighbours or a table of files."""
    catalog = Catalog.from_arrays(
        categories=("cats",),
        category=[-1],
        neighbors=np.full((1, 10), -1),
        importance=np.zeros((1, 1)),
        classes=("cat",),
        category_probabilities=[[1.0]],
    )
    html = html_of(catalog, tmp_path)
    assert "of unknown category: 1 of 1" in html
    assert "No object was found." in card(html, 0)


def test_the_same_catalog_gives_the_same_page(scene: Scene, html: str, tmp_path: Path) -> None:
    assert html_of(scene.catalog, tmp_path, videos=scene.videos, workers=2) == html


#: Runs outside of the page, whose policy forbids strangers' scripts.
PROBE = """
<!doctype html><body><iframe id=f width=400 height=900 style='border:0' src='page.html#v7'></iframe><pre id=out></pre>
<script>
f.onload = () => setTimeout(() => {
  const page = f.contentDocument, of = id => page.getElementById(id), told = {};
  told.linked = of('v7').open && page.activeElement === of('v7').querySelector('summary');
  of('v3').querySelector('summary').click();
  told.clicked = of('v3').open;
  const near = of('v3').querySelector('ol a');
  near.focus();
  near.click();
  setTimeout(() => {
    const next = page.querySelector(near.hash);
    told.followed = next.open && page.activeElement === next.querySelector('summary');
    page.activeElement.dispatchEvent(new f.contentWindow.KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
    told.closed = !next.open && of('v3').open;
    for (const one of page.querySelectorAll('details')) one.open = true;
    told.wide = page.documentElement.scrollWidth;
    // Headings have room for each of their words, so that none is broken.
    const pen = page.createElement('canvas').getContext('2d'), cells = [...page.querySelectorAll('.broken th')];
    told.whole = cells.length > 4 && cells.every(one => {
      const style = getComputedStyle(one);
      pen.font = style.font;
      const room = one.clientWidth - 2 * parseFloat(style.paddingLeft);
      return one.textContent.split(' ').every(word => pen.measureText(word).width <= room + 1);
    });
    told.drawn = [...page.querySelectorAll('svg.strip')].every(one => one.getBoundingClientRect().height > 20);
    told.focusable = [...page.querySelectorAll('summary')].every(one => one.tabIndex === 0);
    document.getElementById('out').textContent = JSON.stringify(told);
  }, 200);
}, 200);
</script>
"""


def test_in_a_browser_it_opens_by_link_click_and_key_and_fits_a_phone(html: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html)
    (tmp_path / "frame.html").write_text(PROBE)
    document, errors = dump((tmp_path / "frame.html").as_uri(), tmp_path)
    found = re.search(r"<pre id=\"out\">(\{.*?\})</pre>", document)
    if found is None:
        pytest.skip("this browser keeps frames of files apart")
    assert not errors
    told = json.loads(found.group(1))
    assert told.pop("wide") <= 400
    assert told == dict.fromkeys(("linked", "clicked", "followed", "closed", "whole", "drawn", "focusable"), True)


def test_twins_of_the_scene_are_twins(scene: Scene) -> None:
    hashes: pd.Series = scene.catalog.videos()["sha256"]
    assert hashes[made.TWINS[0]] == hashes[made.TWINS[1]]
