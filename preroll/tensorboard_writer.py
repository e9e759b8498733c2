"""TensorBoard's event files, written without torch or TensorFlow, and what its tabs of layouts and texts show."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# TensorBoard takes any file whose name contains "tfevents"; its own names carry host and process, which a run's
# folder should not.
NAME = "events.out.tfevents.preroll"


class EventFile:
    """Event file of scalars, flushed after every :meth:`write`, so that TensorBoard shows it live.

    Args:
        folder: folder in which ``events.out.tfevents.preroll`` is created.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._writer = RecordWriter((folder / NAME).open("wb"))
        self._put(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, step: int, scalars: dict[str, float]) -> None:
        """Adds one scalar for every tag at ``step`` (sessions seen, epochs, …)."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._put(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def write_picture(self, step: int, tag: str, png: bytes) -> None:
        """Adds one picture: the bytes of a PNG file."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        width, height = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])  # of the first chunk of a PNG
        picture = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=png)
        self.write_for_plugin(step, Summary.Value(tag=tag, image=picture))

    def write_for_plugin(self, step: int, value: object) -> None:
        """Adds a ``Summary.Value`` of any kind, for one of TensorBoard's plugins."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._put(Event(wall_time=time.time(), step=step, summary=Summary(value=[value])))

    def _put(self, event: object) -> None:
        self._writer.write(event.SerializeToString())  # type: ignore[attr-defined]
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


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


def meanings(title: str, note: str, rows: Mapping[str, str]) -> Any:
    """Returns a table of tags and what they mean, for the tab TEXT."""
    table = [f"| {tag} | {meaning} |" for tag, meaning in rows.items()]
    text = "\n".join([note, "", "| tag | meaning |", "|---|---|", *table])
    return plugin_value(f"{title}/text_summary", "text", text=text.encode())


def layout(categories: Iterable[Any]) -> Any:
    """Returns the layout of the tab CUSTOM SCALARS, which TensorBoard joins with those of all other runs."""
    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

    content = Layout(category=categories).SerializeToString()
    return plugin_value("custom_scalars__config__", "custom_scalars", text=content)


def category(title: str, patterns: Mapping[str, str], *, closed: bool = False) -> Any:
    """Returns a group of charts.

    Args:
        title: title of the group.
        patterns: regular expression of the tags of a chart, by title of the chart.
        closed: whether a click opens it.
    """
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, MultilineChartContent

    charts = [Chart(title=name, multiline=MultilineChartContent(tag=[pattern])) for name, pattern in patterns.items()]
    return Category(title=title, chart=charts, closed=closed)


def title_of(meaning: str) -> str:
    """Returns the title of a chart: what a tag means, up to a colon."""
    return meaning.partition(": ")[0]
