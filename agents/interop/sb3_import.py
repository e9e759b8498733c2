"""Import of agents that were trained and saved with stable-baselines3 directly.

Such a file is a zip whose entries are pickled: **loading it executes whatever code its author put there**. It is
loaded only if the caller declares it trusted; the imported agent is saved without pickle, like every agent.
"""

import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from preroll.agents.agent import Agent
from preroll.agents.registry import effective_settings, find, make_agent
from preroll.agents.settings import AgentSettings
from preroll.bounded import limits
from preroll.bounded.readers import check_archive, parse_json
from preroll.envs.model.tables import Tables, TablesSource
from preroll.errors import PrerollError
from preroll.yaml_config import validated

#: Attributes of a model that are settings here too, under our names. Of a clip range and a learning rate it holds
#: schedules, and of DQN's updates the rhythm: see `_settings`.
SAME = {"gamma": "gamma", "num_envs": "n_envs", "batch": "batch_size", "max_gradient": "max_grad_norm"}
OWN = {
    "ppo": {
        "steps": "n_steps", "epochs": "n_epochs", "gae_lambda": "gae_lambda", "entropy": "ent_coef",
        "value_weight": "vf_coef",
    },
    "dqn": {
        "buffer": "buffer_size", "learning_starts": "learning_starts", "n_step": "n_steps",
        "epsilon": "exploration_initial_eps", "final_epsilon": "exploration_final_eps",
        "exploration_share": "exploration_fraction",
    },
}  # fmt: skip
MARKS = {"clip_range": "ppo", "exploration_fraction": "dqn"}  # a setting that only this algorithm has


def import_sb3(path: str | Path, tables: TablesSource, *, trust_pickle: bool = False, seed: int = 0) -> Agent:
    """Reads a PPO or DQN that ``model.save(path)`` of stable-baselines3 wrote, as our agent of the same name.

    Policy and value network are copied, so that the agent decides as the model did; optimiser and buffer are not. Its
    settings are those of the model, as far as there is such a setting here that allows the value.

    Args:
        path: the zip file.
        tables: the scenario and catalog on which the model was trained.
        trust_pickle: whether the file's author may execute code on this machine; otherwise nothing is unpickled.
        seed: seed of the agent's generators.

    Returns:
        The agent.

    Raises:
        PrerollError: the file is not trusted, is no PPO or DQN, or was trained with other observations, ads or layers,
            also with the same observations as a wrapper had changed them.
    """
    path, tables = Path(path), Tables.of(tables)
    name = _algorithm(path)
    if not trust_pickle:
        raise PrerollError(
            f"{path}: loading a file of stable-baselines3 runs the code that is pickled in it; if you trust its "
            "author, add --trust-pickle"
        )
    model = _unpickle(path, name)
    agent = make_agent(name, tables, seed=seed, **_settings(path, name, model, tables.spec.name))
    ours = agent.model.policy  # type: ignore[attr-defined]
    for what, theirs, expected in (
        ("observations", model.observation_space, ours.observation_space),
        ("actions", model.action_space, ours.action_space),
    ):
        if theirs.shape != expected.shape or getattr(theirs, "n", None) != getattr(expected, "n", None):
            raise PrerollError(
                f"{path}: was trained with other {what}: {theirs}; {tables.spec.name} has {expected}"
                + (", not several of them" if _stacked(theirs, expected) else "")
            )
    if _normalized(model, ours.observation_space):
        raise PrerollError(
            f"{path}: was trained on observations that VecNormalize had changed, with numbers that the file does not "
            "hold; train it on the observations themselves"
        )
    try:
        ours.load_state_dict(model.policy.state_dict())
    except RuntimeError:
        raise PrerollError(f"{path}: its networks are not those of MlpPolicy, which {name} has here") from None
    agent.steps = agent.total_steps = int(model.num_timesteps)
    return agent


def _stacked(theirs: Any, expected: Any) -> bool:
    """Returns whether a space could be several of the expected one, as frame stacking makes it."""
    sizes = np.prod(theirs.shape), np.prod(expected.shape)
    return bool(expected.shape and sizes[0] > sizes[1] and sizes[0] % sizes[1] == 0)


