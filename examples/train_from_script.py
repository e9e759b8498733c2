"""Training of two agents from a script, and their comparison with random, greedy and the exact optimum.

Run it: python examples/train_from_script.py [SESSIONS]
"""

import sys
from pathlib import Path

from preroll.envs import Tables
from preroll.simulations import Run, evaluate, train


def main(sessions: int = 5_000) -> None:
    """Trains for so many sessions; every run is a folder in ``runs``."""
    runs = {}
    for name in ("thompson", "linucb"):
        folder = Path("runs") / f"script-{name}"
        result = train(name, scenario="classic", sessions=sessions, seed=1, run=folder, replace=True)
        last = result.curve.values["session/revenue"][-1]
        print(f"{name}: {last:.2f} per session while exploring; the optimum is {result.optimum:.2f}")
        runs[name] = Run.load(folder)

    # Agents are compared frozen, on sessions that none of them was trained on, with common random numbers.
    agents = {name: run.load_agent() for name, run in runs.items()}
    print(evaluate(agents, Tables.compile("classic", "demo"), sessions=10 * sessions))
    print("Curves: preroll tensorboard runs")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
