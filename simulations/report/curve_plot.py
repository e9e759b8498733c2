"""Plot of learning curves: revenue per session over sessions seen, one line per agent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from preroll.envs.rendering.figure_bytes import figure_bytes
from preroll.files import atomic
from preroll.palette import FAINT, agent_colors
from preroll.shown.amounts import digits_of
from preroll.shown.axes import picture
from preroll.simulations.evaluation.evaluation import REFERENCES
from preroll.simulations.training.curves import Curve, drawn_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THICK_AND_THIN = " (thick: exactly what the agent has learned to earn, thin: what it earns while it explores)"
LINE_HEIGHT = 0.052  # least distance between two labels, as a fraction of the height of the axes


def draw_curves(
    path: Path, curves: Mapping[str, Curve], references: Mapping[str, float], title: str, *, exact: str | None = None
) -> list[Path]:
    """Draws the learning curves and writes them as PNG and SVG.

    A line shows the expected revenue of the ads shown (Σ P(view) · reward), which has the same mean as the realised
    revenue and a third of its noise; what a point is, :data:`~preroll.simulations.training.curves.JOINED` says.

    Args:
        path: target path without suffix.
        curves: learning curve by agent.
        references: exact revenue per session by name, drawn as dashed lines.
        title: title of the plot.
        exact: tag of the exact value of the policy, for a thick line where a curve has it.

    Returns:
        The files written.
    """
    figure = curve_figure(curves, references, title, tag="session/expected", unit="revenue per session", exact=exact)
    files = {path.with_name(f"{path.name}.{kind}"): figure_bytes(figure, kind) for kind in ("png", "svg")}
    for file, content in files.items():
        atomic.write_bytes(file, content)
    return list(files)


def curve_figure(
    curves: Mapping[str, Curve],
    references: Mapping[str, float],
    title: str,
    *,
    tag: str,
    unit: str,
    exact: str | None = None,
) -> "Figure":
    """Draws one number of learning curves over sessions seen.

    Args:
        curves: learning curve by agent; each has a number under ``tag``.
        references: values by name, drawn as dashed lines.
        title: title of the plot.
        tag: the number, of :data:`~preroll.simulations.training.curves.TAGS`.
        unit: label of its axis.
        exact: tag of the exact value of the policy, for a thick line where a curve has it.
    """
    # Object interface only: pyplot would choose a backend for the whole process and could open a window.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    lines = {name: drawn_points([curve], tag) for name, curve in curves.items()}
    labels = [(value, name, FAINT) for value, name in _merged(references)]
    colors, valued = agent_colors(lines, REFERENCES), {n: c for n, c in curves.items() if exact in c.values}
    x_label = "sessions seen" + (THICK_AND_THIN if valued else "")
    with picture(figure.add_subplot(), title, x=x_label, y=unit, grid="y") as axes:
        axes.set_xscale("log")
        axes.set_xlim(min(x[0] for x, _ in lines.values()), max(x[-1] for x, _ in lines.values()) * 1.02)
        for value in references.values():
            axes.axhline(value, color=FAINT, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
        for name, (x, (y,)) in lines.items():
            if exact is not None and name in valued:
                axes.plot(x, y, color=colors[name], linewidth=1, alpha=0.4, zorder=2)
                x, y = _known(curves[name], exact)
            axes.plot(x, y, color=colors[name], linewidth=1.8, zorder=3)
            axes.plot(x[-1], y[-1], "o", color=colors[name], markersize=4, zorder=4)
            labels.append((float(y[-1]), name, colors[name]))
        _write_labels(axes, labels)
    return figure


def _known(curve: Curve, tag: str) -> tuple[list[int], NDArray[np.float64]]:
    """Returns the points of a curve that have a number."""
    found = [(x, y) for x, y in zip(curve.sessions, curve.values[tag], strict=True) if y is not None]
    return [x for x, _ in found], np.array([y for _, y in found])


def _merged(references: Mapping[str, float]) -> list[tuple[float, str]]:
    """Returns (value, label) of every reference, with one label for those whose lines coincide."""
    digits = digits_of(max(references.values(), default=0), 2)
    names: dict[str, dict[str, float]] = {}
    for name, value in references.items():
        names.setdefault(f"{value:,.{digits}f}", {})[name] = value
    return [(next(iter(group.values())), f"{' = '.join(group)} {text}") for text, group in names.items()]


def _write_labels(axes: "Axes", labels: list[tuple[float, str, str]]) -> None:
    """Labels every line at the right edge, with overlapping labels moved apart and tied to the ends of their lines."""
    low, high = axes.get_ylim()
    places = spread([(value - low) / (high - low) for value, *_ in labels], LINE_HEIGHT)
    for (value, name, color), place in zip(labels, places, strict=True):
        axes.annotate(
            name,
            xy=(1, (value - low) / (high - low)),
            xytext=(1.04, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=color,
            va="center",
            fontsize=10,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.7,
                "shrinkA": 2,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Moves places apart until neighbours are ``gap`` apart, keeping their order and the centre of every cluster.

    Args:
        places: positions of the labels.
        gap: least distance between two of them.

    Returns:
        The new positions, in the order of ``places``.

    Examples:
        >>> spread([0.5, 0.0, 0.5], 0.25)
        [0.375, 0.0, 0.625]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    crowds: list[tuple[float, list[int]]] = []  # (centre, members)
    for i in order:
        middle, members = places[i], [i]
        while crowds and crowds[-1][0] + (len(crowds[-1][1]) + len(members)) * gap / 2 > middle:
            _, others = crowds.pop()
            members = others + members
            middle = sum(places[j] for j in members) / len(members)
        crowds.append((middle, members))
    result = [0.0] * len(places)
    for middle, members in crowds:
        for rank, i in enumerate(members):
            result[i] = middle + (rank - (len(members) - 1) / 2) * gap
    return result
