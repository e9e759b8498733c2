"""The agent that is trained: made by its name, or given by the caller."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preroll.agents.agent import Agent
from preroll.agents.fit import check_fit
from preroll.agents.interop.own_agent import Acts, Function, OwnAgent, name_of
from preroll.agents.registry import AGENTS, make_agent
from preroll.agents.settings import AgentSettings, parse, with_sessions
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.seeds import AGENT, derive

Trainee = str | Agent | Acts | Function


def trainee_of(given: Trainee, tables: Tables, settings: Mapping[str, Any], sessions: int | None, seed: int) -> Agent:
    """Returns the agent to train.

    Args:
        given: a name, which makes a new agent; or an agent, or an object with ``act(observations)``, trained in place.
        tables: what it plays.
        settings: settings of an agent that is made by name; of an object only those that every agent has.
        sessions: number of training sessions, if it is given.
        seed: seed of the training.

    Raises:
        PrerollError: an unknown name or setting, a value out of range, settings of an agent that is made already, one
            that was made for other observations or ads, or an object that cannot act.
    """
    if isinstance(given, str):
        own = with_sessions(given, settings, sessions)
        return make_agent(given, tables, seed=derive(seed, AGENT), **own)
    if not isinstance(given, Agent):
        name = name_of(given)
        return OwnAgent(given, tables.spec, parse(AgentSettings, name, with_sessions(name, settings, sessions)))
    if settings:
        raise PrerollError(f"agent {given.name}: is made already; settings ({', '.join(settings)}) are for a name")
    check_fit(given.name, given.spec, tables.spec)
    return given


def check_loadable(agent: Agent, run: Path) -> None:
    """Checks that an agent could be loaded again from a run.

    Raises:
        PrerollError: it is not of a class that :data:`AGENTS` knows by its name.
    """
    if agent.name not in AGENTS or AGENTS[agent.name].load() is not type(agent):
        raise PrerollError(
            f"run {run}: agent {agent.name}: is in no run, which only agents of AGENTS can be loaded from; leave run "
            "out, or name the class: AGENTS[NAME] = AgentEntry('module:Class', 'bandit', 'what it does')"
        )
