"""Scenarios from a matrix of P(view) by ad and category, and scenarios that write it out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from preroll.bounded.yaml_text import parse_yaml
from preroll.commands.cli import app
from preroll.envs import Optimum, Scenario, Tables, scenario_for
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.tiny import three_videos, tiny

MATRIX = "ad,cats,other,seconds,reward,length\nsoap.spring,.3,0.2,30,2.5,long\noil.short,,1e-1,,,\nsoap.b,0.4,.2,5,1,\n"


def made(text: str, folder: Path, **settings: Any) -> Scenario:
    (folder / "matrix.csv").write_text(text, encoding="utf-8")
    return scenario_for(three_videos(), probabilities=folder / "matrix.csv", **settings)


def test_a_matrix_gives_ads_by_group_and_what_it_lacks_is_lent(tmp_path: Path) -> None:
    ads = made(MATRIX, tmp_path).ads
    assert [(ad.label, ad.length, ad.seconds, ad.reward, ad.view_probability) for ad in ads] == [
        ("soap.spring", "long", 30, 2.5, {"cats": 0.3, "other": 0.2}),
        ("soap.b", "b", 5, 1, {"cats": 0.4, "other": 0.2}),
        ("oil.short", "short", 10, 1, {"other": 0.1}),  # seconds and reward of classic's first short ad
    ]


def test_a_matrix_has_no_use_for_mismatch_and_gets_none(tmp_path: Path) -> None:
    file = tmp_path / "matrix.csv"
    file.write_text("ad,other\nsoap.short,0.5\nsoap.long,0.4\n")
    assert scenario_for(Catalog.load("demo"), like="classic", probabilities=file).user.mismatch == 1.0
    assert scenario_for(Catalog.load("demo"), like="classic").user.mismatch == Scenario.load("classic").user.mismatch


def test_a_group_may_have_dots_and_a_file_the_mark_and_spaces_of_a_spreadsheet(tmp_path: Path) -> None:
    scenario = made("\ufeffad , cats,dogs\r\nvol. 1.a, .5 ,1\r\n", tmp_path, like="fatigue")
    assert [(ad.category, ad.name) for ad in scenario.ads] == [("vol. 1", "a")]
    assert scenario.ads[0].view_probability == {"cats": 0.5, "dogs": 1}
    assert scenario.user.fatigue.gain == {"none": (0, 0)}  # that of lengths which no ad has is left out
    assert Optimum(Tables.compile(scenario, three_videos())).value > 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ", line 1: nothing: the columns are ad, one for each category (cats, dogs) or other, and, if you like"),
        ("ad,seconds\nsoap.a,3\n", ", line 1: ad, seconds: the columns are ad, one for each category (cats, dogs) or"),
        ("cats,dogs\n1,1\n", ", line 1: cats, dogs: the columns are ad, one for"),
        ("ad,cats,birds\nsoap.a,1,1\n", ", line 1: column 'birds': the columns are ad"),
        ("ad,cats,cats\nsoap.a,1,1\n", ", line 1: column 'cats': the columns are ad"),
        ("ad,cats,dogs\n", ": holds no ad"),
        ("ad,cats,dogs\nsoap,1,1\n", ", line 2: ad: 'soap': should be group.name"),
        ("ad,cats,dogs\nsoap.,1,1\n", ", line 2: ad: 'soap.': should be group.name"),
        ("ad,cats,dogs\nsoap.a,1,1\noil.a,1,1\nsoap.a,1,1\n", ", line 4: ad: 'soap.a': occurs twice"),
        ("ad,cats,dogs\nsoap.a,1\n", ", line 2: should have 3 fields"),
        ("ad,cats,dogs\nsoap.a,1,1,1\n", ", line 2: should have 3 fields"),
        ("ad,cats,dogs\nsoap.a,1,\n", ", line 2: dogs: is missing, and there is no other for it"),
        ("ad,cats\nsoap.a,1\n", ", line 2: dogs: is missing, and there is no other for it"),
        ("ad,cats,dogs\nsoap.a,1,nan\n", ", line 2: dogs: 'nan': should be a number"),
        ("ad,cats,dogs,seconds\nsoap.a,1,1,1_0\n", ", line 2: seconds: '1_0': should be a number"),
        ("ad,cats,dogs\nsoap.a,1,1.5\n", ": ads.soap.a.view_probability.dogs: 1.5: should be in [0, 1]"),
        ("ad,cats,dogs,seconds\nsoap.a,1,1,0\n", ": ads.soap.a.seconds: 0.0: should be"),
        ("ad,cats,dogs,length\nsoap.a,1,1,none\n", ": ads.soap.a.length: 'none': should not be none"),
        ("ad,cats,dogs\nso*p.a,1,1\n", ": ads"),
        ('ad,cats,dogs\n"soap.a"x,1,1\n', ", line 2: "),
        ("ad,cats,dogs\nsoap.a,1,\0\n", ": is no text"),
    ],
)
def test_what_is_wrong_with_a_matrix_is_told_in_one_line_with_the_file(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(PrerollError) as caught:
        made(text, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'matrix.csv'}{line}")
    assert "\n" not in str(caught.value)


def test_a_matrix_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrerollError, match=r"nowhere\.csv: cannot be read: No such file"):
        scenario_for(three_videos(), probabilities=tmp_path / "nowhere.csv")
    (tmp_path / "bytes.csv").write_bytes(b"ad,cats,dogs\nsoap.\xff,1,1\n")
    with pytest.raises(PrerollError, match=r"bytes\.csv: cannot be read: 'utf-8' codec"):
        scenario_for(three_videos(), probabilities=tmp_path / "bytes.csv")


@pytest.mark.parametrize("like", ["classic", "fatigue", "published"])
def test_the_matrix_written_out_has_the_same_sessions_to_rounding(like: str) -> None:
    catalog = Catalog.load("demo")
    plain, full = (scenario_for(catalog, like, by_category=written) for written in (False, True))
    assert full.user.mismatch == 1
    assert {tuple(ad.view_probability) for ad in full.ads if isinstance(ad.view_probability, dict)} == {
        tuple(catalog.categories)
    }
    values = [Optimum(Tables.compile(one, catalog)).value for one in (plain, full)]
    assert values[1] == pytest.approx(values[0], rel=1e-9)


def test_ads_of_advertisers_are_given_numbers_for_the_categories_of_another_catalog(tmp_path: Path) -> None:
    ads: dict[str, Any] = {
        "soap": {
            "a": {"seconds": 5, "view_probability": {"cats": 0.5, "cars": 0.25}, "reward": 1},
            "b": {"seconds": 5, "view_probability": {"cars": 0.25, "other": 0.1}, "reward": 1},
        },
        "cars": {"c": {"seconds": 5, "view_probability": 0.75, "reward": 1}},
    }
    (tmp_path / "like.yaml").write_text(tiny({"user.fatigue.gain": {}, "user.leave.hazard": {}, "ads": ads}).dump())
    made = scenario_for(three_videos(), str(tmp_path / "like.yaml"))
    assert {ad.label: ad.view_probability for ad in made.ads} == {
        "soap.a": {"cats": 0.5, "dogs": 0.25},
        "soap.b": {"other": 0.1},
        "cats.c": 0.75,
        "dogs.c": 0.75,
    }
    full = scenario_for(three_videos(), str(tmp_path / "like.yaml"), by_category=True)
    np.testing.assert_allclose(Tables.compile(full, three_videos()).arrays.match[0, 0, :4], [0.5, 0.1, 0.75, 0.375])


def test_the_command_prints_the_scenario_of_a_matrix(tmp_path: Path) -> None:
    (tmp_path / "matrix.csv").write_text("ad,cats,other\nsoap.short,.3,.2\n")
    given = ["scenario", "new", "--catalog", "demo", "--probabilities", str(tmp_path / "matrix.csv")]
    found = CliRunner().invoke(app, given)
    assert found.exit_code == 0, found.output
    scenario = Scenario.load(parse_yaml(found.stdout, "new"))
    assert scenario.ads[0].view_probability == {"cats": 0.3, "other": 0.2}
    full = Scenario.load(parse_yaml(CliRunner().invoke(app, [*given, "--by-category"]).stdout, "new"))
    assert full.ads[0].view_probability == {"cars": 0.2, "cats": 0.3, "concerts": 0.2}
