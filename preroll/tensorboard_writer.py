"""TensorBoard's event files, written without torch or TensorFlow."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

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
