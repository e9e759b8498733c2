"""What docs/dice.md says beyond whole sessions: which stream a reset starts, and dice that lie on a bound."""

from math import nextafter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.rollout import rollout
from preroll.envs.session import SessionEnv
from preroll.envs.vector import SessionVectorEnv
from tests.envs.plain_session import (
    ACTION,
    LEAVE,
    NEXT_VIDEO,
    SEGMENT,
    VIEW,
    WATCH,
    PlainSlot,
    die,
    play,
    rank_sums,
)
from tests.envs.tiny import three_videos, tiny
from tests.envs.worlds import WORLDS

LAST = 2**64 - 1


def test_every_form_of_reset_starts_the_session_of_the_page() -> None:
    """Two slots of three lanes after each, in sessions that do not end so early."""
    scenario, catalog = WORLDS["hidden-users"]
    envs = SessionVectorEnv(3, tables=Tables.compile(scenario, catalog))
    mask = np.array([False, True, False])
    resets: list[tuple[dict[str, Any], list[tuple[int, int, int]]]] = [  # of each lane: seed, session, slot
        ({"seed": LAST}, [(LAST, 0, 0), (0, 0, 0), (1, 0, 0)]),
        ({}, [(LAST, 1, 0), (0, 1, 0), (1, 1, 0)]),
        ({"seed": [9, None, 5 + 2**64]}, [(9, 0, 0), (0, 2, 0), (5, 0, 0)]),
        ({"options": {"reset_mask": mask}}, [(9, 0, 2), (0, 3, 0), (5, 0, 2)]),
        ({"seed": 40, "options": {"reset_mask": mask}}, [(9, 0, 4), (41, 0, 0), (5, 0, 4)]),
        ({"seed": [None, 7, None]}, [(9, 1, 0), (7, 0, 0), (5, 1, 0)]),
    ]
    for arguments, sessions in resets:
        _, infos = envs.reset(**arguments)
        slots = [play(scenario, catalog, own, n, lambda _: 3)[slot : slot + 2] for own, n, slot in sessions]
        first_slots = [
            first.at.video if slot == 0 else 0 for (first, _), (*_, slot) in zip(slots, sessions, strict=True)
        ]
        assert infos["video"].tolist() == first_slots
        for both in zip(*slots, strict=True):
            *_, infos = envs.step(np.full(3, 3))
            assert infos["video"].tolist() == [slot.at.video for slot in both]
            assert infos["viewed"].tolist() == [slot.answer.viewed for slot in both]
            assert infos["view_probability"].tolist() == [slot.view for slot in both]


def test_a_single_environment_ignores_options_and_starts_a_seed_modulo_two_to_the_64() -> None:
    scenario, catalog = WORLDS["classic"]
    env = SessionEnv(tables=Tables.compile(scenario, catalog))
    for seed in (LAST, 2**64, 2**64 + 12, 2**100 + 3):
        _, info = env.reset(seed=seed, options={"reset_mask": np.array([False])})
        assert info["video"] == play(scenario, catalog, seed, 0, lambda _: 0)[0].at.video


SEED = 5


def first_slot(changes: dict[str, Any], action: int = 0) -> tuple[PlainSlot, int, dict[str, Any]]:
    """The first slot of a session, its segment, and what a step says of it, with the video after it."""
    scenario, catalog = tiny({"observe.segment": True, **changes}), three_videos((0, 0, 0))
    env = SessionEnv(tables=Tables.compile(scenario, catalog))
    seen, _ = env.reset(seed=SEED)
    segment = int(seen[env.observation_parts["segment"].slice].argmax())
    *_, left, _, info = env.step(action)
    slot = play(scenario, catalog, SEED, 0, lambda _: action)[0]
    assert (slot.answer.viewed, slot.left, slot.watched) == (info["viewed"], left, info.get("watched"))
    assert (slot.at.segment, slot.after.video) == (segment, env._lanes.read(layout.VIDEO)[0])
    return slot, segment, info


