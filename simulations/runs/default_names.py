"""Default names of runs: what was trained, and what ``--set`` changed of it."""

import json
from collections.abc import Mapping
from typing import Any

from preroll.agents.registry import fill_settings
from preroll.system.portable_names import portable


def default_name(
    scenario: str,
    agent: str,
    seed: int,
    settings: Mapping[str, Any],
    overrides: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> str:
    """Returns the default name of a training's run.

    The name does not tell the number of sessions and the catalog, where these are options of their own: a second
    training that differs in nothing else is refused, since its run exists.

    Args:
        scenario: name of the scenario.
        agent: name of the agent.
        seed: seed of the training.
        settings: settings of the agent that were changed; those that are as without the change are not named.
        overrides: keys of the scenario that were changed.
        defaults: all settings of stable-baselines3, where these are asked for.

    Examples:
        >>> default_name("classic", "dqn", 0, {"num_envs": 256.0, "buffer": 200_000}, {"user.mismatch": 0.20})
        'classic-dqn-0-num_envs=256-user.mismatch=0.2'
        >>> default_name("classic", "dqn", 0, {"hidden": [64, 64]}, {}, defaults={"hidden": [32, 32]})
        'classic-dqn-0-sb3-defaults-hidden=64,64'
        >>> default_name("classic", "dqn", 0, {}, {"ads.*.*.reward": {"scale": 2}})
        'classic-dqn-0-ads.-.-.reward=-scale-2--447903b374'
    """
    base = dict(defaults or {})
    usual, given = (
        fill_settings(agent, scenario, values).model_dump(mode="json") for values in (base, {**base, **settings})
    )
    # the device is among them only where it is no CPU
    changed = {key: given[key] for key in settings if key in given and given[key] != usual.get(key)}
    changes = [f"{key}={_short(value)}" for key, value in sorted({**changed, **overrides}.items())]
    return portable("-".join([scenario, agent, str(seed), *(["sb3-defaults"] if defaults else []), *changes]))


def continued_name(run: str, sessions: int) -> str:
    """Returns the default name of the run that continues the one called ``run``.

    Examples:
        >>> continued_name("classic-dqn-0", 2000), continued_name("mine: the 2nd.", 5)
        ('classic-dqn-0-plus-2000', 'mine-the-2nd.-plus-5-8a279ac122')
    """
    return portable(f"{run}-plus-{sessions}")


def _short(value: Any) -> str:
    """Returns a value as short as it can be told: 256 for 256.0, 64,64 for a list."""
    if isinstance(value, list | tuple):
        return ",".join(map(_short, value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
