"""Hyper-parameter search for an agent on one scenario, with Optuna (the extra ``tune``).

```
journal.log     every trial, as Optuna's journal: lines of JSON
search.json     the search; a different one is not continued in this folder
preset.yaml     the best settings so far, complete, by agent, as in the ``agents`` of an experiment
```

The first trial uses the defaults: those of the scenario's preset, else the agent's own. All trials meet the same users.
A trial is pruned if its learning curve lies below the median of earlier trials at the same number of sessions.
Everything depends on the seed alone: a stopped search that is resumed makes the same trials as an uninterrupted one.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preroll.agents.registry import complete_settings, fill_settings, find, make_agent
from preroll.agents.settings import AgentSettings, check_effects, overruled, with_sessions
from preroll.bounded.yaml_text import dump_yaml
from preroll.envs.model.tables import Tables
from preroll.envs.optimum.phases import PhasedOptimum
from preroll.errors import NotFiniteError, PrerollError
from preroll.files import atomic, sealed, work_folder
from preroll.files.names import files_below
from preroll.files.targets import check_ground
from preroll.seeds import AGENT, derive
from preroll.shown.card import Card
from preroll.shown.shown import Shown
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.training.training import fit
from preroll.simulations.tuning.search_space import Categorical, Range, search_space

if TYPE_CHECKING:
    from optuna import Study, Trial

JOURNAL, SEARCH, PRESET = "journal.log", "search.json", "preset.yaml"
SCORE = "session/percent_of_optimum"
#: Number of first trials that are never pruned, and the share of the sessions before which none is.
STARTUP, WARM_UP = 5, 0.25
EVALUATION_SESSIONS = 20_000


@dataclass(frozen=True, repr=False)
class Search(Shown):
    """Specification of a hyper-parameter search.

    Attributes:
        agent: name of the agent.
        tables: the scenario on the catalog; a scenario that is given instead is compiled.
        sessions: training sessions of every trial.
        seeds: trainings of every trial, whose mean is its score; only the first one can be pruned.
        seed: seed of trials, users and agents.
        fixed: settings that are not searched.
        exact: whether the score of a trial is exact; it is simulated otherwise.

    Examples:
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import Search
        >>> search = Search("epsilon-greedy", Tables.compile("classic", "demo"), sessions=300, fixed={"num_envs": 16})
        >>> sorted(search.space)
        ['epsilon', 'pulls', 'schedule']
        >>> search.space["epsilon"]
        Numbers(low=0, high=1, log=False, whole=False)
    """

    agent: str
    tables: Tables
    sessions: int
    seeds: int = 1
    seed: int = 0
    fixed: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", Tables.of(self.tables))

    @property
    def start(self) -> AgentSettings:
        """Complete settings of the first trial: what is fixed, else the scenario's preset, else the defaults."""
        return fill_settings(self.agent, self.tables.spec.name, self._given({}))

    @property
    def space(self) -> dict[str, Range]:
        """Range of every setting that is searched, around that of the first trial."""
        return search_space(find(self.agent).load().Settings, self.fixed, self.start.model_dump(mode="json"))

    def complete(self, searched: Mapping[str, Any]) -> dict[str, Any]:
        """Returns every setting of a trial that has an effect."""
        return complete_settings(self.agent, self.tables.spec.name, self._given(searched))

    def _given(self, searched: Mapping[str, Any]) -> dict[str, Any]:
        return {**with_sessions(self.agent, self.fixed, self.sessions), **searched}

    def to_dict(self) -> dict[str, Any]:
        """Returns everything that decides the trials, as plain values."""
        return {
            "agent": self.agent,
            "scenario": self.tables.scenario.model_dump(mode="json"),
            "catalog_sha256": self.tables.catalog.sha256,
            "sessions": self.sessions,
            "seeds": self.seeds,
            "seed": self.seed,
            "fixed": dict(self.fixed),
            "space": {name: asdict(wanted) for name, wanted in self.space.items()},
            **({} if self.exact else {"exact": False}),
        }


