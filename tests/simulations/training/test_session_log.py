import numpy as np
import pytest

from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.training.session_log import SessionLedger, Step


@pytest.fixture(scope="module")
def tables(small_catalog: Catalog) -> Tables:
    return Tables.compile(Scenario.load("fatigue"), small_catalog)


def step(ads: list[int], rewards: list[float], ended: list[bool], left: list[bool] | None = None) -> Step:
    reward, over = np.array(rewards), np.array(ended)
    gone = np.array(left) if left else np.zeros_like(over)
    return Step(np.array(ads), reward, 0.5 * reward, reward > 0, gone, over & ~gone)


def test_sessions_are_numbered_in_the_order_in_which_they_start(tables: Tables) -> None:
    book = SessionLedger(tables.spec, lanes=2, sessions=4)
    assert book.add(step([0, 1], [1.0, 0.0], [False, True])) == 1
    assert book.add(step([0, 1], [1.0, 3.0], [False, True])) == 1
    assert book.add(step([0, 1], [1.0, 0.0], [True, False])) == 1
    # lane 0 played session 0, lane 1 the sessions 1, 2 and (still) 3
    np.testing.assert_array_equal(book.revenue, [3.0, 0.0, 3.0, 0.0])
    np.testing.assert_array_equal(book.expected, [1.5, 0.0, 1.5, 0.0])
    np.testing.assert_array_equal(book.slots, [3, 1, 1, 0])
    np.testing.assert_array_equal(book.lane_session, [0, 0, 1, 0])
    assert (book.complete, book.ended, book.done) == (3, 3, False)


def test_ads_by_length_empty_slots_and_users_who_left_are_counted(tables: Tables) -> None:
    assert tables.spec.lengths == ("short", "long", "short", "long", "short", "long", "none")
    book = SessionLedger(tables.spec, lanes=1, sessions=1)
    book.add(step([1], [3.0], [False]))
    book.add(step([6], [0.0], [False]))
    book.add(step([0], [1.0], [True], left=[True]))
    assert (book.lengths, book.shown.tolist()) == (("short", "long"), [[1], [1]])
    assert [int(array[0]) for array in (book.slots, book.views)] == [3, 2]
    assert book.terminated.tolist() == [True]


def test_sessions_beyond_the_last_are_played_but_not_booked(tables: Tables) -> None:
    book = SessionLedger(tables.spec, lanes=2, sessions=2)
    book.add(step([0, 0], [1.0, 1.0], [True, False]))
    book.add(step([0, 0], [9.0, 1.0], [True, False]))
    assert not book.done
    book.add(step([0, 0], [9.0, 1.0], [False, True]))
    assert book.done
    assert book.complete == 2
    assert book.revenue.tolist() == [1.0, 3.0]
    assert book.steps == 6
