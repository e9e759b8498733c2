"""Limits of a Linux container: the files of its control groups, of both versions, from the innermost group outwards."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

#: Where a process finds the names of its groups, and where the groups are mounted.
GROUPS, MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def settings(controller: str, names: tuple[str, ...]) -> Iterator[list[str]]:
    """Returns the words of all the named files that there are, of the group of this process and of every group around.

    Args:
        controller: ``memory`` or ``cpu``.
        names: files of one group that belong together; groups that lack one of them are left out.
    """
    try:
        groups = GROUPS.read_text("utf8", errors="replace")
    except OSError:  # another system
        return
    for folder in _folders(groups, MOUNTED, controller, names):
        try:
            yield [word for name in names for word in (folder / name).read_text("ascii").split()]
        except (OSError, ValueError):
            continue


@lru_cache(maxsize=16)
def _folders(groups: str, mounted: Path, controller: str, names: tuple[str, ...]) -> list[Path]:
    """Returns the folders that have the files: the many that a container does not see are looked for once."""
    return [
        folder for folder in _possible(groups, mounted, controller) if all((folder / one).exists() for one in names)
    ]


def _possible(groups: str, mounted: Path, controller: str) -> Iterator[Path]:
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for root in (mounted / controller, mounted / controllers) if controllers else (mounted, mounted / "unified"):
            group = root / path.strip("/")
            yield from (group, *(one for one in group.parents if one.is_relative_to(root)))