@dataclass(frozen=True, repr=False)
class TuningResult(Shown):
    """Result of a hyper-parameter search.

    Attributes:
        settings: the best settings: every one that has an effect.
        percent: percent of the optimum of the best trial.
        default: percent of the optimum of the defaults, or of the scenario's preset; NaN if it gave no result.
        finished, given_up: numbers of finished and of pruned trials, over all runs of the search.
        preset: the file that holds the settings.

    Examples:
        >>> from pathlib import Path
        >>> from preroll.agents import make_agent
        >>> from preroll.envs import Tables
        >>> from preroll.simulations import TuningResult
        >>> result = TuningResult({"pulls": 3.0}, 97.5, 91.0, finished=18, given_up=6, preset=Path("preset.yaml"))
        >>> result.percent - result.default
        6.5
        >>> make_agent("epsilon-greedy", Tables.compile("classic", "demo"), **result.settings).settings.pulls
        3.0
    """

    settings: dict[str, Any]
    percent: float
    default: float
    finished: int
    given_up: int
    preset: Path

    def _card(self) -> Card:
        facts = {
            "best trial": f"{self.percent:.2f} % of the optimum; {earned(self.default)}",
            "trials": f"{self.finished:,} finished, {self.given_up:,} given up",
            "preset": self.preset,
        }
        return Card("Search for settings", facts, ("setting", "value"), list(self.settings.items()))


