"""Registry of the agents by name.

Classes are referenced by import path, so that creating a bandit does not import torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from preroll.agents.agent import Agent
from preroll.agents.preset import preset
from preroll.agents.settings import AgentSettings, check_effects, overruled, parse
from preroll.console.nearest import known
from preroll.envs.model.observation import SessionSpec
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError


@dataclass(frozen=True)
class AgentEntry:
    """Registry entry of one agent.

    Attributes:
        path: import path, ``module:class``.
        family: baseline, bandit (per category), contextual (bandits that see the whole observation) or deep.
        description: one-line description.

    Examples:
        >>> from preroll.agents import AGENTS, AgentEntry
        >>> AGENTS["thompson"].family
        'bandit'
        >>> entry = AgentEntry("preroll.agents.baselines.simple:RandomAgent", "baseline", "any ad, uniformly")
        >>> entry.load().__name__
        'RandomAgent'
    """

    path: str
    family: str
    description: str

    def load(self) -> type[Agent]:
        """Imports and returns the agent's class."""
        module, _, name = self.path.partition(":")
        return cast(type[Agent], getattr(import_module(module), name))


#: All agents by name, in the order in which `preroll agent list` prints them.
AGENTS: dict[str, AgentEntry] = {
    "random": AgentEntry(
        "preroll.agents.baselines.simple:RandomAgent", "baseline", "any action with equal probability"
    ),
    "always-short": AgentEntry(
        "preroll.agents.baselines.simple:AlwaysShort", "baseline", "the short ad of the video's category, always"
    ),
    "always-long": AgentEntry(
        "preroll.agents.baselines.simple:AlwaysLong", "baseline", "the long ad of the video's category, always"
    ),
    "greedy": AgentEntry(
        "preroll.agents.baselines.oracles:Greedy",
        "baseline",
        "knows the true table, maximises the reward of the next slot",
    ),
    "fixed": AgentEntry(
        "preroll.agents.baselines.oracles:BestFixed", "baseline", "the best single ad for each category, known"
    ),
    "optimum": AgentEntry(
        "preroll.agents.baselines.oracles:OptimalAgent",
        "baseline",
        "the exact optimum by dynamic programming on the true table",
    ),
    "epsilon-greedy": AgentEntry(
        "preroll.agents.bandits.epsilon_greedy:EpsilonGreedy",
        "bandit",
        "the best mean reward so far, any ad with probability epsilon, per category",
    ),
    "ucb1": AgentEntry(
        "preroll.agents.bandits.ucb:UCB1", "bandit", "an upper confidence bound of the view, per category"
    ),
    "kl-ucb": AgentEntry("preroll.agents.bandits.kl_ucb:KLUCB", "bandit", "as ucb1 with the tightest bound for views"),
    "thompson": AgentEntry(
        "preroll.agents.bandits.thompson:Thompson",
        "bandit",
        "Beta posterior on the view times the known reward, per category",
    ),
    "gaussian-thompson": AgentEntry(
        "preroll.agents.bandits.gaussian_thompson:GaussianThompson",
        "bandit",
        "normal posterior on the reward, per category",
    ),
    "exp3": AgentEntry(
        "preroll.agents.bandits.exp3:EXP3", "bandit", "exponential weights, for users that may do anything"
    ),
    "discounted-ucb": AgentEntry(
        "preroll.agents.bandits.ucb:DiscountedUCB", "bandit", "ucb1 that forgets gradually, for drift"
    ),
    "window-ucb": AgentEntry("preroll.agents.bandits.ucb:WindowUCB", "bandit", "ucb1 on a sliding window, for drift"),
    "discounted-thompson": AgentEntry(
        "preroll.agents.bandits.thompson:DiscountedThompson", "bandit", "thompson that forgets gradually, for drift"
    ),
    "window-thompson": AgentEntry(
        "preroll.agents.bandits.thompson:WindowThompson", "bandit", "thompson on a sliding window, for drift"
    ),
    "linucb": AgentEntry(
        "preroll.agents.contextual.linucb:LinUCB",
        "contextual",
        "a linear model of the view per ad, plus its uncertainty",
    ),
    "lints": AgentEntry(
        "preroll.agents.contextual.lints:LinTS",
        "contextual",
        "a draw from the posterior of a linear model of the view per ad",
    ),
    "logistic-thompson": AgentEntry(
        "preroll.agents.contextual.logistic_thompson:LogisticThompson",
        "contextual",
        "a draw from the posterior of a logistic model of the view per ad",
    ),
    "squarecb": AgentEntry(
        "preroll.agents.contextual.squarecb:SquareCB",
        "contextual",
        "a linear model per ad, explored by inverse gap weighting",
    ),
    "neural-linear": AgentEntry(
        "preroll.agents.deep.neural_linear:NeuralLinear", "contextual", "LinTS on the last layer of a network"
    ),
    "dqn": AgentEntry("preroll.agents.deep.dqn:DQNAgent", "deep", "n-step deep Q-network of stable-baselines3"),
    "qr-dqn": AgentEntry(
        "preroll.agents.deep.qr_dqn:QRDQNAgent", "deep", "DQN that learns quantiles of the return, of sb3-contrib"
    ),
    "ppo": AgentEntry("preroll.agents.deep.ppo:PPOAgent", "deep", "proximal policy optimisation of stable-baselines3"),
    "lean-ppo": AgentEntry("preroll.agents.deep.lean_ppo:LeanPPO", "deep", "ppo in plain torch, for many lanes"),
    "recurrent-ppo": AgentEntry(
        "preroll.agents.deep.recurrent_ppo:RecurrentPPO",
        "deep",
        "lean-ppo that remembers the session, for hidden segments",
    ),
}


