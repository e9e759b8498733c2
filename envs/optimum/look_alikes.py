"""Whether an agent that sees only a part of the state earns the optimum: no look-alikes may want different ads.

The optimum is earned exactly by an agent that shows a best ad in every state it meets. After a history of what it saw
and did, an agent knows a set of states that it may be in, its *look-alikes*; so it needs an ad that is best in all of
them, now and after all that may follow. That is a game on sets of states, solved slot by slot: probabilities do not
matter, only what is possible. A set is a mask bool [N, U, F] of videos, segments and fatigue levels; the slot and the
last ad are always known, since agents remember what they did.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.dynamic_program import DynamicProgram

Mask = NDArray[np.bool_]
#: The look-alikes before a slot: length of the axis of videos (1: any video may come), mask as bytes, last ad.
Node = tuple[int, bytes, int]
#: What an agent needs at a node: of every group of videos one way, in which all nodes that may follow are won.
Needs = frozenset[frozenset[frozenset[Node]]]


@dataclass(frozen=True)
class Sight:
    """What an agent sees of a state.

    Attributes:
        video: what it sees of every video, as a number, int64 [N]; look-alikes have the same.
        segment: whether it sees the user's segment.
        level: whether it sees the fatigue level.
        view: whether it sees if the last ad was viewed.
    """

    video: NDArray[np.int64]
    segment: bool
    level: bool
    view: bool


def is_idle(programs: list[DynamicProgram]) -> bool:
    """Returns whether nothing depends on the fatigue level."""
    return all(bool((p.view == p.view[:, :, :1]).all() and (p.stay == p.stay[:1]).all()) for p in programs)


class LookAlikes:
    """The game of an agent with a given sight.

    Args:
        programs: the programs of the segments that occur.
        best: all best actions by segment and slot, from :meth:`DynamicProgram.all_best`.
        sight: what the agent sees.
        forgets: whether the agent takes any video for possible after any other. It then knows less, but meets few sets.
    """

    def __init__(
        self, programs: list[DynamicProgram], best: list[list[NDArray[np.uint8]]], sight: Sight, *, forgets: bool
    ) -> None:
        self.anywhere = (programs[0].jump > 0) | forgets  # whether any video may follow a video, bool [N]
        self.programs, self.best, self.sight = programs, best, sight
        self.tables = programs[0].tables
        self.shape = self.tables.n_videos, len(programs), self.tables.n_levels
        self.one_level = not sight.level and is_idle(programs)  # else sets of levels are told apart for nothing
        self.by_last = programs[0].n_last > 1
        self.order = np.argsort(sight.video, kind="stable")
        self.starts = np.flatnonzero(np.diff(sight.video[self.order], prepend=-1))

    def won(self) -> bool:
        """Returns whether the agent earns the optimum."""
        first, layers = self._first(), list[dict[Node, Needs | None]]()
        ahead = first
        for slot in range(self.tables.n_slots):
            layers.append({node: self._needs(slot, node) for node in ahead})
            if None in layers[-1].values() and not first <= _won(layers):
                return False
            ahead = {node for needs in layers[-1].values() for way in needs or () for one in way for node in one}
        return first <= _won(layers)

    def _first(self) -> set[Node]:
        masks = np.eye(self.shape[1], dtype=np.bool_) if self.sight.segment else np.ones((1, self.shape[1]), np.bool_)
        rested = np.arange(self.shape[2]) == 0
        return {self._node(segments[None, :, None] & rested, self.tables.n_actions) for segments in masks}

    def _node(self, mask: Mask, last: int) -> Node:
        return len(mask), mask.tobytes(), last if self.by_last else 0

    def _needs(self, slot: int, node: Node) -> Needs | None:
        """Returns what an agent needs at a node; None if some look-alikes have no best ad in common."""
        n_rows, mask, last = node
        here = np.broadcast_to(np.frombuffer(mask, np.bool_).reshape(n_rows, *self.shape[1:]), self.shape)
        wrong = np.zeros((self.shape[0], self.tables.n_actions), np.bool_)
        for segment, best in enumerate(self.best):
            fits = np.unpackbits(best[slot][:, :, last], axis=-1, count=wrong.shape[1]).astype(np.bool_)
            wrong |= (here[:, segment, :, None] & ~fits).any(axis=1)
        there = self._by_group(np.asarray(here.any(axis=(1, 2))))
        fitting = ~self._by_group(wrong)[there]
        if not fitting.any(axis=1).all():
            return None
        ads = np.flatnonzero(fitting.any(axis=0))
        if slot + 1 == self.tables.n_slots:
            return frozenset()
        moves = [(ad, list(self._moves(slot, here, last, ad))) for ad in ads.tolist()]
        needs = set()
        for group in self._distinct(slot, np.flatnonzero(there), fitting[:, ads], moves):
            videos = self.order[self.starts[group] : [*self.starts, self.shape[0]][group + 1]]
            ways = {
                frozenset(self._node(mask, ad) for mask in self._after(slot, videos, moved))
                for ad, moved in moves
                if not wrong[videos, ad].any()
            }
            needs.add(frozenset(ways))
        return frozenset(needs)

    def _by_group(self, of_videos: Mask) -> Mask:
        """Returns whether something holds for any video of a group, [G, …]."""
        return np.asarray(np.logical_or.reduceat(of_videos[self.order], self.starts, axis=0))

    def _distinct(
        self, slot: int, groups: NDArray[np.intp], fitting: Mask, moves: Iterable[tuple[int, list[Mask]]]
    ) -> Iterator[int]:
        """Yields one group of each kind: where any video may follow any other, those of one kind need the same."""
        if self._same_video(slot + 1) or not self.anywhere.all():
            return iter(groups.tolist())
        ends = [self._by_group(mask)[groups].reshape(len(groups), -1) for _, masks in moves for mask in masks]
        _, first = np.unique(np.concatenate([fitting, *ends], axis=1), axis=0, return_index=True)
        return iter(groups[first].tolist())

    def _same_video(self, slot: int) -> bool:
        return bool(slot % self.programs[0].view.shape[0])

    def _moves(self, slot: int, here: Mask, last: int, ad: int) -> Iterator[Mask]:
        """Yields the users that stay, [N, U, F], in one mask for everything that the agent may see of their answer."""
        seen: dict[tuple[int, int], Mask] = {}
        for segment, program in enumerate(self.programs):
            view, repeat, _, level, stay, kind = program.model(slot)
            again = self.by_last and last == ad
            p = np.minimum(view[kind, :, ad] * (repeat if again else 1.0), 1.0)
            for viewed, chance in ((0, 1.0 - p), (1, p)):
                may = here[:, segment] & (chance > 0) & (stay[:, ad, viewed] > 0)
                for before in np.flatnonzero(may.any(axis=0)):
                    after = int(level[before, ad, viewed])
                    sign = viewed if self.sight.view else 0, after if self.sight.level else 0
                    mask = seen.setdefault(sign, np.zeros(self.shape, np.bool_))
                    mask[:, segment, 0 if self.one_level else after] |= may[:, before]
        return iter(seen.values())

    def _after(self, slot: int, videos: NDArray[np.intp], moved: Iterable[Mask]) -> Iterator[Mask]:
        """Yields the look-alikes of the next slot, where those of this slot have one of ``videos``."""
        for mask in moved:
            stayed = mask[videos]
            if not stayed.any():
                continue
            if not self._same_video(slot + 1) and self.anywhere[videos].all():
                yield np.any(stayed, axis=0, keepdims=True)
                continue
            there = np.zeros(self.shape, np.bool_)
            if self._same_video(slot + 1):
                there[videos] = stayed
            else:
                there |= stayed[self.anywhere[videos]].any(axis=0)
                near = (self.programs[0].recommender[videos] > 0).T.astype(np.int64)
                there |= (near @ stayed.reshape(len(videos), -1).astype(np.int64)).reshape(self.shape) > 0
            yield there


def _won(layers: list[dict[Node, Needs | None]]) -> set[Node]:
    """Returns the nodes of the first slot from which the agent wins, if all beyond the last layer is won."""
    won: set[Node] | None = None
    for layer in reversed(layers):
        won = {
            node
            for node, needs in layer.items()
            if needs is not None and all(any(won is None or way <= won for way in ways) for ways in needs)
        }
    return won or set()
