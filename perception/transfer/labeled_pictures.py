"""Pictures to learn from, in one folder per class, and which of them show the same video."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import counted
from preroll.errors import PrerollError
from preroll.perception.video.clip_groups import GROUPINGS
from preroll.perception.video.frame_folders import PICTURE_SUFFIXES

#: Smallest number of pictures of a class: three for training and one for evaluation.
FEWEST = 4


@dataclass(frozen=True)
class LabeledPictures:
    """Pictures in one folder per class.

    Attributes:
        classes: names of the folders, sorted.
        files: the pictures.
        labels: int64 [n], index of each picture's class.
        groups: int64 [n], such as the video of which a picture is a frame; None if each stands for itself.
    """

    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def take(self, rows: list[int]) -> "LabeledPictures":
        """Returns the pictures of the given rows."""
        groups = None if self.groups is None else self.groups[rows]
        return LabeledPictures(self.classes, tuple(self.files[row] for row in rows), self.labels[rows], groups)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of pictures of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=len(self.classes))


def list_pictures(folder: Path, group_by: str | None = None) -> LabeledPictures:
    """Lists FOLDER/CLASS/*.jpg and other picture files, sorted.

    Args:
        folder: the folder of classes.
        group_by: ``folder`` (that above a picture; FOLDER/CLASS/VIDEO/*.jpg are listed too), ``name`` (that of a
            picture without the mark of a piece), or None for no groups.

    Raises:
        PrerollError: if the folder is missing, there is no such grouping, or there are too few classes, pictures or
            groups.
    """
    if group_by not in (None, *GROUPINGS):
        raise PrerollError(f"--group-by {group_by}: of pictures it must be {' or '.join(GROUPINGS)}")
    if not folder.is_dir():
        raise PrerollError(f"pictures {folder}: no such folder; it must hold one folder of pictures per class")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(names) < 2:
        raise PrerollError(
            f"pictures {folder}: {counted(len(names), 'folder')}; at least two classes are needed, a folder each"
        )
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        inside = [*(folder / name).glob("*"), *((folder / name).glob("*/*") if group_by == "folder" else ())]
        own = sorted(path for path in inside if path.suffix.lower() in PICTURE_SUFFIXES)
        if len(own) < FEWEST:
            raise PrerollError(
                f"pictures {folder / name}: {counted(len(own), 'picture')}; at least {FEWEST} of a class are needed"
            )
        files += own
        labels += [label] * len(own)
    groups = None
    if group_by is not None:
        owners = [GROUPINGS[group_by](path.relative_to(folder).as_posix()) for path in files]
        groups = np.unique(owners, return_inverse=True)[1]
    found = LabeledPictures(tuple(names), tuple(files), np.array(labels, np.int64), groups)
    check_groups(found, folder)
    return found


def check_groups(pictures: LabeledPictures, folder: Path) -> None:
    """Checks that every class has groups to train on and groups to measure on.

    Raises:
        PrerollError: naming the class that has a single group.
    """
    if pictures.groups is None:
        return
    for label, name in enumerate(pictures.classes):
        own = pictures.groups[pictures.labels == label]
        if len(np.unique(own)) < 2:
            raise PrerollError(
                f"pictures {folder / name}: --group-by makes one group of its {counted(len(own), 'picture')};"
                " at least 2 are needed, one to train on and one to measure on"
            )
