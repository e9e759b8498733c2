"""The preset `published` gives the published figures again (Krishnan and Sitaraman, IMC 2013), in simulation."""

import numpy as np
import pytest
from scipy import stats

from preroll.envs import SessionVectorEnv, Tables

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
        observations, _, _, _, infos = envs.step(ads)
        np.add.at(counts, position, np.stack([np.ones(4096, int), infos["viewed"]], axis=1))
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
