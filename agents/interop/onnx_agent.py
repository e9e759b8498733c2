"""Inference of an agent that was exported to ONNX, by onnxruntime: no torch, no training."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preroll.agents.agent import Agent
from preroll.agents.selection import sample_actions
from preroll.agents.settings import AgentSettings
from preroll.bounded import limits
from preroll.bounded.readers import parse_json, read_bytes
from preroll.envs.model.observation import SessionSpec
from preroll.errors import PrerollError

#: Operators that make a large tensor of a small one, and those that repeat a graph.
_UNFOLDING = {
    *("ConstantOfShape", "Expand", "Tile", "Range", "Pad", "Resize", "Upsample", "OneHot", "EyeLike", "CenterCropPad"),
    *("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"),
    *("BlackmanWindow", "HannWindow", "HammingWindow", "MelWeightMatrix", "AffineGrid", "MaxUnpool", "GridSample"),
    *("If", "Loop", "Scan", "SequenceMap"),
}


class OnnxAgent(Agent):
    """Agent that runs an exported ONNX file; it decides as the exported agent did, exploration off, and does not learn.

    Created by :meth:`from_file`. It is not saved to a folder: copy the file instead.

    Attributes:
        original: name of the exported agent.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preroll.agents import OnnxAgent, export_onnx, make_agent
        >>> from preroll.envs import SessionVectorEnv
        >>> envs = SessionVectorEnv(3, scenario="classic", catalog="demo")
        >>> observations, _ = envs.reset(seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     size = export_onnx(make_agent("always-long", envs), Path(folder) / "agent.onnx", observations)
        ...     agent = OnnxAgent.from_file(Path(folder) / "agent.onnx")
        >>> agent.original, agent.act(observations).tolist()
        ('always-long', [5, 1, 1])
    """

    name = "onnx"

    @classmethod
    def from_file(cls, path: str | Path, *, seed: int = 0) -> "OnnxAgent":
        """Reads a file that ``preroll export`` wrote.

        Raises:
            PrerollError: the file cannot be read, or was not written by ``preroll export``.
        """
        try:
            data = read_bytes(Path(path), limits.AGENT_ONNX)
        except OSError as error:
            raise PrerollError(f"{path}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise PrerollError(f"{path}: {error}") from None
        return cls.from_bytes(data, str(path), seed=seed)

    @classmethod
    def from_bytes(cls, data: bytes, source: str, *, seed: int = 0) -> "OnnxAgent":
        """Reads the content of such a file, as :meth:`from_file`; ``source`` is its name in errors."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        _check(data, source)
        try:
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no public base class
            raise PrerollError(f"{source}: is no ONNX model: {str(error).splitlines()[0]}") from None
        about = session.get_modelmeta().custom_metadata_map
        if "preroll.spec" not in about:
            raise PrerollError(f"{source}: was not written by `preroll export`: it has no preroll.spec")
        agent = cls(_spec(about["preroll.spec"], source), AgentSettings(), seed=seed)
        agent._session, agent.original = session, about["preroll.agent"]
        return agent

    _session: Any
    original: str

    def act(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.int64]:
        """Returns the action that the file chooses; with ``explore``, ties are broken at random."""
        if explore:
            return sample_actions(self.action_probabilities(observations), self.rng)
        actions: NDArray[np.int64] = self._run("ad", observations)
        return actions

    def action_probabilities(self, observations: NDArray[np.float32], *, explore: bool = False) -> NDArray[np.float64]:
        """Returns the file's exact probabilities."""
        return self._run("probabilities", observations).astype(np.float64)

    def scores(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the scores, float32 (n, A), that the agent compares: expected reward, Q-value or logit."""
        return self._run("scores", observations)

    def save(self, folder: str | Path, *, training: bool = False) -> None:
        """Raises an error: the file is the agent.

        Raises:
            PrerollError: always.
        """
        raise PrerollError(f"agent onnx: {folder}: is not saved as a folder: copy its .onnx file")

    def _run(self, output: str, observations: NDArray[np.float32]) -> NDArray[Any]:
        rows = np.ascontiguousarray(observations, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.spec.layout.size:
            raise PrerollError(f"observations: shape {rows.shape}: (n, {self.spec.layout.size}) is expected")
        result: NDArray[Any] = self._session.run([output], {"observation": rows})[0]
        return result


def _spec(text: str, source: str) -> SessionSpec:
    try:
        return SessionSpec.from_dict(parse_json(text, limits.CARD_TEXT))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PrerollError(f"{source}: its preroll.spec is not what `preroll export` writes") from None


def _check(data: bytes, source: str) -> None:
    """Checks that a file can neither read other files, nor loop, nor make a large tensor of a small one."""
    import onnx

    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's exceptions derive directly from Exception
        raise PrerollError(f"{source}: is no ONNX model: {' '.join(str(error).split())}") from None
    graph = model.graph
    for node in graph.node:
        inside = any(one.HasField("g") or one.graphs for one in node.attribute)
        if node.op_type in _UNFOLDING or inside:
            raise PrerollError(f"{source}: has the operator {node.op_type}, which no agent that was exported has")
    constants = [one.t for node in graph.node for one in node.attribute if one.HasField("t")]
    if model.functions or graph.sparse_initializer:
        raise PrerollError(f"{source}: has functions or sparse tensors, which no agent that was exported has")
    for tensor in (*graph.initializer, *constants):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise PrerollError(f"{source}: its weights {tensor.name!r} lie in another file")
