import numpy as np
import pytest

from preroll.agents import CategoryContext, OnnxAgent, OnnxGraph
from preroll.envs import Tables, uniform_over_best
from preroll.errors import PrerollError


@pytest.mark.parametrize(
    ("more_inputs", "more_actions", "dtype", "why"),
    [
        (1, 0, np.float64, "Incompatible dimensions"),  # inputs that the observation does not have
        (0, -1, np.float64, "differ in dimension 1"),  # fewer scores than actions
        (0, 0, np.float32, "inconsistent type"),  # scores whose ties would not be recognised
    ],
)
def test_a_graph_that_does_not_fit_its_agent_is_refused_in_one_line(
    classic: Tables, more_inputs: int, more_actions: int, dtype: type, why: str
) -> None:
    shape = (classic.layout.size + more_inputs, classic.n_actions + more_actions)
    graph = OnnxGraph()
    value = graph.cast(graph.observation, dtype)
    graph.output_scores(graph.node("MatMul", value, graph.constant(np.ones(shape, dtype))))
    with pytest.raises(PrerollError, match=f"agent mine: cannot be exported: its graph is invalid: .*{why}") as error:
        graph.to_bytes("mine", classic.spec)
    assert "\n" not in str(error.value)


def test_a_graph_without_outputs_is_refused(classic: Tables) -> None:
    with pytest.raises(PrerollError, match=r"agent mine: cannot be exported: .* 'scores' is not an output"):
        OnnxGraph().to_bytes("mine", classic.spec)


@pytest.mark.parametrize("unit", [2.0**-40, 1.0, 1e6])
def test_ties_of_a_file_are_those_of_the_agent_in_any_unit_and_where_scores_are_infinite(
    classic: Tables, unit: float
) -> None:
    """A table of one score per action and category."""
    table = np.array([[2, 2 - 1e-12, 1, 0, 0, 0], [1, 1 - 1e-6, 0, 0, 0, 0], [np.inf, 1, np.inf, 0, 0, 0]]) * unit
    graph, context = OnnxGraph(), CategoryContext(classic.spec)
    graph.output_scores(context.lookup(graph, table))
    served = OnnxAgent.from_bytes(graph.to_bytes("mine", classic.spec), "mine")
    rows = np.eye(3, classic.layout.size, dtype=np.float32)
    np.testing.assert_allclose(served.action_probabilities(rows), uniform_over_best(table))
