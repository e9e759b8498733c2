"""Checks of the vector environment's resets: seeds of every form, and the session that each lane continues with."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from preroll.envs.conformance.subject import CheckFailedError, EnvUnderTest, unequal

FAR = 1_000_003  # distance of two seeds whose lanes share no stream


def seeding(subject: EnvUnderTest) -> str:
    """Checks that every form of reset starts the same sessions as single environments with the corresponding seeds."""
    _drawn(subject)
    envs = subject.vector(4, AutoresetMode.SAME_STEP)
    one, far = subject.seed, subject.seed + FAR
    mask = np.array([False, True, False, False])
    resets: list[tuple[str, dict[str, Any], list[tuple[int, int]]]] = [  # with (seed, session number) per lane
        ("a seed", {"seed": one}, [(one + lane, 0) for lane in range(4)]),
        ("no seed", {}, [(one + lane, 1) for lane in range(4)]),
        ("a list", {"seed": [far, None, one, None]}, [(far, 0), (one + 1, 2), (one, 0), (one + 3, 2)]),
        ("a mask", {"options": {"reset_mask": mask}}, [(far, 0), (one + 1, 3), (one, 0), (one + 3, 2)]),
        ("a seed and a mask", {"seed": far, "options": {"reset_mask": mask}}, [(far, 0), (far + 1, 0), (one, 0)]),
        ("the first seed again", {"seed": one}, [(one + lane, 0) for lane in range(4)]),
    ]
    for name, arguments, sessions in resets:
        observations, infos = envs.reset(**arguments)
        for lane, (seed, session) in enumerate(sessions):
            observation, info = _beginning(subject, seed, session)
            told = unequal(observation, observations[lane])
            if infos["_video"][lane]:  # the lane was reset
                told = told or unequal(info["video"], infos["video"][lane])
            if told:
                raise CheckFailedError(
                    f"reset with {name}: lane {lane} does not start session {session} of seed {seed}{told}"
                )
    return f"{len(resets)} resets: {', '.join(name for name, *_ in resets)}"


def _drawn(subject: EnvUnderTest) -> None:
    """Checks that a first reset without a seed starts the streams of ``np_random_seed``, whoever used ``np_random``."""
    for kind, new in (("single", subject.single), ("vector", lambda: subject.vector(2, AutoresetMode.SAME_STEP))):
        for name, given in (("read", None), ("set", np.random.default_rng(subject.seed))):
            env, other = new(), new()
            if given is None:
                env.np_random.random()
            else:
                env.np_random = given
            for session in range(2):
                one, two = env.reset(), other.reset(seed=None if session else env.np_random_seed)
                told = unequal(one[0], two[0]) or unequal(one[1]["video"], two[1]["video"])
                if told:
                    raise CheckFailedError(
                        f"{kind} environment, np_random {name} before the first reset: session {session} is not that "
                        f"of np_random_seed{told}"
                    )


def _beginning(subject: EnvUnderTest, seed: int, session: int) -> tuple[Any, dict[str, Any]]:
    """Returns observation and info of the reset that starts a given session of a seed in a single environment."""
    env = subject.single()
    observation, info = env.reset(seed=seed)
    for _ in range(session):
        observation, info = env.reset()
    return observation, info
