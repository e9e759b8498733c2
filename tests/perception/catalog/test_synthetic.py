"""Catalogs without videos: what is planted is found, and stays for a seed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from preroll.console import spoken
from preroll.envs import Optimum, Tables, scenario_for
from preroll.errors import PrerollError
from preroll.perception import Catalog
from preroll.perception.catalog.synthetic import nearest, posterior

NAMES = ["cooking", "travel", "music"]


def test_videos_are_shared_out_evenly_and_sizes_are_kept() -> None:
    assert np.bincount(Catalog.synthetic(NAMES, 20).category).tolist() == [7, 6, 7]  # sorted: cooking, music, travel
    assert np.bincount(Catalog.synthetic({"b": 5, "a": 2}).category).tolist() == [2, 5]


def test_the_same_seed_plants_the_same_and_another_one_does_not() -> None:
    one, same, other = (Catalog.synthetic(NAMES, 30, seed=seed) for seed in (1, 1, 2))
    assert one.sha256 == same.sha256 != other.sha256


def test_importance_is_what_is_stated() -> None:
    """Of the own class at least ``content``, of others at most the rest, on average a third of it more or less."""
    catalog = Catalog.synthetic(NAMES, 3000, content=0.25)
    own = np.eye(3, dtype=bool)[catalog.category]
    assert catalog.importance[own].min() >= 0.25
    assert catalog.importance[~own].max() <= 0.75
    # The smaller of two uniform draws has mean 1/3 and variance 1/18: six standard errors, false alarm 1e-8.
    assert abs(catalog.importance[own].mean() - (0.25 + 0.25)) < 6 * 0.75 * (1 / 18 / 3000) ** 0.5
    assert abs(catalog.importance[~own].mean() - 0.25) < 6 * 0.75 * (1 / 18 / 6000) ** 0.5


def test_neighbours_are_the_nearest_by_cosine() -> None:
    catalog = Catalog.synthetic(NAMES, 40)
    vectors = catalog.importance.astype(float)
    for i in range(40):
        cosines = {
            j: float(vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j]))
            for j in range(40)
            if j != i
        }
        best = sorted(cosines.values(), reverse=True)[:10]
        assert [cosines[j] for j in catalog.neighbors[i].tolist()] == pytest.approx(best, abs=2e-6)
        assert catalog.neighbor_scores[i].tolist() == pytest.approx(best, abs=2e-6)


def test_equal_videos_are_neighbours_in_their_order_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    importance = np.repeat(np.eye(2), [12, 3], axis=0)
    whole, _ = nearest(importance)
    assert whole[0].tolist() == list(range(1, 11))
    assert whole[5].tolist() == [*range(5), *range(6, 11)]
    assert whole[14].tolist() == [12, 13, *range(8)]
    monkeypatch.setattr("preroll.perception.catalog.synthetic.BLOCK", 40)
    assert nearest(importance)[0].tolist() == whole.tolist()


def test_few_videos_have_few_neighbours() -> None:
    assert Catalog.synthetic({"a": 1}).neighbors.tolist() == [[-1] * 10]
    assert Catalog.synthetic({"a": 2, "b": 1}).neighbors[:, 2:].max() == -1


def test_content_decides_how_much_neighbours_know_of_categories() -> None:
    shares = [Catalog.synthetic(NAMES, 300, content=c).neighbors_in_category()[0] for c in (0, 0.2, 0.4, 1)]
    assert shares == sorted(shares)
    assert shares[0] < 0.45
    assert shares[-1] == 1


def test_predicted_categories_are_calibrated() -> None:
    """They are the exact posterior: what is predicted with p is true with p, within six standard errors."""
    catalog = Catalog.synthetic({"a": 6000, "b": 2000, "c": 1000}, content=0.2)
    p = catalog.category_probabilities.astype(float)  # type: ignore[union-attr]
    true = np.eye(3)[catalog.category]
    for low in np.arange(0, 1, 0.1):
        found = (p >= low) & (p < low + 0.1)
        error = (true[found] - p[found]).sum()
        assert abs(error) <= 6 * max((p[found] * (1 - p[found])).sum(), 1) ** 0.5


@pytest.mark.parametrize("content", [0.0, 1.0])
def test_content_that_says_nothing_or_all_is_known_as_such(content: float) -> None:
    catalog = Catalog.synthetic({"a": 30, "b": 10}, content=content)
    expected = [0.75, 0.25] if content == 0 else np.eye(2)[catalog.category]
    assert np.abs(catalog.category_probabilities - expected).max() < 1e-6  # type: ignore[operator]


def test_a_posterior_by_hand() -> None:
    """Densities of the own class 1 − (x − 0.2) / 0.8, of the other 1 − x / 0.8."""
    own, other = 1 - (0.5 - 0.2) / 0.8, 1 - 0.5 / 0.8
    third = 1 - (0.3 - 0.2) / 0.8, 1 - 0.3 / 0.8
    weights = np.array([3 * own * third[1], 1 * other * third[0]])
    found = posterior(np.array([[0.5, 0.3], [0.9, 0.1]]), np.array([3, 1]), 0.2)
    assert found[0].tolist() == pytest.approx((weights / weights.sum()).tolist())
    assert found[1].tolist() == pytest.approx([1, 0])


def test_a_list_of_videos_names_them_and_their_tags_are_classes(tmp_path: Path) -> None:
    file = tmp_path / "videos.csv"
    file.write_text('video,category,tags\nb,travel,"sea, boat"\na,cooking,pan;sea\nc,cooking,\n', "utf8")
    catalog = Catalog.synthetic(videos=str(file), content=0.9)
    assert catalog.classes == ("cooking", "travel", "boat", "pan", "sea")
    assert catalog.videos()["path"].tolist() == ["b", "a", "c"]
    assert (catalog.importance >= 0.9).tolist() == [
        [False, True, True, False, True],
        [True, False, False, True, True],
        [True, False, False, False, False],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name\na\n", "line 1: name: the columns are category"),
        ("category;tags\na;b\n", "line 1: category;tags: is separated by ';'; a comma is expected"),
        ("category,tags,tags\na,,\n", "line 1: .*each once"),
        ("category,tags\na\n", "line 2: should have 2 fields"),
        ("category,tags\n,x\n", "line 2: category: is missing"),
        ("category\n", "lists no video"),
        ("", "line 1: nothing: the columns"),
        ("video,category\nv,a\nv,b\n", "video 'v': is there 2 times"),
        ("category,tags\na,b\nb,\n", "tags: 'b' of video a/line-2: is the name of another category"),
        ('category\n"a\n', "line 2: unexpected end of data"),
        ("category\na*\n", r"'a\*'"),
    ],
)
def test_a_list_that_is_wrong_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "videos.csv"
    file.write_text(text, "utf8")
    with pytest.raises(PrerollError, match=told) as caught:
        Catalog.synthetic(videos=file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"categories": []}, "categories: at least one"),
        ({"categories": "cooking"}, "categories: 'cooking': must be a list of names"),
        ({"categories": ["a", "a"]}, "categories: 'a': is named twice"),
        ({"categories": ["a", "b"], "videos": 1}, "categories: 'b': would have 0 videos"),
        ({"categories": {"a": 0}}, "categories: 'a': would have 0 videos"),
        ({"categories": ["a"], "content": 1.5}, r"content: 1.5: should lie in \[0, 1\]"),
        ({"categories": ["a"], "content": float("nan")}, "content: nan"),
        ({"categories": ["a"], "videos": 10**9}, "videos: 1,000,000,000: .* at most 30,000"),
        ({"categories": ["a\n"]}, r"categories: 'a\\n'"),
        ({"categories": ["a"], "videos": "videos.csv"}, "leave one of the two out"),
        ({"videos": "no.csv"}, "no.csv: cannot be read: No such file"),
        ({"categories": ["a"], "videos": [10, 20]}, "videos: list: a number of videos, or a CSV file of them, is expe"),
        ({"categories": ["a"], "videos": {"a": 3}}, "videos: dict: a number of videos, or a CSV file"),
        ({"videos": pd.DataFrame({"category": ["a"]})}, "videos: DataFrame: a number of videos, or a CSV file"),
        ({"categories": ["a"], "videos": 10.5}, "videos: 10.5: a whole number is expected"),
        ({"categories": 3}, r"categories: 3: names are expected, as \['cooking', 'travel'\], or numbers of videos by"),
        ({"categories": ["a", 3]}, "categories: 3: a name is expected, which is text"),
        ({"categories": {"a": "3"}}, "categories: 'a': '3': a whole number is expected"),
        ({"categories": ["a"], "content": "0.5"}, "content: '0.5': should lie in"),
        ({"categories": ["a"], "seed": "x"}, "seed: 'x': a whole number is expected"),
    ],
)
def test_an_argument_that_is_wrong_is_refused_in_one_line(given: dict[str, Any], told: str) -> None:
    with pytest.raises(PrerollError, match=told):
        Catalog.synthetic(**given)


def test_a_number_may_be_written_as_a_float_and_the_card_says_how_it_was_made(tmp_path: Path) -> None:
    thousand: Any = 1e3
    catalog = Catalog.synthetic(NAMES[:2], thousand, seed=4)
    assert catalog.sha256 == Catalog.synthetic(NAMES[:2], 1000, seed=4).sha256
    assert "Catalog.synthetic(['cooking', 'travel'], 1000, seed=4, content=0.3)" in " ".join(repr(catalog).split())
    file = tmp_path / "own.csv"
    file.write_text("category\na\na\n", "utf8")
    for made in (Catalog.synthetic({"a": 2, "b": 3}, content=1), Catalog.synthetic(videos=file)):
        assert eval(made.manifest["command"]).sha256 == made.sha256


def test_a_saved_catalog_is_the_same(tmp_path: Path) -> None:
    catalog = Catalog.synthetic(NAMES, 30)
    saved = catalog.save(tmp_path / "mine", command="by hand")
    assert saved.altered() == []
    saved.check_values()
    assert (saved.categories, saved.classes, saved.manifest["synthetic"]) == (
        catalog.categories, catalog.classes, {"seed": 0, "content": 0.3},
    )  # fmt: skip
    for name in ("category", "importance", "neighbors", "neighbor_scores", "category_probabilities"):
        assert np.array_equal(getattr(saved, name), getattr(catalog, name))
    assert saved.videos()["path"].tolist() == catalog.videos()["path"].tolist()
    with pytest.raises(PrerollError, match="the catalog exists"):
        catalog.save(tmp_path / "mine")
    assert catalog.save(tmp_path / "mine", replace=True).sha256 == saved.sha256
    with pytest.raises(PrerollError, match="stands in a folder already"):
        saved.save(tmp_path / "other")


def test_a_scenario_of_own_categories_runs_on_it() -> None:
    catalog = Catalog.synthetic(NAMES, 60)
    tables = Tables.compile(scenario_for(catalog), catalog)
    assert Optimum(tables).value > 0


def test_a_catalog_of_other_categories_is_told_how_ads_for_it_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug once: whoever had a catalog was told to make another one. Python is told calls, a command commands."""
    catalog, told = Catalog.synthetic(["cooking", "travel"], 20), r"it has cooking, travel; "
    with pytest.raises(PrerollError, match=told + r"scenario_for\(catalog\) writes ads for its categories, Catalog\."):
        Tables.compile("classic", catalog)
    monkeypatch.setattr(spoken._Mode, "options", True)
    with pytest.raises(PrerollError, match=told + "`preroll scenario new --catalog synthetic` writes ads for"):
        Tables.compile("classic", catalog)
    with pytest.raises(PrerollError, match=r"`preroll scenario new --catalog demo` .*`preroll catalog new DIR --cat"):
        Tables.compile(scenario_for(catalog), "demo")


def test_who_names_other_categories_is_told_how_to_make_a_catalog_of_them() -> None:
    ads = {name: {"long": {"seconds": 9, "view_probability": 0.5, "reward": 1}} for name in ("slow food", "travel")}
    with pytest.raises(PrerollError, match=r"Catalog\.synthetic\(\['slow food', 'travel'\]\) a catalog"):
        Tables.compile({"ads": ads}, "demo")
    by = {"view_probability": {"opera": 0.5, "other": 0.1}, "seconds": 9, "reward": 1}
    with pytest.raises(PrerollError, match=r"Catalog\.synthetic\(\['opera'\]\)"):
        Tables.compile({"ads": {"soap": {"long": by}}}, "demo")
    lacks = {"view_probability": {"cats": 0.5}, "seconds": 9, "reward": 1}
    with pytest.raises(PrerollError, match="lacks cars; name every category") as caught:
        Tables.compile({"ads": {"soap": {"long": lacks}}}, "demo")
    assert "synthetic" not in str(caught.value)
