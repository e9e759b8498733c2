"""Compilation of a scenario and a catalog into the tables shared by the kernel, the optimum and the agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll.console.plural import counted
from preroll.envs.kernel import layout as kernel_layout
from preroll.envs.model.by_category import kinds_by_category, view_by_category
from preroll.envs.model.observation import ObservationLayout, SessionSpec
from preroll.envs.model.packing import pack
from preroll.envs.model.part_of import part_of, titled
from preroll.envs.model.probabilities import Arrays
from preroll.envs.model.response import (
    actions,
    base_table,
    catalog_response,
    check_categories,
    check_response,
    check_size,
    match_table,
    segments,
)
from preroll.envs.scenario.fields import CATALOG
from preroll.envs.scenario.parts import Ad
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.arrays import Sizes, check_type, check_values
from preroll.perception.catalog.catalog import Catalog
from preroll.shown import plots
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

RANKS = 10  # neighbours of a video
RECALL_STEPS = 1000  # memorability is rounded to multiples of 1 / RECALL_STEPS


@dataclass(frozen=True, repr=False)
class Tables(ShownTable):
    """A scenario compiled on a catalog, as arrays.

    Attributes:
        scenario: the compiled scenario.
        catalog: the catalog of videos.
        spec: what an agent may know.
        arrays: tables of the model, by name.
        packed: tables in the layout of the kernel.

    Examples:
        >>> from preroll.envs import SessionEnv, Tables
        >>> tables = Tables.compile("fatigue", "demo")
        >>> tables.n_videos, tables.n_slots, tables.n_actions, tables.n_levels
        (300, 40, 7, 6)
        >>> SessionEnv(tables=tables).action_space
        Discrete(7)
    """

    scenario: Scenario
    catalog: Catalog
    spec: SessionSpec
    arrays: Arrays
    packed: kernel_layout.Packed

    @classmethod
    def of(cls, source: "TablesSource") -> "Tables":
        """Returns tables unchanged; a scenario, in any form that :meth:`compile` takes, is compiled on ``demo``."""
        return source if isinstance(source, Tables) else cls.compile(source)

    @classmethod
    def compile(
        cls, scenario: "str | Path | Mapping[str, Any] | Scenario" = "classic", catalog: "str | Path | Catalog" = "demo"
    ) -> "Tables":
        """Compiles a scenario on a catalog.

        Args:
            scenario: preset name, YAML file, mapping or object.
            catalog: name, folder or object.

        Raises:
            PrerollError: If the scenario is invalid, an ad's category is missing from the catalog, the catalog lacks
                data that the scenario needs, or the tables would be too large.
        """
        scenario = Scenario.load(scenario)
        catalog = Catalog.load(catalog)
        _check(scenario, catalog)
        phases = [phase for _, phase in scenario.phases]
        category = _category(catalog)
        relevance, recall, kind = _kinds(scenario, catalog, category)
        check_size(scenario, len(relevance), catalog.n_videos)
        layout = ObservationLayout.of(scenario, len(catalog.categories), len(catalog.classes), catalog.n_reduced)
        arrays = Arrays(
            base=np.stack([base_table(phase) for phase in phases]),
            match=np.stack([match_table(phase, relevance, catalog.categories) for phase in phases]),
            reward=np.stack([_reward(phase, recall) for phase in phases]),
            hazard=np.stack([_hazard(phase) for phase in phases]),
            choice=np.stack([_choice(phase) for phase in phases]),
            segments=np.stack([np.cumsum([segment.share for segment in segments(phase)]) for phase in phases]),
            phase_start=np.array([start for start, _ in scenario.phases]),
            gain=np.stack([_gain(phase) for phase in phases]),
            rows=_rows(scenario, catalog, layout),
        )
        packed = pack(arrays, _neighbors(scenario, catalog), kind, category, layout, scenario.n_slots)
        spec = SessionSpec(
            name=scenario.name,
            layout=layout,
            categories=tuple(catalog.categories),
            ads=scenario.ads,
            no_ad=scenario.session.no_ad,
            n_slots=scenario.n_slots,
            bonus=float(arrays.reward.max()) - max(ad.reward for ad in scenario.ads),
        )
        return cls(scenario, catalog, spec, arrays, packed)

    @property
    def neighbors(self) -> NDArray[np.int32]:
        """Videos that the recommender may play next, int32 [N, 10], -1 padded."""
        return self.packed.records[:, : kernel_layout.N_NEIGHBORS]

    @property
    def kind(self) -> NDArray[np.int32]:
        """Kind of every video, int32 [N]: its row in ``arrays.match`` and ``arrays.reward``."""
        return self.packed.records[:, kernel_layout.KIND]

    @property
    def category(self) -> NDArray[np.int32]:
        """Category of every video, int32 [N]; -1 if unknown."""
        return self.packed.records[:, kernel_layout.CATEGORY]

    @property
    def answers(self) -> NDArray[np.float64]:
        """Response to every ad, rows of 8 by kind of video, user state and ad, as ``kernel.layout`` names them."""
        n = int(self.packed.integers[kernel_layout.KINDS]) * self.arrays.base.size
        return self.packed.words[: n * kernel_layout.N_ANSWERS].view(np.float64).reshape(n, kernel_layout.N_ANSWERS)

    @property
    def layout(self) -> ObservationLayout:
        """Layout of the observation."""
        return self.spec.layout

    @property
    def ads(self) -> tuple[Ad, ...]:
        """Ads in the order of the actions."""
        return self.scenario.ads

    @property
    def n_actions(self) -> int:
        """Number A of actions, including "no ad"."""
        return self.spec.n_actions

    @property
    def n_videos(self) -> int:
        """Number N of videos."""
        return int(self.packed.records.shape[0])

    @property
    def n_slots(self) -> int:
        """Largest number T of slots of a session."""
        return self.scenario.n_slots

    @property
    def n_levels(self) -> int:
        """Number F of fatigue levels."""
        return int(self.arrays.base.shape[3])

    @property
    def n_segments(self) -> int:
        """Number U of user segments."""
        return int(self.arrays.base.shape[1])

    @property
    def n_phases(self) -> int:
        """Number P of phases of drift; 1 without drift."""
        return int(self.arrays.base.shape[0])

    @property
    def response_of_videos(self) -> bool:
        """Whether P(view) is that of each video and ad by the catalog, instead of the ads' by category."""
        return self.scenario.response == CATALOG

    @property
    def remembers_ads(self) -> bool:
        """Whether P(view) depends on the last ad."""
        return bool((self.arrays.choice[:, kernel_layout.REPEAT] != 1.0).any())

    def shares(self, phase: int = 0) -> NDArray[np.float64]:
        """Returns the share of sessions of every segment, float64 [U]."""
        return np.diff(self.arrays.segments[phase], prepend=0.0)

    def to_frame(self) -> "pd.DataFrame":
        """Returns what users do, one row for every phase, segment, slot of a video, category, fatigue level and ad.

        Ads stand by category, as in all tables.

        The columns ``view_probability`` and ``reward`` are means over the videos of the category, where the ad is not
        the last one shown, ``expected`` is P(view) · reward.
        """
        import pandas as pd

        names: dict[str, Sequence[Any]] = {
            "phase": range(self.n_phases),
            "segment": [segment.name for segment in segments(self.scenario)],
            "slot": self.scenario.session.slots,
            "fatigue": range(self.n_levels),
            "ad": [self.spec.labels[ad] for ad in self.spec.listed],
        }
        index = pd.MultiIndex.from_product(list(names.values()), names=list(names))
        parts = []
        for name, kinds in kinds_by_category(self.category, self.kind, self.spec.categories).items():
            view, reward = (numbers[..., self.spec.listed] for numbers in view_by_category(self.arrays, *kinds))
            paid = np.broadcast_to(reward[:, None, None, None], view.shape)
            columns = {"view_probability": view.ravel(), "reward": paid.ravel(), "expected": (view * paid).ravel()}
            parts.append(pd.DataFrame({"category": name, **columns}, index=index).reset_index())
        return pd.concat(parts, ignore_index=True)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draws P(view) · reward of every ad before the videos of every category, at the start of a session.

        With drift it is that of the first phase, of several segments the mean.

        Args:
            ax: the axes to draw on; new ones by default.
        """
        earned, listed = self._earned_at_first(), list(self.spec.listed)
        title = f"{self.scenario.name}: expected revenue of one ad, at the start of a session"
        title = titled(title, self.scenario, 0)
        labels = [self.spec.labels[ad] for ad in listed]
        values = np.array(list(earned.values()))[:, listed]
        return plots.field(ax, values, rows=list(earned), columns=labels, title=title)

    def _earned_at_first(self) -> dict[str, NDArray[np.float64]]:
        """Computes P(view) · reward in the first slot, without fatigue, float64 [A], by category."""
        earned = {}
        for name, kinds in kinds_by_category(self.category, self.kind, self.spec.categories).items():
            view, reward = view_by_category(self.arrays, *kinds)
            earned[name] = self.shares() @ view[0, :, 0, 0] * reward[0]
        return earned

    def _card(self) -> Card:
        earned, part = self._earned_at_first(), part_of(self.scenario, 0)
        facts = {
            "catalog": f"{self.catalog.path}, {counted(self.n_videos, 'video')}",
            "session": f"at most {self.n_slots:,} slots",
            "users": f"{counted(self.n_levels, 'fatigue level')}, {counted(self.n_segments, 'segment')}, "
            f"{counted(self.n_phases, 'phase')} of drift",
            "observation": f"{self.layout.size:,} numbers: {', '.join(self.layout.parts)}",
            "table": "P(view) · reward before a video of each category, in the first slot, without fatigue"
            + (f"; {part}" if part else ""),
        }
        labels = self.spec.labels
        rows = [(labels[ad], ad, *(values[ad] for values in earned.values())) for ad in self.spec.listed]
        return Card(f"Tables of scenario {self.scenario.name}", facts, ("ad", "action", *earned), rows)


#: What is taken for compiled tables: themselves, or a scenario.
TablesSource = Tables | str | Path | Mapping[str, Any] | Scenario


def _check(scenario: Scenario, catalog: Catalog) -> None:
    """Raises :class:`PrerollError` if the catalog lacks something that the scenario names."""
    check_categories(scenario, catalog)
    check_response(scenario, catalog)
    if scenario.observe.category == "predicted" and catalog.category_probabilities is None:
        raise PrerollError(
            f"scenario {scenario.name}: observe.category: 'predicted' needs category probabilities, "
            f"which the catalog {catalog.path} lacks; true or none are allowed"
        )
    if scenario.observe.content == "embedding" and not catalog.has("embedding_reduced"):
        raise PrerollError(
            f"scenario {scenario.name}: observe.content: 'embedding' needs embeddings, "
            f"which the catalog {catalog.path} lacks; `preroll catalog build --embed` adds them, and objects or false "
            "are allowed"
        )
    if scenario.observe.memorability and catalog.memorability_quantile is None:
        raise PrerollError(
            f"scenario {scenario.name}: observe.memorability: true needs predicted memorability, "
            f"which the catalog {catalog.path} lacks; `preroll predict annotate` adds it, and false is allowed"
        )
    if any(phase.recall_weight for _, phase in scenario.phases) and catalog.memorability is None:
        raise PrerollError(
            f"scenario {scenario.name}: recall_weight: needs true memorability, "
            f"which the catalog {catalog.path} lacks; `preroll predict annotate --truth` adds it, and 0 is allowed"
        )
    if not catalog.n_videos:
        raise PrerollError(f"catalog {catalog.path}: holds no usable video")


def _category(catalog: Catalog) -> NDArray[np.int32]:
    """Returns the category of every video, int32 [N], -1 where it is unknown."""
    category, sizes = np.array(catalog.category, np.int32), Sizes(catalog.n_videos, len(catalog.categories), 0, True)
    # Of the copy that the kernel reads: a file may change while it is mapped, and an array be assigned.
    check_type(f"catalog {catalog.path}", "category", category, "int32", sizes.shape("N"))
    check_values(f"catalog {catalog.path}", "category", category, sizes)
    return category


def _relevance(
    scenario: Scenario, catalog: Catalog, category: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Computes the relevance of categories by class of videos.

    Returns:
        relevance: float64 [R, K], one row per category, or per video where some have no category; under ``response:
            catalog`` P(view) of the ads, one row per video.
        class: row of every video, int32 [N].
    """
    if scenario.response == CATALOG:
        return catalog_response(scenario, catalog), np.arange(catalog.n_videos, dtype=np.int32)
    if (category >= 0).all():
        return np.eye(len(catalog.categories)), category
    if catalog.category_probabilities is None:
        raise PrerollError(f"catalog {catalog.path}: has videos without category and no category probabilities")
    relevance = np.array(catalog.category_probabilities, dtype=np.float64)
    known = category >= 0
    relevance[known] = np.eye(len(catalog.categories))[category[known]]
    return relevance, np.arange(catalog.n_videos, dtype=np.int32)


