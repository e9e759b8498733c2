"""Without exploration an ad that was never tried is never preferred to one that was."""

from typing import Any

import numpy as np
import pytest
from onnx import numpy_helper

from preroll.agents import OnnxGraph, Transitions, make_agent
from preroll.envs import Tables

NAMES = ["epsilon-greedy", "ucb1", "kl-ucb", "discounted-ucb", "window-ucb"]


def tried(name: str, tables: Tables, ads: list[int], viewed: list[bool]) -> tuple[Any, np.ndarray]:
    """An agent that tried ``ads`` before one video, whose observation is returned."""
    agent = make_agent(name, tables, seed=1)
    row, nobody = np.repeat(tables.arrays.rows[:1], len(ads), axis=0), np.zeros(len(ads), bool)
    rewards = tables.spec.rewards[ads] * viewed
    agent.update(Transitions(row, np.array(ads), rewards, row, nobody, nobody, np.array(viewed)))
    return agent, row[:1]


@pytest.mark.parametrize("name", NAMES)
def test_one_failure_is_better_than_no_try(name: str, classic: Tables, fatigue: Tables) -> None:
    for tables in (classic, fatigue):  # the second can leave a slot empty, which pays nothing and was not tried
        agent, row = tried(name, tables, [2, 4, 4], [False, False, True])
        assert agent.action_probabilities(row)[0].argmax() == 4
        agent, row = tried(name, tables, [2], [False])
        assert agent.action_probabilities(row)[0, 2] == 1.0
        assert agent.act(row, explore=False).tolist() == [2]
        assert agent.act(row).tolist() != [2] or name == "epsilon-greedy"  # exploring, what is new comes first


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_was_tried_all_that_pay_are_equal_and_no_file_holds_an_infinity(
    name: str, fatigue: Tables
) -> None:
    agent = make_agent(name, fatigue)
    row = fatigue.arrays.rows[:1]
    paying = fatigue.spec.rewards > 0
    expected = np.ones(7) if name == "epsilon-greedy" else paying.astype(float)  # it does not know the prices
    assert agent.action_probabilities(row)[0] == pytest.approx(expected / expected.sum())
    graph = OnnxGraph()
    agent.export_graph(graph)
    assert all(np.isfinite(numpy_helper.to_array(constant)).all() for constant in graph.constants)
