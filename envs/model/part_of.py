"""Phase of drift and segment of users that a number or a picture is of, in words."""

from typing import Literal

from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError

#: What is of one phase or one segment, the mean over all of them, or None for what is the same in all.
Part = int | Literal["mean"] | None


def part_of(scenario: Scenario, phase: int | None, segment: Part = "mean") -> str:
    """Returns of which phase and which segment something is; empty where there is one of each.

    Args:
        scenario: the scenario.
        phase: phase of drift, from 0; in words it is counted from 1. None where it is the same in all.
        segment: segment of the user, from 0; ``mean`` over all of them; None where it is the same in all.

    Raises:
        PrerollError: there is no such phase or segment.

    Examples:
        >>> part_of(Scenario.load("drift"), 1), part_of(Scenario.load("hidden-users"), 0, 0)
        ('phase 2 of 3, from session 100', 'patient users')
        >>> part_of(Scenario.load("hidden-users"), 0), part_of(Scenario.load("classic"), 0, 0)
        ('mean over 2 segments', '')
    """
    phases, segments = scenario.phases, scenario.user.segments
    _check("phase", phase, len(phases))
    _check("segment", segment, len(segments) or 1)
    parts = []
    if len(phases) > 1 and phase is not None:
        parts.append(f"phase {phase + 1} of {len(phases)}, from session {phases[phase][0]:,}")
    if len(segments) > 1 and segment is not None:
        parts.append(f"mean over {len(segments)} segments" if segment == "mean" else f"{segments[segment].name} users")
    return ", ".join(parts)


def titled(title: str, scenario: Scenario, phase: int | None, segment: Part = "mean") -> str:
    """Returns a title with the phase and the segment that it is of.

    Raises:
        PrerollError: there is no such phase or segment.

    Examples:
        >>> titled("drift: the best ad", Scenario.load("drift"), 0), titled("the best ad", Scenario.load("classic"), 0)
        ('drift: the best ad (phase 1 of 3, from session 0)', 'the best ad')
    """
    part = part_of(scenario, phase, segment)
    return f"{title} ({part})" if part else title


def _check(what: str, number: Part, n: int) -> None:
    if isinstance(number, int) and not 0 <= number < n:
        raise PrerollError(f"{what}: {number}: there are {n}, numbered from 0 to {n - 1}")
