"""Backward induction over one slot, compiled: the Bellman equations of a session.

    q(v, f, l, a) = p · (r + stay₁ · C(v, f₁, a₁)) + (1 - p) · stay₀ · C(v, f₀, a₀)

with p = P(view), r the reward, stay the probability not to leave, and C the expected value of continuing, before the
next video is drawn; index 1 after a view, 0 without.
"""

from typing import Any

from preroll.jit import compiled, inlined


@inlined
def chance(view: Any, repeat: Any, c: Any, f: Any, m: Any, a: Any, n_last: Any) -> Any:
    """Computes P(view) of ad ``a``: min(view · repeat if it is the last one shown, 1).

    ``view`` is [R, F, A], before repetition and clipping; ``m`` is the outcome of the last slot, one of ``n_last`` (1
    if nothing depends on it).
    """
    n_ads = view.shape[2]
    p = view[c, f, a]
    if n_last > 1 and (m == a or m == n_ads + a):
        p = p * repeat
    return min(p, 1.0)


@inlined
def _value(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, after: Any, v: Any, c: Any, f: Any, m: Any, a: Any
) -> Any:
    """Computes q of one action; ``m`` is the outcome of the last slot, or 0 where its axis has length 1."""
    n_ads = reward.shape[1]
    p = chance(view, repeat, c, f, m, a, after.shape[2])
    m0, m1 = (a, n_ads + a) if after.shape[2] > 1 else (0, 0)
    unseen = stay[f, a, 0] * after[v, level[f, a, 0], m0]
    seen = reward[c, a] + stay[f, a, 1] * after[v, level[f, a, 1], m1]
    return p * seen + (1.0 - p) * unseen


@compiled
def improve(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, kind: Any, after: Any, value: Any, ads: Any
) -> None:
    """Performs one backup of the optimum: the largest q to ``value``, its first action to ``ads``, both [N, F, M].

    Shapes: view float64 [R, F, A] before repetition and clipping, reward [R, A], level int64 [F, A, 2], stay float64
    [F, A, 2], kind int [N] (of the video), after float64 [N, F, M].
    """
    n_videos, n_levels, n_last = value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                best, chosen = -1.0, 0
                for a in range(reward.shape[1]):
                    q = _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, a)
                    if q > best * (1.0 + 1e-12):  # of ties up to rounding, the first action
                        best, chosen = q, a
                value[v, f, m] = best
                ads[v, f, m] = chosen


@compiled
def mark_best(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, kind: Any, after: Any, value: Any, best: Any
) -> None:
    """Marks the actions whose q is the optimum ``value`` [N, F, M] up to rounding, in ``best`` bool [N, F, M, A]."""
    n_videos, n_levels, n_last = value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                for a in range(reward.shape[1]):
                    q = _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, a)
                    best[v, f, m, a] = q >= value[v, f, m] * (1.0 - 1e-10)


@compiled
def follow_ads(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, kind: Any, after: Any, value: Any, ads: Any
) -> None:
    """Performs one backup of a policy given by ads int [N, F, M], written to ``value`` [N, F, M]."""
    n_videos, n_levels, n_last = value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                value[v, f, m] = _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, ads[v, f, m])


@compiled
def follow_probabilities(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, kind: Any, after: Any, value: Any, probabilities: Any
) -> None:
    """Performs one backup of a policy given by probabilities float64 [N, F, M, A], to ``value`` [N, F, M]."""
    n_videos, n_levels, n_last = value.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                total = 0.0
                for a in range(reward.shape[1]):
                    weight = probabilities[v, f, m, a]
                    if weight > 0.0:
                        total += weight * _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, a)
                value[v, f, m] = total


@inlined
def _largest(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, after: Any, v: Any, c: Any, f: Any, m: Any
) -> Any:
    """Computes the largest q of a state."""
    largest = 0.0  # no q is below 0
    for a in range(reward.shape[1]):
        largest = max(largest, _value(view, repeat, reward, level, stay, after, v, c, f, m, a))
    return largest


@compiled
def lose(
    view: Any,
    repeat: Any,
    reward: Any,
    level: Any,
    stay: Any,
    kind: Any,
    after: Any,
    mass: Any,
    probabilities: Any,
    group: Any,
    by_state: Any,
    by_ad: Any,
) -> None:
    """Adds mass · π(a) · (largest q - q(a)) to ``by_state`` [G, F] and to ``by_ad`` [A]; no summand is below 0.

    ``after`` are values of the optimum. The last axis of ``mass`` [N, F, M] and of ``probabilities`` [N, F, M, A] may
    be longer than its own, where the policy depends on the last outcome and nothing else does. ``group`` is the group
    of every video, int64 [N].
    """
    n_videos, n_levels, n_last = mass.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                if mass[v, f, m] == 0.0:
                    continue
                best = _largest(view, repeat, reward, level, stay, after, v, kind[v], f, m)
                for a in range(reward.shape[1]):
                    weight = mass[v, f, m] * probabilities[v, f, m, a]
                    if weight > 0.0:
                        q = _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, a)
                        by_state[group[v], f] += weight * (best - q)
                        by_ad[a] += weight * (best - q)


@compiled
def lose_at(
    view: Any, repeat: Any, reward: Any, level: Any, stay: Any, kind: Any, after: Any, states: Any, lost: Any
) -> None:
    """Writes largest q - q(a) to ``lost`` [n]; ``states`` int64 [4, n] are video, fatigue, last outcome, a."""
    for i in range(lost.shape[0]):
        v, f, m, a = states[0, i], states[1, i], states[2, i], states[3, i]
        best = _largest(view, repeat, reward, level, stay, after, v, kind[v], f, m)
        lost[i] = best - _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, a)


@compiled
def flow(
    view: Any, repeat: Any, level: Any, stay: Any, kind: Any, here: Any, probabilities: Any, there: Any, shown: Any
) -> None:
    """Propagates the state distribution ``here`` [N, F, M] through one slot to ``there``.

    ``there`` is the distribution before the next video is drawn. Also adds the probability of every (video, action) to
    ``shown`` [N, A].
    """
    n_ads = shown.shape[1]
    n_videos, n_levels, n_last = here.shape
    there[:] = 0.0
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                if here[v, f, m] == 0.0:
                    continue
                for a in range(n_ads):
                    weight = here[v, f, m] * probabilities[v, f, m, a]
                    if weight == 0.0:
                        continue
                    p = chance(view, repeat, kind[v], f, m, a, n_last)
                    m0, m1 = (a, n_ads + a) if n_last > 1 else (0, 0)
                    shown[v, a] += weight
                    there[v, level[f, a, 0], m0] += weight * (1.0 - p) * stay[f, a, 0]
                    there[v, level[f, a, 1], m1] += weight * p * stay[f, a, 1]


@compiled
def weigh(
    view: Any,
    repeat: Any,
    reward: Any,
    level: Any,
    stay: Any,
    kind: Any,
    after: Any,
    mass: Any,
    group: Any,
    weighed: Any,
) -> None:
    """Adds mass · q of every action to ``weighed`` float64 [G, A], in the row of the state's group, int [N, F, M]."""
    n_videos, n_levels, n_last = mass.shape
    for v in range(n_videos):
        for f in range(n_levels):
            for m in range(n_last):
                if mass[v, f, m] == 0.0:
                    continue
                for a in range(reward.shape[1]):
                    q = _value(view, repeat, reward, level, stay, after, v, kind[v], f, m, a)
                    weighed[group[v, f, m], a] += mass[v, f, m] * q
