"""Colours of the ads of a scenario, the same in every picture."""

from preroll.envs.model.observation import SessionSpec
from preroll.palette import NO_AD, ad_color


def ad_colors(spec: SessionSpec) -> tuple[str, ...]:
    """Returns the colour of every action: hue by category, shade by length; grey for "no ad".

    Groups of ads that are no categories have hues of their own, which no category has. The length classes of the
    scenario, in the order of their mean seconds, divide the shades from light to dark evenly; if there is only one, ads
    have the colours of their categories or groups.

    Examples:
        >>> from preroll.envs import Tables
        >>> spec = Tables.compile("fatigue", "demo").spec
        >>> dict(zip(spec.labels, ad_colors(spec)))["none"]
        '#DDDDDD'
    """
    seconds: dict[str, list[float]] = {}
    for ad in spec.ads:
        seconds.setdefault(ad.length, []).append(ad.seconds)
    ordered = sorted(seconds, key=lambda length: sum(seconds[length]) / len(seconds[length]))
    widest = max(len(ordered) - 1, 1)
    shades = {length: i / widest if ordered[1:] else 0.5 for i, length in enumerate(ordered)}
    hues = {name: hue for hue, name in enumerate(dict.fromkeys([*spec.categories, *(ad.category for ad in spec.ads)]))}
    own = [ad_color(hues[ad.category], shades[ad.length]) for ad in spec.ads]
    return (*own, *([NO_AD] if spec.no_ad else []))
