"""``observe.content``: objects, as ever, or the reduced embedding of the catalog."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from preroll.agents import make_agent
from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.agents.interop.onnx_export import export_onnx
from preroll.envs import Scenario, Tables
from preroll.envs.conformance.check import check_env
from preroll.envs.lint.warnings import warnings_about
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.observation_sample import sample_observations

EMBEDDING = {"observe.content": "embedding"}


@pytest.fixture(scope="module")
def embedded() -> Catalog:
    """The demo catalog with embeddings of 5 numbers, reduced to 4."""
    demo, rng = Catalog.load("demo"), np.random.default_rng(0)
    rows = rng.standard_normal((demo.n_videos, 5))
    names = ("category", "neighbors", "importance", "neighbor_scores", "category_probabilities")
    given: dict[str, Any] = {name: getattr(demo, name) for name in names}
    reduced = rng.random((demo.n_videos, 4))
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Catalog.from_arrays(
        categories=demo.categories, classes=demo.classes, embedding=units, embedding_reduced=reduced, **given
    )


def test_objects_are_what_true_has_always_been() -> None:
    classic = Scenario.load("classic")
    named = classic.replace({"observe.content": "objects"})
    assert named == classic
    assert named.dump() == classic.dump()
    assert "content: true" in named.dump()


def test_a_catalog_without_embeddings_is_refused_in_one_line() -> None:
    scenario = Scenario.load("classic").replace(EMBEDDING)
    with pytest.raises(
        PrerollError, match=r"observe\.content: 'embedding' needs embeddings, .*build --embed"
    ) as caught:
        Tables.compile(scenario, "demo")
    assert "\n" not in str(caught.value)


def test_rows_are_the_reduced_embedding_and_all_else_stays(embedded: Catalog) -> None:
    classic = Scenario.load("classic")
    objects, other = (Tables.compile(one, embedded) for one in (classic, classic.replace(EMBEDDING)))
    part = other.layout.parts["content"]
    assert part.size == 4
    np.testing.assert_array_equal(other.arrays.rows[:, part.slice], embedded.embedding_reduced)
    assert other.layout.parts["progress"].start == part.stop
    np.testing.assert_array_equal(objects.arrays.base, other.arrays.base)
    plain = Tables.compile(classic, "demo")
    np.testing.assert_array_equal(objects.arrays.rows, plain.arrays.rows)


def test_the_environment_passes_every_check(embedded: Catalog) -> None:
    scenario = Scenario.load("fatigue").replace(EMBEDDING)
    assert check_env(
        scenario, embedded, slots=20_000, only=("gymnasium", "fresh arrays", "lanes", "truth", "bounds")
    ).ok


def test_an_exported_policy_shows_the_agents_ad(embedded: Catalog, tmp_path: Path) -> None:
    tables = Tables.compile(Scenario.load("classic").replace(EMBEDDING), embedded)
    agent = make_agent("linucb", tables, seed=1, num_envs=8)
    observations = sample_observations(tables, 500)
    export_onnx(agent, tmp_path / "policy.onnx", observations)
    served = OnnxAgent.from_file(tmp_path / "policy.onnx")
    assert served.spec.layout == tables.layout
    told = agent.action_probabilities(observations)
    np.testing.assert_allclose(served.action_probabilities(observations), told, atol=1e-6)


def test_the_embedding_must_be_of_length_1_and_the_reduced_one_in_0_to_1(embedded: Catalog) -> None:
    arguments: dict[str, Any] = {
        "categories": ["cats"],
        "category": [0, 0],
        "neighbors": np.full((2, 10), -1),
        "importance": [[0.5], [0.5]],
        "classes": ["cat"],
    }
    Catalog.from_arrays(**arguments, embedding=np.array([[0, 0], [0.6, 0.8]]))
    with pytest.raises(PrerollError, match="embedding, row 1: must be a vector of length 1"):
        Catalog.from_arrays(**arguments, embedding=np.array([[0, 1], [0.6, 0.9]]))
    with pytest.raises(PrerollError, match="embedding, row 0: must be a vector of length 1"):
        Catalog.from_arrays(**arguments, embedding=np.array([[np.nan, 1], [0.6, 0.8]]))
    with pytest.raises(PrerollError, match=r"embedding_reduced, row 1: must lie in \[0, 1\]"):
        Catalog.from_arrays(**arguments, embedding_reduced=np.array([[0, 1], [0.6, 1.1]]))
    with pytest.raises(PrerollError, match=r"embedding_reduced is float32 \[1, 2\]"):
        Catalog.from_arrays(**arguments, embedding_reduced=np.array([[0, 1]]))


def test_a_scenario_that_observes_embeddings_is_checked_as_any_other(embedded: Catalog) -> None:
    scenario = Scenario.load("classic").replace(EMBEDDING)
    assert warnings_about(Tables.compile(scenario, embedded)) == warnings_about(Tables.compile("classic", embedded))
