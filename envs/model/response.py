"""P(view) as two factors: what the ad, the slot and the user give, and what the video gives.

P(view) = min(base · match · repeat, 1). The probability of an ad with one number stands in ``base``, beside the other
factors of the user's state, and ``match`` says how far the ad fits the video. An ad with a number for each category,
or whose probabilities stand in the catalog, has the whole of it in ``match``, and 1 in ``base``; mismatch does not
apply to it.
"""

from collections.abc import Iterable, Mapping
from math import prod
from shlex import quote

import numpy as np
from numpy.typing import NDArray

from preroll.console.spoken import way
from preroll.envs.scenario.fields import CATALOG
from preroll.envs.scenario.parts import OTHER, Ad, Segment
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import DEMO, Catalog

#: Most lines of the kernel's table of answers, one for each kind of video, user state and action: 64 bytes each, 1 GiB.
LARGEST = 16_000_000
#: Ads of a catalog that an error names.
_NAMED = 12


def actions(scenario: Scenario) -> list[Ad | None]:
    """Returns the ad of every action; None for "no ad", the last one."""
    return [*scenario.ads, *([None] if scenario.session.no_ad else [])]


def segments(scenario: Scenario) -> tuple[Segment, ...]:
    """Returns the types of users; one of all users where none are given."""
    return scenario.user.segments or (Segment(name="everyone", share=1.0),)


def base_table(scenario: Scenario) -> NDArray[np.float64]:
    """Computes p · position · wear · appeal, float64 [U, S, F, A]; p is 1 where ``match_table`` holds it."""
    user, shown = scenario.user, actions(scenario)
    p = np.array([_own(ad) for ad in shown])
    position = np.array([user.position.get(slot, 1.0) for slot in scenario.session.slots])
    wear = np.array(user.fatigue.wear or (1.0,) * user.fatigue.levels)
    appeal = np.array([[_appeal(segment, ad) for ad in shown] for segment in segments(scenario)])
    return np.asarray(p * position[None, :, None, None] * wear[None, None, :, None] * appeal[:, None, None, :])


def match_table(scenario: Scenario, relevance: NDArray[np.float64], categories: tuple[str, ...]) -> NDArray[np.float64]:
    """Computes what the video gives to P(view) of every ad, float64 [R, A]; 1 for "no ad".

    It is m + (1 - m) · relevance of the ad's category, or the mean of the ad's probabilities over the categories.

    Args:
        scenario: a scenario without drift.
        relevance: probability of every category, float64 [R, K]; under ``response: catalog`` what
            :func:`catalog_response` returns of these kinds.
        categories: names of the K categories.
    """
    if scenario.response == CATALOG:
        return np.column_stack([relevance, *[np.ones(len(relevance))] * scenario.session.no_ad])
    columns = [_match(scenario.user.mismatch, ad, relevance, categories) for ad in actions(scenario)]
    return np.stack(columns, axis=1)


def catalog_response(scenario: Scenario, catalog: Catalog) -> NDArray[np.float64]:
    """Returns P(view) of every ad of a scenario before every video, as the catalog has it, float64 [N, ads]."""
    columns = [catalog.response_ads.index(ad.label) for ad in scenario.ads]
    assert catalog.response is not None
    return np.asarray(catalog.response[:, columns], np.float64)


def check_response(scenario: Scenario, catalog: Catalog) -> None:
    """Raises :class:`PrerollError` if the catalog lacks an ad of a scenario that takes P(view) from it."""
    if scenario.response != CATALOG:
        return
    if not catalog.response_ads:
        raise PrerollError(
            f"scenario {scenario.name}: response: 'catalog' needs P(view) of every video and ad, which the catalog "
            f"{catalog.path} lacks; `preroll predict annotate --response` adds it"
        )
    if lacking := [ad.label for ad in scenario.ads if ad.label not in catalog.response_ads]:
        known, more = ", ".join(catalog.response_ads[:_NAMED]), len(catalog.response_ads) - _NAMED
        raise PrerollError(
            f"scenario {scenario.name}: ads.{lacking[0]}: the response of the catalog {catalog.path} has no such ad; "
            f"it has {known}{f' and {more:,} more' if more > 0 else ''}"
        )


def check_categories(scenario: Scenario, catalog: Catalog) -> None:
    """Raises :class:`PrerollError` if ads and categories of the catalog do not fit, in any phase of drift."""
    for start, phase in scenario.phases:
        goes_on = _goes_on(phase, catalog)
        for ad in phase.ads:
            if wrong := _misfit(ad, catalog, goes_on):
                where = f"drift from session {start}: " if start else ""
                raise PrerollError(f"scenario {scenario.name}: {where}ads.{wrong}")


