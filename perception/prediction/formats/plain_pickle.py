"""Safe reading of pickles that contain only builtin containers, texts and numbers."""

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from preroll.errors import PrerollError

# Builtin containers that older pickles reference by name; all others have opcodes of their own.
_CONTAINERS = {"set": set, "frozenset": frozenset, "bytearray": bytearray}


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that resolves no function or class except three builtin containers, so no foreign code can run."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns one of three builtin containers, and rejects every other global."""
        if module in ("builtins", "__builtin__") and name in _CONTAINERS:
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
        PrerollError: the file references anything else, or is not a pickle.
    """
    try:
        return _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception as error:  # damaged pickles may raise almost any error
        raise PrerollError(
            f"{path}: is no plain pickle: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
