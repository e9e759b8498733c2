"""Storage of a saved agent in a folder: safetensors, JSON and a manifest with sha256; nothing is executed on loading.

```
agent.json           format, name, settings, spec, seed, scalars, state of the agent's generator
arrays.safetensors   all arrays
manifest.json        hashes of the other two; written last
```
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.errors import PrerollError
from preroll.files import atomic, manifest
from preroll.files.targets import check_folder

FORMAT = 2
ABOUT, ARRAYS = "agent.json", "arrays.safetensors"


def write(folder: Path, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Writes ``folder`` atomically: it is replaced as a whole or not at all.

    Args:
        folder: the folder to write.
        about: content of ``agent.json``, without the format.
        arrays: content of ``arrays.safetensors``.

    Raises:
        PrerollError: the folder holds something else than a saved agent.
    """
    from safetensors.numpy import save

    # safetensors writes the raw memory and ignores strides; ascontiguousarray would turn 0-d arrays into 1-d ones
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content = {
        ABOUT: (json.dumps({"format": FORMAT, **about}, indent=2, allow_nan=False) + "\n").encode(),
        ARRAYS: save(ordered),
    }
    folder = Path(folder)
    check_folder(folder, "agent", str(folder), replace=True)
    with atomic.folder(folder, "agent") as target:
        for name, data in content.items():
            atomic.write_bytes(target / name, data)


def read(folder: Path) -> dict[str, bytes]:
    """Returns the content of ``agent.json`` and ``arrays.safetensors`` by name, checked against the manifest.

    Raises:
        PrerollError: a file is missing, or has changed since it was written.
    """
    try:
        saved = manifest.read(atomic.current(folder), "agent")
    except FileNotFoundError:
        raise PrerollError(f"agent {folder}: it has no {manifest.NAME}, so it holds no saved agent") from None
    return {name: saved.read_bytes(name) for name in (ABOUT, ARRAYS)}
