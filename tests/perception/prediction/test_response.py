"""A response model of the user's own: read, kept with a catalog, and known by the catalog's hash."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from preroll.commands.cli import app
from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.prediction.catalog_update import bare_paths, update_catalog
from preroll.perception.prediction.framework.predictions import Predictions
from preroll.perception.prediction.response import MOST_ADS, Response
from tests.resealed import reseal

ADS = ("fizz & co.long", "fizz & co.short", "soap.long")


@pytest.fixture
def catalog(small_catalog_folder: Path, tmp_path: Path) -> Catalog:
    """The small catalog, whose paths have suffixes and which left a video out."""
    folder = Path(shutil.copytree(small_catalog_folder, tmp_path / "catalog"))
    table = Catalog.load(folder).videos()
    table["path"] += ".mp4"
    left_out = table.iloc[:1].assign(index=-1, path="cars/broken.mp4", status="damaged")
    pd.concat([left_out, table]).to_csv(folder / "videos.csv", index=False)
    reseal(folder)
    return Catalog.load(folder)


def predicted(catalog: Catalog) -> pd.DataFrame:
    """A probability for every pair, the videos in an order of their own."""
    rng = np.random.default_rng(0)
    paths = bare_paths(catalog)
    rows = [(f"{path}.mp4", ad) for path in paths[::-1] for ad in ADS[::-1]]
    return pd.DataFrame(rows, columns=["video", "ad"]).assign(probability=rng.random(len(rows)).round(3))


def written(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(folder / "p.csv", index=False)
    return folder / "p.csv"


def test_every_pair_gets_its_probability(catalog: Catalog, tmp_path: Path) -> None:
    table = predicted(catalog)
    response = Response.read(written(table, tmp_path), catalog)
    assert response.ads == ADS
    expected = table["probability"].to_numpy()[::-1].reshape(catalog.n_videos, len(ADS)).astype(np.float32)
    np.testing.assert_array_equal(response.values, expected)


def test_the_order_of_rows_and_the_suffixes_are_no_matter(catalog: Catalog, tmp_path: Path) -> None:
    table = predicted(catalog)
    response = Response.read(written(table, tmp_path), catalog)
    shuffled = table.sample(frac=1, random_state=1)
    shuffled.loc[::2, "video"] = shuffled.loc[::2, "video"].str.removesuffix(".mp4")
    np.testing.assert_array_equal(Response.read(written(shuffled, tmp_path), catalog).values, response.values)


def test_what_is_said_of_videos_that_were_left_out_is_passed_over(catalog: Catalog, tmp_path: Path) -> None:
    table = predicted(catalog)
    more = pd.DataFrame({"video": "cars/broken.mp4", "ad": ["soap.long"], "probability": 0.5})
    response = Response.read(written(pd.concat([more, table]), tmp_path), catalog)
    np.testing.assert_array_equal(response.values, Response.read(written(table, tmp_path), catalog).values)


def wrong(table: pd.DataFrame, row: int, **values: Any) -> pd.DataFrame:
    return pd.concat([table.iloc[:row], table.iloc[row : row + 1].assign(**values), table.iloc[row + 1 :]])


def test_the_first_pair_that_is_missing_is_named(catalog: Catalog, tmp_path: Path) -> None:
    table = predicted(catalog)
    for row in (0, 40, len(table) - 1):
        video, ad, _ = table.iloc[row]
        with pytest.raises(PrerollError, match=rf"lacks the probability of {video}, {ad}; every pair is needed"):
            Response.read(written(table.drop(index=row), tmp_path), catalog)
    first = table.iloc[-4]  # of the second video; it comes before those of later ones
    with pytest.raises(PrerollError, match=rf"lacks the probability of {first['video']}, {first['ad']};"):
        Response.read(written(table.drop(index=[3, 20, len(table) - 4]), tmp_path), catalog)


def test_a_row_that_cannot_be_used_is_named(catalog: Catalog, tmp_path: Path) -> None:
    table = predicted(catalog)
    cases = [
        (wrong(table, 4, video="dogs/1.mp4"), r"row 5 \(dogs/1\.mp4, .*\): no video of the catalog .* has this path"),
        (wrong(table, 4, ad="soap"), r"row 5 \(.*, soap\): ad 'soap' must be group\.name"),
        (wrong(table, 4, ad="so*ap.x"), r"ad 'so\*ap\.x' must be group\.name"),
        (wrong(table, 4, probability=1.01), r"row 5 .*: probability '1\.01' must be a number in \[0, 1\]"),
        (pd.concat([table, table.iloc[7:8]]), rf"row {len(table) + 1} \(.*\): is in row 8 too"),
    ]
    for changed, message in cases:
        with pytest.raises(PrerollError, match=message):
            Response.read(written(changed, tmp_path), catalog)
    bare = table.iloc[7:8].assign(video=table["video"].str.removesuffix(".mp4"))
    with pytest.raises(PrerollError, match="is in row 8 too"):  # one video by two names
        Response.read(written(pd.concat([table, bare]), tmp_path), catalog)


def test_a_name_that_is_short_for_two_videos_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    listed, earlier = catalog.videos(), predicted(catalog)
    first, second = listed["path"][1], listed["path"][2]
    listed["path"] = listed["path"].replace({second: first.replace(".mp4", ".webm")})
    listed.to_csv(catalog.path / "videos.csv", index=False)
    reseal(catalog.path)
    twins = Catalog.load(catalog.path)
    bare = first.removesuffix(".mp4")
    table = earlier.replace({second: f"{bare}.webm"})
    assert Response.read(written(table, tmp_path), twins).ads == ADS
    with pytest.raises(PrerollError, match=rf"\({bare}, .*\): 2 videos of the catalog .* have this path"):
        Response.read(written(table.replace({first: bare}), tmp_path), twins)


def test_more_ads_than_a_scenario_may_have_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    table = pd.DataFrame({"video": "cars/0.mp4", "ad": [f"a.{i}" for i in range(MOST_ADS + 1)], "probability": 0.5})
    with pytest.raises(PrerollError, match="has 1,001 ads; at most 1,000 are taken"):
        Response.read(written(table, tmp_path), catalog)


def test_a_copy_holds_the_array_and_the_ads_and_nothing_else_changes(catalog: Catalog, tmp_path: Path) -> None:
    response = Response.read(written(predicted(catalog), tmp_path), catalog)
    made = update_catalog(catalog, tmp_path / "new", response=response)
    assert made.response is not None
    assert (made.response_ads, str(made.response.dtype), made.response.shape) == (ADS, "float32", (30, 3))
    np.testing.assert_array_equal(made.response, response.values)
    assert made.manifest["response_ads"] == list(ADS)
    assert made.manifest["predictions"]["response"]["task"] == "response"
    assert made.manifest["command"].endswith("&& preroll predict annotate DIR --response … --out DIR")
    assert set(made.files.files) - set(catalog.files.files) == {"response.npy"}
    assert all(sha256_of(made.path / name) == sha256_of(catalog.path / name) for name in catalog.files.files)
    made.check_values()
    assert made.altered() == []
    assert (catalog.response, catalog.response_ads) == (None, ())


def test_later_predictions_keep_it(catalog: Catalog, tmp_path: Path) -> None:
    response = Response.read(written(predicted(catalog), tmp_path), catalog)
    made = update_catalog(catalog, tmp_path / "new", response=response)
    memory = Predictions("memorability", tuple(bare_paths(catalog)), ("m",), np.full((30, 1), 0.5, np.float32))
    later = update_catalog(made, tmp_path / "later", memorability=memory)
    np.testing.assert_array_equal(later.response, response.values)
    assert later.response_ads == ADS
    assert set(later.manifest["predictions"]) == {"response", "memorability"}


def test_who_exchanges_two_ads_has_another_catalog(catalog: Catalog, tmp_path: Path) -> None:
    """The labels stand in the manifest: a hash of the files alone would be that of the other catalog."""
    values = np.full((30, 2), 0.5, np.float32)
    one = update_catalog(catalog, tmp_path / "one", response=Response(("a.x", "b.x"), values))
    other = update_catalog(catalog, tmp_path / "other", response=Response(("a.x", "c.x"), values))
    assert len({catalog.sha256, one.sha256, other.sha256}) == 3
    again = update_catalog(catalog, tmp_path / "again", response=Response(("a.x", "b.x"), values))
    assert again.sha256 == one.sha256


@pytest.mark.parametrize(
    ("ads", "values", "message"),
    [
        (("nogroup",), np.zeros((30, 1), np.float32), "ad 'nogroup' must be group.name, as in a scenario"),
        ((".x",), np.zeros((30, 1), np.float32), "ad '.x' must be group.name"),
        ((f"{256 * 'a'}.x",), np.zeros((30, 1), np.float32), "ad 'aaa.*' must be group.name"),
        (("b.x", "a.x"), np.zeros((30, 2), np.float32), "its ads must be sorted, at least one and each once"),
        ((), np.zeros((30, 0), np.float32), "at least one"),
        (("a.x",), np.zeros((30, 2), np.float32), r"response is float32 \[30, 2\], must be float32 \[30, 1\]"),
        (("a.x",), np.zeros((30, 1)), r"response is float64 \[30, 1\], must be float32 \[30, 1\]"),
        (("a.x",), np.full((30, 1), np.nan, np.float32), r"response, row 0: must lie in \[0, 1\]"),
    ],
)
def test_a_response_that_does_not_fit_leaves_nothing(
    catalog: Catalog, tmp_path: Path, ads: tuple[str, ...], values: Any, message: str
) -> None:
    with pytest.raises(PrerollError, match=message):
        update_catalog(catalog, tmp_path / "new", response=Response(ads, values))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("ads", "message"),
    [
        (None, "key 'response_ads' must list the ads of response.npy, not None"),
        (["b.x", "a.x", "c.x"], "key 'response_ads' must be sorted and without repeats"),
        (["a.x", "b.x"], r"response is float32 \[30, 3\], must be float32 \[30, 2\]"),
    ],
)
def test_a_manifest_whose_ads_do_not_fit_is_refused(catalog: Catalog, tmp_path: Path, ads: Any, message: str) -> None:
    response = Response.read(written(predicted(catalog), tmp_path), catalog)
    made = update_catalog(catalog, tmp_path / "new", response=response)
    reseal(made.path, response_ads=ads)
    with pytest.raises(PrerollError, match=message):
        Catalog.load(made.path)


def test_the_command_tells_what_it_put_in_and_show_does_too(catalog: Catalog, tmp_path: Path) -> None:
    table = predicted(catalog).assign(probability=lambda rows: np.where(rows["ad"] == "soap.long", 0.75, 0.25))
    table.to_parquet(tmp_path / "p.parquet")
    command = ["predict", "annotate", catalog.path, "--response", tmp_path / "p.parquet", "--out", tmp_path / "new"]
    run = CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    told = "P(view) by a model of yours, for `response: catalog`: 3 ads; mean from fizz & co.long 0.250 to soap.long"
    assert told in run.stdout
    for command in (["show", tmp_path / "new"], ["verify", tmp_path / "new"]):
        run = CliRunner().invoke(app, ["catalog", *map(str, command)], catch_exceptions=False)
        assert run.exit_code == 0
        assert (told in run.stdout) == (command[0] == "show")
