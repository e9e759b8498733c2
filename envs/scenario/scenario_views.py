"""What a scenario shows of itself: a table of its ads, a picture and a card."""

from dataclasses import replace
from typing import TYPE_CHECKING

from preroll.console.plural import counted
from preroll.envs.scenario.fields import CATALOG, ScenarioFields
from preroll.envs.scenario.parts import OTHER, Ad
from preroll.envs.scenario.shades import shaded
from preroll.errors import PrerollError
from preroll.shown import plots
from preroll.shown.card import Card

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def table(scenario: ScenarioFields) -> "pd.DataFrame":
    """Returns one row an ad."""
    import pandas as pd

    rows = []
    for action, ad in scenario.listed:
        given = ad.view_probability if isinstance(ad.view_probability, dict) else {}
        own = {"view_probability": ad.own_probability, "reward": ad.reward}
        rows.append({
            "ad": ad.label, "action": action, "category": ad.category, "name": ad.name, "length": ad.length,
            "seconds": ad.seconds, **own, **{f"view_probability.{name}": p for name, p in given.items()},
        })  # fmt: skip
    return pd.DataFrame(rows).astype({"view_probability": "float64"})


def plot(scenario: ScenarioFields, ax: "Axes | None") -> "Axes":
    """Draws P(view) · reward of every ad before a video of its own category."""
    if scenario.response == CATALOG:
        raise PrerollError(
            f"scenario {scenario.name}: response: 'catalog': P(view) stands in the catalog; "
            "plot Tables.compile(scenario, catalog) instead"
        )
    colors = shaded(scenario.ads, _categories(scenario))
    rows, before = [], "before a video of the own category"
    for action, ad in scenario.listed:
        assert ad.probability_range is not None
        least, most = (p * ad.reward for p in ad.probability_range)
        rows.append(plots.Bar(ad.label, most, color=colors[action]))
        if isinstance(ad.view_probability, dict):
            rows[-1] = replace(rows[-1], low=least, high=most)
            before = "before a video of the own category, or by category from least to most"
    return plots.bars(ax, rows, title=scenario.name, x=f"P(view) · reward {before}")


def _categories(scenario: ScenarioFields) -> list[str]:
    """Returns the categories that the scenario names, in the order of a catalog that has no others."""
    found: set[str] = set()
    for ad in scenario.ads:
        found |= ad.view_probability.keys() - {OTHER} if isinstance(ad.view_probability, dict) else {ad.category}
    return sorted(found)


def card(scenario: ScenarioFields) -> Card:
    """Returns what a scenario says of itself on one screen."""
    user, observed = scenario.user, scenario.observe.model_dump()
    levels, segments = counted(user.fatigue.levels, "fatigue level"), counted(len(user.segments) or 1, "segment")
    facts = {
        **({"about": scenario.description} if scenario.description else {}),
        "session": f"{scenario.session.horizon:,} videos, {scenario.n_slots:,} slots"
        + (", a slot may stay empty" if scenario.session.no_ad else ""),
        "users": f"{levels}, {segments}, {counted(len(scenario.drift), 'change')} by drift",
        "P(view)": "of the catalog" if scenario.response == CATALOG else f"of the ads; mismatch {user.mismatch:g}",
        "observed": ", ".join(name for name, value in observed.items() if value not in (False, "none")),
    }
    rows = [(ad.label, action, ad.seconds, _told(ad), ad.reward) for action, ad in scenario.listed]
    return Card(f"Scenario {scenario.name}", facts, ("ad", "action", "seconds", "P(view)", "reward"), rows)


def _told(ad: Ad) -> str | float | None:
    """Returns P(view) of an ad, as a range where it has several by category."""
    if ad.probability_range is None or ad.probability_range[0] == ad.probability_range[1]:
        return ad.probability_range and ad.probability_range[0]
    return " … ".join(f"{p:g}" for p in ad.probability_range)
