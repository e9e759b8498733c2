"""Graph of an exported agent, written node by node in ONNX: every agent adds its own nodes, all end the same way.

```
observation    float32 [n, d]   as returned by the environment, n free
scores         float32 [n, A]   what the agent compares: expected reward, Q-value or logit of every action
ad             int64   [n]      the first action with the largest score
probabilities  float32 [n, A]   of the agent with exploration off
```

No exporter is needed: tables become one gather, regressions one product, networks their layers.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.envs.model.observation import SessionSpec
from preroll.envs.policies.simple import TIE
from preroll.errors import PrerollError
from preroll.shown.card import Card
from preroll.shown.shown import Shown

OPSET, IR_VERSION = 17, 8  # of 2022, so that every runtime in use reads them


class OnnxGraph(Shown):
    """Nodes and constants of a graph under construction, to which :meth:`Agent.export_graph` adds those of its agent.

    Values are referred to by name. A graph begins at :attr:`observation` and ends with one call of
    :meth:`output_scores` or :meth:`output_probabilities`.

    Attributes:
        observation: name of the input, float32 (n, d).
        nodes: nodes so far, in the order of computation.
        constants: constants so far.

    Examples:
        >>> import numpy as np
        >>> from preroll.agents import OnnxGraph
        >>> graph = OnnxGraph()
        >>> value = graph.cast(graph.observation, np.float64)
        >>> graph.output_scores(graph.node("MatMul", value, graph.constant(np.ones((3, 2)))))  # 3 inputs, 2 actions
        >>> [node.op_type for node in graph.nodes][:4], graph.nodes[-1].output
        (['Cast', 'MatMul', 'Cast', 'ArgMax'], ['probabilities'])
    """

    # onnx is imported where it is used: agents name this class, and a bandit is made without it.

    observation = "observation"

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def _card(self) -> Card:
        facts = {"constants": len(self.constants), "nodes": len(self.nodes)}
        return Card(
            "Graph of an agent", facts, ("node", "output"), [(one.op_type, one.output[0]) for one in self.nodes]
        )

    def constant(self, array: NDArray[Any]) -> str:
        """Adds a constant and returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Adds a node and returns the name of its output.

        Args:
            kind: ONNX operator, of opset 17.
            inputs: names of its inputs.
            output: name of its output, if it must have a certain one.
            attributes: attributes of the operator.
        """
        from onnx import helper

        name = output or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def cast(self, value: str, kind: type[np.generic], output: str | None = None) -> str:
        """Adds a conversion of ``value`` to a NumPy type and returns the name of its output."""
        from onnx import helper

        return self.node("Cast", value, output=output, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def output_scores(self, scores: str) -> None:
        """Adds the outputs of an agent that shows the ad with the largest score, ties broken uniformly.

        Args:
            scores: name of the scores (n, A), float64, so that ties are recognised, as in
                :func:`preroll.envs.policies.simple.tie_bar`.
        """
        self._output_ad(scores)
        largest = self.node("ReduceMax", scores, axes=[1], keepdims=1)
        finite = self.node("Where", self.node("IsInf", scores), self.constant(np.array(0.0)), self.node("Abs", scores))
        size = self.node("ReduceMax", finite, axes=[1], keepdims=1)
        bar = self.node("Sub", largest, self.node("Mul", size, self.constant(np.array(TIE))))
        best = self.cast(self.node("GreaterOrEqual", scores, bar), np.float32)
        total = self.node("ReduceSum", best, self.constant(np.array([1])), keepdims=1)
        self.node("Div", best, total, output="probabilities")

    def output_probabilities(self, probabilities: str) -> None:
        """Adds the outputs of an agent that draws ads from ``probabilities`` (n, A), which are its scores too."""
        self._output_ad(probabilities)
        self.node("Identity", "scores", output="probabilities")

    def _output_ad(self, scores: str) -> None:
        self.cast(scores, np.float32, output="scores")
        self.node("ArgMax", scores, output="ad", axis=1, keepdims=0)

    def to_bytes(self, agent: str, spec: SessionSpec) -> bytes:
        """Returns the content of the ONNX file.

        Args:
            agent: name of the agent, which goes into the file's metadata.
            spec: the agent's specification, as well.

        Raises:
            PrerollError: the graph is no valid ONNX, or its outputs are missing or have another type or shape.
        """
        from onnx import TensorProto, checker, helper, shape_inference

        count = spec.n_actions
        inputs = [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["n", spec.layout.size])]
        outputs = [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", count]),
            helper.make_tensor_value_info("ad", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", count]),
        ]
        body = helper.make_graph(self.nodes, agent, inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(body, producer_name="preroll", opset_imports=opsets, ir_version=IR_VERSION)
        helper.set_model_props(model, {"preroll.agent": agent, "preroll.spec": json.dumps(spec.to_dict())})
        try:
            checker.check_model(model, full_check=True)
        except (checker.ValidationError, shape_inference.InferenceError) as error:
            reason = " ".join(str(error).split())
            raise PrerollError(f"agent {agent}: cannot be exported: its graph is invalid: {reason}") from None
        data: bytes = model.SerializeToString()
        return data
