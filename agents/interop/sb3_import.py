"""An agent from a file that stable-baselines3 wrote, for people who trained with it directly.

Such a file is a zip whose entries are pickled: **loading it runs whatever code its author put there**. So it is loaded
only where the caller says that its origin is trusted; what comes out is saved without pickle, like every agent.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

from preroll.agents.agent import Agent
from preroll.agents.registry import make_agent
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError

MARKS = {"clip_range": "ppo", "exploration_fraction": "dqn"}  # settings that only one of the algorithms has


def import_sb3(path: Path, tables: Tables, *, trust_pickle: bool = False, seed: int = 0) -> Agent:
    """Reads PPO or DQN that ``model.save(path)`` of stable-baselines3 wrote, as our agent of the same name.

    Policy and value network are taken over, so that it decides as the model did; optimiser and buffer are not.

    Args:
        path: the zip.
        tables: the scenario on the catalog that it was trained on.
        trust_pickle: whether the file's author may run code on this machine; without it nothing of it is loaded.
        seed: seed of the agent's generators.

    Raises:
        PrerollError: the file is not trusted, is no PPO or DQN, or was trained with other observations, ads or layers.
    """
    name = _algorithm(path)
    if not trust_pickle:
        raise PrerollError(
            f"{path}: loading a file of stable-baselines3 runs the code that is pickled in it; if you trust its "
            "author, add --trust-pickle"
        )
    model = _unpickle(path, name)
    agent = make_agent(name, tables, seed=seed, **_layers(path, model.policy))
    ours = agent.model.policy  # type: ignore[attr-defined]
    for what, theirs, expected in (
        ("observations", model.observation_space, ours.observation_space),
        ("actions", model.action_space, ours.action_space),
    ):
        if theirs.shape != expected.shape or getattr(theirs, "n", None) != getattr(expected, "n", None):
            raise PrerollError(f"{path}: was trained with other {what}: {theirs}; {tables.spec.name} has {expected}")
    try:
        ours.load_state_dict(model.policy.state_dict())
    except RuntimeError:
        raise PrerollError(f"{path}: its networks are not those of MlpPolicy, which {name} has here") from None
    agent.steps = agent.total_steps = int(model.num_timesteps)
    return agent


def _algorithm(path: Path) -> str:
    """Which algorithm wrote the file, from the part of it that is plain JSON; nothing is unpickled."""
    try:
        with zipfile.ZipFile(path) as archive:
            keys = json.loads(archive.read("data"))
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise PrerollError(f"{path}: is no file that stable-baselines3 wrote") from None
    found = [name for mark, name in MARKS.items() if mark in keys]
    if len(found) != 1:
        raise PrerollError(f"{path}: is neither PPO nor DQN; these two can be imported")
    return found[0]


def _unpickle(path: Path, name: str) -> Any:
    """The model, loaded by stable-baselines3."""
    from stable_baselines3 import DQN, PPO

    kinds: dict[str, Any] = {"ppo": PPO, "dqn": DQN}
    try:
        return kinds[name].load(path, device="cpu")
    except Exception as error:  # unpickling can raise anything
        raise PrerollError(f"{path}: stable-baselines3 cannot load it: {str(error).splitlines()[:1]}") from None


def _layers(path: Path, policy: Any) -> dict[str, Any]:
    """The settings ``hidden`` and ``activation`` that ``policy`` was made with."""
    layers = policy.net_arch if isinstance(policy.net_arch, dict) else {"pi": policy.net_arch, "vf": policy.net_arch}
    if layers["pi"] != layers["vf"]:
        raise PrerollError(f"{path}: policy and value network have different layers: {layers}; here they have the same")
    return {"hidden": tuple(layers["pi"]), "activation": policy.activation_fn.__name__.lower()}
