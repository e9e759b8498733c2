"""Checks of sampled sessions: reported values equal the model's, event frequencies lie within exact binomial bounds.

Trials of one group share one probability, and each is drawn independently of the past; but how many trials a group
gets depends on the outcomes. Therefore only the first n trials of a group are counted, where n is the largest available
of 1, 2, …, 7, 8, 10, 12, 14, 16, 20, … (numbers with three significant binary digits), and the bounds are widened for
all such n. The stated rate of false alarms then holds exactly (a union bound over groups, n and the two sides).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.envs.conformance.sample import SessionSample
from preroll.envs.conformance.subject import CheckFailedError, NotApplicableError
from preroll.envs.kernel import layout

FALSE_ALARM = 1e-6  # rate of false alarms, of all frequency checks of one report together
FAMILIES = 3  # views, leaving, videos
LENGTHS = 4 * 40  # numbers with three significant binary digits, up to 2^40 trials
DECILES = 10
THIN = 100  # trials of a view that a group gets on average, below which groups are pooled
SURE = -np.log(FALSE_ALARM)  # expected events from which on seeing none has a probability below FALSE_ALARM


def observation_bounds(sample: SessionSample) -> str:
    """Checks that every entry lies in [0, 1], and that every one-hot part was observed at 0 and at 1."""
    outside = np.flatnonzero((sample.low < 0) | (sample.high > 1) | np.isnan(sample.low))
    if outside.size:
        entry = outside[0]
        raise CheckFailedError(f"observation[{entry}] takes values from {sample.low[entry]} to {sample.high[entry]}")
    told, missed = [], []
    for name, part in sample.tables.layout.parts.items():
        if part.unit != "one-hot" and not (name == "category" and sample.tables.scenario.observe.category is True):
            continue
        low, high = sample.low[part.slice], sample.high[part.slice]
        if high.max() < 1 and not (name == "category" and (sample.tables.category < 0).any()):
            raise CheckFailedError(f"{name}: no entry was ever 1")
        if part.size > 1 and low.min() > 0:
            raise CheckFailedError(f"{name}: no entry was ever 0")
        told.append(name)
        missed += [f"{name} {entry}" for entry in np.flatnonzero(high < 1)]
    seen = f"{', '.join(told)} seen at 0 and 1" if told else "no one-hot part"
    return seen + (f"; never at 1 in {len(sample.played['slot']):,} slots: {', '.join(missed)}" if missed else "")


def truth(sample: SessionSample) -> str:
    """Checks that observations, infos, rewards and flags equal those recomputed from the tables."""
    if sample.wrong:
        more = f" (and {len(sample.wrong) - 1} more)" if len(sample.wrong) > 1 else ""
        raise CheckFailedError(next(iter(sample.wrong.values())) + more)
    told = f"{len(sample.played['slot']):,} slots of {len(sample.first_videos):,} sessions"
    reached, phases = int(sample.played["phase"].max()) + 1, sample.tables.n_phases
    # Phases begin at given sessions of a lane: only a larger sample reaches the later ones.
    return told + (f"; phases of drift reached: {reached} of {phases}" if phases > 1 else "")


def termination(sample: SessionSample) -> str:
    """Checks that users leave where the scenario permits it, and nowhere else."""
    terminated, high = sample.played["terminated"], sample.played["hazard_high"]
    n = int(terminated.sum())
    if (terminated & (high == 0)).any():
        raise CheckFailedError("a session terminated where P(leave) is 0")
    if not sample.arrays.hazard.any():
        raise NotApplicableError("users never leave in this scenario, and no session terminated")
    if n:
        return f"{n:,} of {len(sample.first_videos):,} sessions terminated"
    expected = sample.played["hazard_low"].sum()
    if expected > SURE:
        raise CheckFailedError(f"no session terminated, where {expected:.0f} leavings were to be expected")
    raise NotApplicableError(f"leaving is too rare to be seen: {expected:.2g} expected, none seen")


def truncation(sample: SessionSample) -> str:
    """Checks that the horizon truncates sessions whose user stays."""
    n = int(sample.played["truncated"].sum())
    if n:
        return f"{n:,} of {len(sample.first_videos):,} sessions reached slot {sample.tables.n_slots}"
    reaching = (1 - sample.arrays.hazard.max()) ** sample.tables.n_slots * sample.n  # first sessions: all are complete
    if reaching > SURE:
        raise CheckFailedError(
            f"no session of {sample.n:,} lanes reached its last slot, number {sample.tables.n_slots}"
        )
    raise NotApplicableError(f"users leave before the last slot, number {sample.tables.n_slots}")


@dataclass(frozen=True)
class _Trials:
    """Trials with one probability, in order of time."""

    label: str
    p: float
    happened: NDArray[np.bool_]


def views(sample: SessionSample) -> str:
    """Checks the frequency of views against the tables, for every phase, category, ad and P(view).

    Where that leaves few trials a group, as where every video answers in its own way, they are pooled by deciles of
    P(view).
    """
    played, labels, arrays = sample.played, sample.tables.spec.labels, sample.arrays
    p, viewed, what = played["p"], played["viewed"] > 0, "views"
    n_possible = 2 * arrays.base.size * arrays.match.shape[1]
    if len(p) < THIN * n_possible / 2:
        pooled = _deciles(sample)
        viewed = _with_probability(pooled, p, viewed, np.random.default_rng([sample.subject.seed, 4]))
        n_possible = sample.tables.n_phases * (len(sample.tables.spec.categories) + 1) * len(labels) * (DECILES + 2)
        p, what = pooled, "views by deciles of P(view)"
    keys = (played["phase"], played["category"], played["ad"], p)
    groups = [
        _Trials(f"{labels[int(ad)]} before {_category(sample, int(category))}", same, viewed[rows])
        for (_, category, ad, same), rows in _groups(*keys)
    ]
    return _within_bounds(groups, n_possible, what)


def _deciles(sample: SessionSample) -> NDArray[np.float64]:
    """Returns the middle of the decile of its ad in which P(view) of every trial lies; 0 and 1 stay."""
    played, arrays = sample.played, sample.arrays
    pooled = played["p"].copy()
    for (phase, ad), rows in _groups(played["phase"], played["ad"]):
        repeat = [1.0, arrays.choice[int(phase), layout.REPEAT]]
        base = np.multiply.outer(arrays.base[int(phase), ..., int(ad)], repeat)
        table = np.multiply.outer(arrays.match[int(phase), :, int(ad)], base)
        inside = rows[(pooled[rows] > 0) & (pooled[rows] < 1)]
        if inside.size:
            twentieths = np.quantile(table[(table > 0) & (table < 1)], np.arange(1, 2 * DECILES) / (2 * DECILES))
            middles, edges = twentieths[::2], twentieths[1::2]
            pooled[inside] = middles[np.searchsorted(edges, pooled[inside])]
    return pooled


def _with_probability(
    wanted: NDArray[np.float64], p: NDArray[np.float64], happened: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Returns trials of other probabilities, made of trials with probabilities p.

    Of the events that are too likely some are struck out, and to those too rare some are added, each by a coin of its
    own. So the bounds stay exact, although the mean of the probabilities of a group would depend on what happened.
    """
    coin = rng.random(len(p))
    return np.where(p >= wanted, happened & (coin * p <= wanted), happened | (coin * (1 - p) < wanted - p))


