"""Pickled lists, maps and numbers, read without running anything that a pickle may ask for."""

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from preroll.errors import PrerollError

# Builtin containers that older pickles call by name; all others need no name.
_CONTAINERS = {"set": set, "frozenset": frozenset, "bytearray": bytearray}


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that finds no function and no class but builtin containers, so that nothing else can come out."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuses every global but three builtin containers."""
        if module in ("builtins", "__builtin__") and name in _CONTAINERS:
            return _CONTAINERS[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}; only lists, maps, texts and numbers are allowed")

    def persistent_load(self, pid: Any) -> NoReturn:
        """Refuses references to things outside of the file."""
        raise pickle.UnpicklingError("it refers to something outside of the file")


def read_plain_pickle(path: Path) -> Any:
    """Reads a pickle that holds lists, tuples, dictionaries, sets, texts, bytes, numbers, truth values or None.

    A pickle is a program. This one may not name anything from any module, so that it cannot call anything; convert it
    to JSON once and delete it.

    Raises:
        PrerollError: the file asks for anything else, or is no pickle.
    """
    try:
        return _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:  # damaged pickles raise nearly anything
        raise PrerollError(
            f"{path}: is no plain pickle: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
