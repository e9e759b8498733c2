import errno
import importlib.util
import json
import math
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from preroll.agents import preset
from preroll.agents.agent import Agent
from preroll.agents.registry import AGENTS, fill_settings, make_agent
from preroll.agents.settings import overruled, parse
from preroll.bounded.yaml_text import load_yaml
from preroll.commands.cli import app
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import NotFiniteError, PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.experiment.design.plan import Plan
from preroll.simulations.experiment.design.spec import Experiment
from preroll.simulations.experiment.execution.store import Store
from preroll.simulations.training.training import fit, prepare
from preroll.simulations.tuning import tuning
from preroll.simulations.tuning.search_space import Categorical, search_space
from preroll.simulations.tuning.tuning import JOURNAL, Search, TuningResult, tune

needs_optuna = pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="needs the extra tune")


@pytest.fixture
def search(small_catalog: Catalog) -> Search:
    return Search("epsilon-greedy", Tables.compile("classic", small_catalog), sessions=300, fixed={"num_envs": 16})


def trials_of(out: Path) -> list[tuple[str, dict[str, object], float | None]]:
    """State, settings and value of every trial that is over."""
    import optuna

    study = tuning._open(out, print)
    over = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return [(trial.state.name, trial.params, trial.value) for trial in study.get_trials(states=over)]


@pytest.mark.parametrize("name", AGENTS)
def test_both_ends_of_every_range_are_settings_that_the_agent_takes(name: str) -> None:
    kind = AGENTS[name].load().Settings
    defaults = kind().model_dump()
    for setting, wanted in search_space(kind).items():
        if isinstance(wanted, Categorical):
            ends: tuple[object, ...] = wanted.values
        else:
            assert wanted.low <= defaults[setting] <= wanted.high
            ends = (int(wanted.low), int(wanted.high)) if wanted.whole else (wanted.low, wanted.high)
        for value in ends:
            parse(kind, name, {setting: value})


def test_what_is_fixed_and_the_budget_are_not_searched() -> None:
    kind = AGENTS["thompson"].load().Settings
    assert {"num_envs", "forgetting", "prior_views"} <= set(search_space(kind))
    assert not {"sessions", "num_envs"} & set(search_space(kind, ["num_envs"]))


@needs_optuna
def test_the_defaults_come_first_and_the_best_settings_are_a_preset(search: Search, tmp_path: Path) -> None:
    found = tune(search, tmp_path / "out", trials=8)
    told = trials_of(tmp_path / "out")
    assert told[0][1] == {name: parse(AGENTS["epsilon-greedy"].load().Settings, "", {}).model_dump()[name]
                          for name in search.space}  # fmt: skip
    assert found.finished + found.given_up == 8
    assert found.percent == max(value for _, _, value in told if value is not None) >= found.default
    preset = load_yaml(found.preset)
    assert list(preset) == ["epsilon-greedy"]
    assert parse(AGENTS["epsilon-greedy"].load().Settings, "", preset["epsilon-greedy"]).num_envs == 16
    Experiment.model_validate({"name": "again", "agents": [preset]})


