from pathlib import Path

import numpy as np
import pytest

from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.perception.inspection.lookup import find_video, similar_videos


@pytest.fixture
def demo() -> Catalog:
    return Catalog.load("demo")


def test_a_video_is_found_by_path_name_or_row(demo: Catalog) -> None:
    assert find_video(demo, "cats/cats-001.mp4") == find_video(demo, "cats-001.mp4") == find_video(demo, "100") == 100


def test_an_unknown_video_gets_suggestions(demo: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"no video 'cats-1\.mp4'.*did you mean cats/cats-"):
        find_video(demo, "cats-1.mp4")


def test_similar_videos_come_best_first_with_what_they_share(demo: Catalog) -> None:
    table = similar_videos(demo, 100)
    assert table["rank"].tolist() == list(range(1, 11))
    assert table["score"].is_monotonic_decreasing
    assert table["path"].iloc[0] == demo.videos()["path"][demo.neighbors[100, 0]]
    assert set(", ".join(table["in common"]).split(", ")) <= set(demo.classes)


def test_the_packaged_catalog_is_whole_and_small(demo: Catalog) -> None:
    demo.check_values()
    assert demo.n_videos == 300
    assert demo.categories == ("cars", "cats", "concerts")
    assert sum(path.stat().st_size for path in Path(demo.path).rglob("*") if path.is_file()) < 200_000
    assert demo.category_probabilities is not None
    assert 0.90 <= (demo.category_probabilities.argmax(1) == demo.category).mean() <= 0.97


def test_similar_videos_are_those_of_a_row_or_of_a_name(demo: Catalog) -> None:
    """A bug once: text was an IndexError of NumPy."""
    of_row = similar_videos(demo, 100)
    for video in ("100", "cats-001.mp4", np.int64(100)):
        assert similar_videos(demo, video).equals(of_row)
    for missing in (300, -1, "300"):
        with pytest.raises(PrerollError, match=r"no video .*; its rows are 0 … 299"):
            similar_videos(demo, missing)
    with pytest.raises(PrerollError, match=r"video: 1\.5: a whole number is expected"):
        similar_videos(demo, 1.5)  # type: ignore[arg-type]
