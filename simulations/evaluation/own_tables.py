"""The scenario that players were trained on, for an evaluation that names none."""

from collections.abc import Mapping
from pathlib import Path

from preroll.agents.loading import load_agent
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.run_folder import RESULT
from preroll.simulations.evaluation.players import Player
from preroll.simulations.training.run import Run
from preroll.simulations.training.training_result import TrainingResult


def own_tables(players: Mapping[str, Player]) -> Tables:
    """Returns the tables that all players were trained on: runs, their folders and results of trainings know them.

    Raises:
        PrerollError: a player knows none, cannot be read, or was trained on another scenario or catalog than the first.
    """
    if not players:
        raise PrerollError("evaluate: no player and no scenario: say what is played, as evaluate({}, 'classic')")
    homes = {name: _home(name, given) for name, given in players.items()}
    (first, home), *others = homes.items()
    for name, other in others:
        for what, ours, theirs in zip(("scenarios", "catalogs"), _place(home), _place(other), strict=True):
            if ours != theirs:
                raise PrerollError(
                    f"agents {first} and {name}: were trained on different {what}: say what is played, as "
                    "evaluate(players, scenario)"
                )
    return home.tables if isinstance(home, TrainingResult) else Tables.compile(home.scenario, home.load_catalog())


def _home(name: str, given: Player) -> Run | TrainingResult:
    if isinstance(given, Run | TrainingResult):
        return given
    if isinstance(given, str | Path):
        if (atomic.current(Path(given)) / RESULT).is_file():
            return Run.load(given)
        if not Path(given).exists():
            load_agent(given)  # says what is missing
    raise PrerollError(
        f"agent {name}: is no run, which knows its scenario: say what is played, as evaluate(players, 'classic')"
    )


def _place(home: Run | TrainingResult) -> tuple[object, str]:
    """Returns the scenario, and the hash of the catalog."""
    if isinstance(home, Run):
        return home.scenario, home.settings.catalog.sha256
    return home.tables.scenario, home.tables.catalog.sha256
