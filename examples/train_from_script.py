"""Training of two agents from a script, and their comparison with random, greedy and the exact optimum.

Run it: python examples/train_from_script.py [SESSIONS]
"""

import sys
from pathlib import Path

from preroll.simulations import Run, evaluate, footnote, train


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
    evaluation = evaluate(runs, sessions=10 * sessions)  # runs know their scenario
    print(evaluation)
    print(footnote(evaluation))
    print("Curves: preroll tensorboard runs")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
