"""What is evaluated, in every form that it is given in, as an agent or a policy table."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from preroll.agents.agent import Agent
from preroll.agents.fit import check_fit
from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.agents.interop.own_agent import Acts, Function, OwnAgent, name_of
from preroll.agents.interop.sb3_model import Predicts, is_model, model_agent
from preroll.agents.loading import load_agent
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.policy import Policy
from preroll.errors import PrerollError
from preroll.simulations.evaluation.agent_evaluation import AgentOrPolicy
from preroll.simulations.runs.run_names import names_of
from preroll.simulations.training.run import Run
from preroll.simulations.training.training_result import TrainingResult

ZIP = (
    "is a zip, as stable-baselines3 saves a model; agent = import_sb3(path, scenario, trust_pickle=True) reads it, and "
    "`preroll agent import` makes a run of it"
)


Player = AgentOrPolicy | str | Path | TrainingResult | Run | Predicts | Acts | Function
#: One player alone, or several, by name or as a list.
Players = Mapping[str, Player] | Sequence[Player] | Player


def by_name(players: Players, taken: Collection[str] = ()) -> Mapping[str, Player]:
    """Returns players by name: without one, by their folder or file, their own name or their class.

    Args:
        players: the players.
        taken: names that no folder gets.

    Raises:
        PrerollError: two of a list have one name.
    """
    if isinstance(players, Mapping):
        return players
    given = players if isinstance(players, list | tuple) else [players]
    paths = [one.path if isinstance(one, Run) else Path(one) for one in given if isinstance(one, Run | str | Path)]
    of_path = iter(names_of(paths, taken))
    names = [
        next(of_path) if isinstance(one, Run | str | Path)
        else name_of(one.agent if isinstance(one, TrainingResult) else one)
        for one in given
    ]  # fmt: skip
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise PrerollError(f"agent {twice}: is given twice; give names, as {{'first': …, 'second': …}}")
    return dict(zip(names, given, strict=True))


def player_of(name: str, given: Player, spec: SessionSpec) -> AgentOrPolicy:
    """Returns a player as an agent or a policy table.

    Args:
        name: how messages call it.
        given: an agent, a policy table, the result of a training, a run, the folder of a run or an agent, an ONNX file
            that ``preroll export`` wrote, a model of stable-baselines3, an object with ``act(observations)``, or such a
            function.
        spec: what it plays.

    Raises:
        PrerollError: it cannot be read, cannot act, or was made for other observations or ads.
    """
    if isinstance(given, Policy):
        return given
    if isinstance(given, str | Path):
        given = _read(Path(given))
    elif isinstance(given, Run):
        given = given.load_agent()
    elif isinstance(given, TrainingResult):
        given = given.agent
    if isinstance(given, Agent):
        check_fit(name, given.spec, spec)
        return given
    return model_agent(name, given, spec) if is_model(given) else OwnAgent(given, spec, name=name)


def _read(path: Path) -> Agent:
    """Returns the agent of a folder or of a file."""
    if path.suffix.lower() == ".zip" and path.is_file():
        raise PrerollError(f"{path}: {ZIP}")
    return OnnxAgent.from_file(path) if path.is_file() else load_agent(path)
