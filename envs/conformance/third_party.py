"""Public environment checkers of Gymnasium and stable-baselines3, with warnings as errors."""

import warnings

import gymnasium as gym

from preroll.envs.conformance.subject import EnvUnderTest, NotApplicableError


def gymnasium_checks(subject: EnvUnderTest) -> str:
    """Checks that ``gymnasium.utils.env_checker.check_env`` passes, including rendering."""
    from gymnasium.utils.env_checker import check_env

    if subject.tables.n_slots == 1:
        raise NotApplicableError("Gymnasium's checker refuses sessions that are truncated after one step")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(subject.env_id, tables=subject.tables, render_mode="rgb_array").unwrapped)
    return "no warning, rendering included"


def stable_baselines3_checks(subject: EnvUnderTest) -> str:
    """Checks that ``stable_baselines3.common.env_checker.check_env`` passes."""
    try:
        from stable_baselines3.common.env_checker import check_env
    except ImportError:
        raise NotApplicableError("stable-baselines3 is not installed") from None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(subject.single())
    return "no warning"