def leaving(sample: SessionSample) -> str:
    """Checks the frequency of leaving against the tables, for every phase, ad, view and P(leave)."""
    if not sample.arrays.hazard.any():
        raise NotApplicableError("users never leave in this scenario")
    played, labels = sample.played, sample.tables.spec.labels
    known = np.flatnonzero(~np.isnan(played["hazard"]))
    keys = (played[name][known] for name in ("phase", "ad", "viewed", "hazard"))
    groups = [
        _Trials(f"{labels[int(ad)]} {'viewed' if viewed else 'not viewed'}", hazard, played["terminated"][known[rows]])
        for (_, ad, viewed, hazard), rows in _groups(*keys)
    ]
    return _within_bounds(groups, sample.arrays.hazard.size, "leavings")


def videos(sample: SessionSample) -> str:
    """Checks the frequencies of first videos, neighbours and jumps against the recommender's probabilities."""
    n = sample.tables.n_videos
    category = sample.tables.category[sample.first_videos]
    numbers, counts = np.unique(sample.tables.category, return_counts=True)
    groups = [
        _Trials(f"first video of {_category(sample, int(k))}", count / n, category == k)
        for k, count in zip(numbers, counts, strict=True)
    ]
    start, end, phase = (sample.moves[name] for name in ("start", "end", "phase"))
    neighbors = sample.tables.neighbors[start]
    decay = np.diff(sample.arrays.choice[phase, 2:], prepend=0.0, axis=1) * (neighbors >= 0)
    weights = decay / np.maximum(decay.sum(axis=1, keepdims=True), 1e-300)
    jump = np.where((neighbors >= 0).any(axis=1), sample.arrays.choice[phase, 0], 1.0)[:, None]
    ordered = np.sort(neighbors, axis=1)
    near = (ordered[:, 0] >= 0) + ((np.diff(ordered, axis=1) > 0) & (ordered[:, 1:] >= 0)).sum(axis=1)
    to_neighbor = (1 - jump[:, 0]) * (near > 0) + jump[:, 0] * near / n
    arrived = (end[:, None] == neighbors).any(axis=1)
    groups += [_Trials("a neighbour next", p, arrived[rows]) for (p,), rows in _groups(to_neighbor.round(12))]
    for rank in range(neighbors.shape[1]):
        there = np.flatnonzero(neighbors[:, rank] >= 0)
        target = neighbors[there, rank, None]
        # The same video can occur at several ranks.
        p = jump[there] / n + ((1 - jump[there]) * weights[there] * (neighbors[there] == target)).sum(1, keepdims=True)
        arrived = end[there] == target[:, 0]
        groups += [
            _Trials(f"neighbour {rank + 1} next", value, arrived[rows]) for (value,), rows in _groups(p[:, 0].round(12))
        ]
    return _within_bounds(groups, len(numbers) + 11 * n * sample.tables.n_phases, "next and first videos")


