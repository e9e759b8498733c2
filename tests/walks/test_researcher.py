"""A researcher trains an agent, compares it, looks where it loses, and lists the runs."""

import re
from pathlib import Path

from tests.walks.terminal import COLUMNS, of_readme, scripted, typed


def test_a_researcher_gets_from_a_training_to_where_the_agent_loses(tmp_path: Path) -> None:
    misspelt = typed("preroll train thomson --scenario classic", tmp_path)
    assert misspelt.status == 2
    assert misspelt.text.startswith("error: agent 'thomson': unknown; did you mean thompson")

    trained = typed(of_readme("preroll train thompson", **{"5000": "2e3"}), tmp_path)
    assert trained.status == 0
    assert "thompson: 2,000 sessions in " in trained.text
    assert "Run: runs/classic-thompson-0\nCompare it: preroll evaluate runs/classic-thompson-0" in trained.text

    evaluated = of_readme("preroll evaluate", **{" runs/classic-ppo-0": " --sessions 2e3"})
    compared = typed(evaluated, tmp_path)
    assert compared.status == 0
    assert {"optimum", "greedy", "random"} < {line.split()[0] for line in compared.table}
    assert max(map(len, compared.table)) <= COLUMNS
    in_a_file = scripted(evaluated, tmp_path)
    assert (in_a_file.returncode, "\x1b" in in_a_file.stdout) == (0, False)
    header, *rows = in_a_file.stdout.splitlines()
    assert re.split(r"  +", header)[:3] == ["agent", "revenue", "% of optimum"]
    assert rows[0].startswith("optimum ")
    assert in_a_file.stderr == "Evaluating on 2,000 sessions …\nEvaluating on 2,000 sessions: 4 of 4\n"

    lost = typed(of_readme("preroll explain", **{" runs/classic-ppo-0": ""}), tmp_path)
    assert lost.status == 0
    assert re.match(r"(.*\n)*classic-thompson-0 loses \d", lost.text)

    listed = typed(of_readme("preroll runs list"), tmp_path)
    assert listed.status == 0
    assert re.search(r"^classic-thompson-0 +finished", listed.text, re.M)
