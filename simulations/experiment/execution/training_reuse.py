"""Reuse of a finished training for every evaluation point that shares its training configuration."""

import shutil
from collections.abc import Callable
from pathlib import Path

from preroll.agents.agent import Agent
from preroll.files import atomic
from preroll.run_folder import RESULT
from preroll.simulations.training.board import write_board
from preroll.simulations.training.curves import points_of
from preroll.simulations.training.run import Run
from preroll.tensorboard_writer import EventFile

#: Parts of a run that are copied; its event file gets additional content,.
PARTS = ("scenario.yaml", "settings.yaml", "agent")


def reuse_training(source: Path, target: Path, finish: Callable[[Path, Agent, EventFile], None]) -> None:
    """Writes the run ``target`` with the agent, curve and cost of the run ``source``.

    Training is reproducible bit for bit, so the result equals that of a new training.

    Args:
        source: a complete run.
        target: the run to write; an existing run is replaced.
        finish: called with the unfinished folder, the agent and the event file, before the run is complete.

    Raises:
        PrerollError: ``source`` cannot be read.
    """
    run = Run.load(source)
    with atomic.folder(target, "run") as part:
        for name in PARTS:
            place = source / name
            (shutil.copytree if place.is_dir() else shutil.copyfile)(place, part / name)
        with EventFile(part) as events:
            write_board(events, run.scenario.lengths)
            for seen, point in points_of(run.curve, run.time_curve).items():
                events.write(seen, point)
            finish(part, run.load_agent(), events)
        shutil.copyfile(source / RESULT, part / RESULT)
