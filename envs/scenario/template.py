"""A first scenario for a catalog of one's own."""

from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog


def scenario_for(catalog: Catalog, like: str = "classic") -> Scenario:
    """A scenario with the categories of ``catalog`` and the rules of the scenario ``like``.

    A category that ``like`` knows keeps its ads; the k-th of the others gets those of the k-th category of ``like``,
    and again from the first where the catalog has more: numbers to begin with, to be replaced by one's own.
    """
    model = Scenario.load(like)
    plain = model.model_dump(mode="json")
    groups = plain["ads"]
    ads = {
        category: groups.get(category) or list(groups.values())[k % len(groups)]
        for k, category in enumerate(catalog.categories)
    }
    description = f"The rules of {model.name} for the categories of a catalog; put your own numbers in."
    named = {"name": f"{model.name}-for-{len(ads)}-categories", "description": description, "ads": ads, "drift": []}
    # Drift and appeal name ads by category; what they say of other categories means nothing here.
    segments = [
        {**segment, "appeal": {k: v for k, v in segment["appeal"].items() if k in model.lengths}}
        for segment in plain["user"]["segments"]
    ]
    return Scenario.load({**plain, **named, "user": {**plain["user"], "segments": segments}})
