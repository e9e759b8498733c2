"""Time and memory of an exact explanation: where greedy loses on the preset ``fatigue``, with 300 to 100,000 videos.

    python benchmarks/bench_explain.py

Each size has a process of its own, with machine code from the cache; CPU-seconds are of ``Optimum.explain`` alone, and
memory is the peak of the whole process, with the catalog and the tables.
"""

import subprocess
import sys
from pathlib import Path

AT_SIZE = """
import resource
import sys
import time
sys.path.insert(0, {folder!r})
from bench_env import catalog_of
from preroll.envs import Optimum, Tables, greedy_policy
tables = Tables.compile("fatigue", catalog_of({videos}))
optimum, policy = Optimum(tables), greedy_policy(tables)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
start = time.process_time()
explanation = optimum.explain(policy)
took = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
error = abs(explanation.regret - (explanation.optimum - optimum.value_of(policy))) / explanation.optimum
print(f"{{took:.2f}} CPU-s, {{peak:.2f}} GiB at most ({{before:.2f}} before), error {{error:.0e}} of the optimum")
"""


def main() -> None:
    """Prints one line for every size; the first process compiles."""
    for warm, videos in ((True, 300), (False, 300), (False, 10_000), (False, 100_000)):
        program = AT_SIZE.format(folder=str(Path(__file__).parent), videos=videos)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        if not warm:
            print(f"{videos:>9,} videos: {done.stdout.strip()}")


if __name__ == "__main__":
    main()
