"""Checks of the vector environment against single ones, and of its autoreset modes against each other."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from preroll.envs.conformance.subject import CheckFailedError, EnvUnderTest, unequal
from preroll.envs.infos.entries import of_slots

LANES = 257  # one more than the kernel's block
COMPARED = (0, 1, 63, 64, 255, 256)  # around the edges of blocks and of vector registers
MODE_LANES = 8


def lanes(subject: EnvUnderTest) -> str:
    """Checks that lane i of a vector environment with seed s equals the single environment with seed s + i."""
    envs = subject.vector(LANES, AutoresetMode.SAME_STEP)
    singles = {lane: subject.single() for lane in COMPARED}
    observations, infos = envs.reset(seed=subject.seed)
    for lane, env in singles.items():
        observation, info = env.reset(seed=subject.seed + lane)
        _require(np.array_equal(observation, observations[lane]), lane, 0, "observation of the reset")
        _require_infos(info, infos, lane, 0)
    rng = np.random.default_rng([subject.seed, 2])
    n_steps = 2 * subject.tables.n_slots + 2
    for step in range(1, n_steps + 1):
        ads = rng.integers(0, subject.tables.n_actions, LANES)
        returned = envs.step(ads)
        for lane, env in singles.items():
            _require_same_step(env, int(ads[lane]), returned, lane, step)
    return f"lanes {', '.join(map(str, COMPARED))} of {LANES}, {n_steps:,} steps each"


def _require_same_step(env: Any, ad: int, returned: Any, lane: int, step: int) -> None:
    """Steps the single environment and compares everything it returns with the lane."""
    observations, rewards, terminated, truncated, infos = returned
    observation, *rest, info = env.step(ad)
    for name, one, many in zip(
        ("reward", "terminated", "truncated"), rest, (rewards, terminated, truncated), strict=True
    ):
        _require(one == many[lane], lane, step, f"{name}: {one!r} alone, {many[lane]!r} as a lane")
    _require_infos(info, of_slots(infos), lane, step)
    if rest[1] or rest[2]:
        _require(np.array_equal(observation, infos["final_obs"][lane]), lane, step, "final observation")
        _require(bool(infos["_final_obs"][lane]), lane, step, "_final_obs is False")
        observation, _ = env.reset()
    _require(np.array_equal(observation, observations[lane]), lane, step, "observation")


def _require_infos(one: dict[str, Any], many: dict[str, Any], lane: int, step: int) -> None:
    for name, value in one.items():
        _require(name in many, lane, step, f"info {name} is missing in the vector environment")
        told = f"info {name}: {value!r} alone, {many[name][lane]!r} as a lane"
        _require(np.array_equal(value, many[name][lane], equal_nan=True), lane, step, told)


def _require(holds: bool, lane: int, step: int, what: str) -> None:
    if not holds:
        raise CheckFailedError(f"lane {lane}, step {step}: differs from the single environment: {what}")


def autoreset(subject: EnvUnderTest) -> str:
    """Checks that NEXT_STEP and SAME_STEP play the same sessions, and return final observations as specified."""
    same, following = (_traces(subject, mode) for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP))
    compared = 0
    for lane, (one, other) in enumerate(zip(same, following, strict=True)):
        for number, (first, second) in enumerate(zip(one, other, strict=False)):
            for name, value in first.items():
                if told := unequal(value, second.get(name)):
                    raise CheckFailedError(f"lane {lane}, step {number}, SAME_STEP and NEXT_STEP: {name}{told}")
            compared += 1
    return f"{MODE_LANES} lanes, {compared:,} steps"


def _traces(subject: EnvUnderTest, mode: AutoresetMode) -> list[list[dict[str, Any]]]:
    """Returns the trace of every lane: starts of sessions and slots in order, as dicts of the values returned.

    The ad of a slot depends on lane, session and slot, so that both modes show the same ads, although NEXT_STEP spends
    a step between sessions.
    """
    envs = subject.vector(MODE_LANES, mode)
    observations, _ = envs.reset(seed=subject.seed)
    traces = [[{"observation": row.copy()}] for row in observations]
    session, slot, ended = np.zeros((3, MODE_LANES), dtype=np.int64)
    for _ in range(3 * subject.tables.n_slots):
        ads = _ads(session, slot, subject.tables.n_actions)
        observations, rewards, terminated, truncated, infos = envs.step(ads)
        over, videos = terminated | truncated, of_slots(infos)["video"]
        for lane, trace in enumerate(traces):
            if ended[lane]:  # NEXT_STEP only: this step started a session
                trace.append({"observation": observations[lane].copy(), "reward": rewards[lane]})
                continue
            last = infos["final_obs"] if over[lane] and mode is AutoresetMode.SAME_STEP else observations
            record = {"observation": np.array(last[lane]), "reward": rewards[lane], "ad": ads[lane]}
            record |= {"terminated": terminated[lane], "truncated": truncated[lane], "video": videos[lane]}
            trace.append(record)
            if over[lane] and mode is AutoresetMode.SAME_STEP:
                trace.append({"observation": observations[lane].copy(), "reward": 0.0})
        slot = np.where(over | (ended > 0), 0, slot + 1)
        session += over
        ended = over.astype(np.int64) * (mode is AutoresetMode.NEXT_STEP)
    return traces


def _ads(session: NDArray[np.int64], slot: NDArray[np.int64], n_actions: int) -> NDArray[np.int64]:
    """Returns a pseudo-random ad for every lane, which depends on lane, session and slot alone."""
    place = (np.arange(MODE_LANES) * 1_009 + session) * 100_003 + slot
    return np.asarray(place * 2_654_435_761 % 2**32 // 2**8 % n_actions)
