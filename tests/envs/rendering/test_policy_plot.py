import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from preroll.envs import Optimum, Tables, random_policy
from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.policies.policy_map import PolicyMap, policy_map
from preroll.envs.rendering.figure_bytes import figure_bytes
from preroll.envs.rendering.policy_plot import draw_policies, policy_png
from preroll.envs.scenario.template import scenario_for
from preroll.palette import ad_color, category_color
from preroll.perception.catalog.catalog import Catalog


def catalog_of(categories: list[str]) -> Catalog:
    """One video of every category."""
    n = len(categories)
    return Catalog.from_arrays(
        categories=categories,
        category=np.arange(n),
        neighbors=np.full((n, 10), -1),
        importance=np.eye(n),
        classes=[f"object-{k}" for k in range(n)],
    )


def best(tables: Tables) -> PolicyMap:
    return policy_map(tables, Optimum(tables).policy)


def test_the_areas_of_the_picture_have_the_colors_of_the_ads(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    chosen = best(tables)
    with Image.open(io.BytesIO(policy_png(tables, chosen))) as picture:
        found = {color: n for n, color in picture.convert("RGB").getcolors(1 << 20) or []}
    shown = set(np.unique(np.stack(list(chosen.values()))).tolist())
    for ad, color in enumerate(ad_colors(tables.spec)):
        assert (found.get(ImageColor.getrgb(color), 0) > 500) == (ad in shown)


def test_the_same_policy_gives_the_same_bytes(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    assert policy_png(tables, best(tables)) == policy_png(tables, best(tables))
    for kind in ("png", "svg"):
        one, other = (figure_bytes(draw_policies(tables, {"": best(tables)}), kind) for _ in range(2))
        assert one == other


def test_many_categories_are_drawn_in_lines_below_each_other() -> None:
    catalog = catalog_of([f"kind-{k}" for k in range(7)])
    tables = Tables.compile(scenario_for(catalog, "fatigue"), catalog)
    with Image.open(io.BytesIO(figure_bytes(draw_policies(tables, {"": best(tables)}), "png"))) as picture:
        assert 1 < picture.width / picture.height < 6
    with Image.open(io.BytesIO(policy_png(tables, best(tables)))) as picture:
        assert picture.width <= 420  # for a phone: all below each other


def test_every_row_has_its_title_and_every_panel_the_name_of_its_category(small_catalog: Catalog) -> None:
    tables = Tables.compile("drift", small_catalog)
    rows = {f"from session {100 * phase}": policy_map(tables, Optimum(tables, phase).policy) for phase in range(3)}
    svg = figure_bytes(draw_policies(tables, rows, title="the best of all"), "svg").decode()
    texts = re.findall(r">([^<>]+)</", svg)
    assert [texts.count(text) for text in ("before cats videos", "from session", "100", "200")] == [3, 3, 1, 1]
    assert {"the best of all", "slot"} <= set(texts)


@pytest.mark.parametrize("name", ["$a_1$ and $b^2$", "<b>&", "_hidden", "a name of some length " * 5])
def test_names_of_categories_stand_in_the_picture_as_they_are(name: str) -> None:
    catalog = catalog_of([name, "cats"])
    tables = Tables.compile(scenario_for(catalog, "classic"), catalog)
    svg = figure_bytes(draw_policies(tables, {"": best(tables)}), "svg").decode()
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f">before {escaped} videos<" in svg
    assert f">{escaped}.long<" in svg or f">{escaped}.short<" in svg


def test_equally_likely_ads_are_drawn_as_several(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    maps = {"": policy_map(tables, random_policy(tables))}
    svg = figure_bytes(draw_policies(tables, maps), "svg").decode()
    assert ">several alike<" in svg
    assert ">cats.short<" not in svg


def colors_by_label(small_catalog: Catalog, ads: dict[str, dict[str, float]], p: Any = 0.5) -> dict[str, str]:
    """Colours of ads by label, from seconds by name and category."""
    same = {"view_probability": p, "reward": 1}
    nested = {
        category: {name: {"seconds": seconds, **same} for name, seconds in of.items()} for category, of in ads.items()
    }
    spec = Tables.compile({"name": "test", "ads": nested}, small_catalog).spec
    return dict(zip(spec.labels, ad_colors(spec), strict=True))


def test_ads_are_shaded_in_the_order_of_the_seconds_of_their_length_classes(small_catalog: Catalog) -> None:
    colors = colors_by_label(small_catalog, {"cats": {"b": 60, "c": 20, "a": 5}, "cars": {"c": 30}})
    assert [colors[f"cats.{name}"] for name in "acb"] == [ad_color(1, shade) for shade in (0, 0.5, 1)]
    assert colors["cars.c"] == ad_color(0, 0.5)  # the shade of its class in this scenario


def test_ads_of_one_category_and_one_length_class_differ_and_stay_nearer_to_their_class(small_catalog: Catalog) -> None:
    """A bug once: they had the same colour, so that no picture told them apart."""
    ad = {"view_probability": 0.5, "reward": 1}
    short = {name: {"seconds": seconds, "length": "short", **ad} for name, seconds in (("b", 9), ("a", 5))}
    ads: dict[str, dict[str, Any]] = {
        "cats": {**short, "long": {"seconds": 30, **ad}},
        "cars": {"short": {"seconds": 7, **ad}},
    }
    spec = Tables.compile({"name": "test", "ads": ads}, small_catalog).spec
    colors = dict(zip(spec.labels, ad_colors(spec), strict=True))
    assert [colors[f"cats.{name}"] for name in ("a", "b", "long")] == [ad_color(1, shade) for shade in (0, 0.4, 1)]
    assert colors["cars.short"] == ad_color(0, 0)
    del ads["cats"]["long"]
    spec = Tables.compile({"name": "test", "ads": ads}, small_catalog).spec
    assert ad_colors(spec) == (ad_color(1, 1), ad_color(1, 0), category_color(0))


def test_ads_of_a_single_length_have_the_colors_of_their_categories(small_catalog: Catalog) -> None:
    colors = colors_by_label(small_catalog, {"cats": {"only": 5}, "cars": {"only": 5}})
    assert colors == {"cats.only": category_color(1), "cars.only": category_color(0)}


def test_groups_of_ads_that_are_no_categories_have_hues_that_no_category_has(small_catalog: Catalog) -> None:
    colors = colors_by_label(small_catalog, {"soap": {"a": 5}, "cats": {"a": 5}, "petrol": {"a": 5}}, {"other": 0.5})
    assert colors == {"soap.a": category_color(3), "cats.a": category_color(1), "petrol.a": category_color(4)}