def tune(
    search: Search,
    out: str | Path,
    *,
    trials: int,
    advance: Callable[[int], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> TuningResult:
    """Searches until ``trials`` trials have ended, including those of earlier runs in the same folder.

    Args:
        search: the search.
        out: folder of the search.
        trials: number of trials; the first one uses the scenario's preset, else the agent's defaults.
        advance: called with the number of trials that ended.
        note: called with a line about what is damaged and done again.

    Returns:
        The best settings and their score.

    Raises:
        PrerollError: Optuna is not installed, the folder holds another search or something else, no setting can be
            searched, or no trial gave a result.
    """
    out = Path(out)
    check(search, out)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it warns of a trial that raises, with a traceback
    states, told = optuna.trial.TrialState, 0
    with reserved(search, out):
        atomic.write_sealed(out / SEARCH, search.to_dict())
        study, exact = _open(out, note), PhasedOptimum(search.tables)
        while True:
            number = len(study.get_trials(deepcopy=False, states=(states.COMPLETE, states.PRUNED)))
            advance(min(number, trials) - told)
            told = number
            if number >= trials:
                return _write(search, study, out)
            # A new sampler, seeded by the trial's number, so that trials do not depend on where a search was stopped.
            study.sampler = optuna.samplers.TPESampler(seed=derive(search.seed, f"trial {number}") % 2**32)
            if number == 0 and not study.get_trials(deepcopy=False, states=(states.WAITING,)):
                study.enqueue_trial(_defaults(search))
            study.optimize(lambda trial: _score(search, exact, trial), n_trials=1)


@contextmanager
def reserved(search: Search, out: Path) -> Iterator[None]:
    """Holds the lock of the folder of a search, so that no refusal comes after the first line about the work.

    Raises:
        PrerollError: as :func:`check`, or another process is searching there.
    """
    check(search, out)
    with Store(out).lock():
        check(search, out)  # once more, now that nobody else can write it
        yield


def check(search: Search, out: Path) -> None:
    """Checks the arguments of :func:`tune` without starting anything.

    Raises:
        PrerollError: as :func:`tune`.
    """
    if find_spec("optuna") is None:
        raise PrerollError("tune: Optuna is not installed: pip install 'preroll[tune]'")
    start = search.start
    searched = [name for name, by in overruled(start).items() if by in search.space]  # some trials let them have effect
    check_effects(start, search.agent, set(search.fixed) - set(searched))
    if not search.space or find(search.agent).family == "baseline":  # no setting of a baseline changes what it earns
        raise PrerollError(f"agent {search.agent}: has no setting that can be searched")
    if out.exists() and not out.is_dir():
        raise PrerollError(f"--out {out}: is a file; a folder is needed")
    if (out / SEARCH).exists():
        if sealed.read(out / SEARCH) != json.loads(json.dumps(search.to_dict())):
            raise PrerollError(f"--out {out}: holds another search; name another folder")
        return
    check_ground(out, f"--out {out}")
    there = files_below(atomic.destination(out)) if out.exists() else []
    if strange := [name for name in there if name.split("/")[0] != work_folder.SUFFIX]:
        raise PrerollError(f"--out {out}: is no folder of a search and is not empty: {strange[0]}; name another one")


def _open(out: Path, note: Callable[[str], None]) -> "Study":
    """Returns the study of a folder.

    Trials that a kill interrupted are marked as failed. ``note`` is called with a line about what is damaged.
    """
    import optuna
    from optuna.storages import JournalStorage

    from preroll.simulations.tuning.journal import CheckedJournal

    journal = CheckedJournal(out / JOURNAL)
    if journal.dropped:
        note(f"{out / JOURNAL}: {journal.dropped} lines are not what was written; their trials are run again.")
    storage = JournalStorage(journal)
    study = optuna.create_study(
        storage=storage,
        study_name="search",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
    )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _score(search: Search, exact: PhasedOptimum, trial: "Trial") -> float:
    """Returns the mean percent of the optimum of a trial's trainings, without exploration."""
    import optuna

    settings = {name: _suggested(trial, name, wanted) for name, wanted in search.space.items()}
    values = []
    for number in range(search.seeds):

        def report(seen: int, point: dict[str, float], first: bool = number == 0) -> None:
            if first and seen >= WARM_UP * search.sessions:
                trial.report(point[SCORE], seen)
                if trial.should_prune():
                    raise optuna.TrialPruned

        seed = derive(search.seed, f"training {number}")
        try:
            agent = make_agent(search.agent, search.tables, seed=derive(seed, AGENT), **search.complete(settings))
        except PrerollError:  # incompatible values, such as a batch larger than what it is drawn from
            raise optuna.TrialPruned from None
        try:
            fit(agent, search.tables, sessions=search.sessions, seed=seed, exact=exact, on_point=report)
            told = evaluate_agent(
                search.agent, agent, search.tables, sessions=EVALUATION_SESSIONS, seed=seed, exact=search.exact
            )
        except NotFiniteError:  # these values are no good, others may be
            raise optuna.TrialPruned from None
        values.append(told.percent_of_optimum)
    return sum(values) / len(values)


def _suggested(trial: "Trial", name: str, wanted: Range) -> Any:
    if isinstance(wanted, Categorical):
        return trial.suggest_categorical(name, wanted.values)
    if wanted.whole:
        return trial.suggest_int(name, int(wanted.low), int(wanted.high), log=wanted.log)
    return trial.suggest_float(name, wanted.low, wanted.high, log=wanted.log)


def _defaults(search: Search) -> dict[str, Any]:
    start = search.start.model_dump(mode="json")
    return {name: start[name] for name in search.space}


def earned(first: float) -> str:
    """Returns what the defaults earned, in words."""
    return "the defaults gave no result" if math.isnan(first) else f"the defaults earned {first:.2f} %"


def _write(search: Search, study: "Study", out: Path) -> TuningResult:
    """Writes the preset and returns the result."""
    from optuna.trial import TrialState

    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    given_up = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
    if not finished:
        raise PrerollError(
            f"tune: none of {len(given_up)} trials finished with a result; change what is fixed", status=1
        )
    best = max(finished, key=lambda trial: trial.value or 0.0)
    chosen, defaults = search.complete(best.params), _defaults(search)
    value = best.value or 0.0
    first = next((trial.value or 0.0 for trial in finished if trial.params == defaults), math.nan)
    of = f"{search.tables.scenario.name}, the largest of {len(finished)} trials by preroll tune, which flatters it"
    content = dump_yaml({search.agent: chosen})
    atomic.write_text(out / PRESET, f"# {value:.2f} % of the optimum of {of}; {earned(first)}.\n{content}")
    return TuningResult(chosen, value, first, len(finished), len(given_up), out / PRESET)
