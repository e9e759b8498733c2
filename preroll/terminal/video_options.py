"""Options of all commands that decode videos: the network, and the limits of a worker."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preroll.terminal.counts import parse_count

if TYPE_CHECKING:
    from preroll.workers.job import Limits

LIMITS_PANEL = "Limits and engines"
DetectorFile = Annotated[
    Path | None,
    typer.Option(help="ONNX model, or a name of `preroll detector list`.", show_default="by what the videos show"),
]
CardFile = Annotated[Path | None, typer.Option(help="Model card.", show_default="found automatically")]
Trust = Annotated[
    str | None,
    typer.Option(metavar="SHA256", help="Take this network though it may loop for ever.", rich_help_panel=LIMITS_PANEL),
]
Fast = Annotated[bool, typer.Option("--fast", help="Skip frames that no other refers to: half the work.")]
NeighborsBy = Annotated[str, typer.Option(help="Vectors of the recommender: objects, embedding or tags.")]
Workers = Annotated[
    int | None,
    typer.Option(parser=parse_count, metavar="N", help="Number of processes.", show_default="one per core"),
]
Memory = Annotated[str, typer.Option(help="Memory of a worker.", rich_help_panel=LIMITS_PANEL)]
Timeout = Annotated[
    str, typer.Option(help="Seconds for a video, + so many times its duration.", rich_help_panel=LIMITS_PANEL)
]
DEFAULT_MEMORY, DEFAULT_TIMEOUT = "2GiB", "60+10x"


def worker_limits(worker_memory: str, video_timeout: str) -> "Limits":
    """Returns the limits that ``--worker-memory`` and ``--video-timeout`` set.

    Raises:
        PrerollError: naming the option that cannot be read.
    """
    from preroll.terminal.units import parse_size, parse_time_limit
    from preroll.workers.job import Limits

    return Limits(*parse_time_limit(video_timeout, "--video-timeout"), parse_size(worker_memory, "--worker-memory"))
