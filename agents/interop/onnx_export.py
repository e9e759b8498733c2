"""Export of an agent as one ONNX file, whose content :mod:`preroll.agents.onnx_graph` describes.

The agent writes its graph itself (:meth:`Agent.export_graph`); the file is compared to the agent before it is written.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preroll.agents.agent import Agent
from preroll.agents.finite import finite
from preroll.agents.interop.onnx_agent import OnnxAgent
from preroll.agents.loading import agent_of
from preroll.agents.onnx_graph import OnnxGraph
from preroll.envs.model.observation import ObservationLayout
from preroll.errors import PrerollError
from preroll.files import atomic


def export_onnx(agent: Agent | str | Path, path: str | Path, observations: NDArray[np.float32] | None = None) -> int:
    """Writes ``agent`` to ``path``, after checking that the file chooses the same ads for all ``observations``.

    Args:
        agent: an agent that implements :meth:`Agent.export_graph`, or the folder of such an agent or of its run.
        path: the file, written atomically. It holds all weights and, as metadata, the agent's specification.
        observations: float32 (n, d), for the comparison; by default 10,000 that are drawn at random.

    Returns:
        The number of bytes written.

    Raises:
        PrerollError: the agent cannot be represented in ONNX, or its file would choose another ad; nothing is written.
    """
    agent = agent_of(agent)
    data = model_bytes(agent)
    observations = drawn(agent.spec.layout) if observations is None else observations
    check_parity(agent, OnnxAgent.from_bytes(data, str(path)), observations)
    atomic.write_bytes(Path(path), data)
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


def drawn(layout: ObservationLayout, count: int = 10_000) -> NDArray[np.float32]:
    """Returns random observations, float32 (count, d): one-hot parts and flags are such, all else is in [0, 1].

    No session need show them; without a catalog nobody knows what its videos show.
    """
    rng = np.random.default_rng(0)
    rows = rng.random((count, layout.size), dtype=np.float32)
    for part in layout.parts.values():
        if part.unit == "one-hot":
            rows[:, part.slice] = np.eye(part.size)[rng.integers(part.size, size=count)]
        elif part.unit == "0 or 1":
            rows[:, part.slice] = rows[:, part.slice].round()
    return rows


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
