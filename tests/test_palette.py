"""Colours that everybody can tell apart."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll import palette

SEVEN = range(len(palette.CATEGORIES))
#: What is left of linear RGB without one kind of cones (Machado, Oliveira & Fernandes 2009, severity 1).
VISIONS = {
    "all three": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
#: Linear RGB → cones → OKLab (Ottosson 2020), in which equal distances look equal; black and white are 1 apart.
CONES = [[0.4122215, 0.5363325, 0.0514460], [0.2119035, 0.6806995, 0.1073970], [0.0883025, 0.2817188, 0.6299787]]
OKLAB = [[0.2104543, 0.7936178, -0.0040720], [1.9779985, -2.4285922, 0.4505937], [0.0259040, 0.7827718, -0.8086758]]


def seen(color: str, vision: str) -> NDArray[np.float64]:
    """OKLab of a colour as it is seen."""
    share = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(OKLAB @ np.cbrt(CONES @ np.clip(VISIONS[vision] @ linear, 0, 1)))


def distance(one: str, other: str, vision: str = "all three") -> float:
    return float(np.linalg.norm(seen(one, vision) - seen(other, vision)))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("shade", [0, 0.5, 1])
def test_categories_next_to_each_other_differ_for_any_vision(vision: str, shade: float) -> None:
    colors = [palette.ad_color(k, shade) for k in SEVEN]
    assert min(distance(one, other, vision) for one, other in pairwise(colors)) > 0.08


@pytest.mark.parametrize("vision", VISIONS)
def test_short_and_long_ads_of_a_category_and_no_ad_differ_for_any_vision(vision: str) -> None:
    for k in range(40):
        short, long = palette.ad_color(k, 0), palette.ad_color(k, 1)
        assert distance(short, long, vision) > 0.15
        assert distance(long, palette.NO_AD, vision) > 0.13


def test_the_short_and_long_ads_of_seven_categories_and_no_ad_all_differ() -> None:
    colors = [palette.NO_AD, *(palette.ad_color(k, shade) for k in SEVEN for shade in (0, 1))]
    assert min(distance(one, other) for one, other in combinations(colors, 2)) > 0.065


def test_of_forty_categories_no_two_are_equal_and_neighbors_differ_clearly() -> None:
    colors = [palette.category_color(k) for k in range(40)]
    assert len({palette.ad_color(k, shade) for k in range(40) for shade in (0, 0.5, 1)}) == 120
    assert min(distance(one, other) for one, other in pairwise(colors)) > 0.12


def test_an_unknown_category_is_gray() -> None:
    red, green, blue = (palette.category_color(-1)[i : i + 2] for i in (1, 3, 5))
    assert red == green == blue


def test_agents_have_colors_of_their_own_which_repeat_after_seven() -> None:
    names = list("abcdefgh")
    colors = palette.agent_colors(names, [])
    assert len(set(colors.values())) == 7
    assert colors["h"] == colors["a"]


def test_references_are_gray_and_take_no_color_from_an_agent() -> None:
    alone, beside = (
        palette.agent_colors(names, {"random", "greedy"}) for names in ("ab", ["random", "a", "greedy", "b"])
    )
    assert beside == {"random": palette.FAINT, "greedy": palette.FAINT} | alone