@pytest.mark.parametrize("above", [False, True])
def test_a_die_that_equals_a_probability_is_not_below_it(above: bool) -> None:
    def bound(purpose: int) -> float:
        on = die(SEED, 0, 0, purpose)
        return nextafter(on, 1) if above else on

    p = bound(VIEW)
    assert first_slot({"ads.cats.short.view_probability": p})[0].answer.viewed == above
    p = bound(LEAVE)
    assert first_slot({"user.leave": {"hazard": {"short": [p, p]}}})[0].left == above
    p = bound(SEGMENT)
    segments = [{"name": "first", "share": p}, {"name": "second", "share": 1 - p}]
    assert first_slot({"user.segments": segments})[1] == (0 if above else 1)


@pytest.mark.parametrize("above", [False, True])
def test_a_die_that_equals_the_jump_is_none_and_one_just_below_leads_to_the_last_video(above: bool) -> None:
    on = die(SEED, 0, 0, NEXT_VIDEO)
    jump = nextafter(on, 1) if above else on
    slot, *_ = first_slot({"recommender.jump": jump, "user.leave": {}})
    assert slot.at.video == 1
    assert slot.after.video == (2 if above else 0)


@pytest.mark.parametrize(("above", "expected"), [(False, 0.75), (True, 0.25)])
def test_a_die_on_a_level_part_of_the_curve_is_at_its_end(above: bool, expected: float) -> None:
    on = die(SEED, 0, 0, WATCH)
    share = nextafter(on, 1) if above else on
    curve = [[0, 0], [0.25, share], [0.75, share], [1, 1]]
    slot, _, info = first_slot({"user.abandonment": curve, "ads.cats.short.view_probability": 0})
    assert slot.watched == info["watched"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("above", [False, True])
def test_an_action_whose_sum_equals_the_die_is_passed(above: bool) -> None:
    on = die(SEED, 0, 0, ACTION)
    p = nextafter(on, 1) if above else on
    policy = Policy(probabilities=np.array([p, 1 - p, 0]))
    tables = Tables.compile(tiny({"session.horizon": 1}), three_videos())
    by_ad: NDArray[np.int64] = rollout(tables, policy, seed=SEED, lanes=1, sessions_per_lane=1).by_ad
    assert by_ad.tolist() == [[1, 0, 0] if above else [0, 1, 0]]


def test_ranks_have_the_sums_of_the_page() -> None:
    """The powers are NumPy's, whose last bit depends on the processor."""
    for decay in np.random.default_rng(2).uniform(0.01, 1, 50).tolist():
        tables = Tables.compile(tiny({"recommender.rank_decay": decay}), three_videos())
        assert tables.arrays.choice[0, layout.RANKS :].tolist() == rank_sums((decay ** np.arange(10)).tolist())


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_what_is_certain_is_certain(p: float) -> None:
    changes = {"ads.cats.short.view_probability": p, "user.leave": {"hazard": {"short": [p, p]}}}
    scenario = tiny({"session.horizon": 1, "user.mismatch": 1, **changes})
    told = rollout(Tables.compile(scenario, three_videos()), Policy(ads=np.array([0])), seed=3, lanes=300)
    assert told.views.min() == told.views.max() == p
    assert told.terminated.min() == told.terminated.max() == p


@pytest.mark.parametrize("jump", [0.0, 5e-324, 0.1, 1 / 3, 0.999999, 1.0])
@pytest.mark.parametrize("decay", [0.01, 0.5, 0.8, 1.0])
def test_a_bound_is_the_first_die_of_its_rank_by_the_arithmetic_of_the_page(decay: float, jump: float) -> None:
    """The dice on both sides of every bound, of each number of neighbours."""
    tables = Tables.compile(tiny({"recommender.rank_decay": decay, "recommender.jump": jump}), three_videos())
    sums = rank_sums([decay**k for k in range(10)])
    n = tables.answers.size
    cuts = tables.packed.words[n : n + 11 * layout.N_CUTS].reshape(11, layout.N_CUTS).tolist()
    assert cuts[0] == [2**53] * layout.N_CUTS  # without neighbours any video follows
    for near in range(1, 11):
        bound = cuts[near][layout.JUMP_CUT]
        assert (bound - 1) / 2**53 < jump <= bound / 2**53
        assert set(cuts[near][near - 1 : layout.JUMP_CUT]) <= {2**53}
        for rank, first in enumerate(cuts[near][: near - 1] if jump < 1 else ()):
            for k, reached in ((first - 1, False), (first, True)):
                u = (k / 2**53 - jump) / (1 - jump)
                assert (u * sums[near - 1] >= sums[rank]) == reached or k == 2**53
