"""Sessions from the sentences of docs/dice.md: whole numbers and floats, no array."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import NamedTuple

from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog
from tests.envs.plain_model import Answer, Moment, PlainModel

GAMMA, M = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
VIEW, LEAVE, NEXT_VIDEO, FIRST_VIDEO, SEGMENT, ACTION, WATCH = range(1, 8)


def mix(x: int) -> int:
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def die(seed: int, session: int, slot: int, purpose: int) -> float:
    key = mix(mix(seed % 2**64 ^ GAMMA) ^ session * M % 2**64)
    return (mix(key ^ (8 * slot + purpose) * GAMMA % 2**64) >> 11) / 2**53


def base(seed: int, purpose: str) -> int:
    """The seed of lane 0 of a training or an evaluation."""
    return int.from_bytes(blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "little") >> 1


def one_of(u: float, sums: Sequence[float]) -> int:
    """The first entry whose sum is above the die; the last one if none is."""
    return next((k for k, upto in enumerate(sums) if u < upto), len(sums) - 1)


def video_of(u: float, n_videos: int) -> int:
    return min(int(u * n_videos), n_videos - 1)


def rank_sums(w: Sequence[float]) -> list[float]:
    """The sum of the probabilities of the ten ranks up to each, from their weights."""
    total = ((w[0] + w[1]) + (w[2] + w[3])) + ((w[4] + w[5]) + (w[6] + w[7])) + w[8] + w[9]
    return list(accumulate(weight / total for weight in w))


def next_video(model: PlainModel, video: int, u: float) -> int:
    jump, near = model.scenario.recommender.jump, model.near(video)
    if u < jump:
        return video_of(u / jump, model.catalog.n_videos)
    u = (u - jump) / (1 - jump)
    if not near:
        return video_of(u, model.catalog.n_videos)
    sums = rank_sums([model.scenario.recommender.rank_decay**k for k in range(10)])[: len(near)]
    return near[one_of(u * sums[-1], sums)]


def abandoned_at(curve: Sequence[tuple[float, float]], u: float) -> float:
    """The inverse of the abandonment curve."""
    i = max(i for i, (_, share) in enumerate(curve) if share <= u)
    (x, y), (x_after, y_after) = curve[i], curve[i + 1]
    return (x_after - x) / (y_after - y) * (u - y) + x


class PlainSlot(NamedTuple):
    """A slot that was played, with P(view), the reward of a view and the watched fraction of the ad."""

    at: Moment
    action: int
    view: float
    pay: float
    answer: Answer
    left: bool
    watched: float | None
    after: Moment


def play(
    scenario: Scenario, catalog: Catalog, seed: int, session: int, choose: Callable[[Moment], int]
) -> list[PlainSlot]:
    """Plays one session of a stream."""
    model = PlainModel([phase for start, phase in scenario.phases if start <= session][-1], catalog)
    curve, n_ads = model.scenario.user.abandonment, len(model.actions)
    segment = one_of(die(seed, session, 0, SEGMENT), list(accumulate(model.shares)))
    video = video_of(die(seed, session, 0, FIRST_VIDEO), catalog.n_videos)
    at = Moment(segment, 0, video, 0, 2 * n_ads)
    slots: list[PlainSlot] = []
    left = False
    while not left and at.slot < scenario.n_slots:
        action = choose(at)
        view, pay = model.view(at, action), model.pay(at.video, action)
        answer = model.answers(at, action)[die(seed, session, at.slot, VIEW) < view]
        left = die(seed, session, at.slot, LEAVE) < answer.leave
        if not left and model.position(at.slot + 1) == 0:
            video = next_video(model, at.video, die(seed, session, at.slot, NEXT_VIDEO))
        after = Moment(segment, at.slot + 1, video, answer.level, action + n_ads * answer.viewed)
        watched = None
        if curve:
            part = 1.0 if answer.viewed else abandoned_at(curve, die(seed, session, at.slot, WATCH))
            watched = 0.0 if model.actions[action] is None else part
        slots.append(PlainSlot(at, action, view, pay, answer, left, watched, after))
        at = after
    return slots
