"""Main findings of an experiment, in sentences with numbers."""

import numpy as np

from preroll.simulations.experiment.design.names import value_text
from preroll.simulations.experiment.execution.store import CellState
from preroll.simulations.report.data import Material
from preroll.simulations.report.lengths import majority_sentences, threshold_sentences
from preroll.simulations.statistics.comparison import NO_DIFFERENCE, Verdict, against_the_best
from preroll.simulations.statistics.intervals import mean_interval


def headline(material: Material) -> list[str]:
    """Returns the sentences at the top of the page."""
    parts = (_missing, _other_versions, _ranking, threshold_sentences, majority_sentences, _verdicts)
    return [sentence for part in parts for sentence in part(material)]


def verdicts(material: Material) -> list[Verdict]:
    """Compares every learner with the best one of each point, with Holm's correction over all comparisons."""
    agents = material.learners or material.agents
    scores = {
        point: {agent: material.by_seed(point, agent, "revenue") for agent in agents} for point in material.points
    }
    return against_the_best(scores)


def _missing(material: Material) -> list[str]:
    missing = sum(state is not CellState.DONE for state in material.states.values())
    if not missing:
        return []
    return [f"{missing} of {len(material.states)} cells are not done; no interval covers what they would have given."]


def _other_versions(material: Material) -> list[str]:
    if not (others := material.other_versions):
        return []
    return [
        f"{len(others)} of {len(material.done)} cells were made by another version than most; they are named at the "
        "end of the page."
    ]


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
