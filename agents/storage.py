"""Storage of a saved agent in a folder: safetensors, JSON and a manifest with sha256; nothing is executed on loading.

```
agent.json           format, name, settings, spec, seed, scalars, state of the agent's generator
arrays.safetensors   all arrays
manifest.json        sha256 of the other two; written last
```
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll import atomic
from preroll.errors import PrerollError

FORMAT = 2
ABOUT, ARRAYS = "agent.json", "arrays.safetensors"


def write(folder: Path, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Writes ``folder`` atomically: it is replaced as a whole or not at all.

    Args:
        folder: the folder to write.
        about: content of ``agent.json``, without the format.
        arrays: content of ``arrays.safetensors``.
    """
    from safetensors.numpy import save

    # safetensors writes the raw memory and ignores strides; ascontiguousarray would turn 0-d arrays into 1-d ones
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content = {
        ABOUT: (json.dumps({"format": FORMAT, **about}, indent=2, allow_nan=False) + "\n").encode(),
        ARRAYS: save(ordered),
    }
    with atomic.folder(Path(folder)) as target:
        for name, data in content.items():
            atomic.write_bytes(target / name, data)
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
        atomic.write_json(target / "manifest.json", {"format": FORMAT, "sha256": sums})


def read(folder: Path) -> dict[str, bytes]:
    """Returns the content of ``agent.json`` and ``arrays.safetensors`` by name, checked against the manifest.

    Raises:
        PrerollError: a file is missing, or has changed since it was written.
    """
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf8"))
        sums = dict(manifest["sha256"])
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}; {folder} holds no saved agent") from None
    except (ValueError, KeyError, TypeError):
        raise PrerollError(f"{path}: is not the manifest of a saved agent") from None
    content = {}
    for name in (ABOUT, ARRAYS):
        try:
            content[name] = (folder / name).read_bytes()
        except OSError as error:
            raise PrerollError(f"{folder / name}: cannot be read: {error.strerror}") from None
        if hashlib.sha256(content[name]).hexdigest() != sums.get(name):
            raise PrerollError(
                f"{folder / name}: is not the file that was saved: its sha256 differs from manifest.json"
            )
    return content
