"""Main findings of an experiment, in sentences with numbers."""

import numpy as np

from preroll.simulations.experiment.design.names import value_text
from preroll.simulations.experiment.execution.store import CellState
from preroll.simulations.experiment.execution.summary import notes_on_learning, notes_on_optimum
from preroll.simulations.feedback.feedback import Feedback
from preroll.simulations.report.data import Material
from preroll.simulations.report.lengths import majority_sentences, threshold_sentences
from preroll.simulations.statistics.comparison import NO_DIFFERENCE, Verdict
from preroll.simulations.statistics.intervals import interval_text


def headline(material: Material) -> list[str]:
    """Returns the sentences at the top of the page."""
    parts = (
        _missing,
        _other_versions,
        _ranking,
        _late,
        _optimum,
        _unlearned,
        threshold_sentences,
        majority_sentences,
        _verdicts,
    )
    return [sentence for part in parts for sentence in part(material)]


def _missing(material: Material) -> list[str]:
    missing = sum(state is not CellState.DONE for state in material.states.values())
    if not missing:
        return []
    failed = f", {len(material.failed)} of them failed" if material.failed else ""
    told = f"{missing} of {len(material.states)} cells are not done{failed}"
    return [f"{told}; no interval covers what they would have given."]


def _unlearned(material: Material) -> list[str]:
    """Returns what is said of agents that may not have learned."""
    return notes_on_learning(material.evaluations)


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
    for agent in material.compared:
        scores = material.scores(agent)
        if scores is None:
            continue
        by_seed = 100 * scores.mean(axis=1)
        entries.append((float(by_seed.mean()), f"{agent} {interval_text(by_seed, 1, 0, 100)} %"))
    if not entries:
        return []
    ordered = [text for _, text in sorted(entries, reverse=True)]
    where = f", on average over {len(material.points)} points" if len(material.points) > 1 else ""
    return [f"Of the optimum{where}, the agents earned: {'; '.join(ordered)}."]


def _late(material: Material) -> list[str]:
    """Returns what learners earned while they learned, by how late feedback was: frozen agents do not show it."""
    if not any(cell.feedback for cell in material.done):
        return []
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    for cell in material.done:
        if cell.label in material.learners:
            by_seed = found.setdefault(Feedback.of(cell.feedback).described, {}).setdefault(cell.label, {})
            by_seed.setdefault(cell.seed, []).append(material.store.record(cell)["feedback"]["earned_while_learning"])
    told = {
        words: "; ".join(
            f"{agent} {interval_text(np.array([np.mean(values) for values in seeds.values()]), 1, 0, 100)} %"
            for agent, seeds in agents.items()
        )
        for words, agents in found.items()
    }
    return [f"While learning, with {words}, they earned of the optimum: {agents}." for words, agents in told.items()]


def _optimum(material: Material) -> list[str]:
    """Returns what the optimum knows and agents do not see."""
    return notes_on_optimum({point: material.optimum_note(point) for point in material.points})


def _verdicts(material: Material) -> list[str]:
    """Returns sentences on the pairs of learners that differ, by point and with the whole page as one family."""
    made, points = material.verdicts, len(material.points)
    if not made:
        return []
    told = [_only_verdict(made[0]) if len(made) == 1 else _count(made)]
    if points > 1:
        overall = sum(one.decided_overall for one in made)
        told.append(
            f"The page has {points} points. With all pairs of the page as one family {overall} of {len(made)} would "
            "show a difference."
        )
    reductions = [one.result.variance_reduction for one in made if np.isfinite(one.result.variance_reduction)]
    if reductions:
        told.append(f"Common random numbers were worth {np.median(reductions):.1f} times as many runs (median).")
    return [" ".join(told)]


def _only_verdict(made: Verdict) -> str:
    found = (
        f"{made.more} earns more than {made.less}"
        if made.decided
        else f"Between {made.more} and {made.less} no difference is shown"
    )
    return f"{found} (paired t test: with normal scores a false difference has a probability of at most 5 %)."


def _count(made: list[Verdict]) -> str:
    shown = sum(one.decided for one in made)
    found = {0: "none shows a difference", len(made): "all show a difference"}.get(
        shown, f"{shown} {'shows' if shown == 1 else 'show'} a difference; {NO_DIFFERENCE} for {len(made) - shown}"
    )
    return (
        f"Of {len(made)} comparisons of two learners, all pairs of every point, {found} (paired t tests, Holm's "
        "correction over the pairs of a point: with normal scores any false difference there has a probability of at "
        "most 5 %)."
    )


def point_title(material: Material, point: str) -> str:
    """Returns a point in words."""
    values = material.points[point].values
    return (
        ", ".join(f"{material.plan.keys[k]} = {value_text(v, k, exact=True)}" for k, v in values.items())
        or "the scenario as it is"
    )
