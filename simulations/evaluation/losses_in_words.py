"""What an explanation says first, in sentences with numbers."""

from preroll.envs.optimum.explanation import AD, FATIGUE, MAP, SESSION, SLOT, WITHOUT_CATEGORY, Explanation
from preroll.simulations.statistics.intervals import fixed

#: A regret that is no more than rounding, as a share of the optimum.
ROUNDING = 1e-9
NO_AD = "none"
#: A largest part that is less than so many times the mean of all is none.
EVENLY = 1.2


def sentences(explanation: Explanation, *, of: str = "the optimum") -> list[str]:
    """Returns the largest losses in words.

    Args:
        explanation: what is lost where.
        of: what the optimum is called.

    Examples:
        >>> from preroll.envs import Optimum, Tables, greedy_policy
        >>> tables = Tables.compile("fatigue", "demo")
        >>> for sentence in sentences(Optimum(tables).explain(greedy_policy(tables))):
        ...     print(sentence)
        Most is lost before concerts videos, with users at fatigue level 5 of 5: 7.89 % of the optimum.
        By ad, most is lost where cats.long is shown and another ad, or none, would earn more in the end: 10.80 %.
        Of all that is lost, 54 % is lost in slots 1 to 10 of 40.
    """
    if explanation.regret <= ROUNDING * explanation.optimum:
        return [f"Nothing is lost: it earns {of}."]
    return [_where(explanation, of), _by_ad(explanation), _when(explanation)]


def _where(explanation: Explanation, of: str) -> str:
    part, lost = _largest(explanation, MAP)
    category, _, level = part.rpartition(" × ")
    before = "videos without a category" if category == WITHOUT_CATEGORY else f"{category} videos"
    highest = len(explanation.lost[FATIGUE]) - 1
    tired = f", with users at fatigue level {level} of {highest}" if highest else ""
    return f"Most is lost before {before}{tired}: {_percent(explanation, lost)} of {of}."


def _by_ad(explanation: Explanation) -> str:
    ad, lost = _largest(explanation, AD)
    if ad == NO_AD:
        return f"Most is lost where no ad is shown and one would earn more in the end: {_percent(explanation, lost)}."
    other = "another ad, or none," if NO_AD in explanation.lost[AD] else "another ad"
    told = f"where {ad} is shown and {other} would earn more in the end"
    return f"By ad, most is lost {told}: {_percent(explanation, lost)}."


def _when(explanation: Explanation) -> str:
    part, lost = _largest(explanation, SESSION)
    quarters = len(explanation.lost[SESSION])
    if lost * quarters < EVENLY * explanation.regret:
        return "It is lost evenly over the session." if quarters > 1 else "The session has one slot."
    slots = f"slots {part}" if " to " in part else f"slot {part}"
    return (
        f"Of all that is lost, {100 * lost / explanation.regret:.0f} % is lost in {slots} of "
        f"{len(explanation.lost[SLOT])}."
    )


def _largest(explanation: Explanation, split: str) -> tuple[str, float]:
    return max(explanation.lost[split].items(), key=lambda entry: entry[1])


def _percent(explanation: Explanation, lost: float) -> str:
    return f"{fixed(explanation.percent_of(lost), 2)} %"
