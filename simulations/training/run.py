"""Run: one finished training as a folder, which is either complete or absent.

```
scenario.yaml        the whole scenario, defaults included
settings.yaml        agent and its settings, seed, sessions, catalog; late feedback, and the run that it continues
agent/               the trained agent
events.out.tfevents.preroll    learning curves for TensorBoard
result.json          curve, optimum, cost, threads, versions, code, machine
manifest.json        hashes of all of these; written last
```
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from pydantic import Field

from preroll.agents.agent import Agent
from preroll.agents.loading import load_agent
from preroll.bounded.yaml_text import dump_yaml, parse_yaml
from preroll.console.nearest import meant, neighbors
from preroll.envs.model.part_of import part_of
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.files import atomic, manifest, work_folder
from preroll.files.manifest import Manifest
from preroll.perception.catalog import catalog as catalogs
from preroll.perception.catalog.catalog import DEMO, Catalog
from preroll.run_folder import CHECKPOINT, RESULT, threads
from preroll.shown.amounts import amount
from preroll.shown.card import Card, shown
from preroll.shown.shown import ShownTable
from preroll.simulations.feedback.feedback import AT_ONCE, Feedback
from preroll.simulations.training.curves import PERCENT, Curve
from preroll.simulations.training.provenance import Origin, provenance
from preroll.yaml_config import FileModel, validated

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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
    origin: Origin | None = Field(default=None, description="the run that this one continues; absent if it begins anew")
    feedback: Feedback = Field(
        default=AT_ONCE, description="when what happened reached the agent; absent if it did at once"
    )

    @property
    def total_sessions(self) -> int:
        """Number of sessions of this run's curve and of all that it continues."""
        return self.sessions + (self.origin.sessions if self.origin else 0)


@dataclass(frozen=True, repr=False)
class Run(ShownTable):
    """A finished training, read from its folder.

    Attributes:
        path: the folder.
        settings: agent, seed, sessions, catalog.
        scenario: the simulated scenario.
        result: content of ``result.json``.
        files: hashes of its files.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preroll.simulations import Run, train
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = train("thompson", scenario="classic", sessions=200, run=Path(folder) / "first")
        ...     run = Run.load(Path(folder) / "first")
        ...     agent = run.load_agent()
        >>> run.name, agent.name, run.settings.sessions, run.curve.sessions
        ('first', 'thompson', 200, [50, 100, 150, 200])
    """

    path: Path
    settings: RunSettings
    scenario: Scenario
    result: dict[str, Any]
    files: Manifest = field(compare=False)

    @classmethod
    def load(cls, path: str | Path) -> "Run":
        """Reads a run; the agent is loaded on demand.

        Raises:
            PrerollError: there is no run, or one of its files cannot be read.
        """
        path = Path(path)
        while True:
            files = read_manifest(path)
            try:
                settings, scenario = read_settings(files)
                return cls(path, settings, scenario, read_result(files), files)
            except PrerollError:
                if read_manifest(path).content == files.content:
                    raise  # else the run was replaced while it was read

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
        """Returns the trained agent.

        Raises:
            PrerollError: it is damaged, or was replaced after the run was opened.
        """
        return load_agent(self.files.verified(f"agent/{manifest.NAME}").parent)

    def load_catalog(self) -> Catalog:
        """Returns the catalog that the agent was trained on.

        Raises:
            PrerollError: the catalog is missing or has changed.
        """
        return load_catalog(self.settings.catalog, self.path, self.path / "settings.yaml")

    def to_frame(self) -> "pd.DataFrame":
        """Returns the learning curve: :meth:`Curve.to_frame`."""
        return self.curve.to_frame()

    def plot(self, ax: "Axes | None" = None, *, tag: str = PERCENT, name: str = "") -> "Axes":
        """Draws the learning curve: :meth:`Curve.plot`, under the name of the run unless another is given."""
        title = f"{self.scenario.name}: learning curve"
        return self.curve.plot(ax, tag=tag, name=name or self.name, title=title)

    def _card(self) -> Card:
        told, learning, part = self.settings, self.curve._card(), part_of(self.scenario, 0)
        optimum = amount(self.result["optimum"]) + (f" ({part})" if part else "")
        facts = {
            "agent": f"{told.agent}, seed {told.seed}, {told.sessions:,} sessions",
            "scenario": f"{self.scenario.name}, catalog {told.catalog.path}; optimum {optimum}",
            "settings": ", ".join(f"{name} {shown(value)}" for name, value in told.settings.items()),
            **({"note": " ".join(self.notes)} if self.notes else {}),
        }
        return Card(f"Run {self.path}", facts, learning.head, learning.rows)


