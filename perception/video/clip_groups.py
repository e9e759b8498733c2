"""Groups of videos that are pieces of one clip, recognised by their folder or by their name."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from preroll.perception.video.containers import SUFFIXES
from preroll.perception.video.frame_folders import PICTURE_SUFFIXES

_SUFFIXES = SUFFIXES.union(PICTURE_SUFFIXES)
# No pattern matches one text in two ways: names are untrusted, and search must not take exponential time.
_GAP = r"[\s_.,:~+#–—-]"
_LONG = "part|piece|segment|scene|shot|chunk|section|frame"
_SHORT = "pt|seg|sc|cut|split|take|clip|frm|c|p|s|t|f"
_COUNT = rf"(?:{_GAP}*of{_GAP}*\d+)?[\])]?"
_WORDED = rf"(?:{_GAP}+[\[(]?(?:{_LONG}|{_SHORT})|[\[(]?(?:{_LONG})){_GAP}*\d+{_COUNT}"
_LETTERED = rf"{_GAP}+[\[(]?(?:{_LONG}){_GAP}*(?:[a-z]|[ivx]+)[\])]?"
_BARE = rf"(?:{_GAP}+[\[(]?|[\[(])(?:\d+h)?(?:\d+m)?\d+(?:s|sec|ms)?{_COUNT}"
_GLUED = r"(?<=[^\W\d_])\d{3,}"  # as ffmpeg numbers the pieces of output%03d.mp4
_MARK = re.compile(rf"(?<=.)(?:(?:(?:{_WORDED})+|{_LETTERED})(?:{_BARE})*|(?:{_BARE})+|{_GLUED})$", re.IGNORECASE)


def folder_above(path: str) -> str:
    """Returns the name of the folder that a video is in; folders of one name count as one.

    >>> folder_above("cars/match1/02.mp4"), folder_above("https://host/match1/02.mp4?x=/y"), folder_above("02.mp4")
    ('match1', 'match1', '.')
    """
    place = PurePosixPath(_place(path) if "://" in path else path)
    return place.parent.name or "."


def clip_name(path: str) -> str:
    """Returns a video's name without the mark of a piece: a number, or a word such as part, scene or s with a number.

    A number right after a letter is a mark if it has three digits or more and no mark follows. A name without letters,
    such as a number alone, names no clip: it is returned with its folders.

    >>> {clip_name(f"cars/{name}.mp4") for name in ("clip_001", "clip-part2", "clip.s03", "clip (4)", "clip")}
    {'clip'}
    >>> clip_name("cam_3_part_2.mp4"), clip_name("dive_000010_000020.mp4"), clip_name("cars/001.mp4")
    ('cam_3', 'dive', 'cars/001.mp4')
    """
    web = "://" in path
    name = (_place(path) if web else path).rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    if stem and dot + suffix.lower() in _SUFFIXES:
        name = stem
    elif web and urlsplit(path).query:
        # As in https://host/watch?v=ID: the query is the name.
        return path.partition("#")[0]
    return _MARK.sub("", name) if any(letter.isalpha() for letter in name) else path


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"/{parts.netloc}{unquote(parts.path)}"


#: How a video's group follows from its path.
GROUPINGS: dict[str, Callable[[str], str]] = {"folder": folder_above, "name": clip_name}
