"""Every mechanism of the session model: how often what it decides happens, and the sign and size of its effect."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from preroll.envs import Optimum, Scenario, SessionVectorEnv, Tables
from preroll.envs.policies.simple import fixed_policy
from preroll.perception.catalog.catalog import Catalog
from tests.conftest import make_catalog
from tests.envs.every_mechanism import EVERYTHING

CATALOG = make_catalog()


@pytest.mark.compiled
def test_users_leave_as_often_as_the_hazard_says() -> None:
    """Every (ad, viewed, f') cell within exact binomial bounds; false alarm once in a million runs, fixed seed."""
    tables = Tables.compile(EVERYTHING.phases[0][1], CATALOG)
    envs = SessionVectorEnv(2048, tables=tables, autoreset_mode="SameStep")
    observations, _ = envs.reset(seed=9)
    rng, n_ads, n_levels = np.random.default_rng(5), tables.n_actions, tables.n_levels
    fatigue, segment = (tables.layout.parts[name].slice for name in ("fatigue", "segment"))
    counts = np.zeros((2, n_ads, 2, n_levels, 2), int)
    for _ in range(150):
        level, user = observations[:, fatigue].argmax(axis=1), observations[:, segment].argmax(axis=1)
        observations, _, left, *_ = envs.step(rng.integers(0, n_ads, 2048))
        ad, viewed = envs.played.ad, envs.played.viewed.astype(int)
        tired = np.clip(level + tables.arrays.gain[0, ad, viewed], 0, n_levels - 1)
        np.add.at(counts, (user, ad, viewed, tired, left.astype(int)), 1)
    cells = counts.reshape(-1, 2)
    hazard = tables.arrays.hazard[0].reshape(-1)
    tested = cells.sum(axis=1) > 0
    bound = 1e-6 / (2 * tested.sum())
    low, high = stats.binom.ppf([[bound], [1 - bound]], cells.sum(axis=1)[tested], hazard[tested])
    assert tested.sum() > 50
    assert ((low <= cells[tested, 1]) & (cells[tested, 1] <= high)).all()


@pytest.mark.compiled
def test_segments_come_in_their_shares() -> None:
    envs = SessionVectorEnv(20_000, EVERYTHING, CATALOG)
    observations, _ = envs.reset(seed=0)
    hasty = int(observations[:, envs.layout.parts["segment"].start + 1].sum())
    low, high = stats.binom.ppf([5e-7, 1 - 5e-7], 20_000, 0.3)
    assert low <= hasty <= high


@pytest.mark.compiled
@pytest.mark.parametrize("jump", [0.1, 0.35])
def test_the_next_video_follows_jump_and_rank_decay(jump: float) -> None:
    """Of each rank, and of videos that are no neighbours, as many as told: exact bounds, false alarm 1e-6.

    All videos are pooled: a jump that were more frequent by 8 % would be noticed, or a rank by 5.
    """
    tables = Tables.compile(Scenario.load("classic").replace({"recommender.jump": jump}), CATALOG)
    envs = SessionVectorEnv(4096, tables=tables, autoreset_mode="SameStep")
    envs.reset(seed=3)
    seen = np.zeros(11, int)  # ten ranks, and others
    *_, infos = envs.step(np.zeros(4096, int))
    for _ in range(2, 20):
        before = infos["video"].copy()
        *_, infos = envs.step(np.zeros(4096, int))
        found = CATALOG.neighbors[before] == infos["video"][:, None]
        seen += np.bincount(np.where(found.any(axis=1), found.argmax(axis=1), 10), minlength=11)
    weights = 0.8 ** np.arange(10)
    p = np.append(jump / 30 + (1 - jump) * weights / weights.sum(), 20 * jump / 30)
    bound = 1e-6 / (2 * p.size)
    low, high = stats.binom.ppf([[bound], [1 - bound]], seen.sum(), p)
    assert seen.sum() == 18 * 4096
    assert ((low <= seen) & (seen <= high)).all()
    assert high[-1] - low[-1] < 0.16 * p[-1] * seen.sum()


@pytest.mark.compiled
def test_a_jump_leads_to_every_video_equally_often() -> None:
    """Where every draw is a jump: exact bounds for each of 30 videos, false alarm 1e-6."""
    tables = Tables.compile(Scenario.load("classic").replace({"recommender.jump": 1.0}), CATALOG)
    envs = SessionVectorEnv(4096, tables=tables, autoreset_mode="SameStep")
    envs.reset(seed=4)
    seen = np.zeros(30, int)
    for _ in range(19):
        *_, infos = envs.step(np.zeros(4096, int))
        seen += np.bincount(infos["video"], minlength=30)
    low, high = stats.binom.ppf([1e-6 / 60, 1 - 1e-6 / 60], seen.sum(), 1 / 30)
    assert ((low <= seen) & (seen <= high)).all()


def exact_value(changes: dict[str, Any], length: str = "long", base: str = "fatigue") -> float:
    """Revenue of always showing one length, with a mechanism changed."""
    tables = Tables.compile(Scenario.load(base).replace(changes), CATALOG)
    return Optimum(tables).value_of(fixed_policy(tables, length))


@pytest.mark.parametrize(
    ("off", "on"),
    [
        ({}, {"user.mismatch": 0.1}),
        ({"user.fatigue.wear": [1.0] * 6}, {}),
        ({"user.leave.fatigue": [0] * 6}, {}),
        ({"user.leave.hazard": {}}, {}),
        ({"user.fatigue.recovery": 5}, {}),
        ({}, {"user.repeat": 0.5}),
        ({}, {"user.position": {"pre": 0.8}}),
        ({}, {"user.segments": [{"name": "all", "share": 1.0, "appeal": {"long": 0.5}}]}),
        ({}, {"user.segments": [{"name": "all", "share": 1.0, "leave": 2.0}]}),
    ],
    ids=["mismatch", "wear", "tired leave", "leave", "recovery", "repeat", "position", "appeal", "segment leaves"],
)
def test_a_mechanism_that_harms_lowers_revenue(off: dict[str, Any], on: dict[str, Any]) -> None:
    if "user.mismatch" in on:  # own ads always fit: mismatch only harms ads of other categories
        tables = [Tables.compile(Scenario.load("fatigue").replace(changes), CATALOG) for changes in (off, on)]
        values = [Optimum(t).value_of(_wrong_ads(t)) for t in tables]
        assert values[1] < values[0]
    else:
        assert exact_value(on) < exact_value(off)


def _wrong_ads(tables: Tables) -> Any:
    """Always the long ad of the next category."""
    from preroll.envs.policies.simple import by_category_policy

    names = tables.catalog.categories
    labels = [f"{names[(k + 1) % 3]}.long" for k in range(3)]
    return by_category_policy(tables, np.array([tables.spec.labels.index(label) for label in labels]))


def test_position_scales_the_classic_revenue_exactly() -> None:
    half = exact_value({"user.position": {"pre": 0.5}}, base="classic")
    assert half == pytest.approx(0.5 * exact_value({}, base="classic"))


def test_repetition_scales_all_slots_but_the_first_of_a_session_with_one_ad(small_catalog: Catalog) -> None:
    one_ad = {"name": "one", "ads": {"cats": {"short": {"seconds": 5, "view_probability": 0.5, "reward": 1}}}}
    scenario = Scenario.load({**one_ad, "session": {"horizon": 4}, "user": {"repeat": 0.6}})
    value = Optimum(Tables.compile(scenario, small_catalog)).value
    assert value == pytest.approx(0.5 + 3 * 0.5 * 0.6)


def test_a_constant_hazard_gives_geometric_sessions(small_catalog: Catalog) -> None:
    scenario = Scenario.load("classic").replace(
        {"session.horizon": 10, "user.leave.hazard": {"short": [0.2, 0.2], "long": [0.2, 0.2]}}
    )
    exact = Optimum(Tables.compile(scenario, small_catalog))
    slots = exact.visits(exact.policy).slots
    assert slots == pytest.approx((1 - 0.8**10) / 0.2)


def test_a_factor_named_as_a_length_and_as_a_group_is_one_factor() -> None:
    ads = {"long": {"long": {"seconds": 9, "view_probability": {"other": 0.1}, "reward": 1}}}
    segment = {"name": "all", "share": 1.0, "appeal": {"long": 2.0}}
    tables = Tables.compile(Scenario.load({"ads": ads, "user": {"segments": [segment]}}), CATALOG)
    np.testing.assert_array_equal(tables.arrays.base, 2.0)
