"""Specification of an experiment, as read from its YAML file."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from preroll.agents.settings import MOST_SESSIONS
from preroll.bounded.yaml_text import load_named
from preroll.envs.scenario.scenario import preset_names
from preroll.perception.catalog.catalog import DEMO
from preroll.shown.card import Card
from preroll.shown.shown import Shown, told
from preroll.simulations.evaluation.agent_evaluation import FEWEST_LANES
from preroll.simulations.feedback.feedback import AT_ONCE, Feedback
from preroll.yaml_config import FileModel, validated

Name = Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=100)]
Key = Annotated[str, Field(min_length=1, max_length=300)]
Values = list[Any] | dict[str, list[Any]]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
#: Key of ``vary`` that selects the catalog; it is not a key of the scenario.
CATALOG = "catalog"
#: Values of ``train``: the point at which an agent is evaluated, or the scenario without any variation.
POINT, SCENARIO = "point", "scenario"


class Evaluate(FileModel):
    """Evaluation of trained agents."""

    sessions: int = Field(
        default=50_000, ge=FEWEST_LANES, le=MOST_SESSIONS, description="sessions that every agent plays, frozen"
    )
    exact: bool = Field(default=True, description="whether the exact values of the agents are computed")


class Random(FileModel):
    """Randomly drawn points: every draw is uniform in the ranges, independently for each key."""

    draws: int = Field(ge=1, le=100_000, description="number of points drawn")
    seed: Seed = Field(default=0, description="seed of the draws")
    ranges: dict[Key, Values] = Field(
        min_length=1, description="by dotted key of the scenario: [low, high] or {scale: [low, high]}"
    )

    @field_validator("ranges")
    @classmethod
    def _are_ranges(cls, ranges: dict[str, Values]) -> dict[str, Values]:
        for key, values in ranges.items():
            ends = values_of(values)
            plain = [end for end in map(number_of, ends) if end is not None]
            if len(ends) != 2 or len(plain) != 2 or not plain[0] <= plain[1]:
                raise ValueError(f"{key}: [low, high] or {{scale: [low, high]}} is expected")
        return ranges


Training = Random | Literal["point", "scenario"]


class AgentSpec(FileModel):
    """One agent with its settings."""

    name: str = Field(description="name of the agent")
    settings: dict[str, Any] = Field(default_factory=dict, description="its settings; the others have their defaults")


class Experiment(Shown, FileModel):
    """An experiment: scenario × variations × agents × seeds.

    Its points are all combinations of the values of ``vary``, the rows of ``zip`` and the draws of ``random``.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preroll.simulations import Experiment
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "mismatch.yaml"
        ...     size = file.write_text("{vary: {user.mismatch: [0.2, 0.8]}, agents: [greedy, thompson], seeds: 3}")
        ...     experiment = Experiment.load(file)
        >>> experiment.name, [agent.name for agent in experiment.agents], experiment.seeds
        ('mismatch', ['greedy', 'thompson'], (0, 1, 2))
    """

    name: Name = Field(description="name of the experiment; that of the file by default")
    description: str = Field(default="", description="a sentence for the report")
    catalog: str = Field(default=DEMO, description="`demo`, or a folder")
    scenario: str | dict[str, Any] = Field(default="classic", description="preset, YAML file or mapping")
    set: dict[Key, Any] = Field(default_factory=dict, description="dotted keys, changed for all")
    vary: dict[Key, Values] = Field(default_factory=dict, description="values by dotted key: a grid")
    zip: dict[Key, Values] = Field(
        default_factory=dict, description="values by dotted key: row i takes the i-th of each"
    )
    random: Random | None = Field(default=None, description="randomly drawn points")
    train: dict[Name, Training] = Field(
        default={"point": "point"},
        min_length=1,
        description="what agents that learn are trained on, by name: each point, the scenario as it is, or draws",
    )
    agents: tuple[AgentSpec, ...] = Field(min_length=1, description="names of agents, or {name: settings}")
    seeds: tuple[Seed, ...] = Field(
        default=(0, 1, 2, 3, 4), min_length=1, description="seeds of every agent; a number n means 0 … n - 1"
    )
    sessions: int | None = Field(
        default=None, ge=1, le=MOST_SESSIONS, description="sessions to learn from; the agent's own by default"
    )
    feedback: Feedback = Field(default=AT_ONCE, description="when what happened reaches an agent that is trained")
    evaluate: Evaluate = Evaluate()

    @field_validator("agents", mode="before")
    @classmethod
    def _names_or_mappings(cls, value: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError("a list of names, or of {name: settings}, is expected")
        return [_agent(entry) for entry in value]

    @field_validator("seeds", mode="before")
    @classmethod
    def _number_or_list(cls, value: Any) -> Any:
        """Expands a number n to the seeds 0 … n - 1."""
        if isinstance(value, int) and not isinstance(value, bool):
            if not 1 <= value <= 100_000:
                raise ValueError("a number from 1 to 100000, or a list of seeds, is expected")
            return tuple(range(value))
        return tuple(value) if isinstance(value, list) else value

    @field_validator("vary", "zip")
    @classmethod
    def _have_values(cls, axes: dict[str, Values]) -> dict[str, Values]:
        for key, values in axes.items():
            if not values_of(values):
                raise ValueError(f"{key}: a list of values, or {{scale: [factors]}}, is expected")
            if key == CATALOG and (wrong := [value for value in values_of(values) if not isinstance(value, str)]):
                raise ValueError(f"{key}: {wrong[0]!r}: `demo`, or a folder, is expected")
        return axes

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({len(values_of(values)) for values in self.zip.values()}) > 1:
            raise ValueError("zip: all keys need the same number of values")
        ranges = self.random.ranges if self.random else {}
        times = Counter([*self.vary, *self.zip, *ranges])
        if twice := sorted(key for key, number in times.items() if number > 1):
            raise ValueError(f"{twice[0]}: is varied twice")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds: a seed occurs twice")
        return self

    def _card(self) -> Card:
        scenario = self.scenario if isinstance(self.scenario, str) else self.scenario.get("name", "of this experiment")
        facts = {
            **({"about": self.description} if self.description else {}),
            "world": f"scenario {scenario}, catalog {self.catalog}",
            "sessions": "each agent's own number" if self.sessions is None else self.sessions,
            "seeds": told(self.seeds),
            "trained on": told(list(self.train)),
            "evaluated": f"{self.evaluate.sessions:,} sessions" + ("" if self.evaluate.exact else ", not exactly"),
            **({"feedback": self.feedback.described} if self.feedback.late else {}),
        }
        axes = {
            "set": self.set,
            "vary": self.vary,
            "zip": self.zip,
            "random": self.random.ranges if self.random else {},
        }
        rows = [("agent", agent.name, told(agent.settings) if agent.settings else "") for agent in self.agents]
        rows += [(kind, key, told(value)) for kind, keys in axes.items() for key, value in keys.items()]
        return Card(f"Experiment {self.name}", facts, ("what", "name", "values"), rows)

    @classmethod
    def load(cls, path: str | Path) -> "Experiment":
        """Reads an experiment file; paths in it are relative to its own folder.

        Raises:
            PrerollError: one line naming file, key, value and what is allowed.
        """
        path = Path(path)
        found = validated(cls, load_named(path, punctuation="-_.", longest=100), str(path))
        folder = path.parent
        scenario = found.scenario
        if isinstance(scenario, str) and scenario not in preset_names():
            scenario = str(folder / scenario)
        axes = {
            name: {key: _beside(folder, key, values) for key, values in getattr(found, name).items()}
            for name in ("vary", "zip")
        }
        return found.model_copy(update={"scenario": scenario, "catalog": _place(folder, found.catalog), **axes})


def values_of(values: Values) -> list[Any]:
    """Returns the values of one key, with ``{scale: [a, b]}`` expanded.

    Examples:
        >>> values_of({"scale": [0.5, 2]})
        [{'scale': 0.5}, {'scale': 2}]
    """
    if isinstance(values, list):
        return values
    return [{"scale": value} for value in values["scale"]] if set(values) == {"scale"} else []


def _agent(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"name": entry}
    if isinstance(entry, dict) and len(entry) == 1:
        ((name, settings),) = entry.items()
        return {"name": name, "settings": {} if settings is None else settings}
    raise ValueError(f"{entry!r}: a name or {{name: settings}} is expected")


def number_of(value: Any) -> float | None:
    """Returns the number or factor that a value of a key is; None for anything else."""
    value = value["scale"] if isinstance(value, dict) and set(value) == {"scale"} else value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _beside(folder: Path, key: str, values: Values) -> Values:
    if key != CATALOG or not isinstance(values, list):
        return values
    return [_place(folder, value) for value in values]


def _place(folder: Path, catalog: str) -> str:
    return catalog if catalog == DEMO else str(folder / catalog)
