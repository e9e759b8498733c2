"""Linear agents have a constant: what is always so can be learned from any observation, and from an empty one."""

from typing import Any

import numpy as np
import pytest

from preroll.agents import OnnxAgent, Transitions, make_agent
from preroll.agents.contexts import WithConstant
from preroll.agents.interop.onnx_export import check_parity, model_bytes
from preroll.envs import Scenario, Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog

LINEAR = ["linucb", "lints", "squarecb", "logistic-thompson"]
HIDDEN = {"observe.category": "none", "observe.content": False}


def taught(name: str, tables: Tables, rows: np.ndarray, **settings: Any) -> Any:
    """An agent that saw ad 3 viewed always and the others never."""
    agent = make_agent(name, tables, seed=1, **settings)
    ads, nobody = np.arange(len(rows)) % tables.n_actions, np.zeros(len(rows), bool)
    viewed = ads == 3
    agent.update(Transitions(rows, ads, viewed * tables.spec.rewards[ads], rows, nobody, nobody, viewed))
    return agent


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("changes", [HIDDEN, {}])
def test_of_an_observation_of_zeros_something_is_learned(
    name: str, changes: dict[str, Any], small_catalog: Catalog
) -> None:
    tables = Tables.compile(Scenario.load("classic").replace(changes), small_catalog)
    rows = np.zeros((60, tables.layout.size), np.float32)  # the first slot, of a video whose category is not known
    agent = taught(name, tables, rows)
    assert agent.act(rows, explore=False).tolist() == [3] * 60
    # and it is in the file
    served = OnnxAgent.from_bytes(model_bytes(agent), name)
    some = np.random.default_rng(0).random((50, tables.layout.size), np.float32)
    check_parity(agent, served, np.concatenate([rows, some]))


def test_a_part_that_adds_up_to_one_is_the_constant(small_catalog: Catalog) -> None:
    """A second one would tie the categories together."""
    for changes, expected in (({}, 0), (HIDDEN, 1), ({**HIDDEN, "observe.position": True}, 0)):
        tables = Tables.compile(Scenario.load("classic").replace(changes), small_catalog)
        row = np.zeros((1, tables.layout.size), np.float32)
        for part in tables.layout.parts.values():
            row[0, part.start] = 1
        assert WithConstant(tables.spec)(row)[0, -1] == expected


@pytest.mark.parametrize(("name", "setting"), [*((name, "ridge") for name in LINEAR[:3]), (LINEAR[3], "precision")])
def test_a_prior_that_would_leave_the_numbers_is_refused(name: str, setting: str, classic: Tables) -> None:
    least: dict[str, Any] = {setting: 1e-12}
    make_agent(name, classic, **least)
    with pytest.raises(PrerollError, match=rf"{setting}: 1e-13: .* 0\.000000000001$"):
        make_agent(name, classic, **{**least, setting: 1e-13})
