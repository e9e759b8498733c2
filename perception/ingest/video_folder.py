"""Listing of a folder of videos: VIDEOS/CATEGORY/VIDEO.mp4 and the like, or folders of frames VIDEOS/CATEGORY/VIDEO."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from preroll.errors import PrerollError
from preroll.perception.video.containers import SUFFIXES
from preroll.perception.video.frame_folders import numbered_pictures

_NOT_REGULAR = "not a regular file"


@dataclass(frozen=True)
class SourceVideo:
    """A listed video.

    Attributes:
        file: its path on disk.
        path: its name in the catalog: CATEGORY/VIDEO; in a table, its path there or its URL.
        category: name of its folder, or the category in the table.
        problem: why it cannot be a video; empty for a regular file or a folder of frames.
        status: status of the video if there is a problem.
        split: such as ``train`` or ``test``, if given in the table.
        url: download address; empty for a file.
        name: name of the folder of its saved frames.
        group: what it is a piece of, if videos are grouped; its own path if it stands alone.
    """

    file: Path
    path: str
    category: str
    problem: str = ""
    status: str = "not_a_file"
    split: str = ""
    url: str = ""
    name: str = ""
    group: str = ""


@dataclass(frozen=True)
class Listing:
    """The videos of a folder or a table.

    Attributes:
        videos: the videos, sorted by category and path.
        others: number of other files beside them.
        categories: names of the folders of categories, also of those without a video; empty for a table.
    """

    videos: list[SourceVideo]
    others: int
    categories: tuple[str, ...] = ()


def list_videos(folder: Path, *, nested: bool = False) -> Listing:
    """Lists the videos of a folder of categories; hidden files and folders are skipped.

    Args:
        folder: the folder of categories.
        nested: whether a category may also have folders of videos, CATEGORY/CLIP/VIDEO.mp4.

    Raises:
        PrerollError: if the folder is missing, unreadable, or has no video in any subfolder.
    """
    if not folder.is_dir():
        raise PrerollError(
            f"videos {folder}: no such folder; it must hold one folder of videos per category, or be a table, FILE.csv"
        )
    videos: list[SourceVideo] = []
    others, categories = 0, []
    try:
        for category in _visible(folder):
            if category.is_dir():
                entries = [inner for entry in _visible(category) for inner in (_inside(entry) if nested else [entry])]
                listed = [_listed(entry, category) for entry in entries]
                videos += [one for one in listed if one is not None]
                others += listed.count(None)
                categories.append(shown(category.name))
            else:
                others += 1
    except OSError as error:
        raise PrerollError(f"videos {error.filename}: cannot be read: {error.strerror}") from None
    if not videos:
        loose = any(entry.suffix.lower() in SUFFIXES for entry in _visible(folder))
        hint = "its videos must lie in one folder per category" if loose else "no video in any subfolder"
        raise PrerollError(
            f"videos {folder}: {hint}: {folder}/CATEGORY/VIDEO.mp4, or {folder}/CATEGORY/VIDEO/1.jpg, 2.jpg, …"
        )
    return Listing(sorted(videos, key=lambda one: (one.category, one.path)), others, tuple(categories))


def _visible(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _inside(entry: Path) -> list[Path]:
    """Returns the entries of a folder of videos; a video, or a folder of frames, is an entry itself."""
    return (entry.is_dir() and not numbered_pictures(entry) and _visible(entry)) or [entry]


def _listed(entry: Path, folder: Path) -> SourceVideo | None:
    """Returns the video at an entry of a category's folder; None for a file without the suffix of a video."""
    category, place = shown(folder.name), entry.relative_to(folder).as_posix()
    problem = problem_of(entry)
    if problem in ("", _NOT_REGULAR) and not entry.is_dir() and entry.suffix.lower() not in SUFFIXES:
        return None
    return SourceVideo(entry, f"{category}/{shown(place)}", category, problem, name=place)


def problem_of(entry: Path) -> str:
    """Returns why a path cannot be a video, without opening it; empty for a regular file or a folder of frames."""
    try:
        mode = entry.stat().st_mode
    except OSError as error:
        return f"{'a link that leads nowhere' if entry.is_symlink() else 'not there'}: {error.strerror}"
    except ValueError as error:
        return f"not a path: {error}"
    if stat.S_ISDIR(mode):
        try:
            return "" if numbered_pictures(entry) else "a folder without frames 1.jpg, 2.jpg, …"
        except OSError as error:
            return f"a folder that cannot be read: {error.strerror}"
    return "" if stat.S_ISREG(mode) else _NOT_REGULAR


def shown(name: str) -> str:
    """Returns a file's name as text that can be encoded: bytes that are not UTF-8 become backslash escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
