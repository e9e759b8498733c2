"""The vector environment's resets: seeds of every form, and the session that each lane continues with."""

import numpy as np
import pytest

from preroll.envs import SessionEnv, SessionVectorEnv
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog


def videos(envs: SessionVectorEnv, seed: int | list[int | None] | None = None) -> list[int]:
    """First videos after a reset."""
    found: list[int] = envs.reset(seed=seed)[1]["video"].tolist()
    return found


def test_lane_i_of_seed_s_is_the_single_environment_of_seed_s_plus_i(small_catalog: Catalog) -> None:
    single = SessionEnv("fatigue", small_catalog)
    assert videos(SessionVectorEnv(5, "fatigue", small_catalog), 7) == [
        single.reset(seed=seed)[1]["video"] for seed in range(7, 12)
    ]


def test_a_list_gives_every_lane_its_own_seed(small_catalog: Catalog) -> None:
    single = SessionEnv("classic", small_catalog)
    expected = [single.reset(seed=seed)[1]["video"] for seed in (3, 99, 3)]
    assert videos(SessionVectorEnv(3, "classic", small_catalog), [3, 99, 3]) == expected


def test_lanes_without_a_seed_get_streams_of_their_own(small_catalog: Catalog) -> None:
    """A bug once: a first reset with a list of None left all lanes on one stream, the same every time."""
    envs = SessionVectorEnv(64, "classic", small_catalog)
    assert len(set(videos(envs, [None] * 64))) > 10
    assert videos(envs, [None] * 64) != videos(SessionVectorEnv(64, "classic", small_catalog), [None] * 64)


def test_after_a_list_of_seeds_a_reset_goes_on_to_the_next_sessions(small_catalog: Catalog) -> None:
    """A bug once: the seeds of a list were forgotten at the next reset."""
    one, other = (SessionVectorEnv(3, "classic", small_catalog) for _ in range(2))
    one.reset(seed=[1, 2, 3])
    other.reset(seed=1)
    assert videos(one) == videos(other)
    assert one.sessions_started.tolist() == [1, 1, 1]


def test_a_lane_without_a_seed_goes_on_beside_one_that_begins_anew(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(2, "classic", small_catalog)
    envs.reset(seed=5)
    envs.reset(seed=[5, None])
    assert envs.sessions_started.tolist() == [0, 1]


def test_the_reset_mask_leaves_the_other_lanes_alone(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(3, "classic", small_catalog)
    envs.reset(seed=5)
    envs.reset(options={"reset_mask": np.array([False, True, False])})
    assert envs.sessions_started.tolist() == [0, 1, 0]


def test_seeds_of_any_size_are_taken(small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(2, "classic", small_catalog)
    assert videos(envs, [2**64 + 1, 2**70]) == videos(envs, [1, 0])


@pytest.mark.parametrize(
    ("seed", "options", "message"),
    [
        ([1, 2], None, "one seed, or None, for each of the 3 lanes"),
        (None, {"reset_mask": np.ones(2, bool)}, r"bool \[3\] is expected"),
        (4, {"reset_mask": np.array([True, True, False])}, r"the first reset should be of all lanes"),
        (None, {"reset_mask": np.ones(3)}, r"bool \[3\] is expected"),
    ],
)
def test_a_wrong_seed_or_mask_is_refused(
    seed: list[int | None] | None, options: dict[str, object] | None, message: str, small_catalog: Catalog
) -> None:
    with pytest.raises(PrerollError, match=message):
        SessionVectorEnv(3, "classic", small_catalog).reset(seed=seed, options=options)


def test_a_step_before_the_first_reset_is_refused(small_catalog: Catalog) -> None:
    """A bug once: lanes of zeros were played without a word."""
    with pytest.raises(PrerollError, match="call reset"):
        SessionVectorEnv(3, "classic", small_catalog).step(np.zeros(3, int))


def test_an_ad_that_is_no_integer_is_refused(small_catalog: Catalog) -> None:
    """A bug once: step(1.7) played ad 1."""
    envs, env = SessionVectorEnv(3, "classic", small_catalog), SessionEnv("classic", small_catalog)
    envs.reset(seed=0)
    env.reset(seed=0)
    with pytest.raises(PrerollError, match="integers are expected"):
        envs.step(np.array([0.0, 1.7, 2.0]))
    with pytest.raises(PrerollError, match=r"action 1\.7: ads are numbered 0 to 5"):
        env.step(1.7)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_skipped_session_is_as_one_that_was_played(mode: str, small_catalog: Catalog) -> None:
    played, skipped = (SessionVectorEnv(3, "fatigue", small_catalog, autoreset_mode=mode) for _ in range(2))
    for envs in (played, skipped):
        envs.reset(seed=4)
        for _ in range(50):  # some lanes are in the middle of a session, some at its end
            envs.step(np.array([0, 1, 2]))
    assert played.sessions_started.max() < 9
    while (behind := played.sessions_started < 9).any():
        observations, _ = played.reset(options={"reset_mask": behind})
    np.testing.assert_array_equal(skipped.skip_to(9), observations)
    assert skipped.sessions_started.tolist() == [9, 9, 9]
    for _ in range(60):
        for one, other in zip(played.step(np.array([3, 4, 5]))[:4], skipped.step(np.array([3, 4, 5]))[:4], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("session", [-1, 2**31 - 1])
def test_a_session_that_no_stream_has_is_refused(session: int, small_catalog: Catalog) -> None:
    envs = SessionVectorEnv(3, "classic", small_catalog)
    with pytest.raises(PrerollError, match="call reset"):
        envs.skip_to(0)
    envs.reset(seed=1)
    with pytest.raises(PrerollError, match=r"a whole number from 0 to 2,147,483,646 is expected"):
        envs.skip_to(session)
