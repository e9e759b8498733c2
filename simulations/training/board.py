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
_SHOWN = "What is shown"
_LAYOUT: dict[str, tuple[str, ...]] = {
    "How much is earned": (*FIRST, "session/regret", "regret/total"),
    _SHOWN: ("session/empty_share", "session/view_rate"),
    "How users take it": ("session/length", "session/terminated"),
    "Where the time goes": tuple(TIME_TAGS),
}
_INSIDE = "Inside of the agent"


def write_board(events: EventFile, lengths: Iterable[str], *, bands: bool = False) -> None:
    """Adds the layout of the tab CUSTOM SCALARS, and the meaning of all tags for the tab TEXT.

    Args:
        events: event file of a run, whose layout TensorBoard joins with those of all other runs.
        lengths: length classes of the scenario.
        bands: whether the tags of :data:`FIRST` have bands.
    """
    for value in _board(tuple(lengths), bands):
        events.write_for_plugin(0, value)


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
def _board(lengths: tuple[str, ...], bands: bool) -> tuple[Any, ...]:
    meanings = {**TAGS, **share_tags(lengths), **TIME_TAGS}
    text = _meanings(meanings, bands).encode()
    return (
        plugin_value("custom_scalars__config__", "custom_scalars", text=_layout(meanings, lengths, bands)),
        plugin_value("what the tags mean/text_summary", "text", text=text),
    )


def _layout(meanings: Mapping[str, str], lengths: tuple[str, ...], bands: bool) -> bytes:
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    def chart(title: str, pattern: str) -> Chart:
        return Chart(title=title, multiline=MultilineChartContent(tag=[pattern]))

    groups = {**_LAYOUT, _SHOWN: (*share_tags(lengths), *_LAYOUT[_SHOWN])}
    categories = [
        Category(
            title=title,
            chart=[
                _band(tag, meanings[tag]) if bands and tag in FIRST else chart(meanings[tag], f"^{re.escape(tag)}$")
                for tag in tags
            ],
        )
        for title, tags in groups.items()
    ]
    inside = Category(title=_INSIDE, chart=[chart("what the agent reports of itself", f"^{AGENT_TAG}")], closed=True)
    layout: bytes = Layout(category=[*categories, inside]).SerializeToString()
    return layout


def _band(tag: str, title: str) -> Any:
    """Returns a chart of a mean within its interval."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Chart, MarginChartContent

    series = MarginChartContent.Series(value=tag, lower=tag + LOW, upper=tag + HIGH)
    return Chart(title=f"{title}, with its 95 % interval over seeds", margin=MarginChartContent(series=[series]))


def _meanings(meanings: Mapping[str, str], bands: bool) -> str:
    """Returns a table of the tags in Markdown."""
    rows = [f"| {tag} | {meaning} |" for tag, meaning in meanings.items()]
    rows.append(f"| {AGENT_TAG}… | what the agent reports of itself: `preroll agent show NAME` explains it |")
    if bands:
        rows.append(f"| …{LOW}, …{HIGH} | ends of Student's 95 % interval over seeds |")
    return "\n".join(["The x axis (“step”) is sessions seen.", "", "| tag | meaning |", "|---|---|", *rows])
