"""Plan of an experiment: all of its cells, each with a readable id and a fingerprint of its inputs."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from preroll.agents.registry import find, resolve_settings
from preroll.agents.settings import with_sessions
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import DEMO
from preroll.simulations.experiment.design.checks import check_agents, check_catalogs, check_queues, check_size
from preroll.simulations.experiment.design.names import (
    Described,
    agent_names,
    distinct,
    known_as,
    point_names,
    short_keys,
    whole,
)
from preroll.simulations.experiment.design.points import varied
from preroll.simulations.experiment.design.spec import POINT, AgentSpec, Experiment, number_of
from preroll.simulations.experiment.design.training_scenarios import training_grounds
from preroll.simulations.experiment.design.variation import feedback_of, points


@dataclass(frozen=True)
class Cell:
    """One training and its evaluation: everything that decides its result.

    Attributes:
        id: ``POINT/AGENT/seed-K``, its folder below the experiment's ``cells``.
        point: name of its point.
        values: values that differ from point to point, by dotted key.
        label: name of the agent with its settings.
        agent: name of the agent.
        settings: settings of the agent, as given.
        base: the scenario without any variation, as plain values.
        catalog: name or absolute folder.
        catalog_sha256: hash of the catalog's content.
        seed: seed of users and agent, in training and evaluation.
        sessions: training sessions.
        evaluation_sessions: evaluation sessions.
        trained_on: name of the entry of ``train`` that it is trained on.
        training: training scenario as plain values; None if it is the scenario itself.
        exact: whether the agent's exact value is computed.
        feedback: when what happened reaches the agent in training; empty if it does at once.
    """

    id: str
    point: str
    values: dict[str, Any]
    label: str
    agent: str
    settings: dict[str, Any]
    base: dict[str, Any]
    catalog: str
    catalog_sha256: str
    seed: int
    sessions: int
    evaluation_sessions: int
    trained_on: str = POINT
    training: dict[str, Any] | None = None
    exact: bool = True
    feedback: dict[str, int] = field(default_factory=dict)

    @property
    def scenario(self) -> dict[str, Any]:
        """The whole scenario, as plain values; computed, for those of many cells would fill the memory."""
        told: dict[str, Any] = json.loads(_scenario(json.dumps(self.base), json.dumps(self.values)))
        return told

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the result; the location of the catalog does not."""
        told: dict[str, Any] = {"scenario": self.scenario, "evaluation_sessions": self.evaluation_sessions}
        return self._hash(**told if self.exact else told | {"exact": False})  # as before where it is computed

    @property
    def training_fingerprint(self) -> str:
        """Hash of everything that decides the trained agent."""
        return self._hash(training=self.scenario if self.training is None else self.training)

    def _hash(self, **more: Any) -> str:
        names = ("agent", "settings", "catalog_sha256", "seed", "sessions")
        told = {name: getattr(self, name) for name in names} | more
        if self.training is not None:
            told["training"] = self.training
        if self.feedback:
            told["feedback"] = self.feedback
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON; cells share what is large."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @property
    def described(self) -> Described:
        """What its names are of."""
        return self.values, self.catalog_sha256, self.agent, self.settings

    def named(self, point: str, agent: str) -> "Cell":
        """Returns the same cell under the names of its point and of its agent with its settings."""
        label = agent + "".join(self.label.partition("@")[1:])  # and what it is trained on
        return replace(self, id=f"{point}/{label}/seed-{self.seed}", point=point, label=label)


@lru_cache(maxsize=16)
def _scenario(base: str, values: str) -> str:
    """Returns the scenario of a point, from JSON to JSON; the cells of a point follow each other."""
    return json.dumps(varied(Scenario.load(json.loads(base)), json.loads(values)).model_dump(mode="json"))


