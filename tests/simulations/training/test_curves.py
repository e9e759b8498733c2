import re

import numpy as np
import pytest

from preroll.agents import AGENTS, make_agent
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.training.curves import (
    AGENT_TAG,
    JOINED,
    TAGS,
    Curve,
    bin_edges,
    drawn_points,
    share_tags,
)
from preroll.simulations.training.training import fit


@pytest.fixture(scope="module")
def tables(small_catalog: Catalog) -> Tables:
    return Tables.compile("classic", small_catalog)


@pytest.mark.parametrize("sessions", [1, 49, 50, 51, 12345])
def test_bins_cover_every_session_once(sessions: int) -> None:
    edges = bin_edges(sessions)
    assert (edges[0], edges[-1]) == (0, sessions)
    assert np.all(np.diff(edges) > 0)


def test_agents_with_different_numbers_of_lanes_have_points_at_the_same_sessions(tables: Tables) -> None:
    curves = [fit(make_agent("random", tables, num_envs=lanes), tables, sessions=500) for lanes in (7, 64)]
    assert curves[0].sessions == curves[1].sessions == bin_edges(500)[1:]


def test_every_agent_has_every_curve_and_its_own_metrics_beside_them(tables: Tables) -> None:
    for name in ("random", "greedy", "thompson"):
        agent = make_agent(name, tables)
        curve = fit(agent, tables, sessions=100)
        shares = share_tags(tables.scenario.lengths)
        assert set(curve.values) == {*TAGS, *shares, *(AGENT_TAG + metric for metric in agent.metrics())}
        assert all(len(column) == len(curve.sessions) for column in curve.values.values())


def test_regret_is_measured_against_the_phase_that_the_session_was_in(small_catalog: Catalog) -> None:
    """A lane's sessions from the third on pay ten times as much: the optimum's regret stays 0 on average."""
    plain = Scenario.load("classic").model_dump(mode="json")
    plain["drift"] = [{"from_session": 3, "set": {"ads.*.*.reward": {"scale": 10}}}]
    tables = Tables.compile(plain, small_catalog)
    curve = fit(make_agent("optimum", tables, num_envs=50), tables, sessions=300)
    revenue, regret = (np.array(curve.values[f"session/{tag}"], dtype=float) for tag in ("revenue", "regret"))
    assert revenue[3:].mean() > 8 * revenue[:3].mean()
    # expected revenue differs between sessions only by the categories of their videos: a standard deviation of 1.7 of
    # 18, so the mean over 150 sessions lies within 5 of its standard errors (false alarm: 1e-6)
    assert abs(regret[:3].mean()) < 5 * 1.7 / np.sqrt(150)


def test_a_metric_that_appears_later_is_none_before() -> None:
    curve = Curve()
    curve.add(50, {"a": 1.0})
    curve.add(100, {"a": 2.0, "loss": 0.5})
    curve.add(150, {"loss": float("nan")})
    assert curve.values == {"a": [1.0, 2.0, None], "loss": [None, 0.5, None]}
    assert Curve.from_dict(curve.to_dict()) == curve


@pytest.mark.parametrize("name", [name for name, entry in AGENTS.items() if entry.family == "bandit"])
def test_every_metric_of_a_bandit_is_explained_in_its_docstring(name: str, tables: Tables) -> None:
    agent = make_agent(name, tables)
    fit(agent, tables, sessions=64)
    assert set(agent.metrics()) <= set(re.findall(r"``(\w+)``", type(agent).__doc__ or ""))


@pytest.mark.parametrize("sessions", [60, 1_000, 3_999, 4_000, 20_000])
def test_drawn_points_have_as_many_sessions_as_pages_say(sessions: int) -> None:
    ends = bin_edges(sessions)[1:]
    drawn, _ = drawn_points([Curve(ends, {"session/revenue": [1.0] * len(ends)})], "session/revenue")
    least = np.diff([0, *drawn]).min()
    assert "over 500 sessions or more; of fewer than 4,000 in all, over an eighth" in JOINED
    assert least >= (500 if sessions >= 4_000 else sessions / 8)
