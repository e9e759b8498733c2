"""What the optimum knows that agents do not see, by one rule: no look-alikes may want different ads.

*Unreachable*: no policy of the history of observations and own actions earns the value (rewards are not observed).
Videos look alike where the rows of their observations are equal; :mod:`preroll.envs.optimum.look_alikes` decides.

*By heart*: agents can earn the value, but the named parts of the observation do not tell a true value of the video, and
who takes them at their word (:mod:`preroll.envs.optimum.told`) earns less. Only the whole row tells which video it is,
and only who knows each video by its row earns the value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from preroll.envs.optimum.dynamic_program import DynamicProgram, solved
from preroll.envs.optimum.look_alikes import LookAlikes, Sight, is_idle
from preroll.envs.optimum.told import (
    CATEGORY,
    RESPONSE,
    ROUNDING,
    believing,
    told_values,
    true_categories,
    true_values,
)
from preroll.envs.policies.policy import Policy

FIELDS = {"segment": "segment", "fatigue": "level", "video": "video"}  # parts of the state, and of a sight


@dataclass(frozen=True)
class Knowledge:
    """What the optimum of one phase of drift knows; the phase itself is known to who counts sessions.

    Attributes:
        programs: the program of every segment.
        shares: share of sessions of every segment, float64 [U].
    """

    programs: list[DynamicProgram]
    shares: NDArray[np.float64]

    @cached_property
    def unreachable(self) -> tuple[str, ...]:
        """What the optimum knows and no agent can, if it is worth anything: segment, fatigue, category, …; else ()."""
        seen, known = self.sight, self._everything
        if self._earned(seen):
            return ()
        named = [part for part, field in FIELDS.items() if not self._earned(_with(known, seen, [field]))]
        if not self._earned(_with(seen, known, [FIELDS[part] for part in named])):  # parts that only matter together
            named = [part for part, field in FIELDS.items() if not self._all_known(_with(known, seen, [field]))]
        return tuple(name for part in named for name in (self._hidden_of_video() if part == "video" else [part]))

    @cached_property
    def by_heart(self) -> tuple[str, ...]:
        """True values of videos that an agent can only know by heart, if they are worth anything; else ()."""
        hidden = {*self.unreachable, *([RESPONSE] if "video" in self.unreachable else [])}
        told = {name: rows for name, rows in told_values(self.programs[0]).items() if name not in hidden}
        named = [name for name in told if self._loses([name])]
        return tuple(named or (told if len(told) > 1 and self._loses(told) else ()))

    @property
    def note(self) -> str:
        """Both in few words; empty if there is nothing to say."""
        return note_of(self.unreachable, self.by_heart)

    @cached_property
    def sight(self) -> Sight:
        """What an agent sees; a segment or a level that makes no difference is taken for seen."""
        first, *others = self._occurring
        shown, gain = first.tables.layout.parts, first.tables.arrays.gain[first.phase]
        same = all(np.array_equal(p.view, first.view) and np.array_equal(p.stay, first.stay) for p in others)
        _, row = np.unique(first.tables.arrays.rows, axis=0, return_inverse=True)
        return Sight(
            video=row.reshape(-1).astype(np.int64),
            segment="segment" in shown or same,
            level="fatigue" in shown or bool((gain[:, 0] == gain[:, 1]).all()),
            view="last_view" in shown,
        )

    @property
    def only_segment_hidden(self) -> bool:
        """Whether agents can tell all of the state except, perhaps, the segment."""
        return self._all_known(replace(self.sight, segment=True))

    @cached_property
    def _occurring(self) -> list[DynamicProgram]:
        return [program for program, share in zip(self.programs, self.shares, strict=True) if share > 0]

    @cached_property
    def _best(self) -> list[list[NDArray[np.uint8]]]:
        return [program.all_best() for program in self._occurring]

    @property
    def _everything(self) -> Sight:
        return Sight(np.arange(len(self.sight.video)), segment=True, level=True, view=self.sight.view)

    def _all_known(self, sight: Sight) -> bool:
        level = sight.level or sight.view or is_idle(self._occurring)
        return sight.segment and level and len(np.unique(sight.video)) == len(sight.video)

    def _earned(self, sight: Sight) -> bool:
        # Who earns it without recalling videos earns it with, too: the smaller game comes first, and is often enough.
        games = (LookAlikes(self._occurring, self._best, sight, forgets=forgets) for forgets in (True, False))
        return self._all_known(sight) or any(game.won() for game in games)

    def _hidden_of_video(self) -> list[str]:
        """Returns what differs between videos that look alike; if nothing does, then which video it is.

        That is also what is named where they answer differently although their categories are the same.
        """
        row, rows = self.sight.video, true_values(self.programs[0])
        named = [name for name, value in rows.items() if _differ_within(value, row)]
        if CATEGORY in named:
            _, own = np.unique(
                np.column_stack([row, true_categories(self.programs[0].tables)]), axis=0, return_inverse=True
            )
            if _differ_within(rows[CATEGORY], own.reshape(-1)):
                named[named.index(CATEGORY)] = "video"
        return ["video" if name == RESPONSE else name for name in named] or ["video"]

    def _loses(self, names: Iterable[str]) -> bool:
        """Returns whether it costs revenue to take what is told of some true values for the truth."""
        told = {name: rows for name, rows in told_values(self.programs[0]).items() if name in names}
        _, ads = solved([believing(program, told) for program in self.programs])
        policy = Policy(ads=ads).on(self.programs[0].tables)
        values = np.array([program.value_of(policy, ads.shape[-1] > 1) for program in self.programs])
        best = np.array(solved(self.programs)[0])
        return bool(self.shares @ values < self.shares @ best * (1 - ROUNDING))


def note_of(unreachable: Sequence[str], by_heart: Sequence[str]) -> str:
    """Returns in few words what an optimum knows that agents do not see."""
    told = [f"knows the hidden {' and '.join(unreachable)}: a bound"] if unreachable else []
    told += [f"knows the true {' and '.join(by_heart)} of every video by heart"] if by_heart else []
    return "; ".join(told)


def in_words(note: str) -> str:
    """Returns what tables call an optimum: exact only where agents can earn it without knowing more than they see.

    Examples:
        >>> in_words(""), in_words(note_of(["segment"], []))
        ('the exact optimum', 'the optimum (it knows the hidden segment: a bound)')
    """
    return f"the optimum (it {note})" if note else "the exact optimum"


def _differ_within(rows: NDArray[np.float64], group: NDArray[np.int64]) -> bool:
    """Returns whether the rows of some videos differ although their groups, numbered from 0, are the same."""
    _, first = np.unique(group, return_index=True)
    return bool((rows != rows[first][group]).any())


def _with(sight: Sight, other: Sight, fields: Iterable[str]) -> Sight:
    """Returns a sight with some fields of another."""
    return replace(sight, **{name: getattr(other, name) for name in fields})