def find(name: str) -> AgentEntry:
    """Returns the entry of ``name``.

    Raises:
        PrerollError: the name is unknown; the message lists the known ones.
    """
    if name not in AGENTS:
        raise PrerollError(f"agent {name!r}: unknown; {known(name, 'agents are', AGENTS)}")
    return AGENTS[name]


def make_agent(name: str, env: Any, *, seed: int = 0, **settings: Any) -> Agent:
    """Creates an untrained agent.

    Args:
        name: a key of :data:`AGENTS`.
        env: a :class:`SessionSpec`, or an object that has one: :class:`Tables`, an environment or a vector environment;
            or a scenario, which :meth:`Tables.of` compiles.
            The oracles (greedy, fixed, optimum) require an object with tables.
        seed: seed of the agent's own generators.
        settings: settings of the agent; they override the scenario's preset, if there is one, which overrides the
            defaults.

    Returns:
        The agent.

    Raises:
        PrerollError: an unknown name or setting, a value out of range, a setting that another one overrules, one for
            which this machine lacks something, or an oracle without tables.

    Examples:
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> make_agent("ucb1", Tables.compile("classic", "demo"), seed=1, alpha=0.4).settings.alpha
        0.4
    """
    kind = find(name).load()
    spec, tables = _spec_and_tables(env)
    resolved = resolve_settings(name, spec.name, settings)
    if lacking := resolved.lacking():
        raise PrerollError(f"agent {name}: {lacking}")
    if tables is not None:
        return kind.from_tables(tables, resolved, seed=seed)
    if kind.needs_tables:
        raise PrerollError(f"agent {name}: knows the true table, so it needs tables or an environment, not a spec")
    return kind(spec, resolved, seed=seed)


def resolve_settings(name: str, scenario: str, given: Mapping[str, Any]) -> AgentSettings:
    """Returns all settings of an agent: those given, else those of the scenario's preset, else the defaults.

    One end of a schedule that is given alone takes the other with it, where the schedule would run backwards.

    Raises:
        PrerollError: an unknown name or setting, a value out of range, or a given setting that another one overrules.
    """
    settings = fill_settings(name, scenario, given)
    check_effects(settings, name, given)
    return settings


def fill_settings(name: str, scenario: str, given: Mapping[str, Any]) -> AgentSettings:
    """Returns the same as :func:`resolve_settings`, where what is given may be overruled.

    Raises:
        PrerollError: an unknown name or setting, or a value out of range.
    """
    return parse(find(name).load().Settings, name, given, preset(scenario, name))


def effective_settings(name: str, scenario: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of the settings ``given`` that none of the others overrules.

    Raises:
        PrerollError: as :func:`fill_settings`.
    """
    idle = overruled(fill_settings(name, scenario, given))
    return {setting: value for setting, value in given.items() if setting not in idle}


def complete_settings(name: str, scenario: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns every setting that has an effect, as plain values, so that no preset or default fills in anything else.

    Raises:
        PrerollError: as :func:`fill_settings`.
    """
    return effective_settings(name, scenario, fill_settings(name, scenario, given).model_dump(mode="json"))


def _spec_and_tables(env: Any) -> tuple[SessionSpec, Tables | None]:
    """Returns the specification of ``env`` and its true tables, or None if it has no tables."""
    if isinstance(env, SessionSpec):
        return env, None
    if isinstance(env, str | Path | Mapping | Scenario):
        env = Tables.of(env)
    env = getattr(env, "unwrapped", env)
    tables = env if isinstance(env, Tables) else getattr(env, "tables", None)
    if not isinstance(tables, Tables):
        raise PrerollError(
            f"an agent needs a scenario, tables, an environment or a SessionSpec, not {type(env).__name__}"
        )
    return tables.spec, tables
