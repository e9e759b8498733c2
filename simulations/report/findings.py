"""Main findings of an experiment, in sentences with numbers."""

import numpy as np

from preroll.envs.optimum.optimum import Optimum
from preroll.envs.policies.simple import fixed_policy
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.names import value_text
from preroll.simulations.experiment.execution.store import CellState
from preroll.simulations.experiment.execution.summary import notes_on_optimum
from preroll.simulations.report.data import Material, number_of
from preroll.simulations.statistics.comparison import NO_DIFFERENCE, Verdict, against_the_best
from preroll.simulations.statistics.intervals import mean_interval


def headline(material: Material) -> list[str]:
    """Returns the sentences at the top of the page."""
    parts = (_missing, _ranking, _optimum, _threshold, _half_long, _verdicts)
    return [sentence for part in parts for sentence in part(material)]


def verdicts(material: Material) -> list[Verdict]:
    """Compares every learner with the best one of each point, with Holm's correction over all comparisons."""
    agents = material.learners or material.agents
    scores = {
        point: {agent: material.by_seed(point, agent, "revenue") for agent in agents} for point in material.points
    }
    return against_the_best(scores)


def long_less_short(material: Material, point: str) -> float | None:
    """Computes the exact revenue of always showing the long ad of the video's category, minus that of the short one.

    Returns:
        The difference per session; None if the scenario has no such ads.
    """
    tables = material.tables(point)
    exact = Optimum(tables)
    try:
        long, short = (exact.value_of(fixed_policy(tables, length)) for length in ("long", "short"))
    except PrerollError:
        return None
    return long - short


def _missing(material: Material) -> list[str]:
    missing = sum(state is not CellState.DONE for state in material.states.values())
    if not missing:
        return []
    return [f"{missing} of {len(material.states)} cells are not done; no interval covers what they would have given."]


def _ranking(material: Material) -> list[str]:
    """Returns a sentence with each agent's mean share of the optimum over points, with an interval over seeds."""
    entries = []
    for agent in material.learners or material.agents:
        scores = material.scores(agent)
        if scores is None:
            continue
        by_seed = 100 * scores.mean(axis=1)
        half = f" ± {mean_interval(by_seed).half_width:.1f}" if len(by_seed) > 1 else ""
        entries.append((float(by_seed.mean()), f"{agent} {by_seed.mean():.1f}{half} %"))
    if not entries:
        return []
    ordered = [text for _, text in sorted(entries, reverse=True)]
    where = f", on average over {len(material.points)} points" if len(material.points) > 1 else ""
    return [f"Of the exact optimum{where}, the agents earned: {'; '.join(ordered)}."]


def _optimum(material: Material) -> list[str]:
    """Returns what the optimum knows and agents do not see."""
    return notes_on_optimum(material.store, material.plan, material.states)


def _threshold(material: Material) -> list[str]:
    """Returns a sentence with the value of the only varied number from which always-long beats always-short."""
    keys = list(next(iter(material.points.values())).values)
    if len(keys) != 1 or not material.numeric(keys[0]):
        return []
    found = []
    for point, cell in material.points.items():
        gain, number = long_less_short(material, point), number_of(cell.values[keys[0]])
        if gain is None or number is None:
            return []
        found.append((number, gain))
    x, y = np.array(sorted(found)).T
    crossing = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    if y[0] >= 0 or len(crossing) != 1:
        return []
    i = int(crossing[0])
    at = x[i] + (x[i + 1] - x[i]) * -y[i] / (y[i + 1] - y[i])
    return [
        f"Always showing the long ad earns more than always showing the short one from {keys[0]} ≈ {at:.2f} on "
        f"(exact values, interpolated between {x[i]:g} and {x[i + 1]:g})."
    ]


def _half_long(material: Material) -> list[str]:
    """Returns a sentence with the values of the only varied number from which an agent shows mostly long ads."""
    keys = list(next(iter(material.points.values())).values)
    if len(keys) != 1 or not material.numeric(keys[0]) or "optimum" not in material.agents:
        return []
    x = np.array([number_of(cell.values[keys[0]]) for cell in material.points.values()], np.float64)
    order, told = np.argsort(x), []
    for agent in ("optimum", *material.learners):
        shares = np.array([material.mean(point, agent, "long_share") for point in material.points])[order]
        if np.isnan(shares).any() or not (shares[0] < 0.5 <= shares[-1]):
            return []
        i = int(np.flatnonzero(shares < 0.5)[-1])
        at = x[order][i] + (x[order][i + 1] - x[order][i]) * (0.5 - shares[i]) / (shares[i + 1] - shares[i])
        told.append(f"{agent} from {at:.2f} on")
    return [f"More than half of the ads shown are long: {'; '.join(told)} ({keys[0]}, interpolated)."]


def _verdicts(material: Material) -> list[str]:
    made = verdicts(material)
    if not made:
        return []
    shown = [verdict for verdict in made if verdict.words != NO_DIFFERENCE]
    reductions = [v.result.variance_reduction for v in made if np.isfinite(v.result.variance_reduction)]
    dice = (
        f" Common random numbers were worth {np.median(reductions):.1f} times as many runs (median)."
        if reductions
        else ""
    )
    shows = "shows" if len(shown) == 1 else "show"
    found = f"{len(shown)} {shows} a difference; for the others" if shown else "none is decided"
    return [
        f"Of {len(made)} comparisons with the best learner of a point, {found}: {NO_DIFFERENCE} (paired t tests, "
        f"Holm's correction).{dice}"
    ]


def point_title(material: Material, point: str) -> str:
    """Returns a point in words."""
    values = material.points[point].values
    return (
        ", ".join(f"{material.plan.keys[k]} = {value_text(v, k)}" for k, v in values.items()) or "the scenario as it is"
    )
