"""Which sessions trainings, evaluations and impression logs play, as docs/dice.md says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from preroll.agents import make_agent
from preroll.envs.kernel import layout
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.envs.policies.policy import Policy
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.evaluation.impression_log import write_impressions
from preroll.simulations.training.loop import Loop
from tests.envs.plain_model import Moment
from tests.envs.plain_session import FIRST_VIDEO, base, die, play, video_of
from tests.envs.tiny import TWO_SEGMENTS, three_videos, tiny

SCENARIO, CATALOG = tiny(TWO_SEGMENTS), three_videos()


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables.compile(SCENARIO, CATALOG)


@pytest.mark.parametrize(("sessions", "lanes"), [(7, 7), (1003, 1000)])
def test_a_log_holds_the_sessions_of_its_lanes_one_after_the_other(
    sessions: int, lanes: int, tables: Tables, tmp_path: Path
) -> None:
    file = tmp_path / "log.parquet"
    write_impressions(file, make_agent("random", tables, seed=1), tables, sessions=sessions, seed=3)
    log = pd.read_parquet(file)
    for number in range(sessions - 7, sessions):
        rows = log[log["session"] == number]
        ads = [tables.spec.labels.index(label) for label in rows["ad"]]

        def choose(at: Moment, ads: list[int] = ads) -> int:
            return ads[at.slot]

        slots = play(SCENARIO, CATALOG, base(3, "evaluation") + number % lanes, number // lanes, choose)
        assert rows["video"].tolist() == [slot.at.video for slot in slots]
        assert rows["reward"].tolist() == [slot.answer.reward for slot in slots]
        assert rows["terminated"].tolist() == [slot.left for slot in slots]


def test_an_evaluation_plays_the_first_sessions_of_every_lane(tables: Tables) -> None:
    row = evaluate({"long": Policy(ads=np.array([1]))}, tables, sessions=60, seed=3)["long"]
    assert (row.lanes, row.sessions) == (30, 60)
    streams = [(base(3, "evaluation") + lane, session) for lane in range(30) for session in range(2)]
    sessions = [play(SCENARIO, CATALOG, *stream, lambda _: 1) for stream in streams]
    revenue = sum(slot.answer.reward for slots in sessions for slot in slots)
    assert row.revenue.value == pytest.approx(revenue / 60, abs=1e-12)


def test_a_training_starts_on_streams_of_its_own(tables: Tables) -> None:
    loop = Loop(make_agent("random", tables), tables, 9, PhasedOptimum(tables))
    loop.start(3)
    videos = loop.envs._lanes.read(layout.VIDEO).tolist()
    assert videos == [video_of(die(base(3, "training") + lane, 0, 0, FIRST_VIDEO), 3) for lane in range(9)]
