from pathlib import Path

from typer.testing import CliRunner

from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.commands.cli import app
from preroll.simulations.training.training import train


def test_a_run_is_exported_and_its_file_compared(tmp_path: Path) -> None:
    train("thompson", sessions=50, run=tmp_path / "run")
    file = tmp_path / "policy.onnx"
    result = CliRunner().invoke(app, ["export", str(tmp_path / "run"), str(file)])
    assert result.exit_code == 0, result.output
    assert "the same ad as the agent's for 10,000 observations" in result.output
    assert OnnxAgent.from_file(file).original == "thompson"
