"""Limits of a Linux container: the files of its control groups, of both versions, from the innermost group outwards."""

from collections.abc import Iterator
from pathlib import Path

#: Where a process finds the names of its groups, and where the groups are mounted.
GROUPS, MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def settings(controller: str, names: tuple[str, ...]) -> Iterator[list[str]]:
    """Returns the words of all the named files that there are, of the group of this process and of every group around.

    Args:
        controller: ``memory`` or ``cpu``.
        names: files of one group that belong together; groups that lack one of them are left out.
    """
    for folder in _folders(controller):
        try:
            yield [word for name in names for word in (folder / name).read_text("ascii").split()]
        except (OSError, ValueError):  # no such group here: a container sees its own as the root
            continue


def _folders(controller: str) -> Iterator[Path]:
    try:
        lines = GROUPS.read_text("utf8", errors="replace").splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for root in (MOUNTED / controller, MOUNTED / controllers) if controllers else (MOUNTED, MOUNTED / "unified"):
            group = root / path.strip("/")
            yield from (group, *(one for one in group.parents if one.is_relative_to(root)))
