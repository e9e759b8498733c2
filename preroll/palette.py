"""Colours of all pictures: Okabe and Ito's palette, safe for all forms of colour vision.

See Wong, Nature Methods 8:441, 2011.

A category is a hue and an ad is a shade of its category's hue, from light for the shortest length to dark for the
longest. Agents have colours of their own, and what is neither is grey.
"""

from collections.abc import Collection, Iterable, Sequence
from colorsys import hls_to_rgb

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, YELLOW, PURPLE, BLACK = "#56B4E9", "#F0E442", "#CC79A7", "#000000"

#: In this order, categories next to each other differ most for any colour vision.
CATEGORIES = (BLUE, ORANGE, GREEN, VERMILLION, SKY, YELLOW, PURPLE)
#: Of lines and markers: without yellow, which is pale on white.
AGENTS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
NO_AD, UNKNOWN = "#DDDDDD", "#999999"  # an empty slot; what is of no category or of no one ad
PAPER, GRID, FAINT, INK = "#FFFFFF", "#E6E6E6", "#666666", "#1A1A1A"  # FAINT: secondary text, references

LIGHTEST, DARKEST = 0.5, 0.2  # shares of white and of black in the shades of the shortest and of the longest length
GOLDEN = 0.618034  # of a turn: no two steps of it fall together, and one step leads far away


def category_color(index: int) -> str:
    """Returns the colour of a category by its index in the catalog; grey for -1.

    No eight hues differ for everybody. From the eighth category on, the hue moves on by the golden angle, so that
    neighbours are far apart and no two categories have the same.

    Examples:
        >>> category_color(0), category_color(-1), category_color(7)
        ('#0072B2', '#999999', '#B82E2E')
    """
    if index < len(CATEGORIES):
        return CATEGORIES[index] if index >= 0 else UNKNOWN
    red, green, blue = hls_to_rgb((index - len(CATEGORIES)) * GOLDEN % 1, 0.45, 0.6)
    return _hex([255 * red, 255 * green, 255 * blue])


def agent_colors(names: Iterable[str], references: Collection[str]) -> dict[str, str]:
    """Returns the colours of agents by name; they repeat after seven.

    Args:
        names: all agents of a comparison, in its order, drawn or not: whoever is left out changes no colour.
        references: those that are there to be compared with, which are grey.

    Examples:
        >>> agent_colors(["random", "ppo", "dqn"], ["random", "optimum"])
        {'random': '#666666', 'ppo': '#0072B2', 'dqn': '#D55E00'}
    """
    names = dict.fromkeys(names)
    own = [name for name in names if name not in references]
    return {name: AGENTS[own.index(name) % len(AGENTS)] if name in own else FAINT for name in names}


def ad_color(category: int, shade: float) -> str:
    """Returns the colour of an ad.

    Args:
        category: index of its category.
        shade: from 0 for the lightest to 1 for the darkest; 0.5 is the colour of the category.

    Examples:
        >>> [ad_color(0, shade) for shade in (0, 0.5, 1)]
        ['#80B8D8', '#0072B2', '#005B8E']
    """
    hue = category_color(category)
    if shade < 0.5:
        return blend(hue, PAPER, LIGHTEST * (1 - 2 * shade))
    return blend(hue, BLACK, DARKEST * (2 * shade - 1))


def blend(first: str, second: str, share: float) -> str:
    """Returns the colour that lies ``share`` of the way from the first to the second."""
    pairs = zip(_channels(first), _channels(second), strict=True)
    return _hex([a + (b - a) * share for a, b in pairs])


def _channels(color: str) -> list[int]:
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


def _hex(channels: Sequence[float]) -> str:
    return "#" + "".join(f"{round(channel):02X}" for channel in channels)
