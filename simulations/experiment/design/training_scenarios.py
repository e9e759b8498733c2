"""What agents are trained on: each point, the scenario as it is, or one in which every session draws its probabilities.

Drawn probabilities are user segments that nobody sees: n draws are n segments of equal share, so that the kernel, the
optimum and every agent know them already. Whoever is trained so has to do well for all of them at once.
"""

from collections.abc import Mapping

from preroll.envs.scenario.scenario import Scenario, Segment
from preroll.errors import PrerollError
from preroll.simulations.experiment.design.spec import POINT, SCENARIO, Experiment, Random
from preroll.simulations.experiment.design.variation import base_of, draws

MOST_SEGMENTS = 16  # of a scenario


def training_grounds(experiment: Experiment) -> Mapping[str, Scenario | None]:
    """Gives the scenario of every entry of ``train``, by name; None where it is each point itself.

    Raises:
        PrerollError: draws of something else than view probabilities, or too many of them.
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
    """Gives a scenario whose sessions each draw one of the variations of ``base``, unseen by the agent.

    Args:
        base: the scenario as it is; its own segments stay, each in every variation.
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
    """Factor on every view probability, by ad."""
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
