import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.agents import AGENTS, Agent, AgentSettings, make_agent
from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.agents.interop.onnx_export import check_parity, drawn, export_onnx
from preroll.envs import Scenario, Tables
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.observation_sample import sample_observations
from tests.conftest import ROOT

Practice = Callable[[Agent, Tables, int], None]
NO_FUNCTIONS = ("greedy", "fixed", "optimum", "recurrent-ppo")  # of the observation
SMALL: dict[str, dict[str, Any]] = {
    "ppo": {"num_envs": 8, "steps": 10, "batch": 40},
    "lean-ppo": {"num_envs": 8, "steps": 10, "batch": 40},
    "qr-dqn": {"num_envs": 8, "learning_starts": 80, "batch": 32, "buffer": 1_000},
    "neural-linear": {"num_envs": 8, "train_every": 80, "batch": 32, "gradient_steps": 5},
    "dqn": {"num_envs": 8, "learning_starts": 80, "batch": 32, "buffer": 1_000},
}


@pytest.mark.parametrize("name", [name for name in AGENTS if name not in NO_FUNCTIONS])
def test_the_file_shows_the_agents_ad_for_10_000_observations(
    name: str, fatigue: Tables, practice: Practice, tmp_path: Path
) -> None:
    agent = make_agent(name, fatigue, seed=1, **SMALL.get(name, {"num_envs": 8}))
    practice(agent, fatigue, 60)
    observations = sample_observations(fatigue, 10_000)
    assert observations.shape == (10_000, fatigue.layout.size)
    size = export_onnx(agent, tmp_path / "policy.onnx", observations)
    assert export_onnx(agent, tmp_path / "policy.onnx") == size  # compared by observations that no session shows, too
    assert [path.name for path in tmp_path.iterdir()] == ["policy.onnx"]
    served = OnnxAgent.from_file(tmp_path / "policy.onnx")
    assert served.original == name
    assert served.spec.labels == agent.spec.labels
    told = agent.action_probabilities(observations)
    ads = served.act(observations)
    assert (told[np.arange(10_000), ads] > 0).all()
    np.testing.assert_allclose(served.action_probabilities(observations), told, atol=1e-6)
    assert (served.scores(observations)[np.arange(10_000), ads] >= served.scores(observations).max(axis=1)).all()
    assert np.array_equal(served.act(observations[:1]), ads[:1])


def test_where_the_category_is_hidden_a_table_has_one_row(
    small_catalog: Catalog, practice: Practice, tmp_path: Path
) -> None:
    tables = Tables.compile(Scenario.load("classic").replace({"observe.category": "none"}), small_catalog)
    agent: Any = make_agent("thompson", tables)
    practice(agent, tables, 20)
    observations = sample_observations(tables, 100)
    export_onnx(agent, tmp_path / "policy.onnx", observations)
    served = OnnxAgent.from_file(tmp_path / "policy.onnx")
    assert len(np.unique(observations[:, :2], axis=0)) > 1  # the columns that a category would have
    [views], [skips] = agent.views, agent.skips
    expected = views / (views + skips) * tables.spec.rewards
    np.testing.assert_allclose(served.scores(observations), np.tile(expected, (100, 1)), rtol=1e-6)
    assert (served.act(observations) == expected.argmax()).all()


def test_a_file_that_would_show_another_ad_is_not_written(
    classic: Tables, fatigue: Tables, practice: Practice, tmp_path: Path
) -> None:
    agent, other = make_agent("thompson", classic, seed=1), make_agent("random", classic)
    practice(agent, classic, 40)
    observations = sample_observations(classic, 500)
    export_onnx(other, tmp_path / "other.onnx", observations)
    with pytest.raises(PrerollError, match=r"would show another ad for .* nothing was written"):
        check_parity(agent, OnnxAgent.from_file(tmp_path / "other.onnx"), observations)
    with pytest.raises(PrerollError, match=r"would show another ad for .* of 10,000 observations"):
        check_parity(agent, OnnxAgent.from_file(tmp_path / "other.onnx"), drawn(classic.layout))
    rows = drawn(fatigue.layout)
    for name in ("fatigue", "last_view"):
        part = rows[:, fatigue.layout.parts[name].slice]
        assert np.isin(part, [0, 1]).all()
        assert (part.sum(axis=1) == 1).all() == (name == "fatigue")


def test_what_cannot_be_exported_or_read_is_said_in_one_line(classic: Tables, tmp_path: Path) -> None:
    for name, why in {"optimum": "true tables", "recurrent-ppo": "the whole session"}.items():
        with pytest.raises(PrerollError, match=f"agent {name}: cannot be exported: its choice .* {why}"):
            export_onnx(make_agent(name, classic), tmp_path / "policy.onnx", classic.arrays.rows)
    export_onnx(make_agent("random", classic), tmp_path / "random.onnx", classic.arrays.rows)
    served = OnnxAgent.from_file(tmp_path / "random.onnx")
    with pytest.raises(PrerollError, match="agent onnx: cannot be exported: OnnxAgent does not implement export_graph"):
        export_onnx(served, tmp_path / "policy.onnx", classic.arrays.rows)
    assert not (tmp_path / "policy.onnx").exists()
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(PrerollError, match=r"text\.onnx: is no ONNX model"):
        OnnxAgent.from_file(tmp_path / "text.onnx")
    with pytest.raises(PrerollError, match="cannot be read"):
        OnnxAgent.from_file(tmp_path / "none.onnx")
    with pytest.raises(PrerollError, match="is expected"):
        served.act(np.zeros((2, 3), np.float32))


def test_an_agent_outside_the_package_is_exported_by_what_it_implements(
    classic: Tables, practice: Practice, tmp_path: Path
) -> None:
    """It is in no registry, and the package knows nothing of it."""
    own = runpy.run_path(str(ROOT / "examples" / "own_agent_in_full.py"))["ExploreThenCommit"]
    agent = own(classic.spec, AgentSettings(num_envs=8), seed=1)
    practice(agent, classic, 300)
    observations = sample_observations(classic, 1_000)
    export_onnx(agent, tmp_path / "policy.onnx", observations)
    served = OnnxAgent.from_file(tmp_path / "policy.onnx")
    assert served.original == "explore-then-commit"
    np.testing.assert_array_equal(served.scores(observations), agent.means[agent.context(observations)].astype("f4"))
