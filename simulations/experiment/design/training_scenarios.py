"""Training scenarios: each point, the scenario without variation, or domain randomisation of view probabilities.

Drawn probabilities are expressed as user segments that agents cannot observe: n draws are n segments of equal share, so
that the kernel, the optimum and every agent support them without changes. An agent trained this way has to do well for
all draws at once.
"""

from collections.abc import Mapping

from preroll.envs.scenario.scenario import Scenario, Segment
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
    factors = {}
    for old, new in zip(base.ads, drawn.ads, strict=True):
        if not old.view_probability and new.view_probability:
            raise PrerollError(f"ranges: ads.{old.label}.view_probability: is 0 in the scenario; nothing scales it")
        if old.view_probability:
            factors[old.label] = new.view_probability / old.view_probability
    return {ad: factor for ad, factor in factors.items() if factor != 1.0}
