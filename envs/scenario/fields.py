"""The keys of a scenario, how its file nests the ads, and whether its parts fit together."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_serializer, model_validator

from preroll.console.nearest import known, meant
from preroll.envs.scenario.parts import Ad, Drift, Name, Observe, Recommender, Session, User
from preroll.yaml_config import FileModel

#: The two sources of P(view): the scenario's ads, or the catalog's table of videos and ads.
ADS: Final = "ads"
CATALOG: Final = "catalog"


class ScenarioFields(FileModel):
    """What a scenario file states; ``ads`` is written as a mapping and stored as a tuple."""

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
        if not isinstance(value, Mapping | list | tuple):
            raise ValueError("categories are expected, as CATEGORY: {NAME: {seconds, view_probability, reward}}")
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
    def listed(self) -> list[tuple[int, Ad]]:
        """Number and ad, in the order in which tables list them: by category, as a catalog sorts these."""
        return sorted(enumerate(self.ads), key=lambda numbered: numbered[1].category)

    @property
    def n_slots(self) -> int:
        """Largest number T of slots in a session."""
        return self.session.horizon * len(self.session.slots)
