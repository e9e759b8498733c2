"""Points of an experiment: scenarios and catalogs with varied values."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.spec import CATALOG, Experiment, Random, values_of

MOST_POINTS = 100_000
DIGITS = 6  # significant digits of a drawn value: fine enough for any curve, and readable


@dataclass(frozen=True)
class Point:
    """One combination of values.

    Attributes:
        values: values that differ from point to point, by dotted key; ``{"scale": x}`` for a factor.
        scenario: the scenario to simulate.
        catalog: name or folder.
    """

    values: Mapping[str, Any]
    scenario: Scenario
    catalog: str


def points(experiment: Experiment) -> list[Point]:
    """Returns all points: the grid in the order of the file with the last key fastest, then rows, then draws.

    Raises:
        PrerollError: the scenario lacks a key, a value is out of range, or there are too many points.
    """
    grid = [[{key: value} for value in values_of(values)] for key, values in experiment.vary.items()]
    columns = {key: values_of(values) for key, values in experiment.zip.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    factors = [*grid, *([rows] if rows else []), *([draws(experiment.random)] if experiment.random else [])]
    count = int(np.prod([float(len(factor)) for factor in factors]))
    if count > MOST_POINTS:
        raise PrerollError(f"experiment {experiment.name}: {count:,} points are more than {MOST_POINTS:,}")
    base = base_of(experiment)
    return [_point(experiment, base, combination) for combination in itertools.product(*factors)]


def base_of(experiment: Experiment) -> Scenario:
    """Returns the scenario without any variation."""
    base = Scenario.load(experiment.scenario)
    return base.replace(experiment.set) if experiment.set else base


def draws(random: Random) -> list[dict[str, Any]]:
    """Draws the points of ``random``; draw i does not depend on the number of draws.

    Examples:
        >>> draws(Random(draws=2, seed=1, ranges={"user.mismatch": [0, 1]}))
        [{'user.mismatch': 0.511822}, {'user.mismatch': 0.950464}]
    """
    generator = np.random.default_rng(random.seed)
    return [
        {key: _drawn(generator, values_of(ends)) for key, ends in random.ranges.items()} for _ in range(random.draws)
    ]


def _drawn(generator: np.random.Generator, ends: list[Any]) -> Any:
    scaled = isinstance(ends[0], Mapping)
    low, high = (float(end["scale"] if scaled else end) for end in ends)
    value = float(f"{generator.uniform(low, high):.{DIGITS}g}")
    return {"scale": value} if scaled else value


def _point(experiment: Experiment, base: Scenario, combination: tuple[dict[str, Any], ...]) -> Point:
    values = {key: value for part in combination for key, value in part.items()}
    changes = {key: value for key, value in values.items() if key != CATALOG}
    try:
        scenario = base.replace(changes) if changes else base
    except PrerollError as error:
        raise PrerollError(f"experiment {experiment.name}: {error}") from None
    return Point(values, scenario, str(values.get(CATALOG, experiment.catalog)))
