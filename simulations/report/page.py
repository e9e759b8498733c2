"""HTML page of a report, styled for screen, phone and print, with a short script for sorting."""

import base64
import re
from html import escape
from pathlib import Path

from preroll import __version__, atomic
from preroll.errors import PrerollError
from preroll.simulations.experiment.execution.policy_map import picture, policy_map
from preroll.simulations.experiment.execution.store import FILE, Store, read_cell
from preroll.simulations.report import charts
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline, point_title
from preroll.simulations.report.heat_maps import heat_maps
from preroll.simulations.report.sample_session import sample_html
from preroll.simulations.report.style import SCRIPT, STYLE
from preroll.simulations.report.tables import agents_table, aggregates_note, aggregates_table, verdicts_table

LARGEST = 3_000_000  # bytes
MOST_POINTS, MOST_MAPS = 6, 3
PIXELS = 620  # width of a picture outside of the page
PERCENT, LONG = "% of the exact optimum", "long ads, % of ads shown"


def write_report(experiment: str | Path, path: str | Path | None = None) -> Path:
    """Writes a self-contained HTML page with all results of an experiment; it needs no network and no other file.

    Args:
        experiment: folder of the experiment.
        path: file to write; by default ``report.html`` in that folder.

    Returns:
        The file written.

    Raises:
        PrerollError: there is no experiment, ``path`` is a folder, or the page would be larger than 3 MB.
    """
    path = Path(path) if path is not None else Path(experiment) / "report.html"
    if path.is_dir():
        raise PrerollError(f"--out {path}: is a folder; a file is needed")
    html = page(Material.of(Store(Path(experiment))))
    size = len(html.encode())
    if size > LARGEST:
        raise PrerollError(f"{path}: the page would have {size / 1e6:.1f} MB, more than 3 MB", status=1)
    atomic.write_text(path, html)
    return path


def write_pictures(material: Material, folder: Path) -> list[Path]:
    """Writes the charts over the only varied number as SVG files, for use outside of the report.

    Returns:
        The files written.

    Raises:
        PrerollError: the experiment does not vary exactly one number.
    """
    keys = list(next(iter(material.points.values())).values)
    if len(keys) != 1 or not material.numeric(keys[0]):
        raise PrerollError(f"--pictures: experiment {material.plan.name} does not vary exactly one number")
    drawn = {
        "percent": charts.over_key(material, keys[0], "percent_of_optimum", PERCENT),
        "long": charts.over_key(material, keys[0], "long_share", LONG, factor=100),
        "gain": charts.long_against_short(material, keys[0]),
    }
    paths = []
    for name, text in drawn.items():
        if text is not None:
            paths.append(folder / f"{material.plan.name}-{name}.svg")
            atomic.write_text(paths[-1], text.replace("<svg ", f'<svg width="{PIXELS}" ', 1))
    return paths


def page(material: Material) -> str:
    """Returns the whole page as HTML."""
    name = escape(material.plan.name)
    description = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(material.plan.description))
    summary = "".join(f"<p>{escape(sentence)}</p>" for sentence in headline(material))
    sections = "".join(
        f"<section><h2>{escape(title)}</h2>{body}</section>" for title, body in _sections(material) if body
    )
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{name}: report</title><style>{STYLE}</style></head><body><main><h1>{name}</h1>"
        f"<p class=lead>{description}</p><div class=headline>{summary}</div>{sections}</main>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _sections(material: Material) -> list[tuple[str, str]]:
    return [
        ("Over what was varied", _over_keys(material)),
        ("Percent of the exact optimum", _percents(material)),
        ("Learning curves", _curves(material)),
        ("Over all points", _aggregates(material)),
        ("Which differences are shown", _note(_PAIRED) + verdicts_table(material) if material.seeds > 1 else ""),
        ("What agents show, beside the optimum", _policies(material)),
        ("One session", _session(material)),
        ("Every agent at every point", _note(_CLICK) + agents_table(material)),
        ("How to get this again", _reproduce(material)),
    ]


_PAIRED = (
    "Each learner against the one with the largest mean at its point, paired by seed: both are evaluated with common "
    "random numbers. ± is Student's 95 % interval; p is raised after Holm over all rows. Variance reduction says how "
    "many times as many runs would be needed without them."
)
_CLICK = "A click on a heading sorts. ± is Student's 95 % interval over seeds."
_DOTS = "Dots are single seeds, ± is Student's 95 % interval over them; the dashed line is the exact optimum."


def _note(text: str) -> str:
    return f"<p class=note>{escape(text)}</p>"


