"""Run: one finished training as a folder, which is either complete or absent.

```
scenario.yaml        the whole scenario, defaults included
settings.yaml        agent and its settings, seed, sessions, catalog
agent/               the trained agent
events.out.tfevents.preroll    learning curves for TensorBoard
result.json          curve, optimum, cost, threads, versions, code, machine; written last
```
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from pydantic import Field

from preroll import atomic
from preroll.agents.agent import Agent
from preroll.agents.loading import load_agent
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog import catalog as catalogs
from preroll.perception.catalog.catalog import DEMO, Catalog
from preroll.run_folder import RESULT, threads
from preroll.simulations.training.curves import Curve
from preroll.simulations.training.provenance import provenance
from preroll.yaml_config import FileModel, dump_yaml, load_yaml, validated

FORMAT = 2


class CatalogReference(FileModel):
    """Reference to the catalog that a run was trained on."""

    path: str = Field(
        description="`demo`, or the catalog's folder relative to the run's, so that both may be moved together"
    )
    sha256: str = Field(description="hash of its content")


class RunSettings(FileModel):
    """Content of ``settings.yaml``."""

    agent: str = Field(description="name of the agent")
    seed: int = Field(description="seed of the training")
    sessions: int = Field(description="sessions of the learning curve")
    catalog: CatalogReference
    settings: dict[str, Any] = Field(description="all settings of the agent, defaults included")


@dataclass(frozen=True)
class Run:
    """A finished training, read from its folder.

    Attributes:
        path: the folder.
        settings: agent, seed, sessions, catalog.
        scenario: the simulated scenario.
        result: content of ``result.json``.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preroll.simulations import Run, train
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = train("thompson", scenario="classic", sessions=200, run=Path(folder) / "first")
        ...     run = Run.open(Path(folder) / "first")
        ...     agent = run.load_agent()
        >>> run.name, agent.name, run.settings.sessions, run.curve.sessions
        ('first', 'thompson', 200, [50, 100, 150, 200])
    """

    path: Path
    settings: RunSettings
    scenario: Scenario
    result: dict[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Reads a run; the agent is loaded on demand.

        Raises:
            PrerollError: there is no run, or one of its files cannot be read.
        """
        path = Path(path)
        atomic.recover(path.absolute())
        if not path.is_dir():
            raise PrerollError(
                f"run {path}: no such folder; make one with `preroll train AGENT --run {quote(str(path))}`"
            )
        result = read_result(path)
        return cls(path, read_settings(path), Scenario.load(path / "scenario.yaml"), result)

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.absolute().name

    @property
    def curve(self) -> Curve:
        """Learning curve over sessions seen."""
        return Curve.from_dict(self.result["curve"])

    @property
    def time_curve(self) -> Curve:
        """Shares of the CPU time over sessions seen; empty for a run that was stored without."""
        return Curve.from_dict(self.result["cost"].get("curve", Curve().to_dict()))

    @property
    def notes(self) -> list[str]:
        """Sentences on why the agent may not have learned; usually none."""
        return list(self.result.get("notes", []))

    def load_agent(self) -> Agent:
        """Returns the trained agent."""
        return load_agent(self.path / "agent")

    def load_catalog(self) -> Catalog:
        """Returns the catalog that the agent was trained on.

        Raises:
            PrerollError: the catalog is missing or has changed.
        """
        return load_catalog(self.settings.catalog, self.path, self.path / "settings.yaml")


def read_settings(folder: Path) -> RunSettings:
    """Reads the ``settings.yaml`` of a run or a checkpoint."""
    path = folder / "settings.yaml"
    return validated(RunSettings, load_yaml(path), str(path))


def load_catalog(reference: CatalogReference, run: Path, told_by: Path) -> Catalog:
    """Loads the catalog that ``reference`` names, relative to the folder ``run``.

    Args:
        reference: path and hash of the catalog.
        run: the run folder.
        told_by: file that holds the reference, for the error message.

    Raises:
        PrerollError: the catalog is missing or has changed.
    """
    source = DEMO if reference.path == DEMO else Path(os.path.normpath(run.absolute() / reference.path))
    catalog = Catalog.load(source)
    if catalog.sha256 != reference.sha256:
        raise PrerollError(
            f"{told_by}: catalog.sha256: the catalog {catalog.path} has changed since this run "
            "was trained; name the one to use with --catalog"
        )
    return catalog


def settings_of(agent: Agent, catalog: Catalog, *, sessions: int, seed: int, run: Path) -> RunSettings:
    """Returns the settings of the run that will be written to the folder ``run``."""
    return RunSettings(
        agent=agent.name,
        seed=seed,
        sessions=sessions,
        catalog=_reference(catalog, run),
        settings=agent.settings.model_dump(mode="json"),
    )


def write_settings(folder: Path, settings: RunSettings, scenario: Scenario) -> None:
    """Writes ``scenario.yaml`` and ``settings.yaml`` to ``folder``."""
    atomic.write_text(folder / "scenario.yaml", scenario.dump())
    atomic.write_text(folder / "settings.yaml", dump_yaml(settings.model_dump(mode="json")))


def write_result(folder: Path, result: Mapping[str, Any], *earlier: Mapping[str, Any]) -> None:
    """Writes ``result.json``, the last file of a run, with its format, torch's threads and provenance added.

    Networks are trained in one thread, whatever their number, so that it does not change a result.

    Args:
        folder: folder of the run.
        result: its content.
        earlier: provenance of what was done of the training before it was resumed.
    """
    content = {"format": FORMAT, **result, "threads": threads(), **provenance(*earlier)}
    content["curve"] = content.pop("curve")  # the longest entry last
    atomic.write_json(folder / RESULT, content)


def _reference(catalog: Catalog, run: Path) -> CatalogReference:
    if catalog.path == Path(catalogs.__file__).parent / "demo":
        return CatalogReference(path=DEMO, sha256=catalog.sha256)
    relative = Path(os.path.relpath(catalog.path.absolute(), run.absolute())).as_posix()
    return CatalogReference(path=relative, sha256=catalog.sha256)


def read_result(path: Path) -> dict[str, Any]:
    """Reads the ``result.json`` of the run ``path``.

    Raises:
        PrerollError: it is missing, cannot be read, or has another format.
    """
    try:
        result = json.loads((path / RESULT).read_text("utf8"))
    except FileNotFoundError:
        raise PrerollError(f"run {path}: it has no {RESULT}, so it is no run") from None
    except (OSError, ValueError) as error:
        raise PrerollError(f"{path / RESULT}: cannot be read: {error}") from None
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise PrerollError(f"{path / RESULT}: format must be {FORMAT}; this is no run that this version reads")
    return result