def check_size(scenario: Scenario, n_kinds: int, n_videos: int) -> None:
    """Raises :class:`PrerollError` if the table of answers would be too large, before memory is taken for it."""
    factors = {
        "videos" if n_kinds == n_videos else "kinds of videos": n_kinds,
        "slots of a video": len(scenario.session.slots),
        "phases": len(scenario.phases),
        "segments": len(segments(scenario)),
        "fatigue levels": scenario.user.fatigue.levels,
        "actions": len(actions(scenario)),
    }
    if (lines := prod(factors.values())) > LARGEST:
        named = " × ".join(f"{number:,} {name}" for name, number in factors.items() if number > 1)
        raise PrerollError(
            f"scenario {scenario.name}: the table of answers would have {named} = {lines:,} lines; at most "
            f"{LARGEST:,} are allowed"
        )


def _own(ad: Ad | None) -> float:
    if ad is None:
        return 0.0
    return ad.view_probability if isinstance(ad.view_probability, float) else 1.0


def _appeal(segment: Segment, ad: Ad | None) -> float:
    """Computes the product of the segment's factors for the ad, its length and its group, each key once."""
    if ad is None:
        return 1.0
    keys = dict.fromkeys((ad.label, ad.length, ad.category))  # a group may be called as a length is
    return float(np.prod([segment.appeal.get(key, 1.0) for key in keys]))


def _match(m: float, ad: Ad | None, relevance: NDArray[np.float64], categories: tuple[str, ...]) -> NDArray[np.float64]:
    if ad is None:
        return np.ones(len(relevance))
    if isinstance(ad.view_probability, Mapping):
        p = np.array([ad.view_probability.get(name, ad.view_probability.get(OTHER)) for name in categories])
        # A mean, although predicted probabilities, which are float32, sum up to 1 only nearly. Summed in order, since
        # that of a product of matrices depends on the machine.
        total, weights = sum(relevance.T * p[:, None]), sum(relevance.T)
        return np.asarray(total / np.maximum(weights, 1e-300))
    return np.asarray(m + (1 - m) * relevance[:, categories.index(ad.category)])


def _goes_on(scenario: Scenario, catalog: Catalog) -> str:
    """Returns how scenario and catalog are brought together; empty if the catalog has all that the scenario names."""
    named = [name for ad in scenario.ads for name in _categories(ad) if name != OTHER]
    if not (names := list(dict.fromkeys(named))) or set(names) <= set(catalog.categories):
        return ""
    place = DEMO if catalog.path == Catalog.folder(DEMO) else str(catalog.path)
    ads = way(f"preroll scenario new --catalog {quote(place)}", "scenario_for(catalog)")
    few, more = names[:_NAMED], ["…"] * bool(names[_NAMED:])
    shown, listed = " ".join([*map(quote, few), *more]), ", ".join([*map(repr, few), *more])
    made = way(f"preroll catalog new DIR --categories {shown}", f"Catalog.synthetic([{listed}])")
    return f"; {ads} writes ads for its categories, {made} a catalog without videos for these ads"


def _categories(ad: Ad) -> Iterable[str]:
    """Returns the categories of videos that an ad names."""
    return ad.view_probability if isinstance(ad.view_probability, Mapping) else [ad.category]


def _misfit(ad: Ad, catalog: Catalog, goes_on: str) -> str:
    """Returns which category of an ad the catalog lacks, or which of the catalog's the ad; empty if all is well."""
    known, given = f"it has {', '.join(catalog.categories)}", ad.view_probability
    if given is None:  # it stands in the catalog
        return ""
    if not isinstance(given, Mapping):
        if ad.category in catalog.categories:
            return ""
        told = f"{ad.category}: the catalog {catalog.path} has no such category; {known}"
        return f"{told}{goes_on}; ads of another group need a view_probability by category"
    if unknown := [name for name in given if name not in (*catalog.categories, OTHER)]:
        place = f"{ad.label}.view_probability.{unknown[0]}"
        return f"{place}: the catalog {catalog.path} has no such category; {known}, and other is allowed{goes_on}"
    if OTHER not in given and (missing := [name for name in catalog.categories if name not in given]):
        return f"{ad.label}.view_probability: lacks {missing[0]}; name every category of the catalog, or other"
    return ""
