"""What is evaluated, in every form that it is given in, as an agent or a policy table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

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

ZIP = (
    "is a zip, as stable-baselines3 saves a model; agent = import_sb3(path, scenario, trust_pickle=True) reads it, and "
    "`preroll agent import` makes a run of it"
)


class Trained(Protocol):
    """What a training ended with: :class:`preroll.simulations.TrainingResult`."""

    @property
    def agent(self) -> Agent:
        """The trained agent."""


class Kept(Protocol):
    """A training that was read from a folder: :class:`preroll.simulations.Run`."""

    def load_agent(self) -> Agent:
        """Returns the trained agent."""


Player = AgentOrPolicy | str | Path | Trained | Kept | Predicts | Acts | Function


def by_name(players: Mapping[str, Player] | Player) -> Mapping[str, Player]:
    """Returns players by name; one that is given alone is called by its folder or file, its name or its class."""
    if isinstance(players, Mapping):
        return players
    alone = getattr(players, "agent", None)
    named = alone if isinstance(alone, Agent) else players
    return {Path(named).name if isinstance(named, str | Path) else name_of(named): players}


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
    elif hasattr(given, "load_agent"):
        given = given.load_agent()
    elif isinstance(trained := getattr(given, "agent", None), Agent):
        given = trained
    if isinstance(given, Agent):
        check_fit(name, given.spec, spec)
        return given
    return model_agent(name, given, spec) if is_model(given) else OwnAgent(given, spec, name=name)


def _read(path: Path) -> Agent:
    """Returns the agent of a folder or of a file."""
    if path.suffix.lower() == ".zip" and path.is_file():
        raise PrerollError(f"{path}: {ZIP}")
    return OnnxAgent.from_file(path) if path.is_file() else load_agent(path)
