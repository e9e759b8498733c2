import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from typer.testing import CliRunner

from preroll.bounded.yaml_text import dump_yaml
from preroll.commands.cli import app
from preroll.envs import Tables
from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.scenario.template import scenario_for
from preroll.errors import PrerollError
from preroll.palette import PAPER
from preroll.simulations.experiment.design.names import whole
from preroll.simulations.experiment.execution.runner import run_plan
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.report.charts import svg
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline
from preroll.simulations.report.heat_maps import _texts, heat_maps
from preroll.simulations.report.lengths import always_values
from preroll.simulations.report.page import page
from preroll.simulations.report.policies import policy_pictures
from preroll.simulations.report.sample_session import play_session
from preroll.simulations.reporting import write_report
from tests.browser import dump
from tests.conftest import make_catalog, write_catalog
from tests.simulations.conftest import MakeFile, load, settings
from tests.simulations.experiment.execution.test_runner import in_this_process


@pytest.fixture(scope="module")
def store(make_file: MakeFile, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two learners at two points, three seeds; long ads are worth it at the second point alone."""
    path = make_file(
        agents=["random", "optimum", "thompson", "linucb"],
        seeds=3,
        description="Is <long> worth it?",
        vary={"ads.*.long.view_probability": {"scale": [0.5, 1.5]}},
        sessions=400,
    )
    store = Store(tmp_path_factory.mktemp("report") / "out")
    assert not run_plan(load(path), path.read_text(), store, in_this_process).failures
    return store


@pytest.fixture(scope="module")
def html(store: Store) -> str:
    return page(Material.of(store))


def test_the_headline_answers_in_words_with_numbers(store: Store) -> None:
    ranking, threshold, *_, verdicts = headline(Material.of(store))
    assert re.match(r"Of the optimum, on average over 2 points, the agents earned: \w+ \d+\.\d ± \d+\.\d %", ranking)
    assert "always showing the short one from ads.*.long.view_probability ≈ 0." in threshold
    assert re.search(r"Of 2 comparisons .*, (none shows|1 shows) a difference", verdicts)


@pytest.mark.usefixtures("unpainted")
def test_results_and_report_say_where_the_optimum_is_a_bound(make_file: MakeFile, tmp_path: Path) -> None:
    changes = {"scenario": "hidden-users", "agents": ["random"], "seeds": 1, "sessions": 60}
    path = make_file(**changes, vary={"observe.segment": [True, False]}, evaluate={"sessions": 100})
    store = Store(tmp_path / "out")
    assert not run_plan(load(path), path.read_text(), store, in_this_process).failures
    material = Material.of(store)
    (hidden,) = (point for point, cell in material.points.items() if cell.values == {"observe.segment": False})
    told = f"The optimum at {hidden} knows the hidden segment: a bound."
    assert told in headline(material)
    assert told in CliRunner().invoke(app, ["experiment", "results", str(store.path)]).stdout.splitlines()


def test_where_long_beats_short_is_exact(store: Store) -> None:
    """On classic with factor 1.5: .45·3, .6·2, .75·2 against .7, .8, .9 in every slot of 20, videos in equal parts."""
    material = Material.of(store)
    before, after = (always_values(material, point) for point in material.points)
    assert before["long"] < before["short"]
    assert after["long"] > after["short"] == before["short"]


def test_the_page_needs_nothing_else(html: str) -> None:
    assert not re.findall(r'(?:src|href)=["\']?(?!data:|#)[^"\'\s>]+', html.replace("xlink:", ""))
    assert "@import" not in html
    assert html.startswith("<!doctype html>\n<html lang")
    assert "Is &lt;long&gt; worth it?" in html
    for section in ("Learning curves", "What agents show, beside the optimum", "One session", "How to get this again"):
        assert section in html


def test_the_same_results_give_the_same_page_which_is_small(store: Store, html: str, tmp_path: Path) -> None:
    path = write_report(store.path, tmp_path / "report.html")
    assert path.stat().st_size < 3_000_000
    assert path.read_text("utf8") == html


def test_a_session_is_drawn_with_a_box_for_every_slot(html: str) -> None:
    drawn = html.split('class="session"')[1].split("</svg>")[0]
    assert drawn.count("<rect") == drawn.count("<title>") == 20
    assert set(re.findall(r'fill="(.*?)"', drawn)) <= set(ad_colors(Tables.compile("classic").spec))


class Read(HTMLParser):
    """What a browser finds on a page: elements, attributes, texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.texts += [value for name, value in attrs if name in ("alt", "aria-label", "data-key") and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_hostile_names_stand_on_the_page_as_text(html: str, tmp_path: Path) -> None:
    """Of the experiment, an agent and a category, and so of ads, a key and points."""
    hostile = "<script>alert('$x$')</script>\"onload=&"
    catalog = make_catalog()
    catalog.manifest["categories"] = catalog.categories = (hostile, *catalog.categories[1:])
    text = dump_yaml(
        settings(
            catalog=str(write_catalog(catalog, tmp_path / "catalog")),
            scenario=scenario_for(catalog, "classic").model_dump(mode="json"),
            description=f"{hostile} `{hostile}`",
            vary={f"ads.{hostile}.long.reward": [1, 2]},
            agents=["optimum", "thompson"],
        )
    )
    (tmp_path / "hostile.yaml").write_text(text)
    store = Store(tmp_path / "out")
    assert not run_plan(load(tmp_path / "hostile.yaml"), text, store, in_this_process).failures
    material = Material.of(store)
    cells = tuple(replace(cell, label=f"{cell.label} {hostile}") for cell in material.plan.cells)
    found = Read(page(replace(material, plan=replace(material.plan, name=hostile, cells=cells))))
    harmless = Read(html)
    assert found.elements.count("script") == harmless.elements.count("script") == 1
    assert set(found.elements) <= {*harmless.elements, "code"}  # of the backticks in its description
    assert set(found.attributes) <= set(harmless.attributes)
    for name in (hostile, f"thompson {hostile}", f"{hostile}.long", f"{hostile}: report"):
        assert any(name in one for one in found.texts), name
    assert f"ads.{hostile}.long.reward" in found.texts  # of an axis, where matplotlib would read $x$ as a formula


def test_a_sample_session_is_one_that_can_happen(store: Store) -> None:
    material = Material.of(store)
    point = next(iter(material.points))
    tables, cell = material.tables(point), material.cells(point, "optimum")[0]
    session = play_session(material.run(cell).load_agent(), "optimum", tables)
    slots = session.slots
    assert len(slots) == 20
    assert all(slot.ad.split(".")[0] == slot.category for slot in slots)
    assert all((slot.reward > 0) == slot.viewed for slot in slots)
    assert f"revenue {sum(slot.reward for slot in slots):g}" in session.in_words
    assert [len(line) for line in session.lines] == [20]
    colors = dict(zip(tables.spec.labels, ad_colors(tables.spec), strict=True))
    assert session.legend == {ad: color for ad, color in colors.items() if ad in {slot.ad for slot in slots}}


def test_what_is_missing_is_said(small_store: Store, make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file(seeds=3)
    more = Store(tmp_path / "more")
    (tmp_path / "more").symlink_to(small_store.path)
    plan = load(path)
    states = more.states(plan)
    material = Material(more, plan, states)
    assert headline(material)[0].startswith("6 of 18 cells are not done; no interval covers")
    empty = Store(tmp_path / "empty")
    empty.write_plan(plan, "")
    with pytest.raises(PrerollError, match="no cell is done yet"):
        Material.of(empty)


@pytest.mark.usefixtures("unpainted")
def test_two_varied_keys_give_maps(make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file(
        vary={"ads.*.long.view_probability": {"scale": [0.5, 1.5]}, "user.mismatch": [0.1, 0.9]},
        agents=["thompson"], seeds=1,
    )  # fmt: skip
    store = Store(tmp_path / "out")
    run_plan(load(path), path.read_text(), store, in_this_process)
    html = page(Material.of(store))
    assert html.count('<table class="map">') == 3
    assert ">short +" in html
    assert ">long +" in html


@pytest.mark.usefixtures("unpainted")
def test_a_map_leaves_the_place_empty_where_no_learner_is_done(make_file: MakeFile, tmp_path: Path) -> None:
    path = make_file(
        vary={"session.horizon": [2, 3], "user.mismatch": [0.1, 0.9]}, agents=["optimum", "thompson"], seeds=1
    )
    store = Store(tmp_path / "out")
    run_plan(load(path), path.read_text(), store, in_this_process)
    shutil.rmtree(next(store.folder(cell) for cell in store.read_plan().cells if cell.agent == "thompson"))
    material = Material.of(store)
    maps = heat_maps(material, *material.plan.keys)
    empty = [sum(entries.count(("", PAPER)) for _, entries in one.lines) for one in maps]
    assert empty[:2] == [1, 1]
    assert page(material).count(f'<td style="background:{PAPER}"></td>') == 2
    assert "nan" not in page(material).split("<h2>Percent")[0].split("<main>")[1]


@pytest.mark.usefixtures("unpainted")
def test_where_every_run_of_a_learner_failed_the_page_does_without(store: Store, tmp_path: Path) -> None:
    less = Store(Path(shutil.copytree(store.path, tmp_path / "less")))
    for cell in less.read_plan().cells:
        if cell.label == "thompson":
            shutil.rmtree(less.folder(cell))
    html = page(Material.of(less))
    assert "A session of linucb" in html
    assert "6 of 24 cells are not done" in html


PROBE = """
<pre id=probe></pre><script>
const errors = []; addEventListener('error', e => errors.push(e.message));
const table = [...document.querySelectorAll('table.sortable')].at(-1), column = 3;
const read = () => [...table.tBodies[0].rows].map(r => parseFloat(r.cells[column].dataset.key));
const button = table.tHead.rows[0].cells[column].querySelector('button');
button.click(); const up = read(); button.click(); const down = read();
document.getElementById('probe').textContent = JSON.stringify({up, down, errors,
  wide: document.documentElement.scrollWidth, inner: innerWidth});
</script>
"""


def test_in_a_browser_sorting_works_and_a_phone_needs_no_horizontal_scroll(html: str, tmp_path: Path) -> None:
    # A frame of 400 pixels: some browsers make no window that narrow.
    (tmp_path / "page.html").write_text(html.replace("</body>", PROBE + "</body>"))
    frame = "<iframe id=f width=400 height=900 style='border:0' src=page.html></iframe><pre id=out></pre><script>"
    frame += "f.onload=()=>out.textContent=f.contentDocument.getElementById('probe').textContent</script>"
    (tmp_path / "frame.html").write_text(f"<!doctype html><body>{frame}")
    url = (tmp_path / "frame.html").as_uri()
    with_files = dump(url, tmp_path)
    document, errors = with_files
    found = re.search(r"<pre id=\"out\">(\{.*?\})</pre>", document)
    if found is None:
        pytest.skip("this browser keeps frames of files apart")
    told = json.loads(found.group(1))
    assert not errors
    assert not told["errors"]
    assert told["up"] == sorted(told["up"])
    assert told["down"] == sorted(told["down"], reverse=True)
    assert told["wide"] <= 400


WIDE = """
<pre id=probe></pre><script>
setInterval(() => {  // what is observed is told when a frame is drawn, which may take a while
  const column = document.querySelector('main p').getBoundingClientRect();
  const told = [...document.querySelectorAll('section > .wide')].map(one => {
    const {left, right, width} = one.getBoundingClientRect();
    return {inside: left >= 0 && right <= innerWidth, beyond: width > column.width + 1,
      scrolls: one.scrollWidth > one.clientWidth, says: getComputedStyle(one, '::before').content.includes('sideways')};
  });
  const inside = document.documentElement.scrollWidth <= innerWidth;
  document.getElementById('probe').textContent = JSON.stringify({told, inside});
}, 100);
</script>
"""


@pytest.mark.parametrize("width", [1400, 800])
def test_in_a_browser_wide_tables_take_what_the_window_has_and_say_that_they_scroll(
    html: str, tmp_path: Path, width: int
) -> None:
    (tmp_path / "page.html").write_text(html.replace("</body>", WIDE + "</body>"))
    document, errors = dump((tmp_path / "page.html").as_uri(), tmp_path, width=width)
    found = re.search(r"<pre id=\"probe\">(\{.*?\})</pre>", document)
    assert found is not None
    assert not errors
    told, page_inside = (json.loads(found.group(1))[name] for name in ("told", "inside"))
    assert page_inside
    assert all(one["inside"] and one["says"] == one["scrolls"] for one in told)
    assert any(one["beyond"] for one in told) == (width > 1000)
    assert any(one["scrolls"] for one in told) == (width < 1000)


def test_close_values_have_lines_of_their_own_in_a_heat_map() -> None:
    near = 0.90000001
    texts = _texts([0.9, near, 0.25, {"scale": near}], "user.mismatch")
    assert texts == {whole(0.9): "0.9", whole(near): "0.90000001", "0.25": "0.25", whole({"scale": near}): "x0.9"}


def test_the_page_begins_with_links_to_its_sections(html: str) -> None:
    links = re.findall(r'<a href="#(.*?)">(.*?)</a>', html)
    assert links == re.findall(r'<section id="(.*?)"><h2>(.*?)</h2>', html)
    assert html.index("<nav>") < html.index("<section")


def test_numbers_of_axes_have_no_exponents_below_10_000() -> None:
    def draw(axes: Axes) -> None:
        axes.plot([60, 400], [1234.5, 9876.5])
        axes.set_xscale("log")

    drawn = svg(draw, "axes")
    numbers = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert {"100", "200", "2000", "8000"} <= set(numbers)
    assert not [one for one in numbers if "10^" in one or "e" in one or "×" in one]


def test_titles_stand_above_charts_and_each_chart_has_one(html: str) -> None:
    figures = re.findall(r"<figure>(.*?)</figure>", html, re.DOTALL)
    assert len(figures) > 5
    assert all(figure.startswith("<figcaption>") and "></figcaption>" not in figure for figure in figures)


@pytest.mark.usefixtures("unpainted")
def test_the_optimum_is_shown_beside_agents_where_no_agent_is_the_optimum(store: Store) -> None:
    material = Material.of(store)
    cells = tuple(cell for cell in material.plan.cells if cell.agent == "thompson")
    without = Material(store, replace(material.plan, cells=cells), material.states)
    shown = [policy_pictures(one, next(iter(one.points))) for one in (material, without)]
    assert [[one.caption for one in found] for found in shown] == [
        ["optimum", "thompson, seed 0", "linucb, seed 0"],
        ["optimum", "thompson, seed 0"],
    ]


@pytest.mark.usefixtures("unpainted")
def test_sections_that_draw_some_points_promise_no_table_that_is_not_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preroll.simulations.report.page.MOST_POINTS", 1)
    monkeypatch.setattr("preroll.simulations.report.page.MOST_MAPS", 1)
    html = page(Material.of(store))
    notes = re.findall(r">(1 of 2 points, evenly chosen.*?)</p>", html)
    assert notes == ["1 of 2 points, evenly chosen; the table of every agent at every point has all."] + 3 * [
        "1 of 2 points, evenly chosen."
    ]
    assert "Every agent at every point</h2>" in html
