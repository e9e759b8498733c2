from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.commands.cli import app
from preroll.simulations.training.training import train
from tests.commands.conftest import Run


def test_a_run_is_exported_and_its_file_compared(tmp_path: Path) -> None:
    train("thompson", sessions=50, run=tmp_path / "run")
    file = tmp_path / "policy.onnx"
    result = CliRunner().invoke(app, ["export", str(tmp_path / "run"), str(file)])
    assert result.exit_code == 0, result.output
    assert "the same ad as the agent's for 10,000 observations" in result.output
    assert OnnxAgent.from_file(file).original == "thompson"


@pytest.mark.usefixtures("here")
def test_another_ending_and_a_network_of_others_are_refused_and_an_own_policy_is_replaced(run: Run) -> None:
    train("thompson", sessions=50, run="run")
    assert run("export", "run", "policy.txt")[2] == "error: policy.txt: the name should end in .onnx\n"
    foreign = Path("policy.onnx")
    foreign.write_bytes(b"\x08\x0a\x12\x07pytorch and much work")
    told = run("export", "run", foreign)[2]
    assert "exists and is no policy that preroll exported; name another file, or give --replace" in told
    assert foreign.read_bytes().endswith(b"much work")
    assert run("export", "run", foreign, "--replace")[0] == 0
    assert run("export", "run", foreign)[0] == 0
