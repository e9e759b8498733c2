from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.agents import load_agent, make_agent
from preroll.envs import Optimum, Scenario, Tables
from preroll.envs.policies.simple import random_policy
from preroll.envs.policies.tabulate import tabulate
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from tests.envs.tiny import ALL_SHOWN, TWO_SEGMENTS, TWO_SLOTS, three_videos, tiny


def test_random_earns_what_the_random_policy_earns(fatigue: Tables) -> None:
    optimum = Optimum(fatigue)
    value = optimum.value_of(make_agent("random", fatigue).policy(fatigue))
    assert value == pytest.approx(optimum.value_of(random_policy(fatigue)), rel=1e-12)


@pytest.mark.parametrize("length", ["short", "long"])
def test_always_a_length_means_the_ad_of_the_videos_own_category(classic: Tables, length: str) -> None:
    rows = classic.arrays.rows
    ads = make_agent(f"always-{length}", classic).act(rows)
    labels = [classic.spec.labels[ad] for ad in ads]
    categories = [classic.catalog.categories[k] for k in classic.catalog.category]
    assert labels == [f"{category}.{length}" for category in categories]


def test_always_short_without_any_short_ad_says_which_lengths_there_are(small_catalog: Catalog) -> None:
    ads = {"cats": {"clip": {"seconds": 5, "view_probability": 0.5, "reward": 1}}}
    tables = Tables.compile(Scenario.load({"ads": ads}), small_catalog)
    with pytest.raises(PrerollError, match="no ad of the scenario is short; lengths are clip"):
        make_agent("always-short", tables)


def test_greedy_equals_the_optimum_on_classic_and_both_act_as_their_tables_say(classic: Tables) -> None:
    optimum = Optimum(classic)
    for name in ("greedy", "optimum"):
        agent = make_agent(name, classic)
        assert optimum.value_of(agent.policy(classic)) == pytest.approx(optimum.value, rel=1e-12)
        assert optimum.value_of(tabulate(classic, agent.action_probabilities)) == pytest.approx(
            optimum.value, rel=1e-12
        )


def test_greedy_is_indifferent_where_both_car_ads_pay_the_same(classic: Tables) -> None:
    cars = classic.catalog.categories.index("cars")
    row = classic.arrays.rows[np.flatnonzero(classic.catalog.category == cars)[:1]]
    probabilities = make_agent("greedy", classic).action_probabilities(row)[0]
    assert dict(zip(classic.spec.labels, probabilities, strict=True)) == {
        "cats.short": 0.0,
        "cats.long": 0.0,
        "cars.short": 0.5,
        "cars.long": 0.5,
        "concerts.short": 0.0,
        "concerts.long": 0.0,
    }


def test_on_fatigue_the_optimum_reads_the_state_back_from_observations(fatigue: Tables) -> None:
    solution = Optimum(fatigue)
    agent = make_agent("optimum", fatigue)
    assert solution.value_of(tabulate(fatigue, agent.action_probabilities)) == pytest.approx(solution.value, rel=1e-12)
    greedy = make_agent("greedy", fatigue)
    assert solution.value_of(greedy.policy(fatigue)) < 0.9 * solution.value


def test_the_best_fixed_choice_lies_between_always_a_length_and_the_optimum(fatigue: Tables) -> None:
    optimum = Optimum(fatigue)
    value = {
        name: optimum.value_of(tabulate(fatigue, make_agent(name, fatigue).action_probabilities))
        for name in ("always-short", "always-long", "fixed")
    }
    assert max(value["always-short"], value["always-long"]) <= value["fixed"] + 1e-9 < optimum.value


def test_the_optimum_does_not_act_on_what_the_scenario_hides(small_catalog: Catalog) -> None:
    blind = Scenario.load("fatigue").replace({"observe.fatigue": False})
    tables = Tables.compile(blind, small_catalog)
    agent = make_agent("optimum", tables)
    with pytest.raises(PrerollError, match=r"depends on fatigue, which observe\.fatigue: false hides"):
        agent.act(tables.arrays.rows)
    assert Optimum(tables).value_of(agent.policy(tables)) == pytest.approx(Optimum(tables).value, rel=1e-12)


def test_an_oracle_notices_videos_of_another_catalog(classic: Tables) -> None:
    strange = classic.arrays.rows.copy()
    strange[:, classic.layout.parts["content"].slice] = 0.123
    with pytest.raises(PrerollError, match="an unknown video"):
        make_agent("optimum", classic).act(strange)


HIDDEN_PARTS = ("segment", "fatigue", "last_ad", "progress")


