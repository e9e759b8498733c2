"""Scenarios: every probability, reward and rule of a simulation, as validated, immutable data.

Section 4 of ``docs/design.md`` describes the model. Every mechanism has an off value, which is the default here; a
scenario file states only the mechanisms that it uses. Units: probabilities and factors are dimensionless, durations are
in seconds, rewards in the currency of the platform, and sessions last up to ``session.horizon`` videos.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_serializer, model_validator

from preroll.console.nearest import known, meant, neighbors
from preroll.console.plural import counted
from preroll.envs.scenario.overrides import apply_overrides
from preroll.errors import PrerollError
from preroll.palette import category_color
from preroll.renamed import PRESETS as RENAMED_PRESETS
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.yaml_config import FileModel, dump_yaml, load_named, validated

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PRESETS = Path(__file__).parent / "presets"

Probability = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[\w-]+$", max_length=64)]
Category = Annotated[str, Field(pattern=r"^[^\x00-\x1f*]+$", max_length=255, description="a folder's name")]
NotViewedViewed = tuple[float, float]
#: The two sources of P(view): the scenario's ads, or the catalog's table of videos and ads.
ADS: Final = "ads"
CATALOG: Final = "catalog"
#: In a mapping of categories to numbers, it stands for every category that is not named.
OTHER = "other"


class Ad(FileModel):
    """One ad; its position in ``Scenario.ads`` is the index of the action that shows it.

    Examples:
        >>> from preroll.envs import Ad
        >>> ad = Ad(category="cats", name="long", length="long", seconds=30, view_probability=0.3, reward=3)
        >>> ad.label, round(ad.view_probability * ad.reward, 2)
        ('cats.long', 0.9)
    """

    category: Category
    name: Name = Field(description="name of the ad within its category")
    length: Name = Field(description="length class; the ad's name where it is not given")
    seconds: float = Field(gt=0, le=3600, description="duration [s]")
    view_probability: Probability | dict[Category, Probability] | None = Field(
        default=None,
        description="P(view) before a video of the ad's own category; or, by the category of the video, all that "
        "position, wear, appeal and repetition do not say: `{cats: 0.3, other: 0.1}`; not under `response: catalog`",
    )
    reward: float = Field(ge=0, le=1e6, description="revenue if the ad is viewed")

    @field_validator("length")
    @classmethod
    def _is_not_that_of_an_empty_slot(cls, length: str) -> str:
        if length == "none":
            raise ValueError("should not be none, which is the length class of an empty slot")
        return length

    @property
    def label(self) -> str:
        """Name of the ad in tables and dotted keys: ``category.name``."""
        return f"{self.category}.{self.name}"

    @property
    def own_probability(self) -> float | None:
        """P(view) before a video of its own category; None where the catalog has it, or there is none."""
        given = self.view_probability
        return given.get(self.category, given.get(OTHER)) if isinstance(given, dict) else given

    @property
    def probability_range(self) -> tuple[float, float] | None:
        """Smallest and largest P(view) that it is given, equal if it is one number; None where the catalog has it."""
        given = self.view_probability
        if given is None:
            return None
        numbers = given.values() if isinstance(given, dict) else (given,)
        return min(numbers, default=0.0), max(numbers, default=0.0)


class Session(FileModel):
    """Maximum length of a session, and its ad slots."""

    horizon: int = Field(default=20, ge=1, le=10_000, description="largest number of videos in a session")
    slots: tuple[Name, ...] = Field(default=("pre",), min_length=1, max_length=8, description="ad slots of one video")
    no_ad: bool = Field(default=False, description="may a slot be left without an ad?")


class Fatigue(FileModel):
    """Level f' = clip(f + gain[length, viewed] - recovery, 0, levels - 1) after every slot; wear[f] scales P(view).

    Off: gain 0 for every length, or wear 1 at every level and no hazard that depends on fatigue.
    """

    levels: int = Field(default=1, ge=1, le=32, description="number of fatigue levels F")
    recovery: int = Field(default=0, ge=0, le=32, description="levels recovered in every slot")
    gain: dict[Name, tuple[int, int]] = Field(
        default_factory=dict, description="levels by length: [not viewed, viewed]"
    )
    wear: tuple[Factor, ...] = Field(default=(), description="factor on P(view) at each level; 1 where not given")

    @model_validator(mode="after")
    def _wear_has_an_entry_for_every_level(self) -> Self:
        if self.wear and len(self.wear) != self.levels:
            raise ValueError(f"wear needs one number for each of the {self.levels} levels, not {len(self.wear)}")
        if any(not -32 <= level <= 32 for pair in self.gain.values() for level in pair):
            raise ValueError("gain should lie in [-32, 32] levels")
        return self


class Leave(FileModel):
    """P(leave) = clip((hazard[length, viewed] + fatigue[f']) · leave factor of the segment, 0, 1) after every slot."""

    hazard: dict[Name, tuple[Probability, Probability]] = Field(
        default_factory=dict, description="by length class: [not viewed, viewed]"
    )
    fatigue: tuple[Probability, ...] = Field(
        default=(), description="added at each fatigue level f'; 0 where not given"
    )


class Segment(FileModel):
    """One type of user."""

    name: Name = Field(description="name of the segment")
    share: Probability = Field(description="share of all sessions")
    appeal: dict[str, Factor] = Field(
        default_factory=dict, description="factor on P(view) by ad, length or category: cats.long, long or cats"
    )
    leave: Factor = Field(default=1.0, description="factor on P(leave)")


class User(FileModel):
    """Response of users to ads."""

    mismatch: Probability = Field(default=1.0, description="m: factor on P(view) of an ad that does not fit the video")
    position: dict[Name, Factor] = Field(
        default_factory=dict, description="factor on P(view) by slot name; 1 elsewhere"
    )
    repeat: Factor = Field(default=1.0, description="factor on P(view) when the ad is the last one shown")
    fatigue: Fatigue = Fatigue()
    leave: Leave = Leave()
    segments: tuple[Segment, ...] = Field(
        default=(), max_length=16, description="mixture of user types; none: one type"
    )
    abandonment: tuple[tuple[Probability, Probability], ...] = Field(
        default=(), description="points (fraction of the ad, share of abandoners gone by then), from (0, 0) to (1, 1)"
    )

    @field_validator("segments")
    @classmethod
    def _are_a_mixture(cls, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        if segments and abs(sum(segment.share for segment in segments) - 1) > 1e-9:
            raise ValueError("shares of the segments should add up to 1")
        if len({segment.name for segment in segments}) != len(segments):
            raise ValueError("a segment's name occurs twice")
        return segments

    @field_validator("abandonment")
    @classmethod
    def _is_a_distribution(cls, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if points and (points[0] != (0, 0) or points[-1] != (1, 1) or list(points) != sorted(points)):
            raise ValueError("should be increasing points from [0, 0] to [1, 1]")
        if points and any(a[1] > b[1] for a, b in pairwise(points)):
            raise ValueError("shares should not fall")
        return points


class Recommender(FileModel):
    """Choice of the next video: any with probability ``jump``, else neighbour k (0 … 9) with weight rank_decay^k."""

    jump: Probability = Field(default=0.1, description="probability that any video follows, a neighbor or not")
    rank_decay: float = Field(default=0.8, gt=0, le=1, description="factor on the weight from one neighbor to the next")
    neighbors: int = Field(default=10, ge=1, le=10, description="how many of a video's nearest ones it draws from")


class Observe(FileModel):
    """Parts of the observation; what is false is absent from it."""

    category: Literal[True, "predicted", "none"] = Field(
        default=True, description="the true category, the probabilities that perception predicts, or none"
    )
    content: Literal[True, "objects", "embedding", False] = Field(
        default=True,
        description="what perception knows of the video: `objects` (true; their importance), `embedding` (reduced), or "
        "false",
    )
    memorability: bool = Field(default=False, description="share of videos that are predicted to be less memorable")
    progress: bool = Field(default=True, description="share of the horizon that is over")
    fatigue: bool = Field(default=False, description="fatigue level")
    last_ad: bool = Field(default=False, description="the ad of the last slot")
    last_view: bool = Field(default=False, description="whether that ad was viewed")
    position: bool = Field(default=False, description="ad slot of the video")
    segment: bool = Field(default=False, description="segment of the user")

    @field_validator("content")
    @classmethod
    def _objects_as_ever(cls, content: Any) -> Any:
        # Scenarios have been written with true since before there were embeddings: equal ones have equal hashes.
        return True if content == "objects" else content


class Drift(FileModel):
    """A change of parameters, at the same session of every lane."""

    from_session: int = Field(ge=1, description="number of the first session of a lane to which it applies, from 0")
    set: dict[str, Any] = Field(min_length=1, description="new values, or {scale: factor}, by dotted key")


class Scenario(ShownTable, FileModel):  # type: ignore[misc]  # rows, where pydantic has fields
    """Complete definition of a simulation, except for the catalog of videos.

    ``ads`` is written as a mapping ``category: {name: {seconds, view_probability, reward}}`` and stored as a tuple of
    :class:`Ad` in that order, which numbers the actions; "no ad", where allowed, is the last action.

    Examples:
        >>> from preroll.envs import Scenario
        >>> scenario = Scenario.load("fatigue").replace({"ads.cats.long.reward": 4.5, "user.mismatch": {"scale": 0.5}})
        >>> scenario.ads[1].label, scenario.ads[1].reward, scenario.user.mismatch, scenario.n_slots
        ('cats.long', 4.5, 0.2, 40)
    """

    name: Name = Field(default="scenario", description="name of the scenario")
    description: str = Field(default="", description="what the scenario is, for lists")
    session: Session = Session()
    response: Literal["ads", "catalog"] = Field(
        default=ADS,
        description="where P(view) before position, wear, appeal and repetition comes from: the ads, or the catalog's "
        "table of videos and ads",
    )
    ads: tuple[Ad, ...] = Field(max_length=1000, description="the ads, in the order of the actions")
    recall_weight: float = Field(
        default=0.0, ge=0, le=1e6, description="second reward: worth of a viewed ad that is remembered"
    )
    user: User = User()
    recommender: Recommender = Recommender()
    observe: Observe = Observe()
    drift: tuple[Drift, ...] = Field(default=(), description="changes of parameters, in order")

    @field_validator("ads", mode="before")
    @classmethod
    def _flatten_ads(cls, value: Any) -> Any:
        """Converts the nested mapping of the file to a list of ads."""
        if not isinstance(value, Mapping):
            return value
        ads = []
        for category, group in value.items():
            if not isinstance(group, Mapping) or not group:
                raise ValueError(
                    f"{category}: at least one ad is needed, as NAME: {{seconds, view_probability, reward}}"
                )
            for name, ad in group.items():
                if not isinstance(ad, Mapping):
                    raise ValueError(
                        f"{category}.{name}: a mapping with seconds, view_probability and reward is expected"
                    )
                ads.append({"category": category, "name": name, "length": name, **ad})
        return ads

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        labels = [ad.label for ad in self.ads]
        if not labels:
            raise ValueError("ads: at least one ad is needed")
        if len(set(labels)) != len(labels):
            raise ValueError("ads: an ad occurs twice")
        if len(list(groupby(ad.category for ad in self.ads))) != len({ad.category for ad in self.ads}):
            raise ValueError("ads: the ads of a category must be consecutive")
        lengths = {*self.lengths, "none"}
        for key, given in (("fatigue.gain", self.user.fatigue.gain), ("leave.hazard", self.user.leave.hazard)):
            if unknown := sorted(set(given) - lengths):
                told = known(unknown[0], "lengths are", sorted(lengths))
                raise ValueError(f"user.{key}: no ad has length {unknown[0]!r}; {told}")
        if unknown := sorted(set(self.user.position) - set(self.session.slots)):
            told = known(unknown[0], "slots are", self.session.slots)
            raise ValueError(f"user.position: no slot {unknown[0]!r}; {told}")
        if len(set(self.session.slots)) != len(self.session.slots):
            raise ValueError("session.slots: a slot occurs twice")
        if self.user.leave.fatigue and len(self.user.leave.fatigue) != self.user.fatigue.levels:
            raise ValueError(
                f"user.leave.fatigue: one number for each of the {self.user.fatigue.levels} fatigue levels is expected"
            )
        self._probabilities_have_one_source()
        appealing = {*labels, *self.lengths, *(ad.category for ad in self.ads)}
        for segment in self.user.segments:
            if unknown := sorted(set(segment.appeal) - appealing):
                told = f"is no ad, length or category of this scenario{meant(unknown[0], appealing)}"
                raise ValueError(f"user.segments: appeal {unknown[0]!r} {told}")
        return self

    def _probabilities_have_one_source(self) -> None:
        for ad in self.ads:
            key, given = f"ads.{ad.label}.view_probability", ad.view_probability is not None
            if given and self.response == CATALOG:
                raise ValueError(f"{key}: under response: catalog, P(view) comes from the catalog; leave it out")
            if not given and self.response == ADS:
                raise ValueError(f"{key}: is missing")

    @model_validator(mode="after")
    def _drift_is_in_order(self) -> Self:
        starts = [phase.from_session for phase in self.drift]
        if starts != sorted(set(starts)):
            raise ValueError("drift: from_session should increase from one entry to the next")
        self.phases  # noqa: B018  (validates the overrides of every phase now, not in the middle of a run)
        return self

    @model_serializer(mode="wrap")
    def _nest_ads(self, handler: Any) -> dict[str, Any]:
        """Serialises the ads as the nested mapping of the file, and of two sources of P(view) only the one in use.

        Hashes and fingerprints of scenarios that take it from their ads have been those since before there was another.
        """
        plain: dict[str, Any] = handler(self)
        nested: dict[str, dict[str, Any]] = {}
        for ad in plain["ads"]:
            category, name = ad.pop("category"), ad.pop("name")
            if self.response == CATALOG:
                ad.pop("view_probability", None)
            nested.setdefault(category, {})[name] = ad
        if plain.get("response") == ADS:
            del plain["response"]
        plain["ads"] = nested
        return plain

    @property
    def lengths(self) -> tuple[str, ...]:
        """Length classes of the ads, in order of appearance."""
        return tuple(dict.fromkeys(ad.length for ad in self.ads))

    @property
    def n_slots(self) -> int:
        """Largest number T of slots in a session."""
        return self.session.horizon * len(self.session.slots)

    @property
    def phases(self) -> tuple[tuple[int, "Scenario"], ...]:
        """First session and scenario without drift of every phase; each drift entry builds on the previous phase."""
        current = self.model_copy(update={"drift": ()})
        phases = [(0, current)]
        for entry in self.drift:
            try:
                following = current.replace(entry.set)
            except PrerollError as error:
                said = str(error).removeprefix(f"scenario {current.name}: ")
                raise ValueError(f"drift from session {entry.from_session}: {said}") from None
            if following._fixed != self._fixed:
                raise ValueError(
                    "drift: may change probabilities, rewards and gains, not ads, slots, levels, observations, response"
                )
            phases.append((entry.from_session, following))
            current = following
        return tuple(phases)

    @property
    def _fixed(self) -> tuple[Any, ...]:
        """Values that all phases must share, because they determine the shapes of the tables."""
        user, ads = self.user, [(ad.label, ad.length, ad.seconds) for ad in self.ads]
        segments, near = tuple(segment.name for segment in user.segments), self.recommender.neighbors
        return ads, self.response, self.session, self.observe, user.fatigue.levels, segments, user.abandonment, near

    @classmethod
    def load(cls, source: "str | Path | Mapping[str, Any] | Scenario") -> "Scenario":
        """Loads a scenario from a preset name, a YAML file or a mapping; returns a scenario unchanged.

        Raises:
            PrerollError: If the source does not exist or is invalid; names file, key, value and what is allowed.
        """
        if isinstance(source, Scenario):
            return source
        if isinstance(source, Mapping):
            return _validated(source, "scenario")
        path = cls.file(source)
        if not path.is_file():
            if str(source) in RENAMED_PRESETS:
                raise PrerollError(f"scenario {str(source)!r}: the preset is now {RENAMED_PRESETS[str(source)]!r}")
            files = neighbors(path, "*.y*ml")
            told = known(source, "presets are", preset_names()) if not files else f"did you mean {files[0]}?"
            raise PrerollError(f"scenario {str(source)!r}: no such preset or file; {told}")
        return _validated(load_named(path), str(path))

    @staticmethod
    def file(source: str | Path) -> Path:
        """Returns the file of a preset's name, or that of a path, which need not exist."""
        return PRESETS / f"{source}.yaml" if str(source) in preset_names() else Path(source)

    def replace(self, changes: Mapping[str, Any]) -> "Scenario":
        """Returns a copy with dotted keys set: ``{"ads.cats.long.view_probability": 0.5, "user.mismatch": 0.2}``.

        ``*`` matches every key of its level; the value ``{"scale": x}`` multiplies the existing number.

        Raises:
            PrerollError: If a key is unknown or a value is out of range.
        """
        source = f"scenario {self.name}"
        return _validated(apply_overrides(self._with_every_key(), changes, source), source)

    def _with_every_key(self) -> dict[str, Any]:
        """Returns what :meth:`replace` changes: a key that may not be set is known all the same, and told why."""
        plain = {"response": self.response, **self.model_dump(mode="json")}
        for ads in plain["ads"].values():
            for ad in ads.values():
                ad.setdefault("view_probability", None)
        return plain

    def dump(self) -> str:
        """Returns the whole scenario as YAML, from which :meth:`load` restores an equal one."""
        return _dumped(json.dumps(self.model_dump(mode="json")))

    @property
    def _listed(self) -> list[tuple[int, Ad]]:
        """Number and ad, in the order in which tables list them: by category, as a catalog sorts these."""
        return sorted(enumerate(self.ads), key=lambda numbered: numbered[1].category)

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row an ad, by category, as all tables list them; ``action`` is its number.

        ``view_probability`` is P(view) before a video of the ad's own category; where an ad has probabilities by
        category, ``view_probability.CATEGORY`` are these.
        """
        import pandas as pd

        rows = []
        for action, ad in self._listed:
            given = ad.view_probability if isinstance(ad.view_probability, dict) else {}
            own = {"view_probability": ad.own_probability, "reward": ad.reward}
            rows.append({
                "ad": ad.label, "action": action, "category": ad.category, "name": ad.name, "length": ad.length,
                "seconds": ad.seconds, **own, **{f"view_probability.{name}": p for name, p in given.items()},
            })  # fmt: skip
        return pd.DataFrame(rows).astype({"view_probability": "float64"})

    def plot(self, axes: "Axes | None" = None) -> "Axes":
        """Draws P(view) · reward of every ad before a video of its own category.

        An ad with probabilities by category has a bar as long as the largest of them, and a line from the smallest.

        Args:
            axes: the axes to draw on; new ones by default.

        Raises:
            PrerollError: P(view) is the catalog's: ``Tables.compile(scenario, catalog).plot()`` shows it.
        """
        if self.response == CATALOG:
            raise PrerollError(
                f"scenario {self.name}: response: 'catalog': P(view) stands in the catalog; "
                "plot Tables.compile(scenario, catalog) instead"
            )
        hues = {name: category_color(k) for k, name in enumerate(sorted({ad.category for ad in self.ads}))}
        rows, before = [], "before a video of the own category"
        for _, ad in self._listed:
            assert ad.probability_range is not None
            least, most = (p * ad.reward for p in ad.probability_range)
            rows.append(plots.Bar(ad.label, most, color=hues[ad.category]))
            if isinstance(ad.view_probability, dict):
                rows[-1] = replace(rows[-1], low=least, high=most)
                before = "before a video of the own category, or by category from least to most"
        return plots.bars(axes, rows, title=self.name, x=f"P(view) · reward {before}")

    def _card(self) -> Card:
        user, observed = self.user, self.observe.model_dump()
        levels, segments = counted(user.fatigue.levels, "fatigue level"), counted(len(user.segments) or 1, "segment")
        facts = {
            **({"about": self.description} if self.description else {}),
            "session": f"{self.session.horizon:,} videos, {self.n_slots:,} slots"
            + (", a slot may stay empty" if self.session.no_ad else ""),
            "users": f"{levels}, {segments}, {counted(len(self.drift), 'change')} by drift",
            "P(view)": "of the catalog" if self.response == CATALOG else f"of the ads; mismatch {user.mismatch:g}",
            "observed": ", ".join(name for name, value in observed.items() if value not in (False, "none")),
        }
        rows = [(ad.label, ad.seconds, _told(ad), ad.reward) for _, ad in self._listed]
        return Card(f"Scenario {self.name}", facts, ("ad", "seconds", "P(view)", "reward"), rows)


def _told(ad: Ad) -> str | float | None:
    """Returns P(view) of an ad, as a range where it has several by category."""
    if ad.probability_range is None or ad.probability_range[0] == ad.probability_range[1]:
        return ad.probability_range and ad.probability_range[0]
    return " … ".join(f"{p:g}" for p in ad.probability_range)


@lru_cache(maxsize=16)
def _dumped(plain: str) -> str:
    """Returns a scenario, as JSON, in YAML, which takes 50 times as long; runs of a sweep share theirs."""
    return dump_yaml(json.loads(plain))


def _validated(value: Mapping[str, Any], source: str) -> Scenario:
    """Validates a scenario; error messages name an ad by its label, as the file does, instead of its index."""
    try:
        return validated(Scenario, value, source)
    except PrerollError as error:
        groups = value.get("ads")
        groups = groups if isinstance(groups, Mapping) else {}
        labels = [f"{category}.{name}" for category, ads in groups.items() if isinstance(ads, Mapping) for name in ads]
        numbers = {str(number): label for number, label in enumerate(labels)}
        named = re.sub(r"(?<= ads\.)\d+(?=\.)", lambda found: numbers.get(found[0], found[0]), str(error))
        raise PrerollError(named) from None


def preset_names() -> list[str]:
    """Returns the names of the scenarios that are shipped with the package.

    Examples:
        >>> from preroll.envs import preset_names
        >>> preset_names()
        ['campaigns', 'classic', 'drift', 'fatigue', 'hidden-users', 'published']
    """
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))
