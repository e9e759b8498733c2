"""Continuation of a finished run: a new run, whose agent goes on where that of the other one ended."""

from pathlib import Path

from pydantic import ValidationError

from preroll.agents.fit import check_fit
from preroll.agents.settings import MOST_SESSIONS
from preroll.console.given import whole
from preroll.envs.model.tables import Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.run_folder import RESULT
from preroll.simulations.training import checkpoint
from preroll.simulations.training.prepared_training import Advance, Training
from preroll.simulations.training.provenance import Origin
from preroll.simulations.training.run import Run, relative_path
from preroll.simulations.training.training_result import TrainingResult


def continue_training(
    run: str | Path,
    sessions: int,
    *,
    to: str | Path | None = None,
    catalog: str | Path | Catalog | None = None,
    replace: bool = False,
    advance: Advance | None = None,
) -> TrainingResult:
    """Trains the agent of a finished run on further sessions and writes a new run; the finished one stays as it is.

    The users are new: every lane goes on in its stream with the first session that no lane had begun, so that drift
    goes on too. Schedules (learning rate, epsilon) stay at their ends. What a run does not keep, such as a replay
    buffer, is filled again; :meth:`preroll.agents.Agent.missing` says what that is. Feedback is as late as in the run;
    what had not been delivered at its end is lost. The curve counts sessions and regret on.

    Args:
        run: the folder of the finished run; it may be one that continues another, or an imported agent.
        sessions: number of further sessions to see.
        to: the folder to write; None writes nothing.
        catalog: name, folder or catalog; by default that of the run.
        replace: whether to replace an existing run ``to``.
        advance: called with the number of sessions that ended since the last call.

    Returns:
        The trained agent, and the curve and the cost of the further sessions.

    Raises:
        PrerollError: there is no finished run, its catalog has changed, or an argument is out of range.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preroll.simulations import Run, continue_training, train
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     runs = Path(folder)
        ...     first = train("thompson", scenario="classic", sessions=200, run=runs / "first")
        ...     more = continue_training(runs / "first", 100, to=runs / "more")
        ...     origin = Run.load(runs / "more").settings.origin
        >>> first.curve.sessions, more.curve.sessions, origin.path, origin.sessions
        ([50, 100, 150, 200], [250, 300], '../first', 200)
    """
    target = None if to is None else Path(to)
    return prepare_continuation(Path(run), sessions, to=target, catalog=catalog, replace=replace).run(advance)


def prepare_continuation(
    run: Path,
    sessions: int,
    *,
    to: Path | None = None,
    catalog: str | Path | Catalog | None = None,
    replace: bool = False,
) -> Training:
    """Checks the arguments of :func:`continue_training` without starting anything.

    Raises:
        PrerollError: as :func:`continue_training`.
    """
    if not (run / RESULT).exists() and checkpoint.place(run).exists():
        raise PrerollError(f"run {run}: is not finished; resume it first with `preroll train --resume {run}`")
    finished = Run.load(run)
    seen, sessions = finished.settings.total_sessions, whole("sessions", sessions)
    if not 1 <= sessions <= MOST_SESSIONS - seen:
        raise PrerollError(f"sessions: {sessions}: 1 to {MOST_SESSIONS - seen:,} further ones are allowed")
    tables = Tables.compile(
        finished.scenario, Catalog.load(catalog) if catalog is not None else finished.load_catalog()
    )
    agent = finished.load_agent()
    check_fit(agent.name, agent.spec, tables.spec)
    if to is not None and run.resolve() in (to.resolve(), *to.resolve().parents):
        raise PrerollError(f"--run {to}: is in the run to continue, which stays as it is; choose another folder")
    training = Training(
        agent, tables, sessions, finished.settings.seed, to,
        earlier=(finished.result,), origin=_origin(finished, to), replace=replace, feedback=finished.settings.feedback,
    )  # fmt: skip
    training.check_feedback()
    training.check_target()
    return training


def _origin(run: Run, to: Path | None) -> Origin:
    """Returns the reference to ``run`` of the run that will be written to the folder ``to``.

    Raises:
        PrerollError: the run does not say where its lanes ended.
    """
    try:
        regret = run.curve.values.get("regret/total", [])
        return Origin(
            path=relative_path(run.path, to or Path()),
            sha256=run.files.files[RESULT]["sha256"],
            sessions=run.settings.total_sessions,
            lane_sessions=run.result["lane_sessions"],
            regret=(regret[-1] if regret else None) or 0.0,
        )
    except (ValidationError, KeyError, TypeError, AttributeError):
        raise PrerollError(
            f"{run.path / RESULT}: does not say where its lanes and its curve ended (lane_sessions, curve), as runs of "
            "older versions do not; train the agent again to continue it"
        ) from None
