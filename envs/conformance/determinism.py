"""Reproducibility checks: copies of an environment with the same seed and ads play identical sessions."""

import pickle
import random
import zlib
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from preroll.envs.conformance.subject import (
    CheckFailedError,
    EnvUnderTest,
    NotApplicableError,
    StepRecord,
    difference,
    info_difference,
)


def replay(subject: EnvUnderTest) -> str:
    """Checks that whole sessions are identical alone, repeated, and interleaved with a copy that plays other users."""
    alone = list(subject.play(subject.single()))
    _require_equal(alone, subject.play(subject.single()), "alone and in a second copy")
    env, beside = subject.single(), subject.single()
    woven = [one for one, _ in zip_longest(subject.play(env), subject.play(beside, subject.seed + 1)) if one]
    _require_equal(alone, woven, "alone and beside another copy")
    _require_equal(alone, subject.play(env), "at first and after other sessions in the same copy")
    return f"{subject.n_sessions} sessions, {len(alone) - subject.n_sessions:,} slots, played four times"


def infos(subject: EnvUnderTest) -> str:
    """Checks that infos are reproduced in value and type, and that their entries agree with what ``step`` returned."""
    alone = list(subject.play(subject.single()))
    one, other = subject.single(), subject.single()
    pairs = zip_longest(subject.play(one), subject.play(other))
    for number, (first, (again, twin)) in enumerate(zip(alone, pairs, strict=True)):
        for kind, record in (("again", again), ("interleaved", twin)):
            if told := info_difference(first.info, record.info):
                raise CheckFailedError(f"step {number}, alone and {kind}: {told}")
    ads = subject.ads()
    if (of_resets := sum(record.info["ad"] < 0 for record in alone)) != subject.n_sessions:
        raise CheckFailedError(f"{of_resets} infos tell of no ad, but there were {subject.n_sessions} resets")
    for number, record in enumerate(alone):
        if record.info["ad"] >= 0:
            _require_true_info(number, record, next(ads))
    return f"{len(alone):,} infos"


def _require_true_info(number: int, record: StepRecord, ad: int) -> None:
    info = record.info
    if info["ad"] != ad:
        raise CheckFailedError(f"step {number}: info ad is {info['ad']!r}, but it was {ad!r}")
    if record.reward and not info["viewed"]:
        raise CheckFailedError(f"step {number}: reward {record.reward} for an ad that was not viewed")


def fresh_arrays(subject: EnvUnderTest) -> str:
    """Checks that a returned observation is not modified later."""
    records = list(subject.play(subject.single()))
    for number, record in enumerate(records):
        if not np.array_equal(record.observation, record.kept):
            raise CheckFailedError(f"the observation of step {number} changed after it was returned")
    return f"{len(records):,} observations kept and compared"


def poisoning(subject: EnvUnderTest) -> str:
    """Checks that sessions neither use nor depend on the global generators of random, numpy and torch."""
    torch = _torch()
    untouched = _global_states(torch)
    alone = list(subject.play(subject.single()))
    if _global_states(torch) != untouched:
        raise CheckFailedError("playing draws from, or seeds, a global generator of random, numpy or torch")
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None  # noqa: NPY002
    try:
        poisoned = _poisoned(subject.play(subject.single()), torch)
        _require_equal(alone, poisoned, "with and without global seeds set in between")
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        if torch:
            torch.set_rng_state(kept[2])
    return "random.seed, np.random.seed" + (", torch.manual_seed" if torch else "; torch is not installed")


def _poisoned(records: Iterator[StepRecord], torch: Any) -> Iterator[StepRecord]:
    """Yields the records, seeding every global generator before each: the one place where that is intended."""
    for number, record in enumerate(records):
        random.seed(number % 3)
        np.random.seed(number % 3)  # noqa: NPY002
        if torch:
            _seed_torch(torch, number % 3)
        yield record


