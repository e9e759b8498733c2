"""The best ads in words and as a picture."""

from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from preroll.envs import Optimum, Policy, Tables
from preroll.envs.optimum.policy_plot import COLORS, EMPTY, ad_colors, draw_best_ads
from preroll.envs.optimum.policy_summary import best_ads
from preroll.envs.scenario.template import scenario_for
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.tiny import TWO_SEGMENTS, three_videos, tiny


@pytest.mark.compiled
def test_the_best_ads_of_fatigue_leave_slots_empty_for_the_tired() -> None:
    fatigue = Tables.compile("fatigue", "demo")
    none = fatigue.n_actions - 1
    for ads in best_ads(Optimum(fatigue)).values():
        assert ads[0, 0] != none
        assert ads[10, 1] == none


@pytest.mark.compiled
def test_a_category_without_videos_has_no_best_ad(small_catalog: Catalog) -> None:
    wider = copy(small_catalog)
    wider.categories = (*small_catalog.categories, "zebras")
    assert list(best_ads(Optimum(Tables.compile("classic", wider)))) == list(small_catalog.categories)


@pytest.mark.parametrize("n", [1, 7, 8, 40])
def test_every_ad_of_the_picture_has_a_color_of_its_own(n: int) -> None:
    assert len(set(ad_colors([*map(str, range(n)), "none"]))) == n + 1


@pytest.mark.compiled
def test_many_categories_are_drawn_in_lines_below_each_other(tmp_path: Path) -> None:
    n = 7
    catalog = Catalog.from_arrays(
        categories=[f"kind-{k}" for k in range(n)],
        category=np.arange(n),
        neighbors=np.full((n, 10), -1),
        importance=np.eye(n),
        classes=[f"object-{k}" for k in range(n)],
    )
    draw_best_ads(Tables.compile(scenario_for(catalog, "fatigue"), catalog), tmp_path / "best.png")
    with Image.open(tmp_path / "best.png") as picture:
        assert 1 < picture.width / picture.height < 4


