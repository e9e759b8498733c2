"""What is evaluated, in every form that it is given in, as an agent or a policy table."""

from collections.abc import Mapping
from pathlib import Path

from preroll.agents.agent import Agent
from preroll.agents.fit import check_fit
from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.agents.interop.own_agent import Acts, Function, OwnAgent, name_of
from preroll.agents.interop.sb3_model import Predicts, is_model, model_agent
from preroll.agents.loading import load_agent
from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.policy import Policy
from preroll.simulations.evaluation.agent_evaluation import AgentOrPolicy

Player = AgentOrPolicy | str | Path | Predicts | Acts | Function


def by_name(players: Mapping[str, Player] | Player) -> Mapping[str, Player]:
    """Returns players by name; one that is given alone is called by its folder or file, its name or its class."""
    if isinstance(players, Mapping):
        return players
    return {Path(players).name if isinstance(players, str | Path) else name_of(players): players}


def player_of(name: str, given: Player, spec: SessionSpec) -> AgentOrPolicy:
    """Returns a player as an agent or a policy table.

    Args:
        name: how messages call it.
        given: an agent, a policy table, the folder of a run or an agent, an ONNX file that ``preroll export`` wrote, a
            model of stable-baselines3, an object with ``act(observations)``, or such a function.
        spec: what it plays.

    Raises:
        PrerollError: it cannot be read, cannot act, or was made for other observations or ads.
    """
    if isinstance(given, Policy):
        return given
    if isinstance(given, str | Path):
        given = OnnxAgent.from_file(given) if Path(given).is_file() else load_agent(given)
    if isinstance(given, Agent):
        check_fit(name, given, spec)
        return given
    return model_agent(name, given, spec) if is_model(given) else OwnAgent(given, spec, name=name)
