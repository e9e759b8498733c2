"""Training scenarios: each point, the scenario without variation, or domain randomisation of view probabilities.

Drawn probabilities are expressed as user segments that agents cannot observe: n draws are n segments of equal share, so
that the kernel, the optimum and every agent support them without changes. An agent trained this way has to do well for
all draws at once.
"""

from collections.abc import Mapping

import numpy as np

from preroll.envs.scenario.parts import Ad, Segment
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.spec import POINT, SCENARIO, Experiment, Random
from preroll.simulations.experiment.design.variation import base_of, draws

MOST_SEGMENTS = 16  # per scenario


def training_grounds(experiment: Experiment) -> Mapping[str, Scenario | None]:
    """Returns the scenario of every entry of ``train``, by name; None for each point itself.

    Raises:
        PrerollError: draws of anything but view probabilities, or too many draws.
    """
    base = base_of(experiment)
    found: dict[str, Scenario | None] = {}
    for name, wanted in experiment.train.items():
        try:
            found[name] = {POINT: None, SCENARIO: base}[wanted] if isinstance(wanted, str) else randomized(base, wanted)
        except PrerollError as error:
            raise PrerollError(f"experiment {experiment.name}: train.{name}: {error}") from None
    return found


def randomized(base: Scenario, random: Random) -> Scenario:
    """Returns a scenario in which every session draws one of the variations of ``base``, unobserved by the agent.

    Args:
        base: the scenario without variation; its own segments are kept, each in every variation.
        random: ranges of the ads' view probabilities.

    Raises:
        PrerollError: something else varies, or there are more than 16 segments.
    """
    groups = base.user.segments or (Segment(name="draw", share=1.0),)
    if len(groups) * random.draws > MOST_SEGMENTS:
        raise PrerollError(f"draws: {random.draws}: at most {MOST_SEGMENTS // len(groups)} are allowed here")
    factors = [_factors(base, base.replace(draw)) for draw in draws(random)]
    segments = [
        {
            "name": f"{group.name}-{number}",
            "share": group.share / random.draws,
            "appeal": group.appeal | {ad: group.appeal.get(ad, 1.0) * factor for ad, factor in drawn.items()},
            "leave": group.leave,
        }
        for number, drawn in enumerate(factors)
        for group in groups
    ]
    return base.replace({"user.segments": segments})


def _factors(base: Scenario, drawn: Scenario) -> dict[str, float]:
    """Returns the factors other than 1 on view probabilities, by ad."""
    if base.replace({"ads": drawn.model_dump(mode="json")["ads"]}) != drawn or any(
        old.model_copy(update={"view_probability": new.view_probability}) != new
        for old, new in zip(base.ads, drawn.ads, strict=True)
    ):
        raise PrerollError("ranges: a session draws view probabilities alone, such as ads.*.long.view_probability")
    factors = {old.label: _factor(old, new) for old, new in zip(base.ads, drawn.ads, strict=True)}
    return {ad: factor for ad, factor in factors.items() if factor != 1.0}


def _factor(old: Ad, new: Ad) -> float:
    """Returns the factor on the view probability of an ad, or on those of all categories."""
    numbers, drawn = (_by_category(ad.view_probability) for ad in (old, new))
    key = f"ranges: ads.{old.label}.view_probability"
    if any(number and not numbers.get(category) for category, number in drawn.items()):
        raise PrerollError(f"{key}: is 0 in the scenario; nothing scales it")
    factors = [drawn.get(category, 0.0) / number for category, number in numbers.items() if number] or [1.0]
    if drawn.keys() != numbers.keys() or not np.allclose(factors, factors[0], rtol=1e-9, atol=0):
        raise PrerollError(f"{key}: a session draws one factor on all categories, such as {{scale: [0.5, 1]}}")
    return factors[0]


def _by_category(probability: float | dict[str, float] | None) -> dict[str, float]:
    if probability is None:  # it is the catalog's
        return {}
    return probability if isinstance(probability, dict) else {"": probability}
