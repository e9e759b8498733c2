"""Safe reading of pickles that contain only builtin containers, texts and numbers."""

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from preroll.bounded import limits
from preroll.bounded.readers import read_bytes
from preroll.errors import PrerollError
from preroll.perception.prediction.formats.pickle_scan import check_extent

# Builtin containers that older pickles reference by name; all others have opcodes of their own.
_CONTAINERS = {"set": set, "frozenset": frozenset, "bytearray": lambda *given: _bytearray(*given)}


def _is_container(module: str, name: str) -> bool:
    return module in ("builtins", "__builtin__") and name in _CONTAINERS


def _bytearray(*given: Any) -> bytearray:
    if given and isinstance(given[0], int):  # so many zeros
        raise pickle.UnpicklingError("it asks for a bytearray by its size")
    return bytearray(*given)


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that resolves no function or class except three builtin containers, so no foreign code can run."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns one of three builtin containers, and rejects every other global."""
        if _is_container(module, name):
            return _CONTAINERS[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}; only lists, maps, texts and numbers are allowed")

    def persistent_load(self, pid: Any) -> NoReturn:
        """Rejects references to objects outside the file."""
        raise pickle.UnpicklingError("it refers to something outside of the file")


def read_plain_pickle(path: Path) -> Any:
    """Reads a pickle of lists, tuples, dictionaries, sets, strings, bytes, numbers, booleans or None.

    A pickle is a program, but here it cannot reference anything from a module except three builtin containers, and so
    cannot call anything else. Convert it to JSON once and delete it.

    Raises:
        PrerollError: the file references anything else, is not a pickle, or stands for too much.
    """
    try:
        content = read_bytes(path, limits.PICKLE_BYTES)
        check_extent(content, _is_container)
        return _PlainUnpickler(io.BytesIO(content)).load()
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:  # damaged pickles may raise almost any error
        raise PrerollError(
            f"{path}: is no plain pickle: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
