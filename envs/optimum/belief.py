"""The optimum of an agent that cannot observe its user's segment and infers it, for two hidden segments.

The agent's knowledge is the belief b = P(the user is of the second segment | history), the history being all that it
sees and does. That a user stays is always seen; a view is seen where the last view is observed, or the fatigue that
follows from it. Dynamic programming over (slot, video, fatigue, last outcome, b), with b on a grid, bounds the optimum
from both sides:

* upper: the value is convex in b, so that linear interpolation between grid points never underestimates it;
* lower: a policy that rounds its belief to the grid after every slot has finite memory, and its value is exact.

Lovejoy, "Computationally feasible bounds for partially observed Markov decision processes", Operations Research 1991.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.bellman import SlotModel, chance, last_ad, outcome
from preroll.envs.optimum.dynamic_program import DynamicProgram
from preroll.envs.optimum.optimum import Optimum, OptimumSource
from preroll.errors import PrerollError
from preroll.jit import compiled, inlined
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
GRID = 101  # beliefs 0, .01, …, 1
LARGEST = 4_000_000_000  # total number of action values


@dataclass(frozen=True, repr=False)
class BeliefOptimum(ShownTable):
    """Bounds of the largest expected revenue of a session for an agent that does not observe the segment.

    Attributes:
        lower: exact value of a policy that rounds its belief.
        upper: value interpolated between beliefs.
    """

    lower: float
    upper: float

    def to_frame(self) -> "pd.DataFrame":
        """Returns both bounds as a table of one row."""
        import pandas as pd

        return pd.DataFrame([{"lower": self.lower, "upper": self.upper}])

    def _card(self) -> Card:
        rows = [
            ("lower", f"{self.lower:.4f}", "exact value of a policy that rounds its belief"),
            ("upper", f"{self.upper:.4f}", "interpolated between beliefs"),
        ]
        facts = {"of": "the expected revenue of a session, for an agent that infers the hidden segment"}
        return Card("Bounds of the optimum of an agent that infers", facts, ("bound", "revenue", "is"), rows)


def belief_optimum(optimum: OptimumSource, grid: int = GRID) -> BeliefOptimum:
    """Computes bounds of the optimum of an agent that infers the segment from what it sees after each slot.

    Args:
        optimum: the optimum with full information, or the tables or scenario that it is of; there must be two segments,
            with nothing but the segment hidden.
        grid: number of equally spaced beliefs from 0 to 1.

    Raises:
        PrerollError: If there are not exactly two hidden segments, or the problem is too large.

    Examples:
        >>> from preroll.envs import Optimum, Tables, belief_optimum
        >>> bounds = belief_optimum(Optimum(Tables.compile("hidden-users", "demo")), grid=11)
        >>> round(bounds.lower, 2), round(bounds.upper, 2)
        (21.55, 21.92)
    """
    optimum = Optimum.of(optimum)
    if not can_infer(optimum):
        raise PrerollError(
            "belief optimum: needs exactly two segments that the agent does not see, and nothing else hidden"
        )
    first, second = optimum.programs
    tables = optimum.tables
    shape = (*first.empty(False).shape, grid)
    work = tables.n_slots * np.prod(shape) * tables.n_actions
    if work > LARGEST:
        raise PrerollError(f"belief optimum: {work:.0f} values are too many; at most {LARGEST} are computed")
    prior = float(optimum.shares[1])
    upper, ads = _interpolated(first, second, shape)
    lower = _rounded(first, second, shape, ads, prior)
    at_prior = np.interp(prior, np.linspace(0, 1, grid), upper[:, 0, -1].mean(axis=0))
    return BeliefOptimum(lower, float(at_prior))


def can_infer(optimum: Optimum) -> bool:
    """Returns whether there are two segments that the agent does not see, and nothing else that it cannot know."""
    shown = optimum.tables.layout.parts
    return len(optimum.programs) == 2 and "segment" not in shown and optimum.knowledge.only_segment_hidden


def _interpolated(
    first: DynamicProgram, second: DynamicProgram, shape: tuple[int, ...]
) -> tuple[Floats, NDArray[np.int16]]:
    """Solves the interpolated problem.

    Returns:
        value: float64 [N, F, M, G], at the first slot.
        ads: best actions, int16 [T, N, F, M, G].
    """
    value = np.zeros(shape)
    ads = np.empty((first.tables.n_slots, *shape), dtype=np.int16)
    for slot in reversed(range(first.tables.n_slots)):
        after = first.before_next_video(value, slot + 1)
        value = np.empty(shape)
        _improve(_model(first, second, slot), _sees_view(first), after, value, ads[slot])
    return value, ads


def _rounded(
    first: DynamicProgram, second: DynamicProgram, shape: tuple[int, ...], ads: NDArray[np.int16], prior: float
) -> float:
    """Computes the exact value of the policy that rounds its belief to the grid."""
    values = np.zeros((2, *shape))
    for slot in reversed(range(first.tables.n_slots)):
        after = np.stack([first.before_next_video(value, slot + 1) for value in values])
        values = np.empty_like(values)
        _follow(_model(first, second, slot), _sees_view(first), after, values, ads[slot])
    beginning = round(prior * (shape[-1] - 1))
    return float(np.array([1 - prior, prior]) @ values[:, :, 0, -1, beginning].mean(axis=1))


def _model(first: DynamicProgram, second: DynamicProgram, slot: int) -> SlotModel:
    """Returns the tables of a slot for both segments: view [2, R, F, A] and stay [2, F, A, 2]."""
    one, other = first.model(slot), second.model(slot)
    return one._replace(view=np.stack([one.view, other.view]), stay=np.stack([one.stay, other.stay]))


def _sees_view(program: DynamicProgram) -> NDArray[np.bool_]:
    """Returns whether an agent learns before the next slot if the ad was viewed, bool [F, A]."""
    shown = program.tables.layout.parts
    by_level = program.level[..., 0] != program.level[..., 1]
    return np.asarray(("last_view" in shown) | (("fatigue" in shown) & by_level))


@inlined
def _posterior(b: Any, weight0: Any, weight1: Any) -> Any:
    """Computes the belief after an event that the segments cause with probabilities ``weight0`` and ``weight1``."""
    total = (1.0 - b) * weight0 + b * weight1
    return b * weight1 / total if total > 0.0 else b


@inlined
def _chances(p0: Any, p1: Any, stay: Any, f: Any, a: Any, viewed: Any) -> Any:
    """Computes the probability in each segment that the ad is viewed, or not, and that the user stays."""
    if viewed:
        return p0 * stay[0, f, a, 1], p1 * stay[1, f, a, 1]
    return (1.0 - p0) * stay[0, f, a, 0], (1.0 - p1) * stay[1, f, a, 0]


@inlined
def _after(b: Any, p0: Any, p1: Any, stay: Any, f: Any, a: Any, viewed: Any, sees_view: Any) -> Any:
    """Computes the belief after a slot in which the user stayed; a view that is not seen tells nothing of itself."""
    w0, w1 = _chances(p0, p1, stay, f, a, viewed)
    if not sees_view[f, a]:
        other0, other1 = _chances(p0, p1, stay, f, a, 1 - viewed)
        w0, w1 = w0 + other0, w1 + other1
    return _posterior(b, w0, w1)


@compiled
def _improve(model: Any, sees_view: Any, after: Any, value: Any, ads: Any) -> None:
    """Performs one backup of the interpolated optimum, as :func:`bellman.improve` with a last axis of beliefs."""
    view, repeat, reward, level, stay, kind = model
    n_videos, n_levels, n_last, grid = value.shape
    n_ads = reward.shape[1]
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                last = last_ad(m, n_last, n_ads)
                for g in range(grid):
                    b = g / (grid - 1)
                    best, chosen = -1.0, 0
                    for a in range(n_ads):
                        p0 = chance(view[0], repeat, kind[v], f, last, a)
                        p1 = chance(view[1], repeat, kind[v], f, last, a)
                        q = ((1.0 - b) * p0 + b * p1) * reward[kind[v], a]
                        for viewed in range(2):
                            w0, w1 = _chances(p0, p1, stay, f, a, viewed)
                            where = _after(b, p0, p1, stay, f, a, viewed, sees_view) * (grid - 1)
                            low = min(int(where), grid - 2)
                            part = where - low
                            following = outcome(a, viewed, n_last, n_ads)
                            there = level[f, a, viewed]
                            future = (1.0 - part) * after[v, there, following, low]
                            future += part * after[v, there, following, low + 1]
                            q += ((1.0 - b) * w0 + b * w1) * future
                        if q > best * (1.0 + 1e-12):
                            best, chosen = q, a
                    value[v, f, m, g] = best
                    ads[v, f, m, g] = chosen


@compiled
def _follow(model: Any, sees_view: Any, after: Any, values: Any, ads: Any) -> None:
    """Performs one backup of the belief-rounding policy for users of each segment, values [2, N, F, M, G]."""
    view, repeat, reward, level, stay, kind = model
    _, n_videos, n_levels, n_last, grid = values.shape
    n_ads = reward.shape[1]
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                last = last_ad(m, n_last, n_ads)
                for g in range(grid):
                    a = ads[v, f, m, g]
                    p0 = chance(view[0], repeat, kind[v], f, last, a)
                    p1 = chance(view[1], repeat, kind[v], f, last, a)
                    values[0, v, f, m, g] = p0 * reward[kind[v], a]
                    values[1, v, f, m, g] = p1 * reward[kind[v], a]
                    for viewed in range(2):
                        w0, w1 = _chances(p0, p1, stay, f, a, viewed)
                        to = int(_after(g / (grid - 1), p0, p1, stay, f, a, viewed, sees_view) * (grid - 1) + 0.5)
                        following = outcome(a, viewed, n_last, n_ads)
                        values[0, v, f, m, g] += w0 * after[0, v, level[f, a, viewed], following, to]
                        values[1, v, f, m, g] += w1 * after[1, v, level[f, a, viewed], following, to]
