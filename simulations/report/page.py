"""HTML page of a report: one self-contained file, made from the template ``report.html.jinja``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from preroll import __version__
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.kinds import SVG
from preroll.files.targets import check_file
from preroll.html.template import template, with_contents
from preroll.palette import BLUE
from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.experiment.execution.origins import MACHINE, in_words, told
from preroll.simulations.experiment.execution.overview import evenly
from preroll.simulations.report import charts
from preroll.simulations.report.data import Material
from preroll.simulations.report.findings import headline, point_title
from preroll.simulations.report.heat_maps import HeatMap, heat_maps
from preroll.simulations.report.losses import PointLosses, point_losses
from preroll.simulations.report.policies import Picture, policy_pictures
from preroll.simulations.report.sample_session import SampleSession, play_session
from preroll.simulations.report.tables import (
    agents_table,
    aggregates_note,
    aggregates_table,
    failures_table,
    verdicts_note,
    verdicts_table,
)
from preroll.simulations.training.curves import JOINED
from preroll.system.portable_names import kept_or_portable

MOST_POINTS, MOST_MAPS = 6, 3
PIXELS = 620  # width of a picture outside of the page
PERCENT = "% of the optimum"


#: What is drawn at a point.
Shown = str | list[Picture] | PointLosses


@dataclass(frozen=True)
class Drawn:
    """What is drawn at some of the points.

    Attributes:
        parts: (title of the point, what is drawn there).
        points: number of all points.
    """

    parts: list[tuple[str, Shown]]
    points: int


def check_pictures(material: Material, folder: Path, *, replace: bool = False) -> None:
    """Raises unless :func:`write_pictures` may write its files.

    Args:
        material: what the experiment showed.
        folder: the folder of the pictures.
        replace: whether files that are no SVG pictures may be replaced.

    Raises:
        PrerollError: one may not be written, or the experiment does not vary exactly one number.
    """
    for path in _pictures(material, folder):
        check_file(path, f"--pictures {path}", SVG, replace=replace)


def write_pictures(material: Material, folder: Path) -> list[Path]:
    """Writes the charts over the only varied number as SVG files, for use outside of the report.

    Returns:
        The files written.

    Raises:
        PrerollError: the experiment does not vary exactly one number.
    """
    texts = _pictures(material, folder)
    for path, text in texts.items():
        atomic.write_text(path, text.replace("<svg ", f'<svg width="{PIXELS}" ', 1))
    return list(texts)


def _pictures(material: Material, folder: Path) -> dict[Path, str]:
    if (key := material.only_number) is None:
        raise PrerollError(f"--pictures: experiment {material.plan.name} does not vary exactly one number")
    names = {f"{material.plan.name}-{name}": text for name, (_, text) in _over_key(material, key).items()}
    return {folder / f"{kept_or_portable(name)}.svg": text for name, text in names.items()}


def page(material: Material) -> str:
    """Returns the whole page as HTML."""
    lowest = charts.lowest_percent(material, evenly(list(material.points), MOST_POINTS))
    html = template(Path(__file__).parent, "report.html.jinja").render(
        name=material.plan.name,
        description=material.plan.description,
        accent=BLUE,
        joined=JOINED,
        headline=headline(material),
        **_over_keys(material),
        percents=_drawn(material, MOST_POINTS, partial(charts.percent_by_point, left=lowest)),
        curves=_drawn(material, MOST_POINTS, charts.learning_curves),
        aggregates_note=aggregates_note(material),
        aggregates=aggregates_table(material),
        profiles=charts.profiles(material),
        verdicts=verdicts_table(material) if material.verdicts else None,
        verdicts_note=verdicts_note(material),
        losses=_drawn(material, MOST_MAPS, point_losses),
        policies=_drawn(material, MOST_MAPS, policy_pictures),
        **_session(material),
        agents=agents_table(material),
        failures=failures_table(material) if material.failed else None,
        **_origin(material),
    )
    return with_contents(html)


def _over_key(material: Material, key: str) -> dict[str, tuple[str, str]]:
    """Returns the charts over the only varied number, with their titles, by name."""
    over = f"over {material.plan.keys[key]}"
    drawn = {
        "percent": (f"{PERCENT}, {over}", charts.over_key(material, key, "percent_of_optimum", PERCENT)),
        **{
            f"share-{length}": (f"Share of {length} ads among the ads shown, {over}", _share(material, key, length))
            for length in _shown_lengths(material)
        },
        "always": (f"What each length class earns if always shown, exactly, {over}", _always(material, key)),
    }
    return {name: (title, text) for name, (title, text) in drawn.items() if text}


def _shown_lengths(material: Material) -> list[str]:
    """Returns the length classes that some agent could show: others are a line at 0, and a single one a line at 100."""
    ads = [ad for cell in material.points.values() for group in cell.scenario["ads"].values() for ad in group.values()]
    there = {ad["length"] for ad in ads}
    return [length for length in material.lengths if length in there and len(there) > 1]


def _share(material: Material, key: str, length: str) -> str:
    return charts.over_key(material, key, share_column(length), f"{length} ads, % of ads shown", factor=100)


def _always(material: Material, key: str) -> str:
    return charts.always_over_key(material, key) or ""


def _over_keys(material: Material) -> dict[str, list[tuple[str, str]] | list[HeatMap]]:
    """Returns charts over one varied number, or maps over two varied keys."""
    keys = list(next(iter(material.points.values())).values)
    return {
        "charts": list(_over_key(material, key).values()) if (key := material.only_number) else [],
        "maps": heat_maps(material, *keys) if len(keys) == 2 else [],
    }


def _drawn(material: Material, most: int, draw: Callable[[Material, str], Shown]) -> Drawn:
    """Draws at most ``most`` of the points."""
    shown = evenly(list(material.points), most)
    return Drawn([(point_title(material, point), draw(material, point)) for point in shown], len(material.points))


def _session(material: Material) -> dict[str, SampleSession | str | None]:
    """Plays a session of the learner with the largest mean at a point in the middle; none if no agent can be read."""
    point = evenly(list(material.points), 3)[-1 if len(material.points) < 3 else 1]
    done = [agent for agent in material.agents if material.cells(point, agent)]
    agents = [agent for agent in done if agent in material.learners] or done
    session = None
    for name in sorted(agents, key=lambda agent: -material.mean(point, agent, "percent_of_optimum")):
        try:
            agent = material.run(material.cells(point, name)[0]).load_agent()
            session = play_session(agent, name, material.tables(point))
            break
        except PrerollError:  # a damaged folder takes nothing with it but its own session
            continue
    return {"session": session, "session_point": point_title(material, point)}


def _origin(material: Material) -> dict[str, Any]:
    """Returns what is needed to repeat the experiment, and what it cost."""
    records = [material.store.record(cell) for cell in material.done]
    runs = [(one["training_fingerprint"], one["cost"]) for one in records]
    # A training that several cells use counts once: they have the same cost to the last digit.
    trainings = {(trained, cost["seconds"]): cost["cpu_seconds"] for trained, cost in runs}
    made_by = in_words(material.origins.values())
    code, machine = (made_by.pop(name, "unknown") for name in ("code", MACHINE))
    return {
        "text": material.store.read_text(),
        "scenario": Scenario.load(material.done[0].base).dump(),
        "cells": len(runs),
        "cpu_seconds": sum(trainings.values()),
        "versions": told(made_by),
        "code": code,
        "machine": machine,
        "others": {name: told(different) for name, different in material.other_versions.items()},
        "version": __version__,
    }
