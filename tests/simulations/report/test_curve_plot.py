from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preroll.palette import AGENTS
from preroll.simulations.report.curve_plot import draw_curves, drawn_points, spread
from preroll.simulations.training.curves import Curve

CURVES = {
    "slow": Curve([500, 1000, 9000], {"session/expected": [1.0, 2.0, 9.0]}),
    "quick": Curve([500, 1000, 5000], {"session/expected": [5.0, 9.0, None]}),
}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return draw_curves(tmp_path / "curves", CURVES, {"random": 1.0, "greedy": 10.0, "optimum": 10.001}, "Title")


def test_every_line_is_named_and_equal_references_once(files: list[Path]) -> None:
    svg = files[1].read_text()
    for text in ("Title", "slow", "quick", "random 1.00", "greedy = optimum 10.00", "sessions seen"):
        assert f">{text}<" in svg


def test_each_agent_has_a_color_of_its_own_in_the_picture(files: list[Path]) -> None:
    pixels = np.asarray(Image.open(files[0]).convert("RGB")).reshape(-1, 3)
    for color in AGENTS[: len(CURVES)]:
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels.astype(int) - wanted).sum(axis=1) < 6).sum() > 200


def test_the_same_curves_give_the_same_bytes(files: list[Path], tmp_path: Path) -> None:
    again = draw_curves(tmp_path / "again", CURVES, {"random": 1.0, "greedy": 10.0, "optimum": 10.001}, "Title")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


def test_points_are_joined_until_they_have_enough_sessions_not_to_be_noise() -> None:
    noisy = Curve([1, 100, 600, 700, 1300, 9000], {"session/expected": [None, 2.0, 8.0, 1.0, 8.0, 9.0]})
    ends, (means,) = drawn_points([noisy], "session/expected")
    assert ends == [600, 1300, 9000]
    assert means == pytest.approx([(99 * 2 + 500 * 8) / 599, (100 * 1 + 600 * 8) / 700, 9.0])
    short = Curve([1, 30], {"session/expected": [None, 2.0]})
    ends, means = drawn_points([short, short], "session/expected")
    assert (ends, means.tolist()) == ([30], [[2.0], [2.0]])


def test_a_point_that_one_of_several_curves_lacks_is_in_none() -> None:
    whole, gap = (Curve([500, 1000], {"session/expected": [1.0, last]}) for last in (2.0, None))
    ends, means = drawn_points([whole, gap], "session/expected")
    assert (ends, means.tolist()) == ([500], [[1.0], [1.0]])


def test_labels_are_moved_apart_and_keep_their_order() -> None:
    places = [0.9, 0.91, 0.2, 0.905, 0.9]
    moved = spread(places, 0.05)
    assert np.all(np.diff(np.sort(moved)) > 0.05 - 1e-12)
    assert np.argsort(moved, kind="stable").tolist() == np.argsort(places, kind="stable").tolist()
    assert moved[2] == 0.2
