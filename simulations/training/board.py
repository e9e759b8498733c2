"""What TensorBoard shows of a run besides its numbers: a layout that begins with what is earned, and what tags mean."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from preroll.simulations.training.curves import AGENT_TAG, TAGS, share_tags
from preroll.simulations.training.timing import TIME_TAGS
from preroll.tensorboard_writer import EventFile

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


def write_meanings(events: EventFile, title: str, note: str, rows: Mapping[str, str]) -> None:
    """Adds a table of tags and what they mean to the tab TEXT."""
    events.write_for_plugin(0, _table(title, note, rows))


def plugin_value(tag: str, plugin: str, content: bytes = b"", text: bytes | None = None) -> Any:
    """Returns a ``Summary.Value`` for one of TensorBoard's plugins.

    Args:
        tag: tag of the value.
        plugin: name of the plugin.
        content: data of the plugin about the tag.
        text: the value, if it has one.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    data = SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data))
    if text is not None:  # 7: string
        value.tensor.CopyFrom(TensorProto(dtype=7, string_val=[text], tensor_shape=TensorShapeProto()))
    return value


@lru_cache(maxsize=16)
def _board(lengths: tuple[str, ...], means: bool) -> tuple[Any, ...]:
    meanings = {**TAGS, **share_tags(lengths), **({} if means else TIME_TAGS)}
    if means:
        rows = {**meanings, f"…{LOW}, …{HIGH}": "ends of Student's 95 % interval over seeds"}
    else:
        rows = {**meanings, f"{AGENT_TAG}…": "what the agent reports of itself: `preroll agent show NAME` explains it"}
    return (
        plugin_value("custom_scalars__config__", "custom_scalars", text=_layout(meanings, lengths, means)),
        _table("what the tags mean", "The x axis (“step”) is sessions seen.", rows),
    )


def _table(title: str, note: str, rows: Mapping[str, str]) -> Any:
    table = [f"| {tag} | {meaning} |" for tag, meaning in rows.items()]
    text = "\n".join([note, "", "| tag | meaning |", "|---|---|", *table])
    return plugin_value(f"{title}/text_summary", "text", text=text.encode())


def _layout(meanings: Mapping[str, str], lengths: tuple[str, ...], means: bool) -> bytes:
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    def chart(title: str, pattern: str) -> Chart:
        return Chart(title=title, multiline=MultilineChartContent(tag=[pattern]))

    groups = {**_LAYOUT, _SHOWN: (*share_tags(lengths), *_LAYOUT[_SHOWN])}
    if means:
        groups[_EARNED] = groups[_EARNED][len(FIRST) :]
    else:
        groups[_TIME] = tuple(TIME_TAGS)
    categories = [
        Category(title=title, chart=[chart(_title(meanings[tag]), f"^{re.escape(tag)}$") for tag in tags])
        for title, tags in groups.items()
    ]
    if means:  # of their own: TensorBoard puts charts with bands behind the others of a category
        categories.insert(0, Category(title=_BANDS, chart=[_band(tag, _title(meanings[tag])) for tag in FIRST]))
    else:
        inside = [chart("what the agent reports of itself", f"^{AGENT_TAG}")]
        categories.append(Category(title=_INSIDE, chart=inside, closed=True))
    layout: bytes = Layout(category=categories).SerializeToString()
    return layout


def _title(meaning: str) -> str:
    return meaning.partition(": ")[0]


def _band(tag: str, title: str) -> Any:
    """Returns a chart of a mean within its interval."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Chart, MarginChartContent

    series = MarginChartContent.Series(value=tag, lower=tag + LOW, upper=tag + HIGH)
    return Chart(title=title, margin=MarginChartContent(series=[series]))