def _over_keys(material: Material) -> str:
    keys = list(next(iter(material.points.values())).values)
    if len(keys) == 1 and material.numeric(keys[0]):
        parts = [
            charts.over_key(material, keys[0], "percent_of_optimum", PERCENT),
            charts.over_key(material, keys[0], "long_share", LONG, factor=100),
            charts.long_against_short(material, keys[0]) or "",
        ]
        return "".join(f"<figure>{part}</figure>" for part in parts if part)
    if len(keys) == 2:
        maps = heat_maps(material, keys[0], keys[1])
        return "".join(f"<h3>{escape(title)}</h3><div class=wide>{html}</div>" for title, html in maps)
    return ""


def _percents(material: Material) -> str:
    shown = charts.chosen_points(list(material.points), MOST_POINTS)
    figures = "".join(_figure(material, point, charts.percent_by_point(material, point)) for point in shown)
    return _note(_DOTS) + _left_out(material, shown) + figures


def _curves(material: Material) -> str:
    shown = charts.chosen_points(list(material.points), MOST_POINTS)
    figures = "".join(_figure(material, point, charts.learning_curves(material, point)) for point in shown)
    return (
        _note("While exploring; the band is Student's 95 % interval over seeds.") + _left_out(material, shown) + figures
    )


def _aggregates(material: Material) -> str:
    profiles = charts.profiles(material)
    figure = f"<figure>{profiles}<figcaption>Higher is better.</figcaption></figure>" if profiles else ""
    return _note(aggregates_note(material)) + aggregates_table(material) + figure


def _policies(material: Material) -> str:
    shown, parts = charts.chosen_points(list(material.points), MOST_MAPS), []
    names = [*(["optimum"] if "optimum" in material.agents else []), *material.learners]
    for point in shown:
        tables = material.tables(point)
        pictures = []
        for name in names:
            cells = material.cells(point, name)
            if not cells:
                continue
            try:
                policy = material.run(cells[0]).load_agent().policy(tables)
            except PrerollError:  # too many states for a table
                continue
            png, width, height = picture(tables, policy_map(tables, policy))
            data = base64.b64encode(png).decode()
            caption = f"{escape(name)}, seed {cells[0].seed}"
            pictures.append(
                f'<figure><img width={width} height={height} alt="{caption}" src="data:image/png;base64,{data}">'
                f"<figcaption>{caption}</figcaption></figure>"
            )
        parts.append(f"<h3>{escape(point_title(material, point))}</h3><div class=grid>{''.join(pictures)}</div>")
    note = "The ad shown to most videos of a category in the middle of a session, by how tired the user is."
    return _note(note) + _left_out(material, shown) + "".join(parts)


def _session(material: Material) -> str:
    point = charts.chosen_points(list(material.points), 3)[-1 if len(material.points) < 3 else 1]
    done = [agent for agent in material.agents if material.cells(point, agent)]
    agents = [agent for agent in done if agent in material.learners] or done
    best = max(agents, key=lambda agent: material.mean(point, agent, "percent_of_optimum"))
    tables, cell = material.tables(point), material.cells(point, best)[0]
    title = f"{best}, {point_title(material, point)}"
    return f"<h3>{escape(title)}</h3>" + sample_html(material.run(cell).load_agent(), best, tables)


def _reproduce(material: Material) -> str:
    run = material.run(material.done[0])
    versions = ", ".join(f"{name} {number}" for name, number in run.result["versions"].items())
    text = (material.store.path / FILE).read_text("utf8")
    found = {
        str(told["git"] or "no repository") + (" (changed)" if told["changed"] else "")
        for told in _provenances(material)
    }
    code = ", ".join(sorted(found))
    spent = sum(material.run(cell).result["cost"]["cpu_seconds"] for cell in material.done)
    return (
        f"<pre>preroll experiment run {FILE} --out DIR\npreroll experiment report DIR</pre>"
        f"<p>The file:</p><pre>{escape(text)}</pre><p>{len(material.done)} cells, {spent:,.0f} CPU s of "
        f"training. Versions: {escape(versions)}. Code: {escape(code)}. Page by preroll {__version__}.</p>"
    )


def _provenances(material: Material) -> list[dict[str, object]]:
    return [read_cell(material.store.folder(cell))["provenance"] for cell in material.done]


def _figure(material: Material, point: str, body: str) -> str:
    return f"<figure>{body}<figcaption>{escape(point_title(material, point))}</figcaption></figure>"


def _left_out(material: Material, shown: list[str]) -> str:
    missing = len(material.points) - len(shown)
    return (
        _note(f"{len(shown)} of {len(material.points)} points are drawn; the table below has all.") if missing else ""
    )