@pytest.mark.parametrize("changes", [{}, {"user.repeat": 1.0}, {"recommender.jump": 1.0}], ids=str)
@pytest.mark.parametrize("name", ["optimum", "greedy", "fixed"])
def test_where_everything_is_seen_an_oracle_acts_as_its_table_says(name: str, changes: dict[str, Any]) -> None:
    """Two slots of a video, two segments, fatigue and repetition, all read back from the observation."""
    tables = Tables.compile(tiny({**TWO_SLOTS, **TWO_SEGMENTS, **ALL_SHOWN, **changes}), three_videos())
    solution, agent = Optimum(tables), make_agent(name, tables)
    value = solution.value_of(agent.policy(tables))
    assert solution.value_of(tabulate(tables, agent.action_probabilities)) == pytest.approx(value, abs=1e-12)
    assert name != "optimum" or value == pytest.approx(solution.value, abs=1e-12)


@pytest.mark.parametrize("part", HIDDEN_PARTS)
def test_the_optimum_misses_each_part_that_is_hidden(part: str) -> None:
    """The position of a slot in its video, which is shown, is no substitute for the number of the slot."""
    tables = Tables.compile(tiny({**TWO_SLOTS, **TWO_SEGMENTS, **ALL_SHOWN, f"observe.{part}": False}), three_videos())
    with pytest.raises(PrerollError, match=f"depends on {'progress' if part == 'progress' else part}, which"):
        tabulate(tables, make_agent("optimum", tables).action_probabilities)


@pytest.mark.parametrize("shown", ["position", "progress"])
def test_greedy_reads_the_slot_from_its_position_or_from_progress(shown: str) -> None:
    """Before a dogs video in the second slot the long ad is worn out by its position, so that the short one pays."""
    changes = {**TWO_SLOTS, "user.position": {"mid": 0.1}, "user.repeat": 1.0, "observe.fatigue": True}
    changes |= {"observe.progress": shown == "progress", "observe.position": shown == "position"}
    changes |= {"ads.cats.short.view_probability": 1.0, "ads.dogs.long.reward": 0.5}
    tables = Tables.compile(tiny(changes), three_videos())
    solution, agent = Optimum(tables), make_agent("greedy", tables)
    value = solution.value_of(agent.policy(tables))
    assert solution.value_of(tabulate(tables, agent.action_probabilities)) == pytest.approx(value, abs=1e-12)


def test_an_oracle_finds_videos_by_category_alone_or_by_content_alone() -> None:
    for hidden in ({"observe.content": False}, {"observe.category": "none"}):
        tables = Tables.compile(tiny({**ALL_SHOWN, "recommender.jump": 1.0, **hidden}), three_videos())
        solution, agent = Optimum(tables), make_agent("optimum", tables)
        assert solution.value_of(tabulate(tables, agent.action_probabilities)) == pytest.approx(solution.value)


@pytest.mark.parametrize("name", ["optimum", "greedy"])
def test_the_optimum_refuses_where_look_alikes_answer_differently_and_greedy_averages(
    name: str, tmp_path: Path
) -> None:
    """It acted on the first of them: 68 % of its value where its table has 84 %."""
    ads = {"soap": {"long": {"seconds": 30, "reward": 1}, "short": {"seconds": 10, "reward": 1}}}
    scenario = tiny(
        {"response": "catalog", "ads": ads, "observe.content": False, **ALL_SHOWN, "observe.memorability": False}
    )
    for table, apart in (([[1.0, 0.1], [0.5, 0.6], [0.1, 0.9]], True), ([[1.0, 0.1], [0.5, 0.6], [1.0, 0.1]], False)):
        videos = three_videos()
        catalog = Catalog.from_arrays(
            categories=videos.categories,
            category=videos.category,
            neighbors=np.full((3, 10), -1),
            importance=videos.importance,
            classes=videos.classes,
            response=table,
            response_ads=("soap.long", "soap.short"),
        )
        tables = Tables.compile(scenario, catalog)
        agent = make_agent(name, tables)
        agent.save(tmp_path / f"{name}-{apart}")
        for one in (agent, load_agent(tmp_path / f"{name}-{apart}")):
            value = Optimum(tables).value_of(one.policy(tables))
            if name == "optimum" and apart:
                with pytest.raises(PrerollError, match="cannot act in scenario tiny: users answer differently before"):
                    tabulate(tables, one.action_probabilities)
                assert value == pytest.approx(Optimum(tables).value)
            else:
                acted = Optimum(tables).value_of(tabulate(tables, one.action_probabilities))
                assert acted == pytest.approx(value, abs=1e-12)
