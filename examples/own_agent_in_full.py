"""An agent of one's own with exact values, propensities and ONNX: it explores, then commits to each category's best ad.

Run it: python examples/own_agent_in_full.py [SESSIONS]
"""

import sys

import numpy as np

from preroll.agents import Agent, AgentSettings, CategoryContext, OnnxGraph, Transitions, sample_actions
from preroll.envs import Tables, uniform_over_best
from preroll.simulations import evaluate, train


class ExploreThenCommit(Agent):
    """Explore, then commit: random ads until each was shown ``TRIES`` times before a category, then the best one."""

    name = "explore-then-commit"
    TRIES = 50

    def __init__(self, spec, settings, *, seed=0):
        super().__init__(spec, settings, seed=seed)
        self.context = CategoryContext(spec)  # the category (n,) that observations (n, d) show
        self.shown, self.earned, self.means = np.zeros((3, self.context.count, spec.n_actions))

    def action_probabilities(self, observations, *, explore=False):
        """Returns the probability (n, A) of every ad: equal while trying, else 1 for the best one."""
        categories = self.context(observations)
        best = uniform_over_best(self.means)[categories]
        trying = explore & (self.shown.min(axis=1) < self.TRIES)[categories, None]
        return np.where(trying, 1 / self.spec.n_actions, best)

    def act(self, observations, *, explore=True):
        """Draws an ad (n,) for each row from these probabilities."""
        return sample_actions(self.action_probabilities(observations, explore=explore), self.rng)

    def _learn(self, step: Transitions):
        places = self.context(step.observations), step.actions
        np.add.at(self.shown, places, 1)
        np.add.at(self.earned, places, step.rewards)
        self.means = self.earned / np.maximum(self.shown, 1)

    def export_graph(self, graph: OnnxGraph):
        """Adds what `export_onnx` writes: the means of the category that an observation shows; the best is shown."""
        graph.output_scores(self.context.lookup(graph, self.means))


def main(sessions: int = 2_000) -> None:
    """Trains for so many sessions of `classic`, and prints what the agent earns afterwards."""
    tables = Tables.compile("classic")
    agent = ExploreThenCommit(tables.spec, AgentSettings(), seed=1)
    train(agent, scenario="classic", sessions=sessions, seed=1)
    for row in evaluate({agent.name: agent}, tables, sessions=10 * sessions).rows:
        print(f"{row.name:20} {row.revenue.value:6.2f} per session, {row.percent_of_optimum:6.2f} % of the optimum")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