@needs_optuna
def test_another_search_that_ended_before_the_lock_was_there_stays(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Store.lock

    def late(store: Store) -> AbstractContextManager[None]:
        monkeypatch.setattr(Store, "lock", lock)
        tune(replace(search, seed=1), store.path, trials=1)
        return lock(store)

    monkeypatch.setattr(Store, "lock", late)
    with pytest.raises(PrerollError, match="holds another search"):
        tune(search, tmp_path / "out", trials=1)
    assert len(trials_of(tmp_path / "out")) == 1


@needs_optuna
def test_a_search_begins_with_the_scenarios_preset_and_writes_all_that_decides(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "classic.yaml").write_text("epsilon-greedy: {num_envs: 24, pulls: 3, sessions: 90}\n")
    monkeypatch.setattr(preset, "PRESETS", tmp_path)
    search = Search("epsilon-greedy", search.tables, sessions=100)
    assert search.start == prepare("epsilon-greedy", catalog=search.tables.catalog, sessions=100).agent.settings
    found = tune(search, tmp_path / "out", trials=6)
    told = trials_of(tmp_path / "out")
    assert (told[0][1]["num_envs"], told[0][1]["pulls"], told[0][2]) == (24, 3, found.default)
    best = next(params for _, params, value in told if value == found.percent)
    written = load_yaml(found.preset)["epsilon-greedy"]
    assert written == found.settings
    for folder in (tmp_path, tmp_path / "none"):  # no preset and no default is needed to say what was found
        monkeypatch.setattr(preset, "PRESETS", folder)
        agent = make_agent("epsilon-greedy", search.tables, **written)
        assert set(written) == set(type(agent.settings).model_fields) - set(overruled(agent.settings))
        told_again = {**best, "sessions": 100}
        assert written == {name: told_again[name] for name in written}
        experiment = Experiment.model_validate({"name": "again", "agents": [load_yaml(found.preset)]})
        assert {cell.sessions for cell in Plan.of(experiment).cells} == {100}


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("scenario", ["classic", "drift", "fatigue"])
def test_what_a_search_begins_with_lies_in_its_ranges(name: str, scenario: str, small_catalog: Catalog) -> None:
    search = Search(name, Tables.compile(scenario, small_catalog), sessions=100)
    start = search.start.model_dump()
    assert start == fill_settings(name, scenario, {"sessions": 100}).model_dump()
    for setting, wanted in search.space.items():
        if isinstance(wanted, Categorical):
            assert start[setting] in wanted.values
        else:
            assert wanted.low <= start[setting] <= wanted.high


@needs_optuna
def test_a_search_that_was_killed_goes_on_as_if_never_stopped(search: Search, tmp_path: Path) -> None:
    tune(search, tmp_path / "whole", trials=7)
    stopped = tmp_path / "stopped"

    def kill(_: int) -> None:
        if (stopped / JOURNAL).exists() and len(trials_of(stopped)) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(search, stopped, trials=7, advance=kill)
    journal = stopped / JOURNAL
    # A trial in flight, and half a line: what kill -9 leaves.
    begun = [line for line in journal.read_text().splitlines() if json.loads(line)["op_code"] == 4][-1]
    journal.write_text(journal.read_text() + begun + '\n{"op_code": 4, "wor')
    tune(search, stopped, trials=7)
    assert trials_of(stopped) == trials_of(tmp_path / "whole")
    assert (stopped / "preset.yaml").read_text() == (tmp_path / "whole" / "preset.yaml").read_text()


@needs_optuna
@pytest.mark.parametrize("bit", range(3))
def test_a_flipped_bit_costs_the_trials_after_it_and_changes_no_result(
    search: Search, tmp_path: Path, bit: int
) -> None:
    tune(search, tmp_path / "whole", trials=3)
    journal, notes = tmp_path / "whole" / JOURNAL, list[str]()
    whole, told = journal.read_bytes(), trials_of(tmp_path / "whole")
    place = int(np.random.default_rng(bit).integers(len(whole)))
    journal.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
    tune(search, tmp_path / "whole", trials=3, note=notes.append)
    assert "are not what was written; their trials are run again" in notes[0]
    assert trials_of(tmp_path / "whole") == told


@needs_optuna
def test_a_journal_that_cannot_be_written_ends_the_search_without_a_traceback_of_optunas(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import optuna

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(optuna.trial.Trial, "report", full)
    with pytest.raises(OSError, match="No space left"):
        tune(search, tmp_path / "search", trials=1)
    assert capfd.readouterr().err == ""


@needs_optuna
def test_the_defaults_are_told_apart_where_the_first_trial_was_killed(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "fit", kill)
    with pytest.raises(KeyboardInterrupt):
        tune(search, tmp_path / "out", trials=1)
    monkeypatch.setattr(tuning, "fit", fit)
    found = tune(search, tmp_path / "out", trials=1)
    assert found.default == found.percent > 0


@needs_optuna
def test_hopeless_trials_are_given_up_by_their_learning_curve(small_catalog: Catalog, tmp_path: Path) -> None:
    search = Search("exp3", Tables.compile("classic", small_catalog), sessions=400)
    found = tune(search, tmp_path / "out", trials=12)
    assert found.given_up >= 1


@needs_optuna
def test_a_folder_of_something_else_is_not_touched(search: Search, small_catalog: Catalog, tmp_path: Path) -> None:
    tune(search, tmp_path / "out", trials=1)
    other = Search("epsilon-greedy", search.tables, sessions=301, fixed={"num_envs": 16})
    with pytest.raises(PrerollError, match="holds another search; name another folder"):
        tune(other, tmp_path / "out", trials=1)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("aunt")
    with pytest.raises(PrerollError, match="is no folder of a search and is not empty"):
        tune(search, tmp_path / "letters", trials=1)
    with pytest.raises(PrerollError, match="has no setting that can be searched"):
        tune(Search("random", search.tables, sessions=100, fixed={"num_envs": 16}), tmp_path / "none", trials=1)


@needs_optuna
def test_what_is_overruled_in_a_trial_is_left_out_and_what_is_in_all_of_them_is_refused(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the schedule is searched, a constant epsilon counts in some trials; else it counts in all or in none."""
    made: list[dict[str, Any]] = []

    def note(*arguments: Any, seed: int, **given: Any) -> Agent:
        made.append(given)
        return make_agent(*arguments, seed=seed, **given)

    monkeypatch.setattr(tuning, "make_agent", note)
    some = Search("epsilon-greedy", search.tables, sessions=60, fixed={"num_envs": 16, "epsilon": 0.3})
    found = tune(some, tmp_path / "some", trials=8)
    assert {given["schedule"] for given in made} == {"constant", "decaying"}
    assert all(("epsilon" in given) == (given["schedule"] == "constant") for given in made)
    assert all(("pulls" in given) == (given["schedule"] == "decaying") for given in made)
    make_agent("epsilon-greedy", search.tables, **found.settings)
    none = Search("epsilon-greedy", search.tables, sessions=60, fixed={"epsilon": 0.3, "schedule": "decaying"})
    with pytest.raises(PrerollError, match=r"epsilon: 0\.3 has no effect under schedule: 'decaying'"):
        tune(none, tmp_path / "none", trials=1)
    two = Search("epsilon-greedy", search.tables, sessions=60, fixed={"sessions": 50})
    with pytest.raises(PrerollError, match="sessions: 50 has no effect where 60 sessions are asked for"):
        tune(two, tmp_path / "two", trials=1)


@needs_optuna
def test_the_command_tells_what_it_found_and_goes_on(small_catalog_folder: Path, tmp_path: Path) -> None:
    command = ["tune", "thompson", "--catalog", str(small_catalog_folder), "--sessions", "200", "--set", "num_envs=16"]
    for trials in ("2", "3"):
        told = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out"), "--trials", trials])
        assert told.exit_code == 0, told.output
    assert "% of the exact optimum" in told.stdout
    assert len(trials_of(tmp_path / "out")) == 3


@needs_optuna
def test_the_command_says_what_the_optimum_knows_in_any_phase_of_drift(
    small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same, other = {"name": "same", "share": 0.5}, {"name": "other", "share": 0.5}
    drift = [{"from_session": 9, "set": {"user.segments": [same, {**other, "appeal": {"long": 0.1}}]}}]
    scenario, out = tmp_path / "drifting.yaml", tmp_path / "out"
    scenario.write_text(Scenario.load("classic").replace({"user.segments": [same, other], "drift": drift}).dump())
    monkeypatch.setattr(tuning, "tune", lambda *_, **__: TuningResult({}, 90.0, 90.0, 1, 0, out / "preset.yaml"))
    command = ["tune", "thompson", "--catalog", str(small_catalog_folder), "--scenario", str(scenario)]
    told = CliRunner().invoke(app, [*command, "--out", str(out)]).stdout
    assert "90.00 % of the optimum (it knows the hidden segment: a bound) with the defaults" in told


def test_trials_are_as_long_as_a_training_on_that_scenario(
    small_catalog_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as long as the agent's own default, no trial on `drift` would have seen a change
    asked: list[Search] = []

    def check(search: Search, out: Path) -> None:
        asked.append(search)
        raise PrerollError("enough")

    monkeypatch.setattr(tuning, "check", check)
    command = ["tune", "thompson", "--catalog", str(small_catalog_folder), "--scenario", "drift"]
    CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out")])
    assert asked[0].sessions == 19_200


def test_without_optuna_the_error_says_what_to_install(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "find_spec", lambda _: None)
    with pytest.raises(PrerollError, match=r"Optuna is not installed: pip install 'preroll\[tune\]'"):
        tune(search, tmp_path / "out", trials=1)


@needs_optuna
def test_a_trial_that_leaves_the_numbers_is_given_up_and_the_others_go_on(
    small_catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.compile("classic", small_catalog)
    fixed = {"num_envs": 8, "schedule": "constant"}
    search, played = Search("epsilon-greedy", tables, sessions=20, fixed=fixed), 0

    def leaving(*args: Any, **keywords: Any) -> Any:
        nonlocal played
        played += 1
        if played == 1:
            raise NotFiniteError("scores: hold NaN")
        return fit(*args, **keywords)

    monkeypatch.setattr(tuning, "fit", leaving)
    with pytest.raises(PrerollError, match="none of 1 trials finished with a result"):
        tune(search, tmp_path / "out", trials=1)
    found = tune(search, tmp_path / "out", trials=2)
    assert (found.finished, found.given_up) == (1, 1)
    assert math.isnan(found.default)
    assert "the defaults gave no result." in found.preset.read_text()
