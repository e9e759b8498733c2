"""HTML page about trained runs of one scenario: curves, the table, what they show, and where they lose."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preroll import __version__
from preroll.agents.agent import Agent
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.explanation import Explanation
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.policy_map import policy_map
from preroll.envs.rendering.policy_plot import policy_png
from preroll.errors import PrerollError
from preroll.html.template import template, with_contents
from preroll.palette import BLUE, FAINT, ORANGE, PAPER, agent_colors, blend
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent, table_of
from preroll.simulations.evaluation.evaluation import REFERENCES, Evaluation, evaluate
from preroll.simulations.evaluation.loss_table import loss_map, loss_table
from preroll.simulations.evaluation.losses_in_words import ROUNDING, sentences
from preroll.simulations.evaluation.table import comparison_table, footnote
from preroll.simulations.report.charts import legend, svg
from preroll.simulations.report.heat_maps import HeatMap
from preroll.simulations.report.policies import Picture
from preroll.simulations.report.tables import Table
from preroll.simulations.training.curves import JOINED, PERCENT, drawn_points
from preroll.simulations.training.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SESSIONS = 100_000
_NUMBER = re.compile(r"−?[\d,]+(\.\d+)?")


def runs_page(runs: Mapping[str, Run], players: Mapping[str, Agent], tables: Tables) -> str:
    """Returns the whole page as HTML; it needs no network and no other file.

    Args:
        runs: the runs by name.
        players: their agents by the same names; those that are references are left out.
        tables: the scenario on the catalog.
    """
    evaluation = evaluate(players, tables, sessions=SESSIONS)
    losses = {name: _losses(name, agent, tables) for name, agent in players.items()}
    html = template(Path(__file__).parent, "runs.html.jinja").render(
        name=", ".join(runs),
        scenario=tables.scenario.name,
        accent=BLUE,
        joined=JOINED,
        curve=_curves(runs),
        comparison=_sortable(*comparison_table(evaluation)),
        footnote=footnote(evaluation),
        headline=_headline(evaluation, list(players)),
        policies=_policies(players, tables),
        losses=[(name, sentences(one), _table(one), _map(name, one)) for name, one in losses.items()],
        notes=[f"{name}: {note}" for name, run in runs.items() for note in run.notes],
        paths=[str(run.path) for run in runs.values()],
        version=__version__,
    )
    return with_contents(html)


def _headline(evaluation: Evaluation, names: Sequence[str]) -> list[str]:
    """Returns a sentence on what each run earns, the most first."""
    rows = sorted((evaluation[name] for name in names), key=lambda row: -row.percent_of_optimum)
    told = "; ".join(f"{row.name} {row.percent_text} %" for row in rows)
    return [f"Of the optimum, without exploration, the runs earn: {told}."] if rows else []


def _curves(runs: Mapping[str, Run]) -> str:
    colors = agent_colors(runs, REFERENCES)

    def draw(axes: "Axes") -> None:
        for name, run in runs.items():
            x, (y,) = drawn_points([run.curve], PERCENT)
            axes.plot(x, y, color=colors[name], label=name, linewidth=1.8)
        axes.axhline(100, color=FAINT, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        legend(axes)

    return svg(draw, "Learning curves", x="sessions seen", y="% of the optimum, exploring")


def _policies(players: Mapping[str, Agent], tables: Tables) -> list[Picture]:
    """Draws the policies of the optimum and of the runs whose policy is a table."""
    found = [("optimum", PhasedOptimum(tables).references["optimum"])]
    for name, agent in players.items():
        if (policy := table_of(agent, tables)) is not None:
            found.append((name, policy))
    pictures = []
    for name, policy in found:
        try:
            pictures.append(Picture(name, policy_png(tables, policy_map(tables, policy))))
        except PrerollError:  # no map of such a policy
            continue
    return pictures


def _losses(name: str, agent: Agent, tables: Tables) -> Explanation:
    explanation = evaluate_agent(name, agent, tables, sessions=SESSIONS, seed=0, explained=True).explanation
    assert explanation is not None
    return explanation


def _table(explanation: Explanation) -> Table | None:
    """Returns the largest losses; None where nothing is lost."""
    nothing = explanation.regret <= ROUNDING * explanation.optimum
    return None if nothing else _sortable(*loss_table(explanation))


def _map(name: str, explanation: Explanation) -> HeatMap | None:
    """Returns the map of category and fatigue; None where there is one level."""
    by_category = loss_map(explanation)
    most = max((value for values in by_category.values() for value in values), default=0.0) or 1.0
    lines = [
        (category, [(f"{value:.2f}", blend(PAPER, ORANGE, value / most)) for value in values])
        for category, values in by_category.items()
    ]
    levels = [str(level) for level in range(len(lines[0][1]))]
    title = f"{name}: lost before each category at each fatigue level, % of the optimum"
    return HeatMap(title, "category", "fatigue", levels, lines) if len(levels) > 1 else None


def _sortable(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Returns a table of texts that a click on a heading sorts, by the number with which a text begins."""
    return Table(list(head), [[(text, _key(text)) for text in row] for row in rows])


def _key(text: str) -> float | str:
    found = _NUMBER.match(text)
    return float(found[0].replace("−", "-").replace(",", "")) if found else text
