"""Template of a scenario for a user's own catalog."""

from preroll.envs.scenario.scenario import CATALOG, Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def scenario_for(catalog: Catalog, like: str = "classic") -> Scenario:
    """Returns a scenario with the categories of ``catalog`` and the rules of the scenario ``like``.

    A category that ``like`` contains keeps its ads; the k-th category of the catalog, if unknown, gets the ads of the
    k-th category of ``like``, starting over after its last one. The numbers are placeholders, to be replaced by the
    user's own.

    Args:
        catalog: the catalog.
        like: preset name or YAML file.

    Raises:
        PrerollError: ``like`` takes P(view) from a catalog, so that its ads are those of that catalog.

    Examples:
        >>> from preroll.envs import scenario_for
        >>> from preroll.perception import Catalog
        >>> scenario = scenario_for(Catalog.load("demo"), like="fatigue")
        >>> scenario.name, [ad.label for ad in scenario.ads][:2]
        ('fatigue-for-3-categories', ['cars.short', 'cars.long'])
    """
    model = Scenario.load(like)
    if model.response == CATALOG:
        raise PrerollError(
            f"scenario {model.name}: response: 'catalog' has P(view) of its own ads and videos, and is no template; "
            "write the ads of your catalog's response, with seconds and reward"
        )
    plain = model.model_dump(mode="json")
    groups = plain["ads"]
    ads = {
        category: groups.get(category) or list(groups.values())[k % len(groups)]
        for k, category in enumerate(catalog.categories)
    }
    description = f"The rules of {model.name} for the categories of a catalog; put your own numbers in."
    named = {"name": f"{model.name}-for-{len(ads)}-categories", "description": description, "ads": ads, "drift": []}
    # Drift and appeal refer to ads by category, which the catalog may lack: drift is dropped, appeal kept by length.
    segments = [
        {**segment, "appeal": {k: v for k, v in segment["appeal"].items() if k in model.lengths}}
        for segment in plain["user"]["segments"]
    ]
    return Scenario.load({**plain, **named, "user": {**plain["user"], "segments": segments}})
