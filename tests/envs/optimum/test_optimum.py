"""The optimum is exact: against brute force, against closed forms, against simulation."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from preroll.envs import Optimum, Policy, Scenario, Tables, preset_names, rollout
from preroll.envs.policies.greedy import greedy_policy
from preroll.envs.policies.policy import axes
from preroll.envs.policies.simple import fixed_policy, random_policy
from preroll.envs.policies.tabulate import tabulate
from preroll.perception.catalog.catalog import Catalog
from preroll.system.memory import COMPILED, Need
from tests.envs.plain_model import Moment, PlainModel
from tests.envs.simulated import assert_simulated_as_computed
from tests.envs.tiny import SHORT, TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny

Chosen = Callable[[Moment], NDArray[np.float64]]  # the probability of every action
CHANGES: list[dict[str, Any]] = [
    {},
    {"session.horizon": 3},
    {"user.repeat": 1.0},
    {"user.fatigue.recovery": 1},
    {"recommender.jump": 1.0},
    {"recommender.neighbors": 1},
    {"recall_weight": 2.0},
    {"session.no_ad": False},
    {"user.fatigue": {"levels": 1, "wear": [1]}, "user.leave.fatigue": [0]},
    TWO_SLOTS,
    {**TWO_SLOTS, "session.slots": ["pre", "mid", "post"]},
    {**TWO_SLOTS, **TWO_SEGMENTS, "recall_weight": 2.0, "user.fatigue.recovery": 1},
]


def policy_of(tables: Tables, seed: int, *, deterministic: bool, blind: tuple[int, ...] = ()) -> Policy:
    """A policy that does something else in every state, by chance or for certain, but for axes to which it is blind."""
    rng = np.random.default_rng(seed)
    shape = tuple(1 if axis in blind else size for axis, size in enumerate(axes(tables)))
    if deterministic:
        return Policy(ads=rng.integers(tables.n_actions, size=shape))
    table = rng.dirichlet(np.ones(tables.n_actions), shape)
    table[..., 0] *= rng.random(shape) < 0.7  # an action that is never chosen here and there
    return Policy(probabilities=table / table.sum(axis=-1, keepdims=True))


def probabilities_of(policy: Policy, n_actions: int, phase: int = 0) -> Chosen:
    """What the table says at a moment."""
    table = policy.probabilities if policy.ads is None else np.eye(n_actions)[policy.ads]
    assert table is not None
    return lambda at: np.asarray(table[tuple(min(i, n - 1) for i, n in zip((phase, *at), table.shape, strict=False))])


def value_of(plain: PlainModel, chosen: Chosen) -> float:
    return plain.revenue(lambda at, values: float(chosen(at) @ values))


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_optimum_equals_brute_force_on_a_tiny_scenario(changes: dict[str, Any]) -> None:
    scenario, catalog = tiny(changes), three_videos()
    exact = Optimum(Tables.compile(scenario, catalog))
    plain = PlainModel(scenario, catalog).revenue(lambda _, values: max(values))
    assert exact.value == pytest.approx(plain, abs=1e-12)
    assert exact.value_of(exact.policy) == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("blind", [(), (5,), (1, 4, 5), (2, 3)], ids=["all", "no last", "no user", "no place"])
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_value_and_the_visits_of_any_policy_equal_brute_force(
    changes: dict[str, Any], blind: tuple[int, ...], deterministic: bool
) -> None:
    scenario, catalog = tiny(changes), three_videos()
    tables = Tables.compile(scenario, catalog)
    policy = policy_of(tables, 1, deterministic=deterministic, blind=blind)
    plain, chosen = PlainModel(scenario, catalog), probabilities_of(policy, tables.n_actions)
    exact = Optimum(tables)
    assert exact.value_of(policy) == pytest.approx(value_of(plain, chosen), abs=1e-12)
    np.testing.assert_allclose(exact.visits(policy).shown, plain.shown(chosen), atol=1e-12)


def test_a_phase_of_drift_is_solved_and_valued_with_its_own_tables() -> None:
    drift = {"ads.cats.short.view_probability": 0.3, "user.repeat": 0.9, "user.fatigue.gain": {"long": [1, 1]}}
    drift |= {"recommender.jump": 0.6, "user.leave.fatigue": [0.3, 0.2, 0.1], "user.mismatch": 0.8}
    scenario, catalog = tiny({"drift": [{"from_session": 4, "set": drift}]}), three_videos()
    tables = Tables.compile(scenario, catalog)
    policy = policy_of(tables, 2, deterministic=True)
    values = []
    for phase, (_, own) in enumerate(scenario.phases):
        exact, plain = Optimum(tables, phase), PlainModel(own, catalog)
        chosen = probabilities_of(policy, tables.n_actions, phase)
        assert exact.value == pytest.approx(plain.revenue(lambda _, values: max(values)), abs=1e-12)
        assert exact.value_of(policy) == pytest.approx(value_of(plain, chosen), abs=1e-12)
        np.testing.assert_allclose(exact.visits(policy).shown, plain.shown(chosen), atol=1e-12)
        values.append(exact.value)
    assert abs(values[1] - values[0]) > 0.1


def test_videos_without_a_category_are_answered_by_their_probabilities() -> None:
    catalog = three_videos((0, -1, -1), [[0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])  # a label counts more
    exact = Optimum(Tables.compile(tiny(TWO_SLOTS), catalog))
    plain = PlainModel(tiny(TWO_SLOTS), catalog).revenue(lambda _, values: max(values))
    assert exact.value == pytest.approx(plain, abs=1e-7)  # probabilities are float32
    assert exact.value_of(exact.policy) == pytest.approx(exact.value, abs=1e-12)


def test_of_ads_that_are_equally_good_the_first_is_the_optimums() -> None:
    equal = {"cats": dict.fromkeys(("short", "again", "more"), SHORT)}
    tables = Tables.compile({"name": "equal", "ads": equal, "session": {"horizon": 3}}, three_videos())
    ads = Optimum(tables).policy.ads
    assert ads is not None
    assert not ads.any()


@pytest.mark.compiled
@pytest.mark.parametrize("name", preset_names())
def test_the_optimum_of_a_preset_is_what_its_policy_earns(name: str, small_catalog: Catalog) -> None:
    """Among them `published`, with three slots a video."""
    tables = Tables.compile(name, small_catalog)
    for phase in range(tables.n_phases):
        exact = Optimum(tables, phase)
        assert exact.value_of(exact.policy) == pytest.approx(exact.value, rel=1e-12)


@pytest.mark.parametrize("changes", [{}, {"user.repeat": 1.0}, {**TWO_SLOTS, **TWO_SEGMENTS}], ids=str)
def test_on_disk_and_in_blocks_of_videos_the_optimum_is_the_same(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = Tables.compile(tiny(changes), three_videos())
    whole = Optimum(tables)
    value, lost = whole.value, whole.explain(whole.policy).lost
    monkeypatch.setattr("preroll.files.large_array.IN_MEMORY", 0)
    for block in (1, 2 * whole.programs[0].empty(False)[0].size, 10**6):
        monkeypatch.setattr("preroll.envs.optimum.dynamic_program.BLOCK", block)
        exact = Optimum(tables)
        assert exact.value == value
        assert exact.policy.ads is not None
        np.testing.assert_array_equal(exact.policy.ads, whole.policy.ads)
        assert exact.value_of(exact.policy) == whole.value_of(whole.policy)
        assert exact.explain(exact.policy).lost == lost
        played = rollout(tables, exact.policy, seed=1, lanes=5, sessions_per_lane=2).revenue
        np.testing.assert_array_equal(
            played, rollout(tables, whole.policy, seed=1, lanes=5, sessions_per_lane=2).revenue
        )


def test_progress_counts_the_slots_of_every_segment() -> None:
    exact, steps = Optimum(Tables.compile(tiny({**TWO_SLOTS, **TWO_SEGMENTS}), three_videos())), list[int]()
    exact.solve(steps.append)
    assert steps == [1] * 8
    assert exact.value == Optimum(exact.tables).value
    assert steps == [1] * 8


def test_what_is_taken_is_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy where it is in memory, the values of two slots, visits, and one bit of every action and slot."""
    needs: dict[str, int] = {}

    def noted(what: str, need: Need) -> None:
        needs[what] = need.filled - COMPILED.filled

    for module in ("optimum", "dynamic_program"):
        monkeypatch.setattr(f"preroll.envs.optimum.{module}.require", noted)
    exact = Optimum(Tables.compile(tiny(), three_videos()))
    policy, layers, ads = exact.policy, 2 * exact.programs[0].empty(False).nbytes, exact.policy.ads
    assert ads is not None
    assert needs["the exact optimum"] == ads.nbytes + layers
    assert 2 * exact.visits(policy).shown.nbytes == needs["the visits of a policy"]
    bits = sum(best.nbytes for best in exact.programs[0].all_best())
    assert needs["what agents can know of the optimum"] >= bits
    monkeypatch.setattr("preroll.files.large_array.IN_MEMORY", 0)
    assert Optimum(exact.tables).value == exact.value
    assert needs["the exact optimum"] == layers


