"""Colours of the ads of a scenario, the same in every picture."""

from preroll.envs.model.observation import SessionSpec
from preroll.palette import NO_AD, ad_color


def ad_colors(spec: SessionSpec) -> tuple[str, ...]:
    """Returns the colour of every action: hue by category, shade by length; grey for "no ad".

    The length classes of the scenario, in the order of their mean seconds, divide the shades from light to dark evenly;
    if there is only one, ads have the colours of their categories.

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
    own = [
        ad_color(category, shades[ad.length]) for ad, category in zip(spec.ads, spec.ad_category.tolist(), strict=False)
    ]
    return (*own, *([NO_AD] if spec.no_ad else []))
