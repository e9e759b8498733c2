"""The checks of a sample against the tables: each finds out an environment whose frequencies or words are wrong."""

import re
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats

from preroll.envs import Scenario, SessionVectorEnv
from preroll.envs.conformance import frequencies
from preroll.envs.conformance.check import SAMPLED, check_env
from preroll.envs.conformance.frequencies import _groups, _Trials, _with_probability, _within_bounds
from preroll.envs.conformance.subject import CheckFailedError
from preroll.envs.infos.entries import of_slots
from preroll.perception.catalog.catalog import Catalog
from tests.envs.worlds import own_response, without_labels


class MoreViews(SessionVectorEnv):
    """Rewards and reports views that the dice did not give: one in twenty."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.rng = np.random.default_rng(0)

    def more(self, actions: Any) -> Any:
        return self.rng.random(self.num_envs) < 0.05

    def step(self, actions: Any) -> Any:
        observations, rewards, terminated, truncated, infos = super().step(actions)
        more = self.more(actions)
        told = {**infos, **of_slots(infos)}  # of ended sessions too, so that `final_info` has nothing to add
        told.pop("final_info", None)
        rewards = np.where(more, self.tables.spec.rewards[told["ad"]], rewards)
        return observations, rewards, terminated, truncated, {**told, "viewed": told["viewed"] | more}


class MoreViewsOfAds(MoreViews):
    """The same, but of no empty slot."""

    def more(self, actions: Any) -> Any:
        return super().more(actions) & (np.asarray(actions) < len(self.tables.ads))


class ChangedTables(SessionVectorEnv):
    """Plays other tables than it shows; subclasses say which."""

    changes: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, num_envs: int = 1, *, tables: Any, **settings: Any) -> None:
        super().__init__(num_envs, tables=tables, **settings)
        changed = tables.scenario.replace(self.changes)
        self.tables = type(tables).compile(changed, tables.catalog)


class LikelyViews(ChangedTables):
    """Ads are viewed more often, and P(view) is told accordingly."""

    changes = {"ads.cats.short.view_probability": 0.8}  # noqa: RUF012


class Loyal(ChangedTables):
    """Nobody leaves."""

    changes = {"user.leave": {}}  # noqa: RUF012


class Restless(ChangedTables):
    """Users leave a little more often."""

    changes = {"user.leave.hazard.none": [0.03, 0.03]}  # noqa: RUF012


class Fugitive(ChangedTables):
    """Everybody leaves at once."""

    changes = {"user.leave.hazard": {"none": [1, 1], "short": [1, 1], "long": [1, 1]}}  # noqa: RUF012


class Jumpy(ChangedTables):
    """The recommender jumps more often."""

    changes = {"recommender.jump": 0.12}  # noqa: RUF012


class OutOfBounds(SessionVectorEnv):
    """Shows progress as a percentage."""

    def step(self, actions: Any) -> Any:
        observations, *rest = super().step(actions)
        observations[:, self.layout.parts["progress"].start] *= 100
        return observations, *rest


class Numb(SessionVectorEnv):
    """Never shows fatigue."""

    def reset(self, **settings: Any) -> Any:
        observations, infos = super().reset(**settings)
        observations[:, self.layout.parts["fatigue"].slice] = 0
        return observations, infos

    def step(self, actions: Any) -> Any:
        observations, *rest, infos = super().step(actions)
        for array in (observations, *(row for row in infos.get("final_obs", ()) if row is not None)):
            array[..., self.layout.parts["fatigue"].slice] = 0
        return observations, *rest, infos


class LateFatigue(SessionVectorEnv):
    """Shows the fatigue of one slot before."""

    before: Any = None

    def step(self, actions: Any) -> Any:
        observations, *rest = super().step(actions)
        part = self.layout.parts["fatigue"].slice
        now = observations[:, part].copy()
        if self.before is not None:
            observations[:, part] = self.before
        self.before = now
        return observations, *rest


def register(broken: type[SessionVectorEnv]) -> str:
    """Registers a broken vector environment beside the right single one, and gives its id."""
    env_id = f"preroll-tests/{broken.__name__}-v0"
    if env_id not in gym.registry:
        name = f"{broken.__module__}:{broken.__qualname__}"
        gym.register(env_id, entry_point="preroll.envs.session:SessionEnv", vector_entry_point=name)
    return env_id


class ShyUsers(ChangedTables):
    """Ads are viewed less often, and P(view) is told accordingly."""

    changes = {"user.position.pre": 0.85}  # noqa: RUF012


@pytest.mark.parametrize(
    ("broken", "failed"),
    [
        (MoreViews, {"truth": "is not what happened", "views": r"none before .* the tables say 0\.0000 \(tail"}),
        (LikelyViews, {"truth": "view_probability is not the tables'", "views": r"cats\.short before .* tables say"}),
        (
            Loyal,
            {
                "termination": r"no session terminated, where \d+ leavings were to be expected",
                "leaving": "the tables say",
            },
        ),
        (Restless, {"leaving": r"none not viewed: .* the tables say 0\.0"}),
        (
            Fugitive,
            {"truncation": "no session of 2,048 lanes reached its last slot, number 40", "leaving": "the tables say"},
        ),
        (Jumpy, {"videos": "a neighbour next: .* the tables say"}),
        (
            OutOfBounds,
            {
                "truth": "observation: progress is not what",
                "bounds": r"observation\[\d+\] takes values from 0\.0 to (100|9[0-9.]+)",
            },
        ),
        (Numb, {"truth": "observation: fatigue is not what", "bounds": "fatigue: no entry was ever 1"}),
        (LateFatigue, {"truth": "observation: fatigue is not what happened"}),
    ],
)
def test_a_wrong_environment_is_found_out_and_only_what_is_wrong(
    broken: type[SessionVectorEnv], failed: dict[str, str]
) -> None:
    report = check_env("fatigue", "demo", env_id=register(broken), only=SAMPLED, slots=200_000)
    found = {finding.name: finding.why for finding in report.failed}
    assert set(found) - {"leaving"} <= set(failed) <= set(found), found  # wrong views also make wrong leavings
    for name, why in failed.items():
        assert re.search(why, found[name]), found[name]


SOAP = {
    "soap": {
        "short": {"seconds": 10, "view_probability": {"cats": 0.7, "cars": 0.3, "other": 0.5}, "reward": 1},
        "long": {"seconds": 30, "view_probability": {"cats": 0.3, "cars": 0.1, "concerts": 0.2}, "reward": 3},
    }
}


@pytest.mark.parametrize("labeled", [True, False])
def test_probabilities_by_category_are_checked_pooled_where_every_video_has_its_own(labeled: bool) -> None:
    """300 videos without a label have 5,400 cells, of 37 trials each; one view in twenty more is seen all the same."""
    scenario, catalog = Scenario.load("fatigue").replace({"ads": SOAP}), Catalog.load("demo")
    catalog = catalog if labeled else without_labels(catalog)
    report = check_env(scenario, catalog, only=SAMPLED, slots=200_000)
    assert report.ok, str(report)
    (told,) = (finding.why for finding in report.findings if finding.name == "views")
    assert ("groups of views by deciles of P(view)" in told) == (not labeled)
    wrong = check_env(scenario, catalog, env_id=register(MoreViewsOfAds), only=["views"], slots=200_000)
    assert [finding.name for finding in wrong.failed] == ["views"]
    assert "before unknown" in wrong.failed[0].why or labeled


def test_pooled_trials_have_the_probability_that_is_wanted() -> None:
    """Over all coins in steps of a thousandth, after an event and after none, weighed by how likely these are."""

    class Coins:
        def random(self, n: int) -> Any:
            return (np.arange(n) + 0.5) / n

    for p, wanted in ((0.0, 0.0), (0.004, 0.02), (0.12, 0.1), (0.25, 0.25), (0.5, 0.8), (0.999, 0.9), (1.0, 1.0)):
        made = {}
        for happened in (False, True):
            trials = np.full(1000, wanted), np.full(1000, p), np.full(1000, happened)
            made[happened] = _with_probability(*trials, Coins()).mean()  # type: ignore[arg-type]
        assert p * made[True] + (1 - p) * made[False] == pytest.approx(wanted, abs=1e-3)


def test_an_impossible_view_stays_one_where_trials_are_pooled() -> None:
    nothing, seen = np.zeros(9), np.arange(9) == 4
    assert _with_probability(nothing, nothing, seen, np.random.default_rng(0)).tolist() == seen.tolist()


def test_what_a_scenario_lacks_is_not_applicable(small_catalog: Catalog) -> None:
    report = check_env("classic", small_catalog, only=SAMPLED, slots=20_000)
    skipped = {finding.name: finding.why for finding in report.findings if finding.status == "not applicable"}
    assert skipped == {
        "termination": "users never leave in this scenario, and no session terminated",
        "leaving": "users never leave in this scenario",
    }


def test_leaving_that_is_too_rare_to_be_seen_is_told(small_catalog: Catalog) -> None:
    rare = Scenario.load("classic").replace({"user.leave.hazard": {"short": [1e-9, 1e-9]}})
    (finding,) = check_env(rare, small_catalog, only=["termination"]).findings
    assert (finding.status, finding.why[:31]) == ("not applicable", "leaving is too rare to be seen:")


def test_hidden_segments_are_told_apart_by_what_they_view(small_catalog: Catalog) -> None:
    segments = [
        {"name": "patient", "share": 0.5, "appeal": {"long": 1.5}},
        {"name": "hasty", "share": 0.5, "appeal": {"long": 0.5}, "leave": 3.0},
    ]
    scenario = Scenario.load("fatigue").replace({"user.segments": segments})
    assert "segment" not in scenario.observe.model_dump() or not scenario.observe.segment
    report = check_env(scenario, small_catalog, only=SAMPLED, slots=100_000)
    assert report.ok, str(report)


def test_bounds_are_those_of_the_binomial_distribution() -> None:
    """The largest count that passes and the smallest that fails, against the stated level for one cell."""
    level = 1e-6 / 3 / 160 / 2
    n, p = 1280, 0.3
    most = int(stats.binom.isf(level, n, p))
    happened = np.zeros(1500, dtype=np.bool_)  # of which the first 1280 count
    happened[:most] = True
    _within_bounds([_Trials("cell", p, happened)], 1, "trials")
    happened[: most + 1] = True
    with pytest.raises(CheckFailedError, match=f"cell: {most + 1} of 1,280 are"):
        _within_bounds([_Trials("cell", p, happened)], 1, "trials")


def test_an_impossible_view_fails_at_its_first_sight() -> None:
    with pytest.raises(CheckFailedError, match=r"the tables say 0\.0000"):
        _within_bounds([_Trials("none", 0.0, np.array([False, True]))], 10**6, "trials")
    _within_bounds([_Trials("sure", 1.0, np.ones(8, dtype=np.bool_))], 1, "trials")


def test_trials_of_a_cell_stay_in_the_order_of_time() -> None:
    groups = dict(_groups(np.array([1, 0, 1, 0, 1]), np.array([0.5, 0.5, 0.5, 0.2, 0.5])))
    assert {key: rows.tolist() for key, rows in groups.items()} == {
        (0.0, 0.2): [3],
        (0.0, 0.5): [1],
        (1.0, 0.5): [0, 2, 4],
    }


def test_where_videos_have_probabilities_of_their_own_deciles_find_what_single_ones_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario, catalog = own_response(900)
    (right,) = check_env(scenario, catalog, only=["views"], slots=300_000).findings
    assert (right.status, "in 183 groups of views by deciles" in right.why) == ("ok", True), right
    env_id = register(ShyUsers)
    (found,) = check_env(scenario, catalog, env_id=env_id, only=["views"], slots=300_000).findings
    assert found.status == "failed"
    monkeypatch.setattr(frequencies, "THIN", 0)
    (missed,) = check_env(scenario, catalog, env_id=env_id, only=["views"], slots=300_000).findings
    assert missed.status == "ok"
