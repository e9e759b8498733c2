"""Export of an agent as one ONNX file, whose content :mod:`preroll.agents.onnx_graph` describes.

The agent writes its graph itself (:meth:`Agent.export_graph`); the file is compared to the agent before it is written.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.agents.agent import Agent
from preroll.agents.finite import finite
from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.agents.onnx_graph import OnnxGraph
from preroll.errors import PrerollError
from preroll.files import atomic


def export_onnx(agent: Agent, path: Path, observations: NDArray[np.float32]) -> int:
    """Writes ``agent`` to ``path``, after checking that the file chooses the same ads for all ``observations``.

    Args:
        agent: an agent that implements :meth:`Agent.export_graph`.
        path: the file, written atomically. It holds all weights and, as metadata, the agent's specification.
        observations: float32 (n, d), for the comparison.

    Returns:
        The number of bytes written.

    Raises:
        PrerollError: the agent cannot be represented in ONNX, or its file would choose another ad; nothing is written.
    """
    data = model_bytes(agent)
    check_parity(agent, OnnxAgent.from_bytes(data, str(path)), observations)
    atomic.write_bytes(path, data)
    return len(data)


def model_bytes(agent: Agent) -> bytes:
    """Returns the content of the ONNX file of ``agent``, without comparing it to the agent.

    Raises:
        PrerollError: the agent cannot be exported, or has written a graph that is invalid or holds NaN or infinity.
    """
    from onnx import numpy_helper

    graph = OnnxGraph()
    agent.export_graph(graph)
    for constant in graph.constants:
        finite(f"agent {agent.name}: cannot be exported: {constant.name}", numpy_helper.to_array(constant))
    return graph.to_bytes(agent.name, agent.spec)


def check_parity(agent: Agent, other: OnnxAgent, observations: NDArray[np.float32]) -> None:
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
    if differ or not furthest <= 1e-6:  # also where it is NaN
        raise PrerollError(
            f"agent {agent.name}: as ONNX it would show another ad for {differ} of {len(actions):,} observations "
            f"(largest difference of a probability: {furthest:.2g}); nothing was written",
            status=1,
        )
