"""Counter-based random numbers: each is a hash of where it is used, so that policies share common random numbers.

A number depends on (seed + lane, session of the lane, slot, purpose) and on nothing else; no generator has a state that
advances. docs/dice.md describes the scheme.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.jit import inlined

# Purposes of random numbers. ACTION samples policies inside the kernel, WATCH the fraction of an ad that was watched.
VIEW, LEAVE, NEXT_VIDEO, FIRST_VIDEO, SEGMENT_DIE, ACTION, WATCH = range(1, 8)

# Increment and multipliers of SplitMix64.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31, _11, _3 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11), np.uint64(3)
_TO_UNIT = 2.0**-53  # the upper 53 bits of a hash become a float64 in [0, 1)


@inlined
def mix(x: Any) -> Any:
    """Applies the 64-bit finaliser of SplitMix64 (Steele, Lea and Flood 2014; Stafford's variant 13), a bijection."""
    x = (x ^ (x >> _30)) * _MIX_1
    x = (x ^ (x >> _27)) * _MIX_2
    return x ^ (x >> _31)


def lane_keys(seeds: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the keys of the lanes with ``seeds`` (seed of the reset + lane), computed in Python."""
    # Keys are combined by XOR: with added keys, streams would overlap.
    plain: Any = getattr(mix, "py_func", mix)
    return np.asarray(plain(seeds ^ _GAMMA))


@inlined
def session_key(lane: Any, session: Any) -> Any:
    """Returns the key of one session of a lane."""
    return mix(lane ^ (np.uint64(session) * _MIX_1))


@inlined
def whole_die(key: Any, slot: Any, purpose: Any) -> Any:
    """Returns a whole number below 2**53 that depends on (session key, slot, purpose) and nothing else.

    ``whole_die(…) < ceil(p * 2**53)`` is ``die(…) < p`` without a conversion; :func:`bounds` computes the right side.
    """
    counter = (np.uint64(slot) << _3) | np.uint64(purpose)
    return np.int64(mix(key ^ (counter * _GAMMA)) >> _11)


@inlined
def unit(whole: Any) -> Any:
    """Returns the number in [0, 1) of a whole die."""
    return np.float64(whole) * _TO_UNIT


@inlined
def die(key: Any, slot: Any, purpose: Any) -> Any:
    """Returns a number in [0, 1) that depends on (session key, slot, purpose) and nothing else."""
    return unit(whole_die(key, slot, purpose))


def bounds(p: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns how many whole dice are below each p in [0, 1]."""
    return np.ceil(p * 2.0**53).astype(np.int64)


@inlined
def scaled(u: Any, n: Any) -> Any:
    """Maps u in [0, 1) to an integer in 0 … n - 1."""
    return min(np.int64(u * n), n - 1)  # u * n may be rounded up to n
