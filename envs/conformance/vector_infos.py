"""Checks of what the vector environment returns: Gymnasium's infos, of their own step, in memory of their own."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import combinations, product
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from preroll.envs.conformance.subject import CheckFailedError, EnvUnderTest
from preroll.envs.infos.entries import NOT_PLAYED

LANES, STEPS = 5, 500
RESETS = 0.05  # share of steps that are followed by a reset of some lanes
MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
NAMES = ("observations", "rewards", "terminated", "truncated", "infos")


def conventions(subject: EnvUnderTest) -> str:
    """Checks that all that is returned equals what SyncVectorEnv returns over single environments, by value and type.

    One thing SyncVectorEnv cannot know: what a reset tells of a slot is not played, so that its masks are False.
    """
    for mode in MODES:
        native, theirs = subject.vector(LANES, mode), SyncVectorEnv([subject.single] * LANES, autoreset_mode=mode)
        pairs = zip(play(subject, native), play(subject, theirs), strict=True)
        for number, (ours, expected) in enumerate(pairs):
            *arrays, infos = expected
            if told := found_difference((*ours,), (*arrays, as_masked(infos))):
                raise CheckFailedError(f"{mode.value}, return {number}, here and in SyncVectorEnv: {told}")
    return f"{LANES} lanes, {STEPS} steps in each mode, resets of some lanes between them"


def play(subject: EnvUnderTest, envs: Any, steps: int = STEPS) -> Iterator[tuple[Any, ...]]:
    """Yields all that resets and steps with random ads return; now and then some lanes are reset."""
    rng = np.random.default_rng([subject.seed, 4])
    yield envs.reset(seed=subject.seed)
    for _ in range(steps):
        yield envs.step(rng.integers(0, subject.tables.n_actions, LANES))
        chosen = rng.random(LANES) < 0.5
        if rng.random() < RESETS and chosen.any():
            yield envs.reset(options={"reset_mask": chosen})


def as_masked(infos: dict[str, Any]) -> dict[str, Any]:
    """Returns SyncVectorEnv's infos with masks that are False where no slot was played."""
    told = {key: value.copy() for key, value in infos.items()}
    for key in NOT_PLAYED:
        if key in told:
            told[f"_{key}"] &= told["ad"] >= 0
    return told


def _named(returned: tuple[Any, ...]) -> dict[str, Any]:
    """Returns what a reset or a step returned, by name."""
    return dict(zip((NAMES[0], NAMES[-1]) if len(returned) == 2 else NAMES, returned, strict=True))


def found_difference(ours: Any, expected: Any, where: str = "") -> str | None:
    """Describes the first difference of two nested values in keys, type, shape or content; None if they are equal."""
    if isinstance(expected, tuple):
        ours, expected = _named(ours), _named(expected)
    if isinstance(expected, dict):
        if not isinstance(ours, dict) or set(ours) != set(expected):
            return f"{where.strip()}: keys {', '.join(map(str, ours))} and {', '.join(map(str, expected))}"
        found = (found_difference(ours[key], value, f"{where} {key}") for key, value in expected.items())
        return next((told for told in found if told), None)
    if isinstance(expected, np.ndarray) and expected.dtype.kind == "O":
        ours, expected = (dict(enumerate(np.asarray(rows, object))) for rows in (ours, expected))
        return found_difference(ours, expected, where)
    same = type(ours) is type(expected) and getattr(ours, "dtype", None) == getattr(expected, "dtype", None)
    if not same or not np.array_equal(ours, expected, equal_nan=getattr(expected, "dtype", None) == np.float64):
        return f"{where.strip()}: {ours!r} and {expected!r}".replace("\n", "")
    return None


def late_infos(subject: EnvUnderTest) -> str:
    """Checks that infos that are read after later steps and resets are those of their own step."""
    read = 0
    for mode in MODES:
        for copy in (True, False):
            late = [returned[-1] for returned in play(subject, subject.vector(LANES, mode, copy=copy), 50)]
            played = play(subject, subject.vector(LANES, mode, copy=copy), 50)
            now = [deepcopy(dict(returned[-1])) for returned in played]
            for number, (then, expected) in enumerate(zip(late, now, strict=True)):
                if told := found_difference(then, expected):
                    raise CheckFailedError(f"{mode.value}, infos {number}, read late and at once: {told}")
            read += len(late)
    return f"{read} infos, read at the end"


def own_memory(subject: EnvUnderTest) -> str:
    """Checks that no two arrays that are returned share memory: of three returns, and of the environment."""
    pairs = 0
    for mode in MODES:
        envs = subject.vector(LANES, mode)
        before: list[dict[str, NDArray[Any]]] = [{}, {}]
        for number, returned in enumerate(play(subject, envs, 60)):
            new = {f"{name} of return {number}": array for name, array in arrays_of(_named(returned))}
            others = {f"the environment's {name}": array for name, array in arrays_of(envs)} | before[0] | before[1]
            for one, other in (*combinations(new.items(), 2), *product(new.items(), others.items())):
                if np.shares_memory(one[1], other[1]):
                    raise CheckFailedError(f"{mode.value}: {one[0]} and {other[0]} share memory")
                pairs += 1
            before = [before[1], new]
    return f"{pairs:,} pairs of arrays"


def arrays_of(value: Any, name: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields all arrays within containers and objects of preroll, with what leads to them."""
    seen = set() if seen is None else seen
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield name, value  # an array that is there twice is the worst case
        return
    if id(value) in seen or isinstance(value, str | bytes):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, tuple | list | np.ndarray):
        parts = [(str(place), part) for place, part in enumerate(value)]
    else:
        fields = [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]
        ours = any(base.__module__.startswith("preroll") for base in type(value).__mro__)
        parts = [(field, getattr(value, field)) for field in fields if ours and hasattr(value, field)]
    for part_name, part in parts:
        yield from arrays_of(part, f"{name} {part_name}".strip(), seen)