def read_manifest(path: Path) -> Manifest:
    """Reads the manifest of the run ``path``; that of one which a killed writer set aside where it is missing.

    Raises:
        PrerollError: there is no run, or its manifest cannot be read.
    """
    folder = atomic.current(path)
    if not folder.is_dir():
        if atomic.is_locked(path):
            raise PrerollError(f"run {path}: is being written; wait until it is finished")
        if (work_folder.beside(atomic.destination(path)) / CHECKPOINT).is_dir():
            raise PrerollError(f"run {path}: is not finished; go on with `preroll train --resume {quote(str(path))}`")
        told = f"make one with `preroll train AGENT --run {quote(str(path))}`"
        raise PrerollError(f"run {path}: no such folder{meant(path, neighbors(path)) or f'; {told}'}")
    try:
        return manifest.read(folder, "run")
    except FileNotFoundError:
        if inside := sorted(one for one in folder.iterdir() if manifest.kind_of(one) == "run"):
            more = f" and {len(inside) - 3:,} more" if inside[3:] else ""
            raise PrerollError(
                f"run {path}: is a folder of runs; name those in it: {', '.join(map(str, inside[:3]))}{more}"
            ) from None
        older = "; an older version wrote it: train again" if (folder / RESULT).is_file() else ""
        raise PrerollError(f"run {path}: it has no {manifest.NAME}, so it is no complete run{older}") from None


def read_settings(files: Manifest) -> tuple[RunSettings, Scenario]:
    """Reads ``settings.yaml`` and ``scenario.yaml`` of a run or a checkpoint.

    Raises:
        PrerollError: one of them is damaged.
    """
    settings = parse_settings(files.read_text("settings.yaml"), files.folder / "settings.yaml")
    return settings, Scenario.load(files.verified("scenario.yaml"))


def parse_settings(text: str, path: Path) -> RunSettings:
    """Returns the settings in the text of a ``settings.yaml``; ``path`` is used in error messages only."""
    return validated(RunSettings, parse_yaml(text, str(path)), str(path))


def load_catalog(reference: CatalogReference, run: Path, told_by: Path) -> Catalog:
    """Loads the catalog that ``reference`` names, relative to the folder ``run``.

    Args:
        reference: path and hash of the catalog.
        run: the run folder.
        told_by: file that holds the reference, for the error message.

    Raises:
        PrerollError: the catalog is missing or has changed.
    """
    source = DEMO if reference.path == DEMO else Path(os.path.normpath(run.resolve() / reference.path))
    catalog = Catalog.load(source)
    if catalog.sha256 != reference.sha256:
        raise PrerollError(
            f"{told_by}: catalog.sha256: the catalog {catalog.path} has changed since this run "
            "was trained; name the one to use with --catalog"
        )
    return catalog


def settings_of(
    agent: Agent,
    catalog: Catalog,
    *,
    sessions: int,
    seed: int,
    run: Path,
    origin: Origin | None = None,
    feedback: Feedback = AT_ONCE,
) -> RunSettings:
    """Returns the settings of the run that will be written to the folder ``run``."""
    return RunSettings(
        agent=agent.name,
        seed=seed,
        sessions=sessions,
        catalog=_reference(catalog, run),
        settings=agent.settings.model_dump(mode="json"),
        origin=origin,
        feedback=feedback,
    )


def write_settings(folder: Path, settings: RunSettings, scenario: Scenario) -> None:
    """Writes ``scenario.yaml`` and ``settings.yaml`` to ``folder``."""
    atomic.write_text(folder / "scenario.yaml", scenario.dump())
    absent = {name for name, there in (("origin", settings.origin), ("feedback", settings.feedback.late)) if not there}
    told = settings.model_dump(mode="json", exclude=absent)
    # Runs of an experiment differ in their seeds, and YAML takes longer than all else that is written of a small one.
    text = _dumped(json.dumps({**told, "seed": 0}))
    atomic.write_text(folder / "settings.yaml", text.replace("\nseed: 0\n", f"\nseed: {settings.seed}\n", 1))


@lru_cache(maxsize=16)
def _dumped(plain: str) -> str:
    return dump_yaml(json.loads(plain))


def write_result(folder: Path, result: Mapping[str, Any], *earlier: Mapping[str, Any]) -> None:
    """Writes ``result.json``, with its format, torch's threads and provenance added.

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
    return CatalogReference(path=relative_path(catalog.path, run), sha256=catalog.sha256)


def relative_path(path: Path, run: Path) -> str:
    """Returns ``path`` relative to the folder ``run``, as the files of the run name it.

    A run that is named through a link lies where the link leads; what it refers to may itself be a link.
    """
    path = path.absolute()
    return Path(os.path.relpath(path.parent.resolve() / path.name, run.resolve())).as_posix()


def read_result(files: Manifest) -> dict[str, Any]:
    """Reads the ``result.json`` of a run.

    Raises:
        PrerollError: it is missing, damaged, or has another format.
    """
    result = files.read_json(RESULT)
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise PrerollError(f"{files.folder / RESULT}: format must be {FORMAT}; this is no run that this version reads")
    return result
