"""Scenarios: every probability, reward and rule of a simulation, as validated, immutable data.

Section 4 of ``docs/design.md`` describes the model. Every mechanism has an off value, which is the default here; a
scenario file states only the mechanisms that it uses. Units: probabilities and factors are dimensionless, durations are
in seconds, rewards in the currency of the platform, and sessions last up to ``session.horizon`` videos.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from preroll.bounded.yaml_text import dump_yaml, load_named
from preroll.console.nearest import known, neighbors
from preroll.envs.scenario import scenario_views as views
from preroll.envs.scenario.fields import ScenarioFields
from preroll.envs.scenario.overrides import apply_overrides
from preroll.errors import PrerollError
from preroll.renamed import PRESETS as RENAMED_PRESETS
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable
from preroll.yaml_config import validated

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PRESETS = Path(__file__).parent / "presets"


class Scenario(ShownTable, ScenarioFields):  # type: ignore[misc]  # rows, where pydantic has fields
    """Complete definition of a simulation, except for the catalog of videos.

    ``ads`` is written as a mapping ``category: {name: {seconds, view_probability, reward}}`` and stored as a tuple of
    :class:`Ad` in that order, which numbers the actions; "no ad", where allowed, is the last action.

    Examples:
        >>> from preroll.envs import Scenario
        >>> scenario = Scenario.load("fatigue").replace({"ads.cats.long.reward": 4.5, "user.mismatch": {"scale": 0.5}})
        >>> scenario.ads[1].label, scenario.ads[1].reward, scenario.user.mismatch, scenario.n_slots
        ('cats.long', 4.5, 0.2, 40)
    """

    @model_validator(mode="after")
    def _drift_is_in_order(self) -> Self:
        starts = [phase.from_session for phase in self.drift]
        if starts != sorted(set(starts)):
            raise ValueError("drift: from_session should increase from one entry to the next")
        self.phases  # noqa: B018  (validates the overrides of every phase now, not in the middle of a run)
        return self

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
            told = f"did you mean {files[0]}?" if files else known(source, "presets are", preset_names())
            if path.suffix in (".yaml", ".yml"):  # nobody means a preset
                raise PrerollError(f"scenario {str(source)!r}: no such file{f'; {told}' if files else ''}")
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

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row an ad, by category, as all tables list them; ``action`` is its number.

        ``view_probability`` is P(view) before a video of the ad's own category; where an ad has probabilities by
        category, ``view_probability.CATEGORY`` are these.
        """
        return views.table(self)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draws P(view) · reward of every ad before a video of its own category.

        An ad with probabilities by category has a bar as long as the largest of them, and a line from the smallest.

        Args:
            ax: the axes to draw on; new ones by default.

        Raises:
            PrerollError: P(view) is the catalog's: ``Tables.compile(scenario, catalog).plot()`` shows it.
        """
        return views.plot(self, ax)

    def _card(self) -> Card:
        return views.card(self)


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
