"""The preset `published` gives the published figures again (Krishnan and Sitaraman, IMC 2013), in simulation."""

import numpy as np
import pytest
from scipy import stats

from preroll.envs import Scenario, SessionEnv, SessionVectorEnv, Tables

SHARES = {  # of the ads placed in each position, as the comments of the preset say
    "pre": {"cats": 0.675, "cars": 0.225, "concerts": 0.1},
    "mid": {"cats": 0.96, "cars": 0.04, "concerts": 0.0},
    "post": {"cats": 0.19143, "cars": 0.0, "concerts": 0.80857},
}
FALSE_ALARM = 1e-6


@pytest.fixture(scope="module")
def played() -> dict[str, tuple[int, int]]:
    """(ads shown, ads viewed) by position, under the shares of the preset."""
    tables = Tables.compile("published", "demo")
    envs = SessionVectorEnv(4096, tables=tables, autoreset_mode="SameStep")
    observations, _ = envs.reset(seed=4)
    rng = np.random.default_rng(1)
    part = tables.layout.parts["position"].slice
    chances = np.array([[SHARES[slot][ad.category] / 2 for ad in tables.ads] for slot in SHARES])
    counts = np.zeros((3, 2), int)
    for _ in range(100):
        position = observations[:, part].argmax(axis=1)
        ads = (rng.random((4096, 1)) > chances.cumsum(axis=1)[position]).sum(axis=1)
        observations, *_ = envs.step(ads)
        np.add.at(counts, position, np.stack([np.ones(4096, int), envs.played.viewed], axis=1))
    return {slot: (int(n), int(k)) for slot, (n, k) in zip(SHARES, counts, strict=True)}


@pytest.mark.parametrize(("slot", "completion"), [("pre", 0.743), ("mid", 0.968), ("post", 0.447)])
def test_completion_by_position_is_the_published_one(
    slot: str, completion: float, played: dict[str, tuple[int, int]]
) -> None:
    shown, viewed = played[slot]
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], shown, completion)
    assert shown > 50_000
    assert low <= viewed <= high


def test_the_same_ads_gain_18_points_in_the_middle_and_lose_14_at_the_end() -> None:
    tables = Tables.compile("published", "demo")
    pre, mid, post = tables.arrays.base[0, 0, :, 0]
    shares = np.array([SHARES["pre"][ad.category] / 2 for ad in tables.ads])
    assert shares @ (mid - pre) == pytest.approx(0.181, abs=0.0005)
    assert shares @ (post - pre) == pytest.approx(-0.143, abs=0.0005)


def test_a_third_of_those_who_abandon_are_gone_by_a_quarter_and_two_thirds_by_half() -> None:
    tables = Tables.compile("published", "demo")
    envs = SessionVectorEnv(4096, tables=tables, autoreset_mode="SameStep")
    envs.reset(seed=8)
    fractions = []
    for slot in range(60):
        envs.step(np.full(4096, slot % tables.n_actions))
        watched, viewed = envs.played.watched, envs.played.viewed
        assert (watched[viewed] == 1).all()
        fractions.append(watched[~viewed])
    abandoned = np.concatenate(fractions)
    for by, share in ((0.25, 0.3333), (0.5, 0.6667)):
        low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], len(abandoned), share)
        assert low <= (abandoned <= by).sum() <= high


def test_what_is_watched_is_the_same_alone_and_beside_others() -> None:
    tables = Tables.compile("published", "demo")
    envs, env = SessionVectorEnv(8, tables=tables), SessionEnv(tables=tables)
    envs.reset(seed=2)
    env.reset(seed=5)
    for _ in range(5):
        *_, infos = envs.step(np.ones(8, int))
        _, _, left, horizon, info = env.step(1)
        assert info["watched"] == infos["watched"][3]
        if left or horizon:
            break


def test_an_empty_slot_is_not_watched() -> None:
    tables = Tables.compile(Scenario.load("published").replace({"session.no_ad": True}), "demo")
    env = SessionEnv(tables=tables)
    env.reset(seed=0)
    assert env.step(tables.n_actions - 1)[4]["watched"] == 0.0