def _category(sample: SessionSample, category: int) -> str:
    return sample.tables.spec.categories[category] if category >= 0 else "unknown"


def _groups(*keys: NDArray[np.float64]) -> Iterator[tuple[tuple[float, ...], NDArray[np.int64]]]:
    """Yields every combination of keys that occurs, with the indices of its rows in ascending order."""
    if not len(keys[0]):
        return
    order = np.lexsort(keys[::-1])
    changed = np.zeros(len(order), dtype=np.bool_)
    for key in keys:
        changed[1:] |= np.diff(key[order]) != 0
    for rows in np.split(order, np.flatnonzero(changed)):
        yield tuple(float(key[rows[0]]) for key in keys), np.sort(rows)


def _within_bounds(groups: list[_Trials], n_possible: int, what: str) -> str:
    """Checks that the frequency of every group lies within its bounds, and returns a summary.

    Args:
        groups: the trials.
        n_possible: number of possible groups, for the union bound.
        what: name of the events.

    Raises:
        CheckFailedError: If a frequency lies outside its bounds.
    """
    from scipy import stats  # slow to import, and only checks need it

    level = FALSE_ALARM / FAMILIES / (n_possible * LENGTHS)
    n = np.array([_three_digits(len(group.happened)) for group in groups])
    count = np.array([int(group.happened[:length].sum()) for group, length in zip(groups, n, strict=True)])
    p = np.array([group.p for group in groups])
    tail = np.minimum(stats.binom.cdf(count, n, p), stats.binom.sf(count - 1, n, p))
    worst = int(tail.argmin())
    if tail[worst] < level / 2:
        raise CheckFailedError(
            f"{groups[worst].label}: {count[worst]:,} of {n[worst]:,} are {count[worst] / n[worst]:.4f}, the tables "
            f"say {p[worst]:.4f} (tail probability {tail[worst]:.1e})"
        )
    return f"{n.sum():,} trials in {len(groups):,} groups of {what} within exact binomial bounds"


def _three_digits(n: int) -> int:
    """Returns the number with all but its first three binary digits set to 0.

    Examples:
        >>> [_three_digits(n) for n in (1, 7, 9, 1000, 1023)]
        [1, 7, 8, 896, 896]
    """
    low = max(0, n.bit_length() - 3)
    return n >> low << low
