"""What each length class of a scenario earns, and from where on agents show it."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.simple import fixed_policy
from preroll.errors import PrerollError
from preroll.simulations.evaluation.agent_evaluation import lanes_and_sessions
from preroll.simulations.evaluation.agent_result import share_column
from preroll.simulations.report.data import Material, number_of


def always_values(material: Material, point: str) -> dict[str, float]:
    """Computes the exact revenue per session of always showing the ad of the video's category and one length class.

    Where ads are of no category, it is the ad of that length class which earns most before the video's category.

    Returns:
        The revenue by length class, without those that some category lacks; empty if a video has no category.
    """
    if point not in material.always:
        material.always[point] = _always_values(material, point)
    return material.always[point]


def _always_values(material: Material, point: str) -> dict[str, float]:
    tables = material.tables(point)
    _, per_lane = lanes_and_sessions(tables, material.points[point].evaluation_sessions)
    exact, found = PhasedOptimum(tables, per_lane), {}
    for length in tables.scenario.lengths:
        try:
            found[length] = exact.value_of(fixed_policy(tables, length))
        except PrerollError:
            continue
    return found


def best_lengths(values: dict[str, float]) -> list[str]:
    """Returns the length classes that earn most if always shown; several only where they earn the same.

    Examples:
        >>> best_lengths({"short": 1.0, "mid": 2.0, "long": 2.0}), best_lengths({})
        (['mid', 'long'], [])
    """
    most = max(values.values(), default=0.0)
    return [length for length, value in values.items() if np.isclose(value, most, rtol=1e-9, atol=0)]


def threshold_sentences(material: Material) -> list[str]:
    """Returns a sentence for every value of the only varied number from which another length class earns most."""
    if (key := material.only_number) is None:
        return []
    found = [(number_of(cell.values[key]) or 0.0, always_values(material, p)) for p, cell in material.points.items()]
    told, own = [], [material.tables(point).spec.ad_category for point in material.points]
    best = "" if any((category >= 0).any() for category in own) else "best "  # of several advertisers
    for (x, before), (end, after) in pairwise(sorted(found, key=lambda one: one[0])):
        if not before or not after or (old := best_lengths(before)[0]) == (new := best_lengths(after)[0]):
            continue
        if not {old, new} <= before.keys() & after.keys():
            continue
        behind, ahead = before[old] - before[new], after[new] - after[old]
        at = x + (end - x) * behind / (behind + ahead)
        told.append(
            f"Always showing the {best}{new} ad earns more than always showing the {best}{old} one from {key} ≈ "
            f"{at:.2f} on (exact values, interpolated between {x:g} and {end:g})."
        )
    return told


def majority_sentences(material: Material) -> list[str]:
    """Returns a sentence for every length class that all agents show mostly from a value of the only varied number."""
    if (key := material.only_number) is None or "optimum" not in material.agents:
        return []
    x = np.array([number_of(cell.values[key]) for cell in material.points.values()], np.float64)
    order, agents, sentences = np.argsort(x), ("optimum", *material.learners), []
    for length in material.lengths:
        told = []
        for agent in agents:
            shares = np.array([material.mean(point, agent, share_column(length)) for point in material.points])
            if (at := _half(x[order], shares[order])) is not None:
                told.append(f"{agent} from {at:.2f} on")
        if len(told) == len(agents):
            sentences.append(f"More than half of the ads shown are {length}: {'; '.join(told)} ({key}, interpolated).")
    return sentences


def _half(x: NDArray[np.float64], shares: NDArray[np.float64]) -> float | None:
    """Returns where the shares exceed one half for good; None if they do not, or do from the beginning."""
    if np.isnan(shares).any() or not (shares[0] < 0.5 <= shares[-1]):
        return None
    i = int(np.flatnonzero(shares < 0.5)[-1])
    return float(x[i] + (x[i + 1] - x[i]) * (0.5 - shares[i]) / (shares[i + 1] - shares[i]))
