"""Points of an experiment: scenarios and catalogs with varied values."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.points import Point, check_points
from preroll.simulations.experiment.design.spec import CATALOG, Experiment, Random, number_of, values_of
from preroll.simulations.feedback.feedback import Feedback, separated

DIGITS = 6  # significant digits of a drawn value: fine enough for any curve, and readable


def number_of_points(experiment: Experiment) -> int:
    """Returns how many points an experiment has, without making one."""
    rows = [len(values_of(values)) for values in experiment.zip.values()][:1]
    draws = [experiment.random.draws] if experiment.random else []
    return math.prod([len(values_of(values)) for values in experiment.vary.values()] + rows + draws)


def points(experiment: Experiment) -> list[Point]:
    """Returns all points: the grid in the order of the file with the last key fastest, then rows, then draws.

    Raises:
        PrerollError: the scenario lacks a key, or a value is out of range.
    """
    grid = [[{key: value} for value in values_of(values)] for key, values in experiment.vary.items()]
    columns = {key: values_of(values) for key, values in experiment.zip.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    factors = [*grid, *([rows] if rows else []), *([draws(experiment.random)] if experiment.random else [])]
    base, found = base_of(experiment), []
    for combination in itertools.product(*factors):
        values = {key: value for part in combination for key, value in part.items()}
        found.append(Point(values, base, str(values.get(CATALOG, experiment.catalog))))
    try:
        check_points(found)
    except PrerollError as error:
        raise PrerollError(f"experiment {experiment.name}: {error}") from None
    return found


def base_of(experiment: Experiment) -> Scenario:
    """Returns the scenario without any variation."""
    base, (changes, _) = Scenario.load(experiment.scenario), separated(experiment.set)
    return base.replace(changes) if changes else base


def feedback_of(experiment: Experiment, values: Mapping[str, Any]) -> Feedback:
    """Returns the feedback of every training at the point with these values.

    Raises:
        PrerollError: an unknown key, or a value out of range.
    """
    _, changes = separated({**experiment.set, **values})
    try:
        return experiment.feedback.changed(changes) if changes else experiment.feedback
    except PrerollError as error:
        raise PrerollError(f"experiment {experiment.name}: {error}") from None


def draws(random: Random) -> list[dict[str, Any]]:
    """Draws the points of ``random``; draw i does not depend on the number of draws.

    A value is rounded, unless the rounded ones leave their ranges or are those of an earlier draw.

    Examples:
        >>> draws(Random(draws=2, seed=1, ranges={"user.mismatch": [0, 1]}))
        [{'user.mismatch': 0.511822}, {'user.mismatch': 0.950464}]
        >>> draws(Random(draws=3, seed=1, ranges={"user.mismatch": [0.5, 0.500001]}))
        [{'user.mismatch': 0.500001}, {'user.mismatch': 0.5000009504636963}, {'user.mismatch': 0.5}]
    """
    generator, seen, found = np.random.default_rng(random.seed), set(), []
    ends = [[number_of(end) or 0.0 for end in values_of(ends)] for ends in random.ranges.values()]
    for _ in range(random.draws):
        drawn = [float(generator.uniform(low, high)) for low, high in ends]
        short = [float(f"{value:.{DIGITS}g}") for value in drawn]
        inside = all(low <= value <= high for value, (low, high) in zip(short, ends, strict=True))
        values = short if inside and tuple(short) not in seen else drawn
        seen.add(tuple(values))
        found.append(
            {
                key: value if isinstance(given, list) else {"scale": value}
                for (key, given), value in zip(random.ranges.items(), values, strict=True)
            }
        )
    return found
