"""The values of all actions in all states of a session: which actions are never best, and which are dominated."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.tables import Tables
from preroll.envs.optimum import bellman
from preroll.envs.optimum.dynamic_program import DynamicProgram, every_ad
from preroll.envs.optimum.optimum import Optimum

LARGEST = 200_000_000  # action values of a session up to which actions are compared

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass
class ActionComparison:
    """What optimal play makes of A actions.

    Attributes:
        covered: bool [A, A]; in row a and column b, whether b is worth as much as a, or more, in every state.
        best: bool [A], whether the action is one of the best in some state.
        played: bool [A], whether that state is one that optimal play reaches.
        lost: float64 [A], what the action loses against the best one where it loses least; inf if it never does.
        rival: int64 [A], that best one.
        best_by_slot: whether the best action depends on the slot, all else being equal.
    """

    covered: Truths
    best: Truths
    played: Truths
    lost: Floats
    rival: NDArray[np.int64]
    best_by_slot: bool = False


def compare_actions(tables: Tables) -> ActionComparison | None:
    """Compares all actions in all states, over the phases and the segments that occur; None if there are too many.

    Args:
        tables: a compiled scenario.
    """
    n = tables.n_actions
    found = ActionComparison(
        np.ones((n, n), bool), np.zeros(n, bool), np.zeros(n, bool), np.full(n, np.inf), np.zeros(n, np.int64)
    )
    for phase in range(tables.n_phases):
        optimum = Optimum(tables, phase)
        for program, share in zip(optimum.programs, optimum.shares, strict=True):
            if program.empty(False).size * tables.n_slots * n > LARGEST:
                return None
            if share > 0:
                best = _backward(program, found)
                _forward(program, best, found)
    return found


def _backward(program: DynamicProgram, found: ActionComparison) -> Truths:
    """Solves the program, and adds to ``found`` what it shows of actions; returns which are best, [T, N, F, M, A]."""
    value, n = program.empty(False), len(found.best)
    best = np.ones((program.tables.n_slots, *value.shape, n), dtype=bool)
    reached = [mass > 0 for mass, _ in _play(program, best)]  # by agents that try everything
    for slot in reversed(range(len(best))):
        worth = _action_values(program, slot, program.before_next_video(value, slot + 1))
        value = np.ascontiguousarray(worth.max(axis=-1))
        rounding = 1e-9 * value.max()
        best[slot] = worth >= value[..., None] - rounding
        if reached[slot].any():
            _compare(worth[reached[slot]], best[slot][reached[slot]], rounding, found)
    return best


def _play(program: DynamicProgram, actions: Truths) -> Iterator[tuple[Floats, Floats]]:
    """Yields, by slot, the distribution of states [N, F, M], and of what is shown [N, A], if ``actions`` are tried."""
    mass = program.start(False)
    for slot, allowed in enumerate(actions):
        shown, there = np.zeros((len(mass), allowed.shape[-1])), np.empty_like(mass)
        evenly = allowed / allowed.sum(axis=-1, keepdims=True)
        bellman.flow(program.model(slot), mass, *every_ad(evenly), there, shown)
        yield mass, shown
        mass = program.after_next_video(there, slot + 1)


def _action_values(program: DynamicProgram, slot: int, after: Floats) -> Floats:
    """Computes what every action is worth in every state of a slot, float64 [N, F, M, A]."""
    worth = np.zeros((after.size, program.tables.n_actions))
    states = np.arange(after.size).reshape(after.shape)
    bellman.weigh(program.model(slot), after, np.ones(after.shape), states, worth)
    return worth.reshape(*after.shape, -1)


def _compare(worth: Floats, best: Truths, rounding: float, found: ActionComparison) -> None:
    """Adds states to ``found``: what actions are worth in them, [B, A], and which are best."""
    found.best |= best.any(axis=0)
    lost = np.where(best, np.inf, worth.max(axis=1, keepdims=True) - worth)
    least = lost.argmin(axis=0)
    for a, state in enumerate(least):
        if lost[state, a] < found.lost[a]:
            found.lost[a], found.rival[a] = lost[state, a], worth[state].argmax()
        others = np.flatnonzero(found.covered[a])
        found.covered[a, others] = (worth[:, others] >= worth[:, a, None] - rounding).all(axis=0)


def _forward(program: DynamicProgram, best: Truths, found: ActionComparison) -> None:
    """Adds to ``found`` what is played where every best action is tried."""
    view_slots = program.view.shape[0]
    always = np.ones((view_slots, *best.shape[1:]), dtype=bool)
    for slot, (mass, shown) in enumerate(_play(program, best)):
        found.played |= shown.any(axis=0)
        always[slot % view_slots][mass > 0] &= best[slot][mass > 0]
    found.best_by_slot |= not always.any(axis=-1).all()
