"""Backward induction over one slot, compiled: the Bellman equations of a session.

    q(v, f, l, a) = p · (r + stay₁ · C(v, f₁, a₁)) + (1 - p) · stay₀ · C(v, f₀, a₀)

with p = P(view), r the reward, stay the probability not to leave, and C the expected value of continuing, before the
next video is drawn; index 1 after a view, 0 without.

Arrays of the states of a slot are [N, F, M]. M outcomes of the last slot are told apart: 1, A + 1 (the last ad, and
none yet) or 2A + 1 (whether it was viewed, too). What is chosen in a state are J ads and their probabilities.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from preroll.jit import compiled, inlined

TIE = 1.0 + 1e-12  # of values up to this factor, the first action is the best


class SlotModel(NamedTuple):
    """Tables of a slot for one type of user. R kinds of video, F fatigue levels, A actions, N videos."""

    view: NDArray[np.float64]  # [R, F, A], before repetition and clipping
    repeat: float  # factor on the last ad
    reward: NDArray[np.float64]  # [R, A]
    level: NDArray[np.int64]  # [F, A, 2], not viewed and viewed
    stay: NDArray[np.float64]  # [F, A, 2], probability not to leave
    kind: NDArray[np.integer[Any]]  # [N], of the video


@inlined
def last_ad(m: Any, n_last: Any, n_ads: Any) -> Any:
    """Returns the last ad of outcome ``m`` of ``n_last``; -1 if there was none, or if nothing depends on it."""
    return -1 if m == n_last - 1 else m % n_ads


@inlined
def outcome(a: Any, viewed: Any, n_last: Any, n_ads: Any) -> Any:
    """Returns which of ``n_last`` outcomes it is that ad ``a`` was shown, and viewed or not."""
    if n_last == 1:
        return 0
    return a + n_ads * viewed if n_last > n_ads + 1 else a


@inlined
def chance(view: Any, repeat: Any, c: Any, f: Any, last: Any, a: Any) -> Any:
    """Computes P(view) of ad ``a``: min(view · repeat if it is the last one shown, 1).

    ``view`` is [R, F, A], before repetition and clipping.
    """
    p = view[c, f, a]
    if last == a:
        p = p * repeat
    return min(p, 1.0)


@inlined
def action_value(model: Any, after: Any, v: Any, f: Any, last: Any, a: Any) -> Any:
    """Computes q of one action."""
    view, repeat, reward, level, stay, kind = model
    c, n_ads, n_last = kind[v], reward.shape[1], after.shape[2]
    p = chance(view, repeat, c, f, last, a)
    unseen = stay[f, a, 0] * after[v, level[f, a, 0], outcome(a, 0, n_last, n_ads)]
    seen = reward[c, a] + stay[f, a, 1] * after[v, level[f, a, 1], outcome(a, 1, n_last, n_ads)]
    return p * seen + (1.0 - p) * unseen


@compiled
def improve(model: Any, after: Any, value: Any, ads: Any, q: Any) -> None:
    """Performs one backup of the optimum: the largest q to ``value`` [N, F, M], its first action to ``ads``.

    ``after`` is float64 [N, F, M] with M = 1 or A + 1, ``ads`` [N, F, 1 or 2A + 1]; ``q`` is memory to work in, float64
    [2, A].
    """
    n_ads, (n_videos, n_levels, n_last) = model.reward.shape[1], value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            best, chosen = -1.0, 0
            for a in range(n_ads):
                here = action_value(model, after, v, f, -1, a)
                if here > best * TIE:
                    best, chosen = here, a
                if n_last > 1:
                    q[0, a] = here
            value[v, f, n_last - 1] = best
            ads[v, f, ads.shape[2] - 1] = chosen
            if n_last > 1:
                for a in range(n_ads):
                    q[1, a] = action_value(model, after, v, f, a, a)
                _improve_after_ads(q, best, chosen, value[v, f], ads[v, f])


@inlined
def _improve_after_ads(q: Any, best: Any, chosen: Any, value: Any, ads: Any) -> None:
    """Writes the largest q and its first action after every last ad, which changes the q of that ad alone.

    The search for ``best`` among ``q[0]`` is not made again for every last ad: it differs from there on where the ad
    was the best so far, or is with its other q, and until both searches take the same ad.
    """
    n_ads = q.shape[1]
    best_before, chosen_before = -1.0, 0
    for last in range(n_ads):
        taken, taken_again = q[0, last] > best_before * TIE, q[1, last] > best_before * TIE
        value[last], ads[last] = best, chosen
        if taken or taken_again:
            once = q[0, last] if taken else best_before
            again, first = (q[1, last], last) if taken_again else (best_before, chosen_before)
            met = False
            for a in range(last + 1, n_ads):
                takes = q[0, a] > once * TIE
                if takes:
                    once = q[0, a]
                if q[0, a] > again * TIE:
                    again, first = q[0, a], a
                    if takes:
                        met = True
                        break
            if not met:
                value[last], ads[last] = again, first
        ads[n_ads + last] = ads[last]
        if taken:
            best_before, chosen_before = q[0, last], last


@compiled
def mark_best(model: Any, after: Any, value: Any, best: Any) -> None:
    """Marks the actions whose q is the optimum ``value`` [N, F, M] up to rounding, in ``best`` bool [N, F, M, A]."""
    n_ads, (n_videos, n_levels, n_last) = model.reward.shape[1], value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                last = last_ad(m, n_last, n_ads)
                for a in range(n_ads):
                    q = action_value(model, after, v, f, last, a)
                    best[v, f, m, a] = q >= value[v, f, m] * (1.0 - 1e-10)


@compiled
def follow(model: Any, after: Any, value: Any, ads: Any, probabilities: Any) -> None:
    """Performs one backup of a policy, ``ads`` and their ``probabilities`` [N, F, M, J], to ``value`` [N, F, M]."""
    n_ads, (n_videos, n_levels, n_last) = model.reward.shape[1], value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                last, total = last_ad(m, n_last, n_ads), 0.0
                for j in range(ads.shape[3]):
                    weight = probabilities[v, f, m, j]
                    if weight > 0.0:
                        a = ads[v, f, m, j]
                        total += weight * action_value(model, after, v, f, last, a)
                value[v, f, m] = total


@compiled
def flow(model: Any, here: Any, ads: Any, probabilities: Any, there: Any, shown: Any) -> None:
    """Propagates the state distribution ``here`` [N, F, M] through one slot to ``there``, before the next video.

    Also adds the probability of every (video, action) to ``shown`` [N, A]. The policy is as in :func:`follow`.
    """
    view, repeat, _, level, stay, kind = model
    n_ads = shown.shape[1]
    n_videos, n_levels, n_last = here.shape
    there[:] = 0.0
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                if here[v, f, m] == 0.0:
                    continue
                last = last_ad(m, n_last, n_ads)
                for j in range(ads.shape[3]):
                    weight = here[v, f, m] * probabilities[v, f, m, j]
                    if weight == 0.0:
                        continue
                    a = ads[v, f, m, j]
                    p = chance(view, repeat, kind[v], f, last, a)
                    shown[v, a] += weight
                    there[v, level[f, a, 0], outcome(a, 0, n_last, n_ads)] += weight * (1.0 - p) * stay[f, a, 0]
                    there[v, level[f, a, 1], outcome(a, 1, n_last, n_ads)] += weight * p * stay[f, a, 1]


@compiled
def weigh(model: Any, after: Any, mass: Any, group: Any, weighed: Any) -> None:
    """Adds mass · q of every action to ``weighed`` float64 [G, A], in the row of the state's group, int [N, F, M]."""
    n_ads, (n_videos, n_levels, n_last) = model.reward.shape[1], mass.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                if mass[v, f, m] == 0.0:
                    continue
                last = last_ad(m, n_last, n_ads)
                for a in range(n_ads):
                    q = action_value(model, after, v, f, last, a)
                    weighed[group[v, f, m], a] += mass[v, f, m] * q