def _kinds(
    scenario: Scenario, catalog: Catalog, category: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Groups videos into kinds; all videos of one kind have the same response probabilities and rewards.

    Where memorability counts, it is rounded to thousandths, because the tables grow with the number of kinds.

    Returns:
        relevance: float64 [R, K], or that of the ads.
        memorability: float64 [R].
        kind: kind of every video, int32 [N].
    """
    relevance, kind = _relevance(scenario, catalog, category)
    if not any(phase.recall_weight for _, phase in scenario.phases):
        return relevance, np.zeros(len(relevance)), kind
    assert catalog.memorability is not None
    steps = np.rint(np.asarray(catalog.memorability, dtype=np.float64) * RECALL_STEPS).astype(np.int64)
    found, split = np.unique(np.stack([kind, steps]), axis=1, return_inverse=True)
    return relevance[found[0]], found[1] / RECALL_STEPS, split.astype(np.int32)


def _reward(scenario: Scenario, recall: NDArray[np.float64]) -> NDArray[np.float64]:
    """Computes reward + recall_weight · memorability of the video, float64 [R, A]; 0 for "no ad"."""
    second = scenario.recall_weight * recall
    columns = [ad.reward + second if ad else np.zeros(len(recall)) for ad in actions(scenario)]
    return np.stack(columns, axis=1)


def _gain(scenario: Scenario) -> NDArray[np.int64]:
    """Computes fatigue gain minus recovery, int64 [A, 2]; last axis: not viewed, viewed."""
    fatigue = scenario.user.fatigue
    gain = [fatigue.gain.get(ad.length if ad else "none", (0, 0)) for ad in actions(scenario)]
    return np.array(gain, dtype=np.int64) - fatigue.recovery


def _hazard(scenario: Scenario) -> NDArray[np.float64]:
    """Computes P(leave), float64 [U, A, 2, F]; axis of length 2: not viewed, viewed."""
    leave = scenario.user.leave
    by_ad = np.array([leave.hazard.get(ad.length if ad else "none", (0.0, 0.0)) for ad in actions(scenario)])
    by_level = np.array(leave.fatigue or (0.0,) * scenario.user.fatigue.levels)
    factor = np.array([segment.leave for segment in segments(scenario)])
    return np.asarray(np.clip((by_ad[:, :, None] + by_level) * factor[:, None, None, None], 0.0, 1.0))


def _choice(scenario: Scenario) -> NDArray[np.float64]:
    """Returns jump, repeat and the cumulative probabilities of the ten ranks, float64 [12]."""
    weights = scenario.recommender.rank_decay ** np.arange(RANKS)
    return np.array([scenario.recommender.jump, scenario.user.repeat, *np.cumsum(weights / weights.sum())])


def _rows(scenario: Scenario, catalog: Catalog, layout: ObservationLayout) -> NDArray[np.float32]:
    """Computes the observation of every video, float32 [N, d], with 0 in the session's parts."""
    rows = np.zeros((catalog.n_videos, layout.size), dtype=np.float32)
    if "category" in layout.parts:
        part = rows[:, layout.parts["category"].slice]
        if scenario.observe.category == "predicted":
            part[:] = catalog.category_probabilities
        else:
            known = np.flatnonzero(np.asarray(catalog.category) >= 0)
            part[known, np.asarray(catalog.category)[known]] = 1.0
    if "content" in layout.parts:
        content = catalog.embedding_reduced if scenario.observe.content == "embedding" else catalog.importance
        assert content is not None
        rows[:, layout.parts["content"].slice] = np.clip(content, 0.0, 1.0)
    if "memorability" in layout.parts:
        rows[:, layout.parts["memorability"].start] = catalog.memorability_quantile
    return rows


def _neighbors(scenario: Scenario, catalog: Catalog) -> NDArray[np.int32]:
    """Returns the neighbours that the recommender uses for every video, int32 [N, 10], -1 padded."""
    neighbors = np.full((catalog.n_videos, kernel_layout.N_NEIGHBORS), -1, dtype=np.int32)
    count = scenario.recommender.neighbors
    neighbors[:, :count] = catalog.neighbors[:, :count]
    # As the category's.
    check_values(f"catalog {catalog.path}", "neighbors", neighbors, Sizes(catalog.n_videos, 0, 0))
    return neighbors
