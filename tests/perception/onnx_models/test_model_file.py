from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from preroll.errors import PrerollError
from preroll.perception.onnx_models.model_card import EMBEDDED, find_card
from preroll.perception.onnx_models.model_file import ModelFile, check_model
from preroll.perception.workers.pool import VideoPool
from preroll.workers.job import Limits

Network = Callable[..., Path]


def value(name: str, kind: int = TensorProto.FLOAT, shape: tuple[int, ...] = (1,)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes: list[onnx.NodeProto], **parts: Any) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], parts.pop("initializers", []))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("own", 1)], **parts)


def outside(tensor: onnx.TensorProto) -> onnx.TensorProto:
    tensor.ClearField("float_data")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def numbers(name: str) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0])


def branch() -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("Identity", ["x"], ["b"])], "branch", [], [value("b")])


def scan_body() -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("Identity", ["i"], ["o"])], "body", [value("i")], [value("o")])


def identity(**changes: Any) -> onnx.NodeProto:
    return helper.make_node(changes.pop("op", "Identity"), ["x"], ["y"], **changes)


FUNCTION = helper.make_function("own", "F", ["x"], ["y"], [identity()], [helper.make_opsetid("", 13)])
HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    "weights elsewhere": (
        model_of([helper.make_node("Add", ["x", "w"], ["y"])], initializers=[outside(numbers("w"))]),
        "its weights 'w' lie in another file",
    ),
    "a constant elsewhere": (
        model_of([helper.make_node("Constant", [], ["c"], value=outside(numbers("c"))), identity()]),
        "a constant of its operator Constant lies in another file",
    ),
    "a domain of its own": (model_of([identity(domain="own")]), "operator Identity of the domain 'own'"),
    "an unknown operator": (model_of([identity(op="Bogus")]), "operator Bogus, which its version 13 of ONNX"),
    "If": (
        model_of([helper.make_node("If", ["x"], ["y"], then_branch=branch(), else_branch=branch())]),
        "control flow",
    ),
    "Loop": (model_of([helper.make_node("Loop", ["x", "x"], ["y"], body=scan_body())]), "control flow"),
    "Scan": (model_of([helper.make_node("Scan", ["x"], ["y"], body=scan_body(), num_scan_inputs=1)]), "control flow"),
    "a graph in any operator": (model_of([identity(body=branch())]), "holds a graph of its own"),
    "a function": (model_of([identity(op="F", domain="own")], functions=[FUNCTION]), "defines a function"),
    "nothing": (onnx.ModelProto(), "it has no graph"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_could_do_more_than_compute_is_refused(tmp_path: Path, name: str) -> None:
    model, message = HOSTILE[name]
    path = tmp_path / "a.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(PrerollError, match=message) as caught:
        check_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"text", b"\x08" * 100, EMBEDDED.read_bytes()[:1000]])
def test_what_is_no_whole_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(PrerollError, match="not an ONNX file"):
        check_model(tmp_path / "a.onnx")


def test_an_honest_network_passes(tmp_path: Path, make_network: Network) -> None:
    path = make_network(tmp_path / "a.onnx")
    check_model(path)
    assert ModelFile.find(path).card.name == "a"


def test_our_own_and_the_real_networks_pass(real: Path) -> None:
    for path in (EMBEDDED, real / "weights" / "SqueezeNet_fp16.onnx", real / "weights" / "yolox_nano.onnx"):
        check_model(path)


def test_a_network_that_unfolds_to_more_memory_than_allowed_ends_before_the_work(
    tmp_path: Path, make_network: Network
) -> None:
    path = make_network(tmp_path / "bomb.onnx")
    model = onnx.load(str(path))
    size = helper.make_tensor("size", TensorProto.INT64, [1], [2 << 30])
    model.graph.initializer.append(size)
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["size"], ["zeros"]))
    model.graph.node.insert(1, helper.make_node("ReduceSum", ["zeros"], ["nothing"], keepdims=0))
    model.graph.node[-1].output[0] = "shares"
    model.graph.node.append(helper.make_node("Add", ["shares", "nothing"], ["scores"]))
    path.write_bytes(model.SerializeToString())
    card = find_card(make_network(tmp_path / "other.onnx")).model_copy(update={"name": "bomb"})
    with pytest.raises(PrerollError) as caught:
        VideoPool(ModelFile.find(path, card), workers=1, limits=Limits(memory=1 << 30)).check()
    assert caught.value.status == 2
    assert "\n" not in str(caught.value)


def test_a_worker_has_no_more_memory_than_it_is_given(tmp_path: Path, make_network: Network) -> None:
    model = ModelFile.find(make_network(tmp_path / "a.onnx"))
    with pytest.raises(PrerollError, match=r"could not start|a\.onnx: .*(memory|alloc)"):
        VideoPool(model, workers=1, limits=Limits(memory=150 << 20)).check()
