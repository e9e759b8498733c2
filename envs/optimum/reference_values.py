"""Exact values of simple policies relative to the optimum, before any training."""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from preroll.envs.model.part_of import titled
from preroll.envs.model.tables import Tables, TablesSource
from preroll.envs.optimum.optimum import Optimum
from preroll.envs.optimum.restricted import RANDOM_BEGINNINGS, best_fixed, best_open_loop
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.simple import fixed_policy, random_policy
from preroll.errors import PrerollError
from preroll.shown.card import Card
from preroll.shown.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

# Up to which an open-loop plan is searched: states of a session, and action values of all plans from which it begins.
LARGEST_PLAN, LARGEST_SEARCH = 5_000_000, 2 * 10**9
#: Of the rows "always LENGTH" where no ad is of a category; the agents of that name draw among the ads.
BEST_OF_LENGTH = "the ad that earns most in the first slot"
LARGEST_FIXED = 4 * 10**9  # states of all changes of a fixed policy up to which the best one is searched


@dataclass(frozen=True, repr=False)
class ReferenceValue(Shown):
    """Exact value of one reference policy.

    Attributes:
        name: name of the policy.
        value: expected revenue of a session.
        share: value as a share of the optimum.
        slots: expected number of slots of a session.
        shares: share of each length class among the ads shown, by name.
        empty_share: share of slots without an ad.
        note: how the policy was found, if that limits what the value means.

    Examples:
        >>> from preroll.envs import Tables, reference_values
        >>> rows = {row.name: row for row in reference_values(Tables.compile("classic", "demo"))}
        >>> round(rows["random"].value, 3), f"{rows['random'].share:.1%}", rows["random"].shares
        (10.198, '56.7%', {'short': 0.5, 'long': 0.5})
    """

    name: str
    value: float
    share: float
    slots: float
    shares: dict[str, float]
    empty_share: float
    note: str = ""

    def to_row(self) -> dict[str, Any]:
        """Returns every number as flat columns, which are those of ``preroll optimum --csv``."""
        return {
            "policy": self.name,
            "revenue": self.value,
            "percent_of_optimum": 100 * self.share,
            **{f"share.{length}": share for length, share in self.shares.items()},
            "empty_share": self.empty_share,
            "session_length": self.slots,
            "note": self.note,
        }


class ReferenceValues(Shown, list[ReferenceValue]):
    """A list of reference values that shows itself as a table.

    Args:
        rows: the values.
        title: what they are of.
    """

    def __init__(self, rows: Iterable[ReferenceValue], title: str) -> None:
        super().__init__(rows)
        self._title = title

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a policy: :meth:`ReferenceValue.to_row`."""
        import pandas as pd

        return pd.DataFrame([row.to_row() for row in self])

    def _card(self) -> Card:
        lengths = list(self[0].shares) if self else []
        empty = ["empty"] if any(row.empty_share for row in self) else []
        rows = []
        for row in self:
            shares = [*row.shares.values(), *([row.empty_share] if empty else [])]
            rows.append((row.name, row.value, f"{100 * row.share:.2f}", *(f"{100 * share:.0f} %" for share in shares)))
        head = ("policy", "revenue", "% of optimum", *lengths, *empty)
        return Card(self._title, {"revenue": "expected, of a session, exactly"}, head, rows, "to_frame()")


def reference_values(tables: TablesSource, phase: int = 0) -> ReferenceValues:
    """Computes the exact values of the optimum and of simple policies, in a fixed order that starts with the optimum.

    The list shows itself as a table; ``to_frame()`` has every number.

    Args:
        tables: a compiled scenario, or one to compile: see :meth:`Tables.of`.
        phase: the phase of drift.

    Examples:
        >>> from preroll.envs import Tables, reference_values
        >>> for row in reference_values(Tables.compile("classic", "demo"))[:3]:
        ...     print(f"{row.name:32}{row.value:8.3f}{row.share:8.1%}")
        optimum                           17.983  100.0%
        optimum on predicted categories   17.748   98.7%
        greedy                            17.983  100.0%
    """
    return values_beside(Optimum(tables, phase))


def values_beside(optimum: Optimum) -> ReferenceValues:
    """Computes the rows of :func:`reference_values` beside an optimum, which is not solved again."""
    scenario = optimum.tables.scenario
    title = titled(f"Reference values on scenario {scenario.name}", scenario, optimum.phase)
    return ReferenceValues((_row(optimum, name, policy, note) for name, policy, note in _policies(optimum)), title)


def _policies(optimum: Optimum) -> Iterator[tuple[str, Policy, str]]:
    """Yields name, policy and note of each row; policies by category are omitted where videos have no category."""
    tables = optimum.tables
    labeled = bool((np.asarray(tables.category) >= 0).all())
    yield "optimum", optimum.policy, optimum.knowledge.note
    if labeled and tables.catalog.category_probabilities is not None and not tables.response_of_videos:
        believed = Optimum(as_predicted(tables), optimum.phase)
        yield "optimum on predicted categories", believed.policy, "perception's category taken for true"
    yield "greedy", greedy_policy(tables), "knows the tables, looks one slot ahead"
    if labeled:
        yield from _by_category(optimum)
    yield "random", random_policy(tables), ""


def _by_category(optimum: Optimum) -> Iterator[tuple[str, Policy, str]]:
    tables = optimum.tables
    states, n_ads = tables.n_videos * tables.n_levels * tables.n_slots, tables.n_actions
    if states * n_ads * len(tables.spec.categories) <= LARGEST_FIXED:
        fixed = best_fixed(optimum)
        yield "best fixed per category", fixed.policy, "" if fixed.proven else "best found"
    if states <= LARGEST_PLAN and states * n_ads * (n_ads + RANDOM_BEGINNINGS + 1) <= LARGEST_SEARCH:
        yield "best open-loop plan", best_open_loop(optimum).policy, "by slot and category; best found"
    by_group = (tables.spec.ad_category >= 0).any()
    for length in tables.scenario.lengths:
        try:
            yield f"always {length}", fixed_policy(tables, length), "" if by_group else BEST_OF_LENGTH
        except PrerollError:  # some category has no ad of this length
            continue


def as_predicted(tables: Tables) -> Tables:
    """Returns the tables of an agent that takes the most probable predicted category of every video for its true one.

    Raises:
        PrerollError: If the catalog has no predictions, or a video has no true category.
    """
    probabilities = tables.catalog.category_probabilities
    if probabilities is None:
        raise PrerollError(f"catalog {tables.catalog.path}: has no category probabilities")
    if (tables.category < 0).any():
        raise PrerollError(f"catalog {tables.catalog.path}: has videos without a true category")
    guessed = copy(tables.catalog)
    guessed.category = np.asarray(probabilities).argmax(axis=1).astype(np.int16)
    return Tables.compile(tables.scenario, guessed)


def _row(optimum: Optimum, name: str, policy: Policy, note: str) -> ReferenceValue:
    value, shown = optimum.value_of(policy), optimum.shown(policy)
    by_length = dict.fromkeys(optimum.tables.spec.lengths, 0.0)
    for length, share in zip(optimum.tables.spec.lengths, shown / shown.sum(), strict=True):
        by_length[length] += float(share)
    empty = by_length.pop("none", 0.0)
    filled = max(sum(by_length.values()), 1e-300)
    shares = {length: share / filled for length, share in by_length.items()}
    best = optimum.value
    return ReferenceValue(name, value, value / best if best > 0 else 1.0, float(shown.sum()), shares, empty, note)
