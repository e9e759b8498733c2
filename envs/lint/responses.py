"""The answers of one type of user to every ad, and whether two of them are alike in every session.

P(view), the reward, P(leave) and the next fatigue level are the distribution of what follows, given all that was. Two
models that agree on them in every state that some agent can reach have the same sessions, whatever the agent does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.probabilities import leave_probabilities, states_after, view_probabilities
from preroll.envs.model.tables import Tables
from preroll.perception.catalog.arrays import NEIGHBORS, OPTIONAL
from preroll.perception.catalog.catalog import Catalog

Floats = NDArray[np.float64]
#: States that can be met at a slot, int64 [B, 3]: level in one model, level in the other, last ad (A: none yet).
States = NDArray[np.int64]

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Responses:
    """Answers of one type of user: N videos, S slots per video, F fatigue levels, A actions.

    Attributes:
        view: P(view), float64 [N, S, F, A, 2]; the last axis distinguishes ads that are not, or are, the last one.
        pay: reward of a view, float64 [N, A].
        risk: P(leave), float64 [S, F, A, 2]; [not viewed, viewed].
        level: next fatigue level, int64 [F, A, 2].
        n_slots: T, largest number of slots of a session.
    """

    view: Floats
    pay: Floats
    risk: Floats
    level: NDArray[np.int64]
    n_slots: int

    @classmethod
    def of(cls, tables: Tables, segment: int = 0) -> "Responses":
        """Returns the answers of a user segment in a scenario without drift."""
        return cls(
            view=view_probabilities(tables.arrays)[tables.kind, :, 0, segment],
            pay=tables.arrays.reward[0, tables.kind],
            risk=leave_probabilities(tables.arrays)[:, 0, segment],
            level=states_after(tables.arrays)[0, 0, segment] % tables.n_levels,
            n_slots=tables.n_slots,
        )

    @property
    def start(self) -> States:
        """The state before the first slot."""
        return np.array([[0, 0, self.pay.shape[1]]])

    @property
    def remembers_ads(self) -> bool:
        """Whether P(view) depends on the last ad."""
        return bool((self.view[..., 0] != self.view[..., 1]).any())

    def view_at(self, slot: int, levels: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
        """Returns P(view) of every ad in B states, float64 [N, B, A]."""
        ads = np.arange(self.pay.shape[1])
        again = (last[:, None] == ads).astype(np.int64)
        return np.asarray(self.view[:, slot % self.view.shape[1], levels[:, None], ads, again])

    def risk_at(self, slot: int, levels: NDArray[np.int64]) -> Floats:
        """Returns P(leave) after every ad in B states, float64 [B, A, 2]."""
        return np.asarray(self.risk[slot % self.risk.shape[0], levels])


def walk(one: Responses, other: Responses, start: States | None = None, first: int = 0) -> Iterator[tuple[int, States]]:
    """Yields every slot and the states that some agent meets there, for two models that answer alike.

    Ends where all later slots repeat what was yielded; a slot without states is one that no session reaches.
    """
    states, met = one.start if start is None else start, []
    period = one.view.shape[1]
    for slot in range(first, one.n_slots):
        yield slot, states
        met.append(states)
        states = _following(one, other, slot, states)
        if len(met) >= period and np.array_equal(states, met[-period]):
            return


def alike(one: Responses, other: Responses, start: States | None = None, first: int = 0) -> bool:
    """Returns whether no agent can have another session with ``other`` than with ``one``.

    Args:
        one: a model.
        other: a model of the same videos, slots and ads.
        start: state of a session in both at slot ``first``; by default the beginning.
        first: the slot of ``start``.
    """
    for slot, states in walk(one, other, start, first):
        levels, levels_there, last = states.T
        view, view_there = one.view_at(slot, levels, last), other.view_at(slot, levels_there, last)
        pays = (view > 0) & (np.abs(one.pay - other.pay) > _ROUNDING * np.maximum(one.pay, other.pay))[:, None]
        if pays.any() or (np.abs(view - view_there) > _ROUNDING).any():
            return False
        risk, risk_there = one.risk_at(slot, levels), other.risk_at(slot, levels_there)
        leaves = _possible(view) & (np.abs(risk - risk_there) > _ROUNDING)
        if leaves.any() and slot + 1 < one.n_slots:  # after the last slot there is nothing to leave
            return False
    return True


def levels_met(user: Responses) -> NDArray[np.int64]:
    """Returns the fatigue levels that a user reaches, also on leaving, each once."""
    met = [np.zeros(1, dtype=np.int64)]
    for slot, states in walk(user, user):
        state, ad, viewed = np.nonzero(_possible(user.view_at(slot, states[:, 0], states[:, 2])))
        met.append(user.level[states[state, 0], ad, viewed])
    return np.unique(np.concatenate(met))


def _following(one: Responses, other: Responses, slot: int, states: States) -> States:
    """Returns the states that can be met at the next slot, each once."""
    n_ads = one.pay.shape[1]
    possible = _possible(one.view_at(slot, states[:, 0], states[:, 2])) & (one.risk_at(slot, states[:, 0]) < 1)
    state, ad, viewed = np.nonzero(possible)
    last = ad if one.remembers_ads or other.remembers_ads else np.full_like(ad, n_ads)
    levels = one.level[states[state, 0], ad, viewed], other.level[states[state, 1], ad, viewed]
    return np.unique(np.stack([*levels, last], axis=1), axis=0)


def _possible(view: Floats) -> NDArray[np.bool_]:
    """Returns which outcomes [B, A, (not viewed, viewed)] occur before some video, from P(view) [N, B, A]."""
    return np.stack([(view < 1).any(axis=0), (view > 0).any(axis=0)], axis=-1)


def one_of_each_kind(tables: Tables) -> Catalog:
    """Returns a catalog with the first video of every kind, before which users answer as before all others of it."""
    _, first = np.unique(tables.kind, return_index=True)
    catalog = tables.catalog
    given: dict[str, Any] = {
        name: np.asarray(array)[first] for name in OPTIONAL if (array := getattr(catalog, name)) is not None
    }
    return Catalog.from_arrays(
        categories=catalog.categories,
        category=np.asarray(catalog.category)[first],
        neighbors=np.full((len(first), NEIGHBORS), -1),
        importance=np.asarray(catalog.importance)[first],
        classes=catalog.classes,
        response_ads=catalog.response_ads,
        name=str(catalog.path),
        **given,
    )
