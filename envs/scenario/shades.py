"""Colours of ads: hue by category, shade by length class, and by duration within one."""

from collections.abc import Iterable, Sequence

from preroll.envs.scenario.parts import Ad
from preroll.palette import ad_color

#: Share of the distance to the next length class over which the ads of one class and one category spread.
SPREAD = 0.4


def shaded(ads: Sequence[Ad], categories: Iterable[str]) -> list[str]:
    """Returns the colour of every ad.

    Groups of ads that are no categories have hues of their own, which no category has. The length classes, in the
    order of their mean seconds, divide the shades from light to dark evenly; if there is only one, ads have the colours
    of their categories or groups. Several ads of one class and one category spread around its shade, the longest is the
    darkest.

    Args:
        ads: all ads of a scenario.
        categories: names of all categories, as a catalog sorts them.
    """
    hues = {name: hue for hue, name in enumerate(dict.fromkeys([*categories, *(ad.category for ad in ads)]))}
    seconds: dict[str, list[float]] = {}
    alike: dict[tuple[str, str], list[int]] = {}
    for index, ad in enumerate(ads):
        seconds.setdefault(ad.length, []).append(ad.seconds)
        alike.setdefault((ad.category, ad.length), []).append(index)
    classes = sorted(seconds, key=lambda length: sum(seconds[length]) / len(seconds[length]))
    colors = [""] * len(ads)
    for (category, length), own in alike.items():
        least, shade, most = _place(classes.index(length), len(classes))
        own.sort(key=lambda index: ads[index].seconds)
        for rank, index in enumerate(own):
            spread = least + (most - least) * rank / max(len(own) - 1, 1)
            colors[index] = ad_color(hues[category], spread if own[1:] else shade)
    return colors


def _place(index: int, n: int) -> tuple[float, float, float]:
    """Returns the lightest shade of a length class, that of its only ad, and the darkest."""
    if n == 1:
        return 0.0, 0.5, 1.0
    step = 1 / (n - 1)
    return max((index - SPREAD) * step, 0.0), index * step, min((index + SPREAD) * step, 1.0)
