"""Rendering: a line of text for every slot, a picture of the session, and nothing at all without a render mode."""

import re
import warnings
from itertools import pairwise
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray
from PIL import ImageColor

import preroll  # noqa: F401  (registers the environment)
from preroll.envs import Scenario, SessionEnv, preset_names
from preroll.envs.model.ad_colors import ad_colors
from preroll.envs.rendering.rgb import VIDEOS
from preroll.errors import PrerollError
from preroll.palette import CATEGORIES
from preroll.perception.catalog.catalog import Catalog


def frames_of(env: SessionEnv, seed: int = 0) -> list[NDArray[np.uint8]]:
    """The pictures of one session: at its start and after every slot."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    frames, over = [env.render()], False
    while not over:
        *_, terminated, truncated, _ = env.step(int(rng.integers(env.tables.n_actions)))
        frames.append(env.render())
        over = terminated or truncated
    assert all(isinstance(frame, np.ndarray) for frame in frames)
    return [frame for frame in frames if isinstance(frame, np.ndarray)]


def with_color(frame: NDArray[np.uint8], color: str) -> int:
    """How many pixels have exactly this colour."""
    return int((frame == ImageColor.getrgb(color)).all(axis=2).sum())


@pytest.mark.parametrize("name", preset_names())
def test_gymnasium_checks_pass_with_rendering_and_warnings_as_errors(name: str, small_catalog: Catalog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make("preroll/Session-v0", scenario=name, catalog=small_catalog, render_mode="rgb_array")
        check_env(env.unwrapped)


@pytest.mark.parametrize("name", preset_names())
def test_every_picture_of_a_session_has_the_same_shape_and_differs_from_the_one_before(
    name: str, small_catalog: Catalog
) -> None:
    frames = frames_of(SessionEnv(name, small_catalog, render_mode="rgb_array"))
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((360, 640, 3), "uint8")}
    assert all((one != other).any() for one, other in pairwise(frames))


def test_pictures_of_the_same_session_are_equal(small_catalog: Catalog) -> None:
    one, other = (frames_of(SessionEnv("fatigue", small_catalog, render_mode="rgb_array")) for _ in range(2))
    for picture, again in zip(one, other, strict=True):
        np.testing.assert_array_equal(picture, again)


def test_the_band_of_videos_shows_the_category_of_every_slot(small_catalog: Catalog) -> None:
    env = SessionEnv("classic", small_catalog, render_mode="rgb_array")
    env.reset(seed=4)
    categories = [env.step(0)[4]["category"] for _ in range(20)]
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    row = frame[sum(VIDEOS) // 2]
    runs = [CATEGORIES[categories[0]]]
    runs += [CATEGORIES[after] for before, after in pairwise(categories) if before != after]
    seen = ["#{:02X}{:02X}{:02X}".format(*pixel) for pixel in row]
    seen = [color for color in seen if color in CATEGORIES]
    assert [color for i, color in enumerate(seen) if i == 0 or color != seen[i - 1]] == runs


def test_a_viewed_ad_is_filled_and_one_that_is_not_is_hollow(small_catalog: Catalog) -> None:
    """Before a video of another category, so that the ad's colour is the ad's alone."""
    filled = {}
    for p in (0.0, 1.0):
        scenario = Scenario.load("classic").replace({"ads.*.*.view_probability": p, "user.mismatch": 1.0})
        env = SessionEnv(scenario, small_catalog, render_mode="rgb_array")
        _, info = env.reset(seed=0)
        categories = env.tables.spec.ad_category
        ad = next(i for i, category in enumerate(categories) if category != info["category"])
        env.reset(seed=0)
        before = env.render()
        env.step(ad)
        after = env.render()
        assert isinstance(before, np.ndarray)
        assert isinstance(after, np.ndarray)
        color = ad_colors(env.tables.spec)[ad]
        filled[p] = with_color(after[95:233], color) - with_color(before[95:233], color)
    assert filled[1.0] > 2 * filled[0.0] > 0


def test_a_session_longer_than_the_picture_scrolls(small_catalog: Catalog) -> None:
    scenario = Scenario.load("classic").replace({"session.horizon": 200})
    frames = frames_of(SessionEnv(scenario, small_catalog, render_mode="rgb_array"))
    assert len(frames) == 201
    assert frames[0].shape == frames[-1].shape


def test_text_has_one_line_for_every_slot_that_tells_what_happened(small_catalog: Catalog) -> None:
    env = SessionEnv("fatigue", small_catalog, render_mode="ansi")
    env.reset(seed=1)
    start = env.render()
    assert isinstance(start, str)
    assert start.startswith("fatigue: session 0 begins with video ")
    revenue = 0.0
    for slot, ad in enumerate([0, 1, 2, 6], start=1):
        _, reward, terminated, _, info = env.step(ad)
        revenue += reward
        line = env.render()
        assert isinstance(line, str)
        category = env.tables.spec.categories[info["category"]]
        response = "–" if ad == 6 else "viewed" if info["viewed"] else "not viewed"
        assert "\n" not in line
        assert re.sub(r"\s+", " ", line) == (
            f"slot {slot} video {info['video']} ({category}) {env.tables.spec.labels[ad]} {response} "
            f"P(view) {info['view_probability']:.3f} reward {reward:.2f} fatigue {bar_of(env)} "
            f"revenue {revenue:.2f}{' left' if terminated else ''}"
        )


def bar_of(env: SessionEnv) -> str:
    """The fatigue bar written from what the agent observes."""
    part = env.layout.parts["fatigue"]
    env._action[0] = 0
    observation, _ = env._advance(starts=True)  # starts no session, and observes
    level = int(observation[part.slice].argmax())
    return "▮" * level + "▯" * (part.size - 1 - level) + f" {level}"


def test_text_names_the_position_where_a_video_has_several_slots(small_catalog: Catalog) -> None:
    env = SessionEnv(
        Scenario.load("classic").replace({"session.slots": ["pre", "mid"]}), small_catalog, render_mode="ansi"
    )
    env.reset(seed=0)
    lines = []
    for _ in range(3):
        env.step(0)
        lines.append(str(env.render()))
    assert [line.split()[2] for line in lines] == ["pre", "mid", "pre"]


def test_a_new_session_begins_an_empty_timeline(small_catalog: Catalog) -> None:
    env = SessionEnv("classic", small_catalog, render_mode="ansi")
    env.reset(seed=0)
    env.step(1)
    env.reset()
    assert str(env.render()).startswith("classic: session 1 begins")
    env.step(1)
    assert str(env.render()).startswith("slot  1 ")


def test_without_a_render_mode_nothing_is_kept_or_shown(small_catalog: Catalog) -> None:
    env = SessionEnv("classic", small_catalog)
    env.reset(seed=0)
    env.step(0)
    assert env.render() is None
    assert env._timeline is None


def test_rendering_changes_no_session(small_catalog: Catalog) -> None:
    plain = SessionEnv("fatigue", small_catalog)
    shown = SessionEnv("fatigue", small_catalog, render_mode="rgb_array")
    plain.reset(seed=3)
    shown.reset(seed=3)
    for ad in (0, 3, 6):
        shown.render()
        one, other = plain.step(ad), shown.step(ad)
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:] == other[1:]


def test_an_unknown_render_mode_is_refused(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match=r"render_mode: 'human': None, 'ansi' or 'rgb_array' is allowed"):
        SessionEnv("classic", small_catalog, render_mode="human")


def test_rendering_before_the_first_session_is_refused(small_catalog: Catalog) -> None:
    with pytest.raises(PrerollError, match="call reset"):
        SessionEnv("classic", small_catalog, render_mode="ansi").render()


def test_record_video_writes_a_file_for_a_session(small_catalog: Catalog, tmp_path: Path) -> None:
    env = gym.make("preroll/Session-v0", scenario="classic", catalog=small_catalog, render_mode="rgb_array")
    recorded = gym.wrappers.RecordVideo(env, str(tmp_path / "videos"))
    recorded.reset(seed=0)
    for _ in range(20):
        recorded.step(0)
    recorded.close()  # type: ignore[no-untyped-call]
    assert [path.suffix for path in (tmp_path / "videos").iterdir()] == [".mp4"]


def test_the_wrapper_that_collects_pictures_gets_one_for_the_start_and_one_for_every_slot(
    small_catalog: Catalog,
) -> None:
    env = gym.make("preroll/Session-v0", scenario="classic", catalog=small_catalog, render_mode="rgb_array_list")
    env.reset(seed=0)
    for _ in range(5):
        env.step(0)
    collected = env.render()
    assert isinstance(collected, list)
    assert [np.shape(frame) for frame in collected] == [(360, 640, 3)] * 6
