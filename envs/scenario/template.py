"""Template of a scenario for a user's own catalog."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preroll.envs.scenario.fields import CATALOG
from preroll.envs.scenario.parts import OTHER, Ad
from preroll.envs.scenario.response_matrix import read_matrix
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def scenario_for(
    catalog: str | Path | Catalog,
    like: str | Path | Mapping[str, Any] | Scenario = "classic",
    *,
    by_category: bool = False,
    probabilities: str | Path | None = None,
) -> Scenario:
    """Returns a scenario with the categories of ``catalog`` and the rules of the scenario ``like``.

    A category that ``like`` contains keeps its ads; the k-th category of the catalog, if unknown, gets the ads of the
    k-th category of ``like``, starting over after its last one. Groups of ads with a probability for each category
    stay, and are given one for each category of the catalog. The numbers are placeholders, to be replaced by the
    user's own.

    Args:
        catalog: name, folder or catalog.
        like: preset name, YAML file, mapping or scenario.
        by_category: whether every ad gets a probability for each category, mismatch included.
        probabilities: a CSV file of ads and their probabilities by category: column ``ad`` as ``group.name``, one
            column for each category or ``other``; and, optionally, ``seconds``, ``reward`` and ``length``.

    Raises:
        PrerollError: If ``like`` or the CSV file is invalid, or ``like`` takes P(view) from its own catalog.

    Examples:
        >>> from preroll.envs import scenario_for
        >>> from preroll.perception import Catalog
        >>> scenario = scenario_for(Catalog.load("demo"), like="fatigue")
        >>> scenario.name, [ad.label for ad in scenario.ads][:2]
        ('fatigue-for-3-categories', ['cars.short', 'cars.long'])
        >>> scenario_for(Catalog.load("demo"), by_category=True).ads[0].view_probability
        {'cars': 0.8, 'cats': 0.32, 'concerts': 0.32}
    """
    model, catalog = Scenario.load(like), Catalog.load(catalog)
    if model.response == CATALOG:
        raise PrerollError(
            f"scenario {model.name}: response: 'catalog' has P(view) of its own ads and videos, and is no template; "
            "write the ads of your catalog's response, with seconds and reward"
        )
    source, ads = f"scenario {model.name}", _groups(model, catalog)
    if probabilities is not None:
        source, ads = str(probabilities), read_matrix(Path(probabilities), catalog.categories, model.ads)
    plain = model.model_dump(mode="json")
    description = f"The rules of {model.name} for the categories of a catalog; put your own numbers in."
    if left := sorted({key for segment in model.user.segments for key in segment.appeal} - _named(ads)):
        description += f" The appeal of {', '.join(left)} is left out: there are no such ads here."
    name = f"{model.name}-for-{len(catalog.categories)}-categories"
    named = {"name": name, "description": description, "ads": ads, "drift": []}
    try:
        scenario = Scenario.load({**plain, **named, "user": _user(plain["user"], ads)})
    except PrerollError as error:
        raise PrerollError(f"{source}: {str(error).removeprefix('scenario: ')}") from None
    return _by_category(scenario, catalog) if by_category else scenario


def _groups(model: Scenario, catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Returns the ads of ``model``, as a scenario writes them, for the categories of a catalog."""
    groups: dict[str, dict[str, Any]] = model.model_dump(mode="json")["ads"]
    for ad in model.ads:
        if isinstance(ad.view_probability, Mapping):
            known = {name: p for name, p in ad.view_probability.items() if name in (*catalog.categories, OTHER)}
            given = list(ad.view_probability.values())
            more = {name: given[k % len(given)] for k, name in enumerate(catalog.categories) if OTHER not in known}
            groups[ad.category][ad.name]["view_probability"] = {**more, **known}
    free = {name for name, ads in groups.items() if all(isinstance(a["view_probability"], dict) for a in ads.values())}
    owned = [ads for name, ads in groups.items() if name not in free]
    by_category = {
        category: groups[category] if category in groups.keys() - free else owned[k % len(owned)]
        for k, category in enumerate(catalog.categories)
        if owned
    }
    return {name: ads for name, ads in groups.items() if name in free} | by_category


def _named(ads: dict[str, dict[str, Any]]) -> set[str]:
    """Returns what an appeal may be of: every length, group and ad."""
    pairs = [(group, name, ad["length"]) for group, inside in ads.items() for name, ad in inside.items()]
    return {text for group, name, length in pairs for text in (group, length, f"{group}.{name}")}


def _user(user: dict[str, Any], ads: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Returns the rules of users, less those about ads that are not there.

    Appeal may be of a category that the catalog lacks.
    """
    named = _named(ads)
    lengths = {ad["length"] for group in ads.values() for ad in group.values()}
    fatigue, leave = (
        {**user[key], rule: {k: v for k, v in user[key][rule].items() if k in {*lengths, "none"}}}
        for key, rule in (("fatigue", "gain"), ("leave", "hazard"))
    )
    segments = [
        {**segment, "appeal": {k: v for k, v in segment["appeal"].items() if k in named}}
        for segment in user["segments"]
    ]
    fit = any(not isinstance(ad["view_probability"], dict) for group in ads.values() for ad in group.values())
    mismatch = user["mismatch"] if fit else 1.0  # it has no effect on ads with a number for each category
    return {**user, "mismatch": mismatch, "fatigue": fatigue, "leave": leave, "segments": segments}


def _by_category(scenario: Scenario, catalog: Catalog) -> Scenario:
    """Returns the scenario with a number for each category in every ad, and without mismatch, which they contain."""
    plain, m = scenario.model_dump(mode="json"), scenario.user.mismatch
    for ad in scenario.ads:
        numbers = {name: _before(name, ad, m) for name in catalog.categories}
        plain["ads"][ad.category][ad.name]["view_probability"] = numbers
    plain["user"]["mismatch"] = 1.0
    return Scenario.load(plain)


def _before(category: str, ad: Ad, m: float) -> float:
    if isinstance(ad.view_probability, Mapping):
        return ad.view_probability.get(category, ad.view_probability.get(OTHER, 0.0))
    assert ad.view_probability is not None  # what takes it from a catalog is no template
    return ad.view_probability if category == ad.category else round(m * ad.view_probability, 12)
