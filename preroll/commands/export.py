"""`preroll export`: a trained agent as one ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from preroll.console import signals
from preroll.terminal.output_options import Replace

N_COMPARED = 10_000


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder written by `preroll train`.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as policy.onnx.")],
    catalog: Annotated[str | None, typer.Option(help="Another catalog.", show_default="the run's own")] = None,
    replace: Replace = False,
) -> None:
    """Write a run's agent as ONNX: raw observations in; scores, ad and probabilities out.

    Before the file is written, it must show the agent's ad for 10,000 observations of the run's scenario.

    Example: `preroll export runs/classic-thompson-0 policy.onnx`
    """
    from preroll.agents.interop.onnx_export import export_onnx
    from preroll.files.kinds import POLICY
    from preroll.files.streams import messages_beside
    from preroll.files.targets import writing_file
    from preroll.simulations.evaluation.observation_sample import sample_observations
    from preroll.simulations.runs.common_tables import tables_of
    from preroll.simulations.training.run import Run

    trained = Run.load(run)
    tables = tables_of([trained], None, catalog)
    inputs = (run, tables.catalog.path)
    with writing_file(file, str(file), POLICY, replace=replace, inputs=inputs), messages_beside(file):
        agent = trained.load_agent()
        size = export_onnx(agent, file, sample_observations(tables, N_COMPARED))
        signals.finished()
        typer.echo(
            f"{file}: {agent.name}, {size:,} bytes, observation [n, {agent.spec.layout.size}] → scores, ad, "
            f"probabilities; the same ad as the agent's for {N_COMPARED:,} observations."
        )
