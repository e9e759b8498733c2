"""An algorithm of one's own: an object that acts and learns. The second step is own_agent_in_full.py.

Run it: python examples/own_agent.py [SESSIONS]
"""

import sys

import numpy as np

from preroll.envs import Tables
from preroll.simulations import evaluate, train


class Own:
    """One ad in ten is any; the others are those that earned most before videos of the category that is observed."""

    def __init__(self, categories, ads):
        self.shown, self.earned = np.ones((categories, ads)), np.full((categories, ads), 3.0)  # each is worth a try
        self.rng = np.random.default_rng(1)

    def act(self, observations, explore=True):
        """Returns an ad (n,) for each row (n, d), which begins with the category of the video."""
        best = (self.earned / self.shown)[observations[:, :3].argmax(axis=1)].argmax(axis=1)
        return np.where(explore & (self.rng.random(len(best)) < 0.1), self.rng.integers(6, size=len(best)), best)

    def update(self, step):
        """Learns from a slot of all lanes; `preroll.agents.Transitions` names the arrays, whose first axis is n."""
        places = step.observations[:, :3].argmax(axis=1), step.actions
        np.add.at(self.shown, places, 1)
        np.add.at(self.earned, places, step.rewards)


def main(sessions: int = 2_000) -> None:
    """Trains it for so many sessions of `classic`, beside an agent of the package, and prints what both earn."""
    own, known = Own(categories=3, ads=6), train("epsilon-greedy", scenario="classic", sessions=sessions).agent
    train(own, scenario="classic", sessions=sessions)
    spec = Tables.compile("classic").spec  # an ad is found by its name: ads and categories are numbered differently
    long = np.array([spec.labels.index(f"{category}.long") for category in spec.categories])
    players = {"own": own, "epsilon-greedy": known, "always-long": lambda seen: long[seen[:, :3].argmax(axis=1)]}
    for row in evaluate(players, "classic", sessions=10 * sessions).rows:
        print(f"{row.name:14} {row.revenue.value:6.2f} per session, {row.percent_of_optimum:6.2f} % of the optimum")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