def _normalized(model: Any, space: Any) -> bool:
    """Returns whether VecNormalize changed what the model saw last: it is unlike the original, and no observation.

    Unlike alone says little: a DQN without it keeps the observation before, and one of rewards alone changes nothing.
    """
    seen, original = model._last_obs, model._last_original_obs
    if seen is None or original is None or np.array_equal(seen, original):
        return False
    return not bool(((seen >= space.low) & (seen <= space.high)).all())


def _algorithm(path: Path) -> str:
    """Returns the name of the algorithm that wrote the file, from the file's plain JSON; nothing is unpickled."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive)
            if archive.getinfo("data").file_size > limits.ARCHIVE_JSON:
                raise ValueError(f"its description is larger than {limits.ARCHIVE_JSON:,} bytes")
            keys = parse_json(archive.read("data"), limits.ARCHIVE_JSON)
    except OSError as error:
        raise PrerollError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise PrerollError(f"{path}: is no file that stable-baselines3 wrote: {error}") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, KeyError, EOFError, RuntimeError, NotImplementedError):
        raise PrerollError(f"{path}: is no file that stable-baselines3 wrote") from None
    found = [name for mark, name in MARKS.items() if mark in keys]
    if len(found) != 1:
        raise PrerollError(f"{path}: is neither PPO nor DQN; these two can be imported")
    return found[0]


def _unpickle(path: Path, name: str) -> Any:
    """Loads the model with stable-baselines3."""
    from stable_baselines3 import DQN, PPO

    kinds: dict[str, Any] = {"ppo": PPO, "dqn": DQN}
    try:
        return kinds[name].load(path, device="cpu")
    except Exception as error:  # unpickling can raise anything
        raise PrerollError(f"{path}: stable-baselines3 cannot load it: {str(error).splitlines()[:1]}") from None


def _settings(path: Path, name: str, model: Any, scenario: str) -> dict[str, Any]:
    """Returns the settings of ``model`` that there are here, that are allowed here and that have an effect."""
    told = {ours: getattr(model, theirs, None) for ours, theirs in {**SAME, **OWN[name]}.items()}
    rates = (model.lr_schedule(progress) for progress in (1.0, 0.0))
    # a schedule that ends at 0 ends here at the smallest rate that float32 holds
    told |= dict(zip(("learning_rate", "final_learning_rate"), (max(rate, 1.2e-38) for rate in rates), strict=True))
    told |= _rhythm(model) if name == "dqn" else {"clip": model.clip_range(1.0)}
    kind = find(name).load().Settings
    allowed = {setting: value for setting, value in told.items() if _allows(kind, setting, value)}
    return effective_settings(name, scenario, {**allowed, **_layers(path, model.policy)})


def _rhythm(model: Any) -> dict[str, Any]:
    """Returns how often a DQN learns and copies its network, which it counts in steps and we in gradient steps."""
    every = model.train_freq.frequency * model.n_envs  # transitions
    steps = model.gradient_steps if model.gradient_steps > 0 else model.train_freq.frequency
    if model.train_freq.unit.value != "step":  # gradient steps after whole sessions, whose length varies
        return {}
    target = max(1, int(model.target_update_interval * steps // every))
    return {"updates_per_step": model.batch_size * steps / every, "target_every": target}


def _allows(kind: type[AgentSettings], setting: str, value: Any) -> bool:
    try:
        validated(kind, {setting: value}, "")
    except PrerollError:
        return False
    return True


def _layers(path: Path, policy: Any) -> dict[str, Any]:
    """Returns the settings ``hidden`` and, where there are hidden layers, ``activation`` of ``policy``."""
    layers = policy.net_arch if isinstance(policy.net_arch, dict) else {"pi": policy.net_arch, "vf": policy.net_arch}
    if layers["pi"] != layers["vf"]:
        raise PrerollError(f"{path}: policy and value network have different layers: {layers}; here they have the same")
    hidden = tuple(layers["pi"])
    return {"hidden": hidden, **({"activation": policy.activation_fn.__name__.lower()} if hidden else {})}
