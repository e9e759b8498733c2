"""What TensorBoard shows of a run besides its numbers: a layout that begins with what is earned, and what tags mean."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from preroll.simulations.training.curves import AGENT_TAG, TAGS, share_tags
from preroll.simulations.training.timing import TIME_TAGS
from preroll.tensorboard_writer import EventFile, category, layout, meanings, title_of

#: The first charts of every layout; ``preroll tensorboard`` pins them above all others.
FIRST = ("session/percent_of_optimum", "session/revenue")
#: Tags of the ends of a band, where there is one.
LOW, HIGH = " (low)", " (high)"
#: Charts by title of their group, internals last; the shares of the length classes follow the first of ``_SHOWN``.
_EARNED, _SHOWN = "How much is earned", "What is shown"
_TIME, _INSIDE = "Where the time goes", "Inside of the agent"
_BANDS = "How much is earned, with 95 % intervals over seeds"
_LAYOUT: dict[str, tuple[str, ...]] = {
    _EARNED: (*FIRST, "session/regret", "regret/total"),
    _SHOWN: ("session/empty_share", "session/view_rate"),
    "How users take it": ("session/length", "session/terminated"),
}


def write_board(events: EventFile, lengths: Iterable[str], *, means: bool = False) -> None:
    """Adds the layout of the tab CUSTOM SCALARS, and the meaning of all tags for the tab TEXT.

    Args:
        events: event file of a run, whose layout TensorBoard joins with those of all other runs.
        lengths: length classes of the scenario.
        means: whether the run is a mean over seeds: the tags of :data:`FIRST` have bands, and neither times nor what
            agents report is there.
    """
    for value in _board(tuple(lengths), means):
        events.write_for_plugin(0, value)


@lru_cache(maxsize=16)
def _board(lengths: tuple[str, ...], means: bool) -> tuple[Any, ...]:
    told = {**TAGS, **share_tags(lengths), **({} if means else TIME_TAGS)}
    if means:
        rows = {**told, f"…{LOW}, …{HIGH}": "ends of Student's 95 % interval over seeds"}
    else:
        rows = {**told, f"{AGENT_TAG}…": "what the agent reports of itself: `preroll agent show NAME` explains it"}
    text = meanings("what the tags mean", "The x axis (“step”) is sessions seen.", rows)
    return layout(_categories(told, lengths, means)), text


def _categories(told: Mapping[str, str], lengths: tuple[str, ...], means: bool) -> list[Any]:
    groups = {**_LAYOUT, _SHOWN: (*share_tags(lengths), *_LAYOUT[_SHOWN])}
    if means:
        groups[_EARNED] = groups[_EARNED][len(FIRST) :]
    else:
        groups[_TIME] = tuple(TIME_TAGS)
    made = [
        category(title, {title_of(told[tag]): f"^{re.escape(tag)}$" for tag in tags}) for title, tags in groups.items()
    ]
    if means:  # of their own: TensorBoard puts charts with bands behind the others of a category
        return [_bands({tag: title_of(told[tag]) for tag in FIRST}), *made]
    return [*made, category(_INSIDE, {"what the agent reports of itself": f"^{AGENT_TAG}"}, closed=True)]


def _bands(titles: Mapping[str, str]) -> Any:
    """Returns the group of means within their intervals."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, MarginChartContent

    charts = []
    for tag, title in titles.items():
        series = MarginChartContent.Series(value=tag, lower=tag + LOW, upper=tag + HIGH)
        charts.append(Chart(title=title, margin=MarginChartContent(series=[series])))
    return Category(title=_BANDS, chart=charts)
