"""Plan of an experiment: all of its cells, each with a readable id and a fingerprint of its inputs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preroll.agents.registry import find, resolve_settings
from preroll.agents.settings import with_sessions
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import DEMO, Catalog
from preroll.simulations.experiment.design.names import agent_name, point_name, short_keys
from preroll.simulations.experiment.design.spec import POINT, AgentSpec, Experiment
from preroll.simulations.experiment.design.training_scenarios import training_grounds
from preroll.simulations.experiment.design.variation import Point, points


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
        scenario: the whole scenario, as plain values.
        catalog: name or absolute folder.
        catalog_sha256: hash of the catalog's content.
        seed: seed of users and agent, in training and evaluation.
        sessions: training sessions.
        evaluation_sessions: evaluation sessions.
        trained_on: name of the entry of ``train`` that it is trained on.
        training: training scenario as plain values; None if it is the scenario itself.
        exact: whether the agent's exact value is computed.
    """

    id: str
    point: str
    values: dict[str, Any]
    label: str
    agent: str
    settings: dict[str, Any]
    scenario: dict[str, Any]
    catalog: str
    catalog_sha256: str
    seed: int
    sessions: int
    evaluation_sessions: int
    trained_on: str = POINT
    training: dict[str, Any] | None = None
    exact: bool = True

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
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:24]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return asdict(self)


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
        scenarios = (cell.scenario for cell in self.cells)
        ads = (ad for scenario in scenarios for group in scenario["ads"].values() for ad in group.values())
        return tuple(dict.fromkeys(ad["length"] for ad in ads))

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
        labels = [agent_name(agent.name, agent.settings) for agent in experiment.agents]
        if twice := [label for label in labels if labels.count(label) > 1]:
            raise PrerollError(f"experiment {experiment.name}: agents: {twice[0]} occurs twice")
        drawn, grounds = points(experiment), training_grounds(experiment)
        sessions = [_sessions(experiment, agent, drawn[0].scenario.name) for agent in experiment.agents]
        keys = short_keys(list(drawn[0].values))
        hashes = _check_catalogs(experiment, drawn, [ground for ground in grounds.values() if ground is not None])
        plain = {name: ground.model_dump(mode="json") for name, ground in grounds.items() if ground is not None}
        cells = tuple(
            Cell(
                id=f"{point_name(point.values, keys)}/{label}/seed-{seed}",
                point=point_name(point.values, keys),
                values=dict(point.values),
                label=label,
                agent=agent.name,
                settings=agent.settings,
                scenario=point.scenario.model_dump(mode="json"),
                catalog=_absolute(point.catalog),
                catalog_sha256=hashes[point.catalog],
                seed=seed,
                sessions=number,
                evaluation_sessions=experiment.evaluate.sessions,
                trained_on=ground,
                training=plain.get(ground),
                exact=experiment.evaluate.exact,
            )
            for point in drawn
            for agent, name, number in zip(experiment.agents, labels, sessions, strict=True)
            for label, ground in _trainings(experiment, agent, name)
            for seed in experiment.seeds
        )
        if len({cell.id for cell in cells}) < len(cells):
            raise PrerollError(f"experiment {experiment.name}: two points have the same values")
        return cls(experiment.name, experiment.description, keys, cells)


def _trainings(experiment: Experiment, agent: AgentSpec, label: str) -> list[tuple[str, str]]:
    """Returns (label, name in ``train``) of every training of an agent; baselines always use each point itself."""
    if find(agent.name).family == "baseline" or experiment.train == {POINT: POINT}:
        return [(label, POINT)]
    return [(f"{label}@{name}", name) for name in experiment.train]


def _sessions(experiment: Experiment, agent: AgentSpec, scenario: str) -> int:
    """Checks an agent's settings for a scenario's name and returns the number of its training sessions."""
    find(agent.name)
    if experiment.sessions is not None and not agent.settings:
        return experiment.sessions  # avoids importing torch
    try:
        given = with_sessions(agent.name, agent.settings, experiment.sessions)
        return resolve_settings(agent.name, scenario, given).sessions
    except PrerollError as error:
        raise PrerollError(f"experiment {experiment.name}: {error}") from None


def _check_catalogs(experiment: Experiment, drawn: list[Point], grounds: list[Scenario]) -> dict[str, str]:
    """Compiles a point of every shape, with its training scenarios, on every catalog; returns the catalogs' hashes."""
    catalogs = {name: Catalog.load(name) for name in {point.catalog for point in drawn}}
    seen = set()
    for point in drawn:
        shape = point.catalog, point.scenario.observe, tuple(ad.label for ad in point.scenario.ads)
        if shape not in seen:
            seen.add(shape)
            try:
                spec, *others = (
                    Tables.compile(world, catalogs[point.catalog]).spec for world in (point.scenario, *grounds)
                )
            except PrerollError as error:
                raise PrerollError(f"experiment {experiment.name}: {error}") from None
            if any((other.layout, other.labels) != (spec.layout, spec.labels) for other in others):
                raise PrerollError(
                    f"experiment {experiment.name}: train: agents of the scenario cannot play every point: what they "
                    "observe, and the ads, must be the same"
                )
    return {name: catalog.sha256 for name, catalog in catalogs.items()}


def _absolute(catalog: str) -> str:
    return catalog if catalog == DEMO else str(Path(catalog).absolute())
