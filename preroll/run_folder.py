"""What the folders of all runs have in common: where one may be written, the versions and threads that it names."""

import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from preroll.files.targets import check_folder, check_ground

#: Folder of a stopped training, in the hidden folder beside its run.
CHECKPOINT = "checkpoint"
#: What a run came to.
RESULT = "result.json"


def check_target(
    run: Path, option: str = "--run", *, kind: str = "run", replace: bool = False, mend: bool = False
) -> None:
    """Raises unless a run may be written to ``run``: it is absent, an empty folder, or a run to be replaced.

    Args:
        run: folder of the run.
        option: how the user named the folder, for the error message.
        kind: what the run is, as its manifest says.
        replace: whether an older run may be replaced.
        mend: whether a damaged run may be, too.

    Raises:
        PrerollError: something else exists there, which is never overwritten, or the folder cannot be created.
    """
    check_ground(run, f"{option} {run}")
    check_folder(run, kind, f"{option} {run}", replace=replace, mend=mend)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Returns the versions of Python and of every package that results depend on."""
    return {"python": platform.python_version(), **{name: _installed(name) for name in packages}}


@cache
def _installed(package: str) -> str:
    """Returns the version of a package, whose metadata is read once: what this process has imported stays."""
    return version(package)


def threads() -> int:
    """Returns the number of threads in which torch computes in this process, or would if it were loaded."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
