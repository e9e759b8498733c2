"""A scenario of one's own, from a preset by a few changed numbers: what it is worth, and as a YAML file.

Run it: python examples/own_scenario.py [SESSIONS]
"""

import sys
from pathlib import Path

from preroll.agents import make_agent
from preroll.envs import Optimum, Scenario, Tables, greedy_policy
from preroll.simulations import evaluate, fit


def main(sessions: int = 2_000) -> None:
    """Makes long ads pay half as much again, writes the file, and trains Thompson sampling on it."""
    scenario = Scenario.load("fatigue").replace(
        {
            "name": "rich-long-ads",
            "ads.cats.long.reward": 4.5,
            "user.mismatch": 0.2,  # an ad of another category is viewed a fifth as often
        }
    )
    path = Path("rich-long-ads.yaml")
    path.write_text(scenario.dump())  # every probability and rule, to be read, changed and passed as --scenario
    assert Scenario.load(path) == scenario

    tables = Tables.compile(path, "demo")
    optimum = Optimum(tables)
    greedy = optimum.value_of(greedy_policy(tables))
    print(
        f"{scenario.name}: the optimum earns {optimum.value:.2f} per session, greedy {greedy / optimum.value:.1%} of it"
    )

    agent = make_agent("thompson", tables, seed=1)
    fit(agent, tables, sessions=sessions, seed=1)
    earned = evaluate({"thompson": agent}, tables, sessions=10 * sessions)["thompson"].percent_text
    print(f"thompson after {sessions:,} sessions: {earned} % of the optimum")
    print(f"The same on the command line: preroll train thompson --scenario {path}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
