"""Observation layout and session specification: what an agent observes and what it may know."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.scenario.parts import Ad
from preroll.envs.scenario.scenario import Scenario
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd

#: Parts of an observation that depend on the video alone; they precede all others.
OF_VIDEO = ("category", "content", "memorability")


@dataclass(frozen=True)
class Part:
    """One named part of an observation.

    Attributes:
        start: first entry.
        stop: entry after the last one.
        unit: unit of the entries, such as ``one-hot`` or ``share``.
        meaning: description of the entries.
    """

    start: int
    stop: int
    unit: str
    meaning: str

    @property
    def slice(self) -> slice:
        """Slice of this part on the last axis of observations."""
        return slice(self.start, self.stop)

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.stop - self.start


@dataclass(frozen=True, repr=False)
class ObservationLayout(ShownTable):
    """Named parts of an observation, in order; every entry lies in [0, 1].

    The parts of :data:`OF_VIDEO` come first and are copied from the video's row; the other parts describe the state of
    the session.

    Attributes:
        parts: the parts by name.

    Examples:
        >>> from preroll.envs import Tables
        >>> layout = Tables.compile("fatigue", "demo").layout
        >>> layout.size, list(layout.parts)
        (23, ['category', 'content', 'progress', 'fatigue', 'last_view'])
        >>> layout.parts["fatigue"].slice
        slice(16, 22, None)
    """

    parts: Mapping[str, Part]

    @classmethod
    def of(
        cls, scenario: str | Path | Mapping[str, Any] | Scenario, n_categories: int, n_classes: int, n_reduced: int = 0
    ) -> "ObservationLayout":
        """Builds the layout that ``scenario.observe`` requests.

        Args:
            scenario: preset name, YAML file, mapping or scenario.
            n_categories: K, number of categories of the catalog.
            n_classes: C, number of object classes of the catalog.
            n_reduced: E, number of components of the catalog's reduced embeddings.
        """
        scenario = Scenario.load(scenario)
        observe = scenario.observe
        content = (n_classes, "importance", "object importance of the video")
        if observe.content == "embedding":
            content = (n_reduced, "component", "reduced embedding of the video")
        n_ads = len(scenario.ads) + scenario.session.no_ad
        wanted: list[tuple[str, bool, int, str, str]] = [
            ("category", observe.category != "none", n_categories, "probability", "category of the video"),
            ("content", bool(observe.content), *content),
            ("memorability", observe.memorability, 1, "share", "share of videos predicted to be less memorable"),
            ("progress", observe.progress, 1, "share", "share of the horizon that is over"),
            ("fatigue", observe.fatigue, scenario.user.fatigue.levels, "one-hot", "fatigue level"),
            ("last_ad", observe.last_ad, n_ads, "one-hot", "last ad shown; all 0 before the first"),
            ("last_view", observe.last_view, 1, "0 or 1", "was the ad of the slot before viewed?"),
            ("position", observe.position, len(scenario.session.slots), "one-hot", "position of the slot in its video"),
            ("segment", observe.segment, max(1, len(scenario.user.segments)), "one-hot", "segment of the user"),
        ]
        parts, start = {}, 0
        for name, shown, size, unit, meaning in wanted:
            if shown and size:
                parts[name] = Part(start, start + size, unit, meaning)
                start += size
        return cls(parts)

    @property
    def size(self) -> int:
        """Number d of entries of an observation."""
        return max((part.stop for part in self.parts.values()), default=0)

    def offset(self, name: str) -> int:
        """Returns the first entry of a part, or -1 if the scenario does not show it."""
        return self.parts[name].start if name in self.parts else -1

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a part: its name, first entry, entry after the last one, unit and meaning."""
        import pandas as pd

        return pd.DataFrame([{"part": name, **asdict(part)} for name, part in self.parts.items()])

    def _card(self) -> Card:
        rows = [(name, f"{part.start} … {part.stop - 1}", part.unit, part.meaning) for name, part in self.parts.items()]
        return Card(f"Observation of {self.size:,} numbers", {}, ("part", "entries", "unit", "meaning"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {name: asdict(part) for name, part in self.parts.items()}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "ObservationLayout":
        """Restores a layout from the output of :meth:`to_dict`."""
        return cls({name: Part(**part) for name, part in value.items()})


@dataclass(frozen=True, repr=False)
class SessionSpec(ShownTable):
    """Everything that an agent may know before it acts: observation parts, ads and rewards, but no probabilities.

    Attributes:
        name: name of the scenario.
        layout: parts of the observation.
        categories: names of the K categories of the catalog, in the order of the part ``category``.
        ads: category, name, length, seconds and reward of every ad, in the order of the scenario; actions
            0 … len(ads) - 1. Their order is not that of ``categories``: an ad is found by its name in :attr:`labels`.
        no_ad: whether the last action leaves the slot empty.
        n_slots: T, largest number of slots of a session.
        bonus: largest reward that a view can pay, less the largest reward of ``ads``; above 0 with recall rewards, and
            where rewards drift.

    Examples:
        >>> from preroll.envs import Tables
        >>> spec = Tables.compile("fatigue", "demo").spec
        >>> spec.labels[:2], spec.labels[-1], spec.n_actions
        (('cats.short', 'cats.long'), 'none', 7)
        >>> spec.rewards
        array([1., 3., 1., 2., 1., 2., 0.])
        >>> spec.categories, spec.listed, spec.labels[spec.listed[0]]
        (('cars', 'cats', 'concerts'), (2, 3, 0, 1, 4, 5, 6), 'cars.short')
        >>> [spec.labels.index(f"{category}.long") for category in spec.categories]
        [3, 1, 5]
    """

    name: str
    layout: ObservationLayout
    categories: tuple[str, ...]
    ads: tuple[Ad, ...]
    no_ad: bool
    n_slots: int
    bonus: float = 0.0

    @property
    def n_actions(self) -> int:
        """Number A of actions, including "no ad"."""
        return len(self.ads) + self.no_ad

    @cached_property
    def rewards(self) -> NDArray[np.float64]:
        """Reward of every action if it is viewed, float64 [A]; 0 for "no ad".

        Recall rewards, which depend on the video, are not included. Where rewards drift, these are the rewards of the
        first phase.
        """
        return np.array([ad.reward for ad in self.ads] + [0.0] * self.no_ad)

    @property
    def largest_reward(self) -> float:
        """Upper bound of the reward of one slot."""
        return float(self.rewards.max()) + self.bonus

    @property
    def reward_unit(self) -> float:
        """Reward by which agents divide money, so that its unit is no matter: the largest, or 1 if nothing pays."""
        return self.largest_reward or 1.0

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of every action: ``category.name`` or ``none``."""
        return (*(ad.label for ad in self.ads), *(["none"] if self.no_ad else []))

    @property
    def lengths(self) -> tuple[str, ...]:
        """Length class of every action; ``none`` for "no ad"."""
        return (*(ad.length for ad in self.ads), *(["none"] if self.no_ad else []))

    @cached_property
    def ad_category(self) -> NDArray[np.int64]:
        """Category index of every action, int64 [A]; -1 for "no ad", -2 for an ad whose group is no category."""
        own = {category: k for k, category in enumerate(self.categories)}
        return np.array([own.get(ad.category, -2) for ad in self.ads] + [-1] * self.no_ad, dtype=np.int64)

    @cached_property
    def listed(self) -> tuple[int, ...]:
        """The actions in the order in which tables and legends list them: by category, then by other groups, then none.

        Actions are numbered as the scenario writes its ads, categories as the catalog sorts them: a number of one says
        nothing of the other.
        """
        others = sorted({ad.category for ad in self.ads}.difference(self.categories))
        place = {name: k for k, name in enumerate([*self.categories, *others])}
        groups = [place[ad.category] for ad in self.ads] + [len(place)] * self.no_ad
        return tuple(np.argsort(groups, kind="stable").tolist())

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row an action, as :attr:`listed`: its number, name, category, length, seconds and reward."""
        import pandas as pd

        rows: list[tuple[Any, ...]] = [(ad.category, ad.seconds) for ad in self.ads] + [("", 0.0)] * self.no_ad
        numbers = zip(rows, self.labels, self.lengths, self.rewards.tolist(), strict=True)
        actions = [
            {"action": action, "ad": label, "category": group, "length": length, "seconds": seconds, "reward": reward}
            for action, ((group, seconds), label, length, reward) in enumerate(numbers)
        ]
        return pd.DataFrame([actions[action] for action in self.listed])

    def _card(self) -> Card:
        facts = {
            "categories": ", ".join(self.categories),
            "session": f"at most {self.n_slots:,} slots" + (", a slot may stay empty" if self.no_ad else ""),
            "observation": f"{self.layout.size:,} numbers: {', '.join(self.layout.parts)}",
            **({"bonus": f"a view pays up to {self.bonus:g} more than the largest reward"} if self.bonus else {}),
        }
        rows = list(self.to_frame()[["ad", "action", "length", "seconds", "reward"]].itertuples(index=False, name=None))
        return Card(
            f"Agents' view of scenario {self.name}", facts, ("ad", "action", "length", "seconds", "reward"), rows
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON, without view probabilities, which an agent does not know."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        ads = [ad.model_dump(mode="json", exclude={"view_probability"}) for ad in self.ads]
        layout = self.layout.to_dict()
        return {**fields, "layout": layout, "ads": ads, "categories": list(self.categories)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "SessionSpec":
        """Restores a specification from the output of :meth:`to_dict`, also that of earlier versions.

        View probabilities are unknown and set to 0; fields that earlier versions lack take their defaults.
        """
        ads = tuple(Ad(**ad, view_probability=0.0) for ad in value["ads"])
        layout = ObservationLayout.from_dict(value["layout"])
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        return cls(**{**known, "layout": layout, "ads": ads, "categories": tuple(value["categories"])})
