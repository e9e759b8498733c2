"""Saving of agents to folders, and loading: a loaded agent decides as the saved one did."""

from pathlib import Path
from typing import Any

from preroll.agents import storage
from preroll.agents.agent import Agent, Arrays
from preroll.agents.finite import finite
from preroll.agents.registry import AGENTS, find
from preroll.agents.settings import parse
from preroll.bounded.readers import check_tensors, parse_json
from preroll.console.given import shortened
from preroll.console.nearest import meant, neighbors
from preroll.envs.model.observation import SessionSpec
from preroll.errors import NotFiniteError, PrerollError
from preroll.files import atomic


def agent_of(given: Agent | str | Path) -> Agent:
    """Returns an agent unchanged, and that of a folder.

    Raises:
        PrerollError: it is neither, or :func:`load_agent` finds none.
    """
    if isinstance(given, str | Path):
        return load_agent(given)
    if not isinstance(given, Agent):
        told = "an agent of preroll.agents, or the folder of one or of its run, is expected"
        raise PrerollError(f"agent: {shortened(given)}: {told}")
    return given


def save_agent(agent: Agent | str | Path, folder: str | Path, *, training: bool = False) -> None:
    """Writes ``agent``, or that of a folder, to ``folder``, as :meth:`Agent.save` does.

    Raises:
        PrerollError: it is no agent of :mod:`preroll.agents`, or cannot be saved.
    """
    agent_of(agent).save(folder, training=training)


def load_agent(folder: str | Path) -> Agent:
    """Reads an agent that :meth:`Agent.save` wrote, or that of a run; it decides as the saved one did.

    If training state was saved, the agent also resumes training exactly where it stopped.

    Args:
        folder: the folder of the agent, or of a run.

    Raises:
        PrerollError: a file is missing, has changed since it was written, or has an unknown or invalid format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = Path(folder)
    of_run = atomic.current(folder) / "agent"
    folder = of_run if of_run.is_dir() else folder
    if not atomic.current(folder).is_dir():
        raise PrerollError(f"agent {folder}: {_missing(folder)}")
    content = storage.read(folder)
    # sha256 detects damage, not tampering: a forger rewrites the manifest too, so all content is validated below
    place = folder / storage.ABOUT
    try:
        about = parse_json(content[storage.ABOUT])
        if about.get("format") != storage.FORMAT:
            raise PrerollError(
                f"{place}: format {about.get('format')!r} is unknown; this version reads {storage.FORMAT}"
            )
        agent = _described(about)
        place = folder / storage.ARRAYS
        check_tensors(content[storage.ARRAYS])
        arrays = load(content[storage.ARRAYS])
        _check_shapes(arrays, agent, training=about["training"])
        try:
            agent.load_state(arrays, about["scalars"])
        except PrerollError as error:  # a table that is no policy
            raise ValueError(str(error)) from None
    except (
        NotFiniteError,
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RuntimeError,
    ) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PrerollError(f"{place}: is not what a saved agent holds: {reason}") from None
    return agent


def _missing(path: Path) -> str:
    """Returns what is said of a folder, or an ONNX file, that is missing: what is meant, or how an agent is made."""
    if (name := str(path)) in AGENTS:
        return f"no such folder; make_agent({name!r}, scenario) makes an agent by its name, train({name!r}) trains one"
    if path.suffix.lower() == ".onnx":
        return f"no such file{meant(path, path.parent.glob('*.onnx'))}"
    return f"no such folder{meant(path, neighbors(path))}"


def _described(about: dict[str, Any]) -> Agent:
    """Returns the agent described by ``agent.json``, without its arrays."""
    kind = find(about["name"]).load()
    settings = parse(kind.Settings, about["name"], about["settings"])
    agent = kind(SessionSpec.from_dict(about["spec"]), settings, seed=about["seed"])
    for name in ("steps", "total_steps"):
        if type(about[name]) is not int or about[name] < 0:
            raise ValueError(f"{name}: {about[name]!r} is no number of transitions")
    agent.steps, agent.total_steps = about["steps"], about["total_steps"]
    agent.rng.bit_generator.state = about["generator"]
    return agent


def _check_shapes(arrays: Arrays, agent: Agent, *, training: bool) -> None:
    """Raises if an array differs in dtype or shape from what the untrained ``agent`` would save.

    Compiled code does not check shapes. An axis that is empty in an untrained agent, such as its lanes, may have any
    length. Floats must be finite: a later comparison of results would not report NaN as a difference.

    Raises:
        KeyError: an array is missing.
        ValueError: an array has another dtype or shape.
        NotFiniteError: an array holds NaN or infinity.
    """
    for name, untrained in agent.state_arrays(training=training).items():
        array = arrays[name]
        fits = [want in (0, has) for want, has in zip(untrained.shape, array.shape, strict=False)]
        if array.dtype != untrained.dtype or array.ndim != untrained.ndim or not all(fits):
            raise ValueError(
                f"{name}: is {array.dtype} {list(array.shape)}, expected {untrained.dtype} {list(untrained.shape)}"
            )
        finite(name, array)