def _seed_torch(torch: Any, seed: int) -> None:
    """Seeds torch's global generators that something may have drawn from."""
    if torch.cuda.is_initialized():
        torch.manual_seed(seed)
    else:  # it would keep the call, with a stack trace, for the day when a GPU is used
        torch.default_generator.manual_seed(seed)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        return None
    return torch


def _global_states(torch: Any) -> tuple[Any, ...]:
    """Returns the states of the global generators in a comparable form."""
    name, keys, position, *rest = np.random.get_state()  # noqa: NPY002
    state = torch.get_rng_state().numpy().tobytes() if torch else b""
    return random.getstate(), name, np.asarray(keys).tobytes(), position, *rest, zlib.crc32(state)


def pickling(subject: EnvUnderTest) -> str:
    """Checks that a copy pickled in mid-session continues as the original does, also with another copy in between."""
    env, ads = subject.single(), subject.ads()
    env.reset(seed=subject.seed)
    played = 0
    for _ in range(subject.tables.n_slots // 2):
        *_, terminated, truncated, _ = env.step(next(ads))
        played += 1
        if terminated or truncated:
            env.reset()
            played = 0
    data = pickle.dumps(env)
    rest = [next(ads) for _ in range(subject.tables.n_slots)]
    where = f"in the original and in its pickle of slot {played + 1}"
    original = list(_go_on(env, rest, subject.n_sessions))
    _require_equal(original, _go_on(pickle.loads(data), rest, subject.n_sessions), where)
    _require_equal(original, _beside(pickle.loads(data), pickle.loads(data), rest, subject.n_sessions), where)
    return f"pickled in slot {played + 1}, {len(data):,} bytes; equal over {len(original):,} steps"


def _beside(env: Any, beside: Any, ads: list[int], n_sessions: int) -> Iterator[StepRecord]:
    """Yields the records of ``env`` while another copy is stepped in between."""
    pairs = zip_longest(_go_on(env, ads, n_sessions), _go_on(beside, ads, n_sessions))
    yield from (record for record, _ in pairs if record)


def _go_on(env: gym.Env[Any, Any], ads: list[int], n_sessions: int) -> Iterator[StepRecord]:
    """Yields the records of the running session and of further ones, with the same ads in each."""
    for _ in range(n_sessions):
        for ad in ads:
            observation, reward, terminated, truncated, info = env.step(ad)
            yield StepRecord(observation, observation.copy(), float(reward), terminated, truncated, info)
            if terminated or truncated:
                break
        observation, info = env.reset()
        yield StepRecord(observation, observation.copy(), 0.0, False, False, info)


def spec(subject: EnvUnderTest) -> str:
    """Checks that ``gym.make`` of the spec, written to JSON and read back, plays the same sessions."""
    if subject.arguments is None:
        raise NotApplicableError("the catalog exists in memory alone; save it as a folder to name it in a spec")
    if callable(gym.spec(subject.env_id).entry_point):
        raise NotApplicableError("the environment is registered by an object; register it by 'module:Class'")
    env = gym.make(subject.env_id, **subject.arguments)
    assert env.spec is not None
    text = env.spec.to_json()
    read = EnvSpec.from_json(text)
    read.max_episode_steps = None  # Gymnasium's time limit truncates also where the user leaves in the last slot
    again = gym.make(read)
    _require_equal(subject.play(env), subject.play(again), "before and after the round trip")
    return f"{len(text)} characters of JSON"


def _require_equal(
    one: Iterable[StepRecord],
    other: Iterable[StepRecord],
    where: str,
) -> None:
    """Raises :class:`CheckFailedError` at the first record in which two runs differ."""
    for number, (first, second) in enumerate(zip_longest(one, other)):
        if first is None or second is None:
            raise CheckFailedError(f"{where}: one run ends after {number} steps, the other continues")
        if told := difference(first, second):
            raise CheckFailedError(f"{where}: step {number}: {told}")