@dataclass(frozen=True)
class Plan:
    """An experiment, expanded into cells.

    Attributes:
        name: name of the experiment.
        description: description of the experiment.
        keys: short name of every dotted key that varies.
        cells: cells in the order point, agent, seed.
    """

    name: str
    description: str
    keys: Mapping[str, str]
    cells: tuple[Cell, ...]

    @property
    def lengths(self) -> tuple[str, ...]:
        """Length classes of the scenarios that agents are evaluated on, in order of appearance."""
        first: dict[str, Cell] = {}
        for cell in self.cells:  # numbers change no length
            first.setdefault(whole([value for value in cell.values.values() if number_of(value) is None]), cell)
        scenarios = (cell.scenario for cell in first.values())
        ads = (ad for scenario in scenarios for group in scenario["ads"].values() for ad in group.values())
        return tuple(dict.fromkeys(ad["length"] for ad in ads))

    @property
    def names(self) -> dict[str, str]:
        """Names of the points and of the agents, by what they are known as."""
        known = known_as([cell.described for cell in self.cells])
        points = {one: cell.point for (one, _, _), cell in zip(known, self.cells, strict=True)}
        return points | {one: cell.label.partition("@")[0] for (_, one, _), cell in zip(known, self.cells, strict=True)}

    def keeping(self, given: Mapping[str, str]) -> "Plan":
        """Returns the same plan, in which points and agents that have a name already keep it.

        Args:
            given: the names that there are, as :attr:`names`.
        """
        known = known_as([cell.described for cell in self.cells])
        points = distinct({one: point_names(values, self.keys) for one, _, values in known}, given)
        agents = distinct(
            {one: agent_names(cell.agent, cell.settings) for (_, one, _), cell in zip(known, self.cells, strict=True)},
            given,
        )
        cells = (cell.named(points[one], agents[two]) for (one, two, _), cell in zip(known, self.cells, strict=True))
        return replace(self, cells=tuple(cells))

    @classmethod
    def load(cls, file: Path) -> "Plan":
        """Reads and expands the YAML file of an experiment.

        Raises:
            PrerollError: the file or its content is invalid; the message names the file.
        """
        experiment = Experiment.load(file)
        try:
            return cls.of(experiment)
        except PrerollError as error:
            told = str(error).removeprefix(f"experiment {experiment.name}: ")
            raise PrerollError(f"{file}: {told}", status=error.status) from None

    @classmethod
    def of(cls, experiment: Experiment) -> "Plan":
        """Expands an experiment, and checks everything that can be checked before a cell starts.

        Raises:
            PrerollError: a value is unknown, out of range, or a duplicate.
        """
        check_agents(experiment)
        trainings = [
            (number, agent, *training)
            for number, agent in enumerate(experiment.agents)
            for training in _trainings(experiment, agent)
        ]
        check_size(experiment, len(trainings))
        drawn, grounds = points(experiment), training_grounds(experiment)
        hashes = check_catalogs(experiment, drawn, [ground for ground in grounds.values() if ground is not None])
        plain = {name: one.model_dump(mode="json") for name, one in grounds.items() if one is not None}
        base, sessions = drawn[0].base.model_dump(mode="json"), _sessions(experiment)
        late = [feedback_of(experiment, point.values).told for point in drawn]
        check_queues(experiment, drawn, sessions)
        cells = (
            Cell(
                id="",
                point="",
                values=point.values,
                label=label,
                agent=agent.name,
                settings=agent.settings,
                base=base,
                catalog=_absolute(point.catalog),
                catalog_sha256=hashes[point.catalog],
                seed=seed,
                sessions=sessions(number, plain.get(ground, {"name": point.values.get("name", base["name"])})["name"]),
                evaluation_sessions=experiment.evaluate.sessions,
                trained_on=ground,
                training=plain.get(ground),
                exact=experiment.evaluate.exact,
                feedback=feedback,
            )
            for point, feedback in zip(drawn, late, strict=True)
            for number, agent, label, ground in trainings
            for seed in experiment.seeds
        )
        keys = short_keys(list(drawn[0].values))
        plan = cls(experiment.name, experiment.description, keys, tuple(cells)).keeping({})
        _check_repetition(plan)
        return plan


def _check_repetition(plan: Plan) -> None:
    """Checks that no point occurs twice: names differ where values do."""
    seen = set()
    for cell in plan.cells:
        if cell.id in seen:
            told = ", ".join(f"{key}: {value!r}" for key, value in cell.values.items())
            raise PrerollError(f"experiment {plan.name}: two points have the same values: {told}")
        seen.add(cell.id)


def _trainings(experiment: Experiment, agent: AgentSpec) -> list[tuple[str, str]]:
    """Returns (end of the label, name in ``train``) of an agent's trainings; baselines always use each point itself."""
    if find(agent.name).family == "baseline" or experiment.train == {POINT: POINT}:
        return [("", POINT)]
    return [(f"@{name}", name) for name in experiment.train]


def _sessions(experiment: Experiment) -> Callable[[int, str], int]:
    """Returns a function that gives the training sessions of the agent with a number, for a scenario's name."""

    @cache
    def sessions(number: int, scenario: str) -> int:
        agent = experiment.agents[number]
        if experiment.sessions is not None and not agent.settings:
            return experiment.sessions  # avoids importing torch
        try:
            given = with_sessions(agent.name, agent.settings, experiment.sessions)
            return resolve_settings(agent.name, scenario, given).sessions
        except PrerollError as error:
            raise PrerollError(f"experiment {experiment.name}: {error}") from None

    return sessions


def _absolute(catalog: str) -> str:
    return catalog if catalog == DEMO else str(Path(catalog).absolute())
