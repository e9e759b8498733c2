"""Parts of a scenario: ads, sessions, users, the recommender, what is observed, and changes by drift.

Every mechanism has an off value, which is the default here. Units: probabilities and factors are dimensionless,
durations are in seconds, rewards in the currency of the platform.
"""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from preroll.yaml_config import FileModel

Probability = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0, le=100)]
Name = Annotated[str, Field(pattern=r"^[\w-]+$", max_length=64)]
Category = Annotated[str, Field(pattern=r"^[^\x00-\x1f*]+$", max_length=255, description="a folder's name")]
NotViewedViewed = tuple[float, float]
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
