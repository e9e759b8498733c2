"""What a policy loses against the optimum, decision by decision.

    regret = V* - V_π = Σ_t Σ_s d_π(t, s) Σ_a π(a|s) · [V*_t(s) - Q*_t(s, a)]

with d_π the probability that the policy is in a state, and Q* what an action earns if the optimum goes on after it. No
summand is negative, and each stands where a decision was made. Sums by groups are kept, never one of every state and
action: of 100,000 videos that would be gigabytes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.bellman import action_value, last_ad
from preroll.envs.optimum.dynamic_program import DynamicProgram
from preroll.envs.policies.policy import Policy
from preroll.jit import compiled, inlined
from preroll.system.memory import COMPILED, require

Floats = NDArray[np.float64]
MOST_ROWS = 500_000  # visits that are kept at once, about 100 bytes each


@dataclass(frozen=True)
class Losses:
    """Lost revenue of a session in groups, of a policy, or with a first axis of lanes.

    Attributes:
        optimum: largest expected revenue of a session.
        by_slot: float64 [T].
        by_state: float64 [G, F], by group of videos (:func:`groups`) and fatigue level.
        by_ad: float64 [A].
    """

    optimum: float
    by_slot: Floats
    by_state: Floats
    by_ad: Floats

    @classmethod
    def mean(cls, weights: Sequence[float] | Floats, parts: "Sequence[Losses]") -> "Losses":
        """Returns the mean over segments or over phases, with weights that sum to 1."""
        pairs = list(zip(weights, parts, strict=True))
        return cls(
            float(sum(w * part.optimum for w, part in pairs)),
            sum((w * part.by_slot for w, part in pairs), np.zeros(1)),
            sum((w * part.by_state for w, part in pairs), np.zeros(1)),
            sum((w * part.by_ad for w, part in pairs), np.zeros(1)),
        )


def groups(tables: Tables) -> NDArray[np.int64]:
    """Returns the group of every video, int64 [N]: its category, and one more for all that have none."""
    category = np.asarray(tables.category, np.int64)
    return np.where(category < 0, len(tables.spec.categories), category)


def losses(program: DynamicProgram, policy: Policy, by_last: bool) -> Losses:
    """Computes what a policy with full axes loses, exactly."""
    tables, group = program.tables, groups(program.tables)
    mass, shown = program.start(by_last), np.zeros((tables.n_videos, tables.n_actions))
    require("what a policy loses", COMPILED.plus(mass.nbytes * 4))  # the states before and after a slot
    optimum, ahead = _ahead(program)
    by_state = np.zeros((tables.n_slots, len(tables.spec.categories) + 1, tables.n_levels))
    by_ad = np.zeros(tables.n_actions)
    for slot, after in enumerate(ahead):
        chosen = program.chosen(policy, slot, mass.shape[2])
        lose(program.model(slot), after, mass, *chosen, group, by_state[slot], by_ad)
        mass = program.flow(slot, mass, chosen, shown)
    return Losses(optimum, by_state.sum(axis=(1, 2)), by_state.sum(axis=0), by_ad)


def _ahead(program: DynamicProgram) -> tuple[float, Iterator[Floats]]:
    """Returns the optimum, and what follows every slot from the first to the last, [N, F, M].

    The policy's states are followed forwards and the optimum is solved backwards. Values are kept at every √T-th slot
    and those between are computed again, for twice the time and a fraction of the memory.
    """
    n_slots, apart = program.tables.n_slots, math.isqrt(program.tables.n_slots)
    value = program.empty(False)
    require("what a policy loses", COMPILED.plus(value.nbytes * (2 * apart + 4)))
    values = {n_slots: value}
    for slot, _, value in program.improved():
        if slot % apart == 0:
            values[slot] = value

    def forwards() -> Iterator[Floats]:
        """Yields what follows every slot."""
        for begin in range(0, n_slots, apart):
            end = min(begin + apart, n_slots)
            yield from reversed([after for _, after, _ in program.improved(begin, end, values.pop(end))])

    return program.at_start(value), forwards()


class LossLedger:
    """What was lost in simulated sessions, from their states and ads, step by step.

    Args:
        programs: those of all phases and segments.
        lanes: number n of parallel sessions.
    """

    def __init__(self, programs: Sequence[DynamicProgram], lanes: int) -> None:
        self.programs, self.lanes, tables = programs, lanes, programs[0].tables
        self._steps: list[NDArray[np.int32]] = []
        self._rows = 0
        self._by_slot = np.zeros((lanes, tables.n_slots))
        self._by_state = np.zeros((lanes, (len(tables.spec.categories) + 1) * tables.n_levels))
        self._by_ad = np.zeros((lanes, tables.n_actions))

    def add(self, state: Mapping[str, NDArray[Any]], ads: NDArray[np.int64], playing: NDArray[np.bool_]) -> None:
        """Adds one slot of the lanes that are ``playing``.

        Args:
            state: what :meth:`SessionVectorEnv.state_arrays` returned before the step.
            ads: int64 [n], the ads of the step.
            playing: bool [n].
        """
        named = dict(zip(layout.ROWS, state["state"], strict=True))
        rows = np.stack([named[row] for row in (layout.SLOT, layout.USER_STATE, layout.VIDEO, layout.LAST)])
        self._steps.append(np.vstack([np.arange(self.lanes), rows, ads]).astype(np.int32)[:, playing])
        self._rows += self._steps[-1].shape[1]
        if self._rows >= MOST_ROWS:
            self._settle()

    def losses(self, optimum: float) -> Losses:
        """Returns the sums of V* - Q* over the sessions of every lane.

        Args:
            optimum: largest expected revenue of a session.
        """
        self._settle()
        n_levels = self.programs[0].tables.n_levels
        return Losses(optimum, self._by_slot, self._by_state.reshape(self.lanes, -1, n_levels), self._by_ad)

    def _settle(self) -> None:
        """Adds what was lost in the visits so far to the sums, and forgets them."""
        if not self._steps:
            return
        lane, slot, user_state, video, last, ads = np.concatenate(self._steps, axis=1)
        self._steps, self._rows, tables = [], 0, self.programs[0].tables
        axes = len(tables.scenario.session.slots), tables.n_phases, tables.n_segments, tables.n_levels
        _, phase, segment, level = np.unravel_index(user_state, axes)
        states, lost = np.stack([video, level, last, ads]).astype(np.int64), np.zeros(len(lane))
        for program in self.programs:
            own = np.flatnonzero((phase == program.phase) & (segment == program.segment))
            own = own[np.argsort(slot[own], kind="stable")]
            ends = np.searchsorted(slot[own], np.arange(tables.n_slots + 1))
            for t, after, _ in program.improved() if len(own) else ():
                at = own[ends[t] : ends[t + 1]]
                here = np.empty(len(at))
                lose_at(program.model(t), after, np.ascontiguousarray(states[:, at]), here)
                lost[at] = here
        state = groups(tables)[video] * tables.n_levels + level
        for sums, part in ((self._by_slot, slot), (self._by_state, state), (self._by_ad, ads)):
            np.add.at(sums, (lane, part), lost)


@inlined
def _largest(model: Any, after: Any, v: Any, f: Any) -> Any:
    """Computes the largest q without repetition, its ad, and the largest q of the other ads; none is below 0."""
    largest, ad, second = 0.0, 0, 0.0
    for a in range(model.reward.shape[1]):
        q = action_value(model, after, v, f, -1, a)
        if q > largest:
            largest, ad, second = q, a, largest
        else:
            second = max(second, q)
    return largest, ad, second


@inlined
def _largest_after(two: Any, last: Any, again: Any) -> Any:
    """Computes the largest q after ``last``, whose q is ``again``; only that of the ad that is repeated differs."""
    largest, ad, second = two
    if last < 0:
        return largest
    return max(second if ad == last else largest, again)


@compiled
def lose(
    model: Any, after: Any, mass: Any, ads: Any, probabilities: Any, group: Any, by_state: Any, by_ad: Any
) -> None:
    """Adds mass · π(a) · (largest q - q(a)) to ``by_state`` [G, F] and to ``by_ad`` [A]; no summand is below 0.

    ``after`` are values of the optimum. ``mass`` [N, F, M], ``ads`` and ``probabilities`` [N, F, M, J] may tell more
    outcomes apart. ``group`` is the group of every video, int64 [N].
    """
    n_videos, n_levels, n_last = mass.shape
    for v in range(n_videos):
        for f in range(n_levels):
            two = _largest(model, after, v, f)
            for m in range(n_last):
                if mass[v, f, m] == 0.0:
                    continue
                last = last_ad(m, n_last, model.reward.shape[1])
                again = action_value(model, after, v, f, last, max(last, 0))
                best = _largest_after(two, last, again)
                for j in range(ads.shape[3]):
                    weight = mass[v, f, m] * probabilities[v, f, m, j]
                    if weight > 0.0:
                        a = ads[v, f, m, j]
                        q = action_value(model, after, v, f, last, a)
                        by_state[group[v], f] += weight * (best - q)
                        by_ad[a] += weight * (best - q)


@compiled
def lose_at(model: Any, after: Any, states: Any, lost: Any) -> None:
    """Writes largest q - q(a) to ``lost`` [n]; ``states`` int64 [4, n] are video, fatigue, one of 2A + 1, a."""
    n_ads = model.reward.shape[1]
    for i in range(lost.shape[0]):
        v, f, last, a = states[0, i], states[1, i], last_ad(states[2, i], 2 * n_ads + 1, n_ads), states[3, i]
        two = _largest(model, after, v, f)
        again = action_value(model, after, v, f, last, max(last, 0))
        best = _largest_after(two, last, again)
        lost[i] = best - action_value(model, after, v, f, last, a)
