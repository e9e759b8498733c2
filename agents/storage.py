"""An agent as a folder: weights in safetensors, the rest in JSON, a manifest with sha256; nothing that can execute.

```
agent.json           format, name, settings, spaces, seed, counters, state of the agent's generator
arrays.safetensors   everything that is an array
manifest.json        sha256 of the two; written last
```
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from preroll import atomic
from preroll.agents.agent import Agent, Arrays
from preroll.agents.registry import find
from preroll.agents.settings import parse
from preroll.envs.model.observation import Spaces
from preroll.errors import PrerollError

FORMAT = 1
FILES = ("agent.json", "arrays.safetensors")


def save_agent(agent: Agent, folder: Path, *, training: bool = False) -> None:
    """Writes ``agent`` to ``folder``, which is replaced as a whole or not at all."""
    from safetensors.numpy import save

    # safetensors writes the memory as it lies, whatever its strides; ascontiguousarray would give 0-d arrays an axis
    arrays = {name: np.asarray(array, order="C") for name, array in agent.arrays(training=training).items()}
    about = {
        "format": FORMAT,
        "name": agent.name,
        "settings": agent.settings.model_dump(mode="json"),
        "spaces": agent.spaces.to_dict(),
        "seed": agent.seed,
        "steps": agent.steps,
        "total_steps": agent.total_steps,
        "generator": agent.rng.bit_generator.state,
        "training": training,
        "counters": agent.counters(training=training),
    }
    content = {
        "agent.json": (json.dumps(about, indent=2, allow_nan=False) + "\n").encode(),
        "arrays.safetensors": save(arrays),
    }
    with atomic.folder(Path(folder)) as target:
        for name, data in content.items():
            atomic.write_bytes(target / name, data)
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
        atomic.write_json(target / "manifest.json", {"format": FORMAT, "sha256": sums})


def load_agent(folder: str | Path) -> Agent:
    """Reads an agent that :meth:`Agent.save` wrote; it decides as the saved one did.

    Raises:
        PrerollError: a file is missing, changed since it was written, or of an unknown format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = Path(folder)
    atomic.recover(folder.absolute())
    content = _verified(folder)
    # the sha256 finds accidents; whoever forged a file has forged them too
    place = folder / "agent.json"
    try:
        about = json.loads(content["agent.json"])
        if about.get("format") != FORMAT:
            raise PrerollError(f"{place}: format {about.get('format')!r} is unknown; this version reads {FORMAT}")
        agent = _described(about)
        place = folder / "arrays.safetensors"
        arrays = load(content["arrays.safetensors"])
        _check_shapes(arrays, agent, training=about["training"])
        agent.restore(arrays, about["counters"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PrerollError(f"{place}: is not what a saved agent holds: {reason}") from None
    return agent


def _described(about: dict[str, Any]) -> Agent:
    """The agent as ``agent.json`` tells it, without its arrays."""
    kind = find(about["name"]).load()
    settings = parse(kind.Settings, about["name"], about["settings"])
    agent = kind(Spaces.from_dict(about["spaces"]), settings, seed=about["seed"])
    for name in ("steps", "total_steps"):
        if type(about[name]) is not int or about[name] < 0:
            raise ValueError(f"{name}: {about[name]!r} is no number of transitions")
    agent.steps, agent.total_steps = about["steps"], about["total_steps"]
    agent.rng.bit_generator.state = about["generator"]
    return agent


def _check_shapes(arrays: Arrays, agent: Agent, *, training: bool) -> None:
    """Raises where an array is not of the kind that the untrained ``agent`` would save: compiled code trusts shapes.

    An axis that is empty in an untrained agent, such as its lanes, may have any length. Numbers must be finite: no
    comparison finds a difference to NaN.
    """
    for name, untrained in agent.arrays(training=training).items():
        array = arrays[name]
        fits = [want in (0, has) for want, has in zip(untrained.shape, array.shape, strict=False)]
        if array.dtype != untrained.dtype or array.ndim != untrained.ndim or not all(fits):
            raise ValueError(
                f"{name}: is {array.dtype} {list(array.shape)}, expected {untrained.dtype} {list(untrained.shape)}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name}: holds NaN or infinity")


def _verified(folder: Path) -> dict[str, bytes]:
    """The bytes of every file, checked against the manifest."""
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf8"))
        sums = dict(manifest["sha256"])
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror}; {folder} holds no saved agent") from None
    except (ValueError, KeyError, TypeError):
        raise PrerollError(f"{path}: is not the manifest of a saved agent") from None
    content = {}
    for name in FILES:
        try:
            content[name] = (folder / name).read_bytes()
        except OSError as error:
            raise PrerollError(f"{folder / name}: cannot be read: {error.strerror}") from None
        if hashlib.sha256(content[name]).hexdigest() != sums.get(name):
            raise PrerollError(
                f"{folder / name}: is not the file that was saved: its sha256 differs from manifest.json"
            )
    return content