@pytest.mark.parametrize("changes", [{}, {**TWO_SLOTS, **TWO_SEGMENTS}], ids=str)
def test_how_often_an_ad_is_shown_is_the_sum_of_its_visits(changes: dict[str, Any]) -> None:
    exact = Optimum(Tables.compile(tiny(changes), three_videos()))
    for policy in (exact.policy, greedy_policy(exact.tables), random_policy(exact.tables)):
        shown = exact.visits(policy).shown
        np.testing.assert_allclose(exact.shown(policy), shown.sum(axis=(0, 1)), rtol=1e-13)


def test_no_policy_of_a_tiny_scenario_beats_the_optimum() -> None:
    tables = Tables.compile(tiny(), three_videos((0, 1, 1)))
    exact = Optimum(tables)
    tables_of_ads = itertools.product(range(tables.n_actions), repeat=6)  # by slot and video
    values = [exact.value_of(Policy(ads=np.reshape(ads, (2, 3, 1, 1)))) for ads in tables_of_ads]
    assert max(values) <= exact.value + 1e-12


@pytest.mark.parametrize(
    ("scenario", "changes", "hidden"),
    [
        ("fatigue", {}, ()),
        ("fatigue", {"observe.fatigue": False}, ()),  # who remembers the views can count it
        ("fatigue", {"observe.fatigue": False, "observe.last_view": False}, ("fatigue",)),
        ("fatigue", {"observe.category": "none"}, ()),  # content tells videos apart: see test_knowledge
        ("classic", {"observe.category": "none", "observe.content": False}, ("category",)),
        ("hidden-users", {}, ("segment",)),
        ("hidden-users", {"observe.segment": True}, ()),
    ],
)
def test_the_optimum_is_a_bound_where_it_knows_what_no_agent_can(
    scenario: str, changes: dict[str, Any], hidden: tuple[str, ...], small_catalog: Catalog
) -> None:
    exact = Optimum(Tables.compile(Scenario.load(scenario).replace(changes), small_catalog))
    assert (exact.hidden, exact.is_bound) == (hidden, bool(hidden))


