"""Lists of ids, and maps from ids to lists of zeros and ones, as JSON, text or plain pickles."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.bounded import limits
from preroll.bounded.readers import parse_json, read_text
from preroll.errors import PrerollError
from preroll.perception.prediction.formats.plain_pickle import read_plain_pickle
from preroll.perception.prediction.framework.bad_input import Skipping

_PICKLES = (".pkl", ".pickle")


def read_ids(path: Path, skipping: Skipping) -> tuple[str, ...]:
    """Reads a list of distinct ids from .json, .pkl or .txt (one per line).

    Args:
        path: the file.
        skipping: policy for bad or repeated ids.

    Raises:
        PrerollError: the file cannot be read, is not a list, is empty, or an id is bad and skipping is not allowed.
    """
    content = (
        [line.strip() for line in _text(path).splitlines() if line.strip()] if path.suffix == ".txt" else _read(path)
    )
    if not isinstance(content, list | tuple):
        raise PrerollError(f"{path}: must be a list of ids, not {type(content).__name__}")
    ids: dict[str, None] = {}
    for row, value in enumerate(content, start=1):
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            skipping.bad(path, f"row {row}", f"{value!r} is no id; must be a text")
        elif str(value) in ids:
            skipping.bad(path, f"row {row}", f"id {value!r} occurs twice")
        else:
            ids[str(value)] = None
    if not ids:
        raise PrerollError(f"{path}: names no id")
    return tuple(ids)


def read_labels(path: Path, skipping: Skipping, names: tuple[str, ...] = ()) -> dict[str, NDArray[np.bool_] | None]:
    """Reads a map from ids to labels from .json or .pkl.

    Args:
        path: the file.
        skipping: policy for ids with bad labels.
        names: names of the G genres; without them, G is the most frequent number of labels.

    Returns:
        bool [G] by id; None if the labels of an id are bad and were skipped.

    Raises:
        PrerollError: the file cannot be read, is not a map, or the labels of an id are bad and skipping is not allowed.
    """
    content = _read(path)
    lines = content.values() if isinstance(content, dict) else ()
    lengths = Counter(len(line) for line in lines if isinstance(line, list | tuple))
    if not lengths:
        raise PrerollError(f"{path}: must be a map from ids to zeros and ones")
    width = len(names) or lengths.most_common(1)[0][0]
    labels: dict[str, NDArray[np.bool_] | None] = {}
    for key, value in content.items():
        where = f"id {key!r}"
        labels[str(key)] = None
        if not isinstance(value, list | tuple) or len(value) != width:
            found = len(value) if isinstance(value, list | tuple) else type(value).__name__
            skipping.bad(path, where, f"must have {width} zeros and ones, not {found}")
        elif odd := [i for i, one in enumerate(value) if one not in (0, 1)]:
            skipping.bad(path, f"{where}, column {odd[0] + 1}", f"label {value[odd[0]]!r} must be 0 or 1")
        elif not any(value):
            skipping.bad(path, where, "has no label")
        else:
            labels[str(key)] = np.array(value, np.bool_)
    return labels


def _read(path: Path) -> Any:
    if path.suffix in _PICKLES:
        return read_plain_pickle(path)
    if path.suffix != ".json":
        raise PrerollError(f"{path}: must be a .json, .txt (ids alone) or .pkl file")
    try:
        return parse_json(_text(path), limits.ID_TEXT, _without_repeats)
    except ValueError as error:
        raise PrerollError(f"{path}: is not valid JSON: {error}") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"id {twice!r} occurs twice")
    return found


def _text(path: Path) -> str:
    try:
        return read_text(path, limits.ID_TEXT, "utf-8-sig")
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PrerollError(f"{path}: is not UTF-8 text") from None
    except ValueError as error:
        raise PrerollError(f"{path}: {error}") from None