def test_the_best_ads_of_a_tiny_category_are_those_of_most_of_its_videos() -> None:
    """By slot and fatigue, for each segment, in the state without a last ad; ties go to the first ad."""
    optimum = Optimum(Tables.compile(tiny(TWO_SEGMENTS), three_videos()))
    none, short, long = np.full((2, 2, 3, 3, 7), 2), 0, 1  # [segment, slot, video, level, last]
    none[0, 0, [0, 2], 0, -1] = short, long  # the two cats videos disagree: the first ad
    none[0, 1, [0, 2], 1, -1] = long
    none[1, 1, 1, 2, -1] = short
    none[:, :, :, :, :-1] = long  # other last outcomes do not count
    optimum.policy = Policy(ads=none)
    cats, dogs = np.full((2, 3), 2), np.full((2, 3), 2)
    cats[0, 0], cats[1, 1] = short, long
    found = best_ads(optimum)
    assert {name: ads.tolist() for name, ads in found.items()} == {"cats": cats.tolist(), "dogs": dogs.tolist()}
    dogs[1, 2] = short
    assert best_ads(optimum, 1)["dogs"].tolist() == dogs.tolist()


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is written."""
    found: list[Figure] = []
    save = Figure.savefig

    def noted(figure: Figure, *arguments: Any, **settings: Any) -> None:
        found.append(figure)
        save(figure, *arguments, **settings)

    monkeypatch.setattr(Figure, "savefig", noted)
    return found


def test_a_tiny_picture_shows_the_best_ad_of_every_slot_and_level(tmp_path: Path, figures: list[Figure]) -> None:
    """One line of panels for every phase and segment, a panel for every category, slots along x and levels along y."""
    drift = [{"from_session": 1500, "set": {"ads.dogs.long.reward": 9}}]
    tables = Tables.compile(tiny({**TWO_SEGMENTS, "session.horizon": 4, "drift": drift}), three_videos())
    draw_best_ads(tables, tmp_path / "best.svg")
    (figure,) = figures
    assert (tmp_path / "best.svg").read_bytes()[:5] == b"<?xml"
    assert len(figure.axes) == 4 * 2
    titles = ["from session 0, patient users", "from session 0, hasty users"]
    titles += ["from session 1,500, patient users", "from session 1,500, hasty users"]
    legend = {text.get_text(): to_hex(patch.get_facecolor()) for text, patch in told_in(figure)}
    assert set(legend) <= {"cats.short", "dogs.long", "none"}
    for line, (title, panels) in enumerate(zip(titles, np.reshape(np.array(figure.axes), (4, 2)), strict=True)):
        best = best_ads(Optimum(tables, line // 2), line % 2)
        assert panels[0].get_ylabel() == f"{title}\nfatigue level"
        assert panels[1].get_ylabel() == ""
        for panel, (name, ads) in zip(panels, best.items(), strict=True):
            assert panel.get_title() == f"before {name} videos"
            (image,) = panel.images
            assert list(image.get_extent()) == [0.5, 4.5, -0.5, 2.5]
            shown = image.cmap(image.norm(image.get_array()))
            assert image.origin == "lower"
            labels = [[legend[tables.spec.labels[ad]] for ad in levels] for levels in ads.T]
            assert [[to_hex(cell) for cell in row] for row in shown] == labels
            assert panel.get_xlabel() == ("slot" if line == 3 else "")
            assert panel.get_yticks().tolist() == [0, 1, 2]


def told_in(figure: Figure) -> Any:
    (legend,) = figure.legends
    return zip(legend.get_texts(), legend.get_patches(), strict=True)


def test_a_tiny_picture_without_fatigue_is_flat_and_six_categories_take_two_lines(
    tmp_path: Path, figures: list[Figure]
) -> None:
    n, ad = 6, {"seconds": 5, "view_probability": 0.5, "reward": 1}
    names = [f"kind-{k}" for k in range(n)]
    catalog = Catalog.from_arrays(
        categories=names,
        category=np.arange(n),
        neighbors=np.full((n, 10), -1),
        importance=np.eye(n),
        classes=[f"object-{k}" for k in range(n)],
    )
    scenario = {"name": "flat", "session": {"horizon": 3}, "ads": {name: {"a": ad, "b": ad} for name in names}}
    draw_best_ads(Tables.compile({**scenario, "user": {"mismatch": 0.5}}, catalog), tmp_path / "best.png")
    (figure,) = figures
    assert len(figure.axes) == 2 * 5
    assert [panel.axison for panel in figure.axes] == [True] * 6 + [False] * 4
    assert figure.axes[0].get_ylabel() == ""
    assert figure.axes[0].get_yticks().size == 0
    assert figure.get_size_inches().tolist() == pytest.approx([3.4 * 5 + 1.4, 0.9 + 2 * 1.1])
    assert figure.get_suptitle() == "flat: the best ad, exactly"
    assert [text.get_text() for text, _ in told_in(figure)] == [f"{name}.a" for name in names]


@pytest.mark.parametrize(("entries", "columns"), [(12, 1), (13, 2)])
def test_a_tiny_picture_has_a_legend_of_at_most_twelve_entries_a_column(
    entries: int, columns: int, tmp_path: Path, figures: list[Figure]
) -> None:
    ad = {"seconds": 5, "view_probability": 0.5, "reward": 1}
    names = [f"kind-{k:02}" for k in range(entries)]
    catalog = Catalog.from_arrays(
        categories=names,
        category=np.arange(entries),
        neighbors=np.full((entries, 10), -1),
        importance=np.eye(entries),
        classes=[f"object-{k}" for k in range(entries)],
    )
    scenario = {"name": "flat", "session": {"horizon": 1}, "ads": {name: {"a": ad} for name in names}}
    draw_best_ads(Tables.compile({**scenario, "user": {"mismatch": 0.5}}, catalog), tmp_path / "best.svg")
    assert vars(figures[0].legends[0])["_ncols"] == columns


def test_colors_are_the_palette_while_it_lasts_and_then_a_rainbow() -> None:
    palette = ad_colors([*map(str, range(7)), "none"])
    assert palette == [*COLORS, EMPTY]
    assert ad_colors(["none", "b", "a"]) == [EMPTY, *COLORS[:2]]
    rainbow = ad_colors([*map(str, range(8))])
    assert not set(rainbow) & set(COLORS)
    assert rainbow[0] == to_hex(colormaps["turbo"](0.05))
    assert rainbow[-1] == to_hex(colormaps["turbo"](0.95))


@pytest.mark.parametrize("ending", ["pdf", "PNG", ""])
def test_a_tiny_picture_of_another_kind_is_refused(ending: str, tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"should end in \.png or \.svg"):
        draw_best_ads(Tables.compile(tiny(), three_videos()), tmp_path / f"best.{ending}")
    assert not list(tmp_path.iterdir())