@pytest.mark.compiled
def test_on_classic_greedy_is_the_optimum_and_random_earns_57_percent(small_catalog: Catalog) -> None:
    tables = Tables.compile("classic", small_catalog)
    exact = Optimum(tables)
    assert exact.value_of(greedy_policy(tables)) == pytest.approx(exact.value, rel=1e-12)
    assert exact.value_of(random_policy(tables)) / exact.value == pytest.approx(0.57, abs=0.01)


@pytest.mark.compiled
def test_classic_is_the_sum_of_its_slots(small_catalog: Catalog) -> None:
    """With the categories in equal parts of the first slot: 20 slots of .9, .8 or 1.0 by the stationary shares."""
    tables = Tables.compile(Scenario.load("classic").replace({"recommender.jump": 1.0}), small_catalog)
    assert Optimum(tables).value == pytest.approx(20 * (0.9 + 0.8 + 1.0) / 3)


@pytest.mark.compiled
@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("kind", ["optimum", "greedy", "random"])
def test_a_million_simulated_sessions_agree_with_the_exact_value(name: str, kind: str, small_catalog: Catalog) -> None:
    """Those of the first phase."""
    tables = Tables.compile(Scenario.load(name).phases[0][1], small_catalog)
    exact = Optimum(tables)
    policies = {"greedy": greedy_policy, "random": random_policy}
    policy = exact.policy if kind == "optimum" else policies[kind](tables)
    assert_simulated_as_computed(exact, policy)


@pytest.mark.compiled
def test_visits_add_up_to_the_sessions_that_are_played(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = Optimum(tables)
    visits = exact.visits(exact.policy)
    played = rollout(tables, exact.policy, seed=1, lanes=500, sessions_per_lane=100)
    assert visits.slots == pytest.approx(played.slots.mean(), rel=0.02)
    assert visits.shown[0].sum() == pytest.approx(1.0)
    earned = (visits.shares() * visits.slots).sum()
    assert earned == pytest.approx(visits.slots)


@pytest.mark.compiled
def test_a_tabulated_policy_has_the_value_of_the_policy_it_copies(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = Optimum(tables)
    category = tables.layout.parts["category"].slice

    def always_long(observations: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        chosen = np.zeros((len(observations), tables.n_actions))
        own = observations[:, category].argmax(axis=1)
        for a, ad in enumerate(tables.ads):
            chosen[(own == small_catalog.categories.index(ad.category)) & (ad.length == "long"), a] = 1.0
        return chosen

    copied = exact.value_of(tabulate(tables, always_long))
    assert copied == pytest.approx(exact.value_of(fixed_policy(tables, "long")), rel=1e-12)


@pytest.mark.compiled
def test_fatigue_rewards_planning(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = Optimum(tables)
    assert exact.value_of(greedy_policy(tables)) <= 0.75 * exact.value
