"""Quickstart in one call: demo videos → catalog → trained agents → comparison → plot."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preroll import progress
from preroll.agents.registry import AGENTS
from preroll.agents.settings import MOST_SESSIONS
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.kinds import PNG, SVG
from preroll.files.names import files_below
from preroll.files.targets import check_file, check_folder
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import FEWEST_LANES
from preroll.simulations.evaluation.evaluation import REFERENCES, SESSIONS, Evaluation, evaluate
from preroll.simulations.report.curve_plot import draw_curves
from preroll.simulations.training.parallel import TrainingJob, train_all
from preroll.simulations.training.run import Run
from preroll.simulations.valued_training import JOB, TAG
from preroll.system.processors import cores

#: Here agents that plan can earn more than greedy, which looks one slot ahead.
SCENARIO = "fatigue"
#: Slow agents first, so that both workers end together.
AGENT_NAMES = ("ppo", "dqn", "linucb", "epsilon-greedy", "thompson", "greedy", "random")
#: On `fatigue` PPO has converged by then, and DQN nearly; on `classic` both have after about 15,000.
TRAINING_SESSIONS = 50_000
WORKERS = 2
#: Name of the pictures, without ending.
CURVES = "curves"


@dataclass(frozen=True)
class QuickstartResult:
    """Result of a quickstart.

    Attributes:
        catalog: folder of the catalog.
        runs: folder of the runs, TensorBoard's logdir.
        pictures: files of the learning curves.
        evaluation: the comparison.
    """

    catalog: Path
    runs: Path
    pictures: list[Path]
    evaluation: Evaluation

    def failures(self) -> list[str]:
        """Returns the learners that are not shown to earn more than random: whose 95 % interval above it contains 0."""
        learners = [row for row in self.evaluation.rows if row.name in AGENTS and AGENTS[row.name].family != "baseline"]
        return [row.name for row in learners if row.above_random.low <= 0]


def run_quickstart(
    out: Path,
    *,
    scenario: str = SCENARIO,
    seed: int = 0,
    sessions: int = TRAINING_SESSIONS,
    evaluation_sessions: int = SESSIONS,
    exact: bool = True,
    note: Callable[[str], None] = lambda _: None,
) -> QuickstartResult:
    """Runs all stages in the folder ``out``; an unchanged catalog there is reused.

    Args:
        out: a folder, created if missing.
        scenario: preset or YAML file for the categories cars, cats and concerts.
        seed: seed of training and evaluation; the demo videos are always the same.
        sessions: training sessions of every agent.
        evaluation_sessions: sessions of the comparison.
        exact: whether the exact values of the agents are computed.
        note: called with a line about every stage that was skipped.

    Returns:
        Folders, files and the comparison.

    Raises:
        PrerollError: a number is out of range, ``out`` is a file, or another process is writing it.
    """
    if out.exists() and not out.is_dir():
        raise PrerollError(f"--out {out}: is a file; a folder is needed")
    if not 1 <= sessions <= MOST_SESSIONS:
        raise PrerollError(f"--sessions {sessions}: at least 1 is needed, at most {MOST_SESSIONS:,}")
    if not FEWEST_LANES <= evaluation_sessions <= MOST_SESSIONS:
        needed = f"at least {FEWEST_LANES} are needed, at most {MOST_SESSIONS:,}"
        raise PrerollError(f"--evaluation-sessions {evaluation_sessions}: {needed}")
    Scenario.load(scenario)  # reports an invalid scenario before anything is written
    _check_folder(out, Path(scenario))
    with atomic.writing_within(out, f"--out {out}"):
        return _run_stages(out, scenario, seed, sessions, evaluation_sessions, exact, note)


def _run_stages(
    out: Path,
    scenario: str,
    seed: int,
    sessions: int,
    evaluation_sessions: int,
    exact: bool,
    note: Callable[[str], None],
) -> QuickstartResult:
    catalog = demo_catalog(out, note)
    tables = Tables.compile(scenario, catalog)
    runs = train_agents(out / "runs", catalog, scenario=scenario, seed=seed, sessions=sessions)
    learners = {run.name: run.load_agent() for run in runs if AGENTS[run.settings.agent].family != "baseline"}
    total = len(learners) + len(REFERENCES)
    with progress.bar(total, f"Evaluating on {evaluation_sessions:,} sessions") as advance:
        evaluation = evaluate(learners, tables, sessions=evaluation_sessions, seed=seed, exact=exact, advance=advance)
    curves = {run.name: run.curve for run in runs if run.name in learners}
    references = {
        row.name: row.exact_revenue or row.revenue.value for row in evaluation.rows if row.name not in learners
    }
    title = f"Revenue per session while learning: {tables.scenario.name}, seed {seed}"
    pictures = draw_curves(out / CURVES, curves, references, title, exact=TAG)
    return QuickstartResult(catalog, out / "runs", pictures, evaluation)


def _check_folder(out: Path, scenario: Path) -> None:
    """Raises if the quickstart would replace what is not its own: a picture, a run with another catalog, files in one.

    Raises:
        PrerollError: naming what is in the way.
    """
    for kind in (PNG, SVG):
        picture = out / f"{CURVES}{kind.suffixes[0]}"
        check_file(picture, f"--out {out}: {picture.name}", kind, inputs=(scenario,))
    for name in AGENT_NAMES:
        run, told = out / "runs" / name, f"--out {out}: runs/{name}"
        check_folder(run, "run", told, replace=True)
        if run.exists() and files_below(run) and Run.load(run).settings.catalog.path != "../../catalog":
            raise PrerollError(f"{told}: is a run on another catalog, of your own; choose another folder")


def demo_catalog(out: Path, note: Callable[[str], None] = lambda _: None, *, per_category: int = 100) -> Path:
    """Builds ``out/catalog`` from the demo videos in ``out/videos``, unless it exists and its hashes match.

    Returns:
        The folder of the catalog.
    """
    from preroll.perception.build import build_catalog
    from preroll.perception.demo.videos import CATEGORIES, render_demo_videos

    catalog, videos = out / "catalog", out / "videos"
    if catalog.is_dir():
        try:
            there = Catalog.load(catalog)
            if not there.altered():
                note(f"{catalog}: already exists and its hashes match; it is used again.")
                return catalog
        except PrerollError:
            pass  # rebuild it
    with progress.bar(per_category * len(CATEGORIES), "Rendering videos") as advance:
        render_demo_videos(videos, per_category=per_category, advance=advance)
    report = build_catalog(videos, catalog)
    if report.empty or report.left_out:
        raise PrerollError(f"{videos}: {len(report.left_out)} of the demo videos could not be used", status=1)
    return catalog


def train_agents(runs: Path, catalog: Path, *, scenario: str, seed: int, sessions: int) -> list[Run]:
    """Trains every agent of the quickstart to ``runs/AGENT``, in two processes.

    Returns:
        The runs, fast learners first.
    """
    jobs = [TrainingJob(name, scenario, str(catalog), sessions, seed, str(runs / name)) for name in AGENT_NAMES]
    with progress.bar(len(jobs) * sessions, "Training agents (sessions)") as advance:
        train_all(jobs, workers=min(WORKERS, cores()), advance=advance, job=JOB)
    return [Run.load(job.run) for job in reversed(jobs)]
