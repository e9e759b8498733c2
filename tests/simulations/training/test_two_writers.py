"""Two trainings into one folder: one of them is refused, whenever it starts, and what is finished stays."""

import json
import subprocess
import sys
from pathlib import Path

# One process for all pairs, so that modules are loaded once; every pair starts at another distance in time.
SCRIPT = """
import json, os, random, sys, time
from pathlib import Path
from preroll.errors import PrerollError
from preroll.simulations.training.run import Run
from preroll.simulations.training.training import prepare

def begin(agent, run):
    return prepare(agent, sessions=300, run=run).run()

begin("thompson", Path(sys.argv[1]) / "warm")
told, rng = [], random.Random(5)
for pair in range(12):
    run, children = Path(sys.argv[1]) / f"run{pair}", {}
    for agent in ("thompson", "random"):
        read, write = os.pipe()
        if (child := os.fork()) == 0:
            try:
                begin(agent, run)
                said = "done"
            except PrerollError as error:
                said = str(error)
            os.write(write, said.encode())
            os._exit(0)
        os.close(write)
        children[agent] = (child, read)
        time.sleep(rng.choice((0, 0.001, 0.01, 0.1, 0.3)))
    lines = {}
    for agent, (child, read) in children.items():
        os.waitpid(child, 0)
        lines[agent] = os.read(read, 10_000).decode()
        os.close(read)
    told.append({"lines": lines, "agent": Run.load(run).load_agent().name})
left = sorted(path.name for path in Path(sys.argv[1]).iterdir())
print(json.dumps({"told": told, "left": left}))
"""


def test_of_two_trainings_into_one_folder_one_is_refused_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    for pair in found["told"]:
        winner = pair["agent"]
        (other,) = {"thompson", "random"} - {winner}
        assert pair["lines"][winner] == "done"
        line = pair["lines"][other]
        assert "is writing it now" in line or "the run exists" in line, line
        assert "\n" not in line
    assert found["left"] == sorted(["warm", *(f"run{pair}" for pair in range(12))])
