"""Export of an agent as one ONNX file, from raw observations to scores, ad and probabilities.

```
observation    float32 [n, d]   as returned by the environment, n free
scores         float32 [n, A]   what the agent compares: expected reward, Q-value or logit of every action
ad             int64   [n]      the first action with the largest score
probabilities  float32 [n, A]   of the agent with exploration off
```

The graph is written node by node, without an exporter: tables become one gather, regressions one product, networks
their layers. The file holds all weights and, as metadata, the agent's specification of the environment.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from preroll import atomic
from preroll.agents.agent import Agent
from preroll.agents.bandits.epsilon_greedy import EpsilonGreedy
from preroll.agents.bandits.exp3 import EXP3
from preroll.agents.bandits.gaussian_thompson import GaussianThompson
from preroll.agents.bandits.tabular import IndexBandit
from preroll.agents.bandits.thompson import Thompson
from preroll.agents.baselines.simple import TableAgent
from preroll.agents.contextual.linear_bandit import LinearBandit
from preroll.agents.contextual.logistic_thompson import LogisticThompson
from preroll.envs.policies.simple import TIE
from preroll.errors import PrerollError

if TYPE_CHECKING:
    from preroll.agents.interop.onnx_agent import OnnxAgent

#: Layers of an agent's network, from the observation to its scores; for neural-linear, to the regressions' features.
LAYERS: dict[str, Callable[[Any], Iterable[Any]]] = {
    "dqn": lambda agent: agent.model.q_net.q_net,
    "qr-dqn": lambda agent: agent.model.quantile_net.quantile_net,
    "ppo": lambda agent: (*agent.model.policy.mlp_extractor.policy_net, agent.model.policy.action_net),
    "lean-ppo": lambda agent: (*agent.network.body, agent.network.policy),
    "neural-linear": lambda agent: agent.body,
}
OPSET, IR_VERSION = 17, 8  # of 2022, so that every runtime in use reads them


class _Graph:
    """Nodes and constants of a graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: NDArray[Any]) -> str:
        """Adds a constant and returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Adds a node and returns the name of its output."""
        from onnx import helper

        name = output or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def cast(self, value: str, kind: type[np.generic], output: str | None = None) -> str:
        """Adds a conversion of ``value`` to a NumPy type and returns the name of its output."""
        from onnx import helper

        return self.node("Cast", value, output=output, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


def export_onnx(agent: Agent, path: Path, observations: NDArray[np.float32]) -> int:
    """Writes ``agent`` to ``path``, after checking that the file chooses the same ads for all ``observations``.

    Args:
        agent: a bandit, a baseline, DQN or PPO.
        path: the file, written atomically.
        observations: float32 (n, d), for the comparison.

    Returns:
        The number of bytes written.

    Raises:
        PrerollError: the agent cannot be represented in ONNX, or its file would choose another ad; nothing is written.
    """
    data = model_bytes(agent)
    from preroll.agents.interop.onnx_agent import OnnxAgent

    check_parity(agent, OnnxAgent.from_bytes(data, str(path)), observations)
    atomic.write_bytes(path, data)
    return len(data)


def check_parity(agent: Agent, other: "OnnxAgent", observations: NDArray[np.float32]) -> None:
    """Checks that ``other`` chooses an ad that ``agent`` could choose, for every one of ``observations``.

    If the agent has several best ads, among which it draws at random, each of them is accepted.

    Raises:
        PrerollError: an ad differs, or a probability differs by more than 1e-6.
    """
    expected = agent.action_probabilities(observations)
    actions = other.act(observations, explore=False)
    probabilities = other.action_probabilities(observations)
    differ = int((expected[np.arange(len(actions)), actions] <= 0).sum())
    furthest = float(np.abs(probabilities - expected).max(initial=0.0))
    if differ or furthest > 1e-6:
        raise PrerollError(
            f"agent {agent.name}: as ONNX it would show another ad for {differ} of {len(actions):,} observations "
            f"(largest difference of a probability: {furthest:.2g}); nothing was written",
            status=1,
        )


def model_bytes(agent: Agent) -> bytes:
    """Returns the content of the ONNX file of ``agent``, without comparing it to the agent.

    Raises:
        PrerollError: the choice is not a function of the observation that ONNX can represent, as for the oracles.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    scores = _scores(graph, agent)
    graph.cast(scores, np.float32, output="scores")
    graph.node("ArgMax", scores, output="ad", axis=1, keepdims=0)
    if isinstance(agent, TableAgent):
        graph.node("Identity", "scores", output="probabilities")
    else:
        _uniform_over_best(graph, scores)
    count = agent.spec.n_actions
    inputs = [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["n", agent.spec.layout.size])]
    outputs = [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", count]),
        helper.make_tensor_value_info("ad", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", count]),
    ]
    body = helper.make_graph(graph.nodes, agent.name, inputs, outputs, graph.constants)
    model = helper.make_model(
        body, producer_name="preroll", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    helper.set_model_props(model, {"preroll.agent": agent.name, "preroll.spec": json.dumps(agent.spec.to_dict())})
    checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _uniform_over_best(graph: _Graph, scores: str) -> None:
    """Adds the output ``probabilities``: equal for all actions with the largest score."""
    largest = graph.node("ReduceMax", scores, axes=[1], keepdims=1)
    bar = graph.node("Sub", largest, graph.constant(np.array(TIE)))
    best = graph.cast(graph.node("GreaterOrEqual", scores, bar), np.float32)
    total = graph.node("ReduceSum", best, graph.constant(np.array([1])), keepdims=1)
    graph.node("Div", best, total, output="probabilities")


def _scores(graph: _Graph, agent: Agent) -> str:
    """Adds the scores (n, A) of ``agent``, as float64 so that ties are recognised, and returns their name."""
    table = _table(agent)
    if table is not None:
        return _looked_up(graph, agent, table)
    if agent.name in LAYERS:
        return _network(graph, agent)
    observation = graph.cast("observation", np.float64)
    if isinstance(agent, LinearBandit):
        return graph.node("MatMul", observation, graph.constant((agent.weights * agent.pay[:, None]).T))
    if isinstance(agent, LogisticThompson):
        views = graph.node("Sigmoid", graph.node("MatMul", observation, graph.constant(agent.means.T)))
        return graph.node("Mul", views, graph.constant(agent.spec.rewards))
    remembers = type(agent).end_sessions is not Agent.end_sessions
    why = "depends on the whole session" if remembers else "is read from the catalog's true tables"
    raise PrerollError(f"agent {agent.name}: cannot be exported: its choice {why}")


def _table(agent: Agent) -> NDArray[np.float64] | None:
    """Returns the scores (K, A) of an agent that uses only the category; None for other agents."""
    if isinstance(agent, TableAgent):
        return agent.table
    if isinstance(agent, IndexBandit):
        return agent.means()
    if isinstance(agent, Thompson):
        return agent.views / (agent.views + agent.skips) * agent.spec.rewards
    if isinstance(agent, GaussianThompson):
        return agent.posterior()[0]
    if isinstance(agent, EpsilonGreedy):
        return agent.scores()
    return agent.table() if isinstance(agent, EXP3) else None


def _looked_up(graph: _Graph, agent: Agent, table: NDArray[np.float64]) -> str:
    """Adds the lookup of the row of ``table`` for the observed category and returns its name."""
    part = agent.spec.layout.parts.get("category")
    columns = [part.start, part.stop] if part else [0, 1]
    start, stop, axis = (graph.constant(np.array([value])) for value in (*columns, 1))
    category = graph.node("ArgMax", graph.node("Slice", "observation", start, stop, axis), axis=1, keepdims=0)
    if part is None:  # a hidden category: all observations use row 0
        category = graph.node("Mul", category, graph.constant(np.array(0)))
    return graph.node("Gather", graph.constant(table), category, axis=0)


def _network(graph: _Graph, agent: Any) -> str:
    """Adds the layers of a torch network, in float32 as torch computes them, and returns the name of the scores."""
    value = "observation"
    for layer in LAYERS[agent.name](agent):
        kind = type(layer).__name__
        if kind == "Linear":
            weight, bias = (graph.constant(p.detach().numpy()) for p in (layer.weight, layer.bias))
            value = graph.node("Gemm", value, weight, bias, transB=1)
        else:
            value = graph.node({"ReLU": "Relu", "Tanh": "Tanh"}[kind], value)
    value = graph.cast(value, np.float64)
    if agent.name == "qr-dqn":
        shape = np.array([-1, agent.settings.quantiles, agent.spec.n_actions])
        quantiles = graph.node("Reshape", value, graph.constant(shape))
        return graph.node("ReduceMean", quantiles, axes=[1], keepdims=0)
    if agent.name == "neural-linear":
        weights = agent.weights * agent.pay[:, None]
        product = graph.node("MatMul", value, graph.constant(weights[:, :-1].T))
        value = graph.node("Add", product, graph.constant(weights[:, -1]))
    return value
