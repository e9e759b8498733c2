"""What the graph of a stranger's network may hold, checked as data: the network itself is not loaded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

#: Most rounds of a loop, and of loops in loops together. Loops over the objects of a frame have hundreds.
MOST_ROUNDS = 10_000
_STANDARD = ("", "ai.onnx", "ai.onnx.ml")
#: The operators that onnxruntime has built in beside the standard ones.
_BUILT_IN = "com.microsoft"
#: Those of them that read other files or hand the work to other libraries.
_READ_FILES = ("EPContext", "Snpe")
# Operators that hold graphs, and the attributes with them.
_HOLD_GRAPHS = {"If": ("then_branch", "else_branch"), "Loop": ("body",), "Scan": ("body",)}

_ONE_FILE = "python -c \"import onnx; onnx.save(onnx.load({name!r}), 'one.onnx')\" makes one file"


@dataclass(frozen=True)
class _Scope:
    """What is known where a node stands.

    Attributes:
        name: file of the network.
        versions: of each domain of operators.
        functions: names of the network's own functions, with their domains.
        trusted: whether loops may have any number of rounds.
        constants: constant tensors by their name, those of surrounding graphs included.
        shapes: sizes of the axes of tensors by their name; None for those that the file leaves free.
        rounds: number of times that a node here runs.
    """

    name: str
    versions: dict[str, int]
    functions: frozenset[tuple[str, str]]
    trusted: bool
    constants: dict[str, "onnx.TensorProto"] = field(default_factory=dict)
    shapes: dict[str, list[int | None]] = field(default_factory=dict)
    rounds: int = 1


def problems(model: "onnx.ModelProto", name: str, *, trusted: bool = False) -> Iterator[str]:
    """Yields why a network is not taken, in one line each.

    Subgraphs and the network's own functions are checked as its main graph is.

    Args:
        model: the network, read without data of other files.
        name: name of its file, for hints.
        trusted: whether loops may have any number of rounds.
    """
    if not model.graph.node:
        yield "not an ONNX file: it has no graph"
    functions = frozenset((one.domain, one.name) for one in model.functions)
    scope = _Scope(name, _versions(model.opset_import), functions, trusted)
    yield from _in_graph(model.graph, scope)
    for one in model.functions:
        versions = {**scope.versions, **_versions(one.opset_import)}
        yield from _in_nodes(one.node, replace(scope, versions=versions))


def _versions(imports: Iterable[Any]) -> dict[str, int]:
    return {entry.domain: entry.version for entry in imports}


def _in_graph(graph: "onnx.GraphProto", scope: _Scope) -> Iterator[str]:
    sparse = [part for one in graph.sparse_initializer for part in (one.values, one.indices)]
    for tensor in (*graph.initializer, *sparse):
        if _outside(tensor):
            yield f"its weights {tensor.name!r} lie in another file; {_ONE_FILE.format(name=scope.name)}"
    own = {one.name: one for one in graph.initializer}
    hidden = {one.name for one in graph.input}
    constants = {**{name: one for name, one in scope.constants.items() if name not in hidden}, **own}
    shapes = {**scope.shapes, **{one.name: _axes(one) for one in (*graph.input, *graph.value_info)}}
    yield from _in_nodes(graph.node, replace(scope, constants=constants, shapes=shapes))


def _in_nodes(nodes: "Sequence[onnx.NodeProto]", scope: _Scope) -> Iterator[str]:
    made = {name for node in nodes for name in node.output}
    constants = {name: one for name, one in scope.constants.items() if name not in made}
    for node in nodes:
        if node.op_type == "Constant" and node.domain in _STANDARD:
            constants |= {name: one.t for name in node.output for one in node.attribute if one.name == "value"}
    inside = replace(scope, constants=constants)
    for node in nodes:
        yield from _in_node(node, inside)


def _in_node(node: "onnx.NodeProto", scope: _Scope) -> Iterator[str]:
    yield from _unknown(node, scope)
    standard = node.domain in _STANDARD
    if standard and node.op_type in ("Loop", "Scan") and not scope.trusted:
        rounds = _rounds(node, scope)
        if rounds is None or rounds * scope.rounds > MOST_ROUNDS:
            count = f"{(rounds or 0) * scope.rounds:,} rounds"
            if rounds is None:
                count = "rounds whose number the file leaves open"
            yield (
                f"it has the operator {node.op_type} with {count}; at most {MOST_ROUNDS:,} are taken, or any number"
                " from a file that you trust: --trust SHA256"
            )
            return
        scope = replace(scope, rounds=rounds * scope.rounds)
    held = _HOLD_GRAPHS.get(node.op_type, ()) if standard else ()
    for attribute in node.attribute:
        graphs = [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]
        if graphs and attribute.name not in held:
            yield f"its operator {node.op_type} holds a graph of its own, which only If, Loop and Scan may"
            continue
        for graph in graphs:
            yield from _in_graph(graph, scope)
        if any(_outside(tensor) for tensor in _tensors(attribute)):
            yield f"a constant of its operator {node.op_type} lies in another file; {_ONE_FILE.format(name=scope.name)}"


def _unknown(node: "onnx.NodeProto", scope: _Scope) -> Iterator[str]:
    """Yields what is wrong with the operator of a node."""
    import onnx

    kind = f"it has the operator {node.op_type}"
    if (node.domain, node.op_type) in scope.functions:
        return
    if node.domain == _BUILT_IN:
        if node.op_type in _READ_FILES:
            yield f"{kind} of the domain {_BUILT_IN!r}, which reads other files; such models are not taken"
        elif node.op_type not in _built_in():
            yield f"{kind} of the domain {_BUILT_IN!r}, which this onnxruntime has not built in"
    elif node.domain not in _STANDARD:
        yield f"{kind} of the domain {node.domain!r}; only standard operators and those of {_BUILT_IN!r} are taken"
    else:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if not onnx.defs.has(node.op_type, scope.versions.get(domain, 1), domain):
            yield f"{kind}, which its version {scope.versions.get(domain)} of ONNX does not know"


@cache
def _built_in() -> set[str]:
    from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

    return {one.name for one in get_all_operator_schema() if one.domain == _BUILT_IN}


def _rounds(node: "onnx.NodeProto", scope: _Scope) -> int | None:
    """Returns how often a Loop or a Scan runs its graph; None if the file does not say."""
    from onnx import numpy_helper

    if node.op_type == "Loop":
        count = scope.constants.get(node.input[0]) if node.input else None
        if count is None or _outside(count) or prod(count.dims) != 1:
            return None
        try:
            return max(0, int(numpy_helper.to_array(count).reshape(())))
        except (TypeError, ValueError):  # a tensor without its numbers
            return None
    told = {one.name: one for one in node.attribute}
    scanned = told["num_scan_inputs"].i if "num_scan_inputs" in told else 0
    if not 1 <= scanned <= len(node.input):
        return None
    axes = list(told["scan_input_axes"].ints) if "scan_input_axes" in told else [0] * scanned
    lengths = [_length(name, axis, scope) for name, axis in zip(node.input[-scanned:], axes, strict=False)]
    known = [one for one in lengths if one is not None]
    return max(known) if len(known) == scanned else None


def _length(name: str, axis: int, scope: _Scope) -> int | None:
    sizes = list(scope.constants[name].dims) if name in scope.constants else scope.shapes.get(name, [])
    return sizes[axis] if -len(sizes) <= axis < len(sizes) else None


def _axes(value: "onnx.ValueInfoProto") -> list[int | None]:
    return [axis.dim_value if axis.HasField("dim_value") else None for axis in value.type.tensor_type.shape.dim]


def _outside(tensor: "onnx.TensorProto") -> bool:
    """Returns whether the numbers of a tensor lie in another file."""
    import onnx

    return tensor.data_location == onnx.TensorProto.EXTERNAL or bool(tensor.external_data)


def _tensors(attribute: Any) -> list[Any]:
    sparse = [*attribute.sparse_tensors, *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else [])]
    dense = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    return dense + [part for one in sparse for part in (one.values, one.indices)]
