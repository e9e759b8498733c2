from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.onnx_models.model_card import EMBEDDED, find_card
from preroll.perception.onnx_models.model_file import ModelFile, check_model, check_stranger
from preroll.perception.workers import pool
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


def scan(over: str) -> onnx.NodeProto:
    return helper.make_node("Scan", [over], ["y"], body=scan_body(), num_scan_inputs=1)


def loop_body(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    """Counts on: the state grows by what it was."""
    inputs = [value("i", TensorProto.INT64, ()), value("go", TensorProto.BOOL, ()), value("s")]
    inner = [*nodes, helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["s", "s"], ["t"])]
    return helper.make_graph(inner, "body", inputs, [value("on", TensorProto.BOOL, ()), value("t")])


def loop(rounds: str = "M", body: onnx.GraphProto | None = None, state: str = "x", result: str = "y") -> onnx.NodeProto:
    return helper.make_node("Loop", [rounds, "", state], [result], body=body or loop_body())


def times(rounds: int, name: str = "M") -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.INT64, [], [rounds])


def identity(**changes: Any) -> onnx.NodeProto:
    return helper.make_node(changes.pop("op", "Identity"), ["x"], ["y"], **changes)


def function(*nodes: onnx.NodeProto, name: str = "F") -> onnx.FunctionProto:
    return helper.make_function("own", name, ["x"], ["y"], nodes or [identity()], [helper.make_opsetid("", 13)])


ELSEWHERE = helper.make_graph(
    [helper.make_node("Add", ["x", "w"], ["b"])], "branch", [], [value("b")], [outside(numbers("w"))]
)
#: The count of the inner loop is a number of the outer one's own, not the constant of the same name.
HIDING = helper.make_graph(
    [loop("M", state="s", result="t"), helper.make_node("Identity", ["go"], ["on"])],
    "body",
    [value("M", TensorProto.INT64, ()), value("go", TensorProto.BOOL, ()), value("s")],
    [value("on", TensorProto.BOOL, ()), value("t")],
)
NESTED = loop("M", loop_body(loop("M", state="s", result="u")))
CALL = identity(op="F", domain="own")
HOSTILE: dict[str, tuple[onnx.ModelProto, str]] = {
    "weights elsewhere": (
        model_of([helper.make_node("Add", ["x", "w"], ["y"])], initializers=[outside(numbers("w"))]),
        "its weights 'w' lie in another file; python -c .*onnx.load\\('a.onnx'\\), 'one.onnx'.* makes one file",
    ),
    "a constant elsewhere": (
        model_of([helper.make_node("Constant", [], ["c"], value=outside(numbers("c"))), identity()]),
        "a constant of its operator Constant lies in another file",
    ),
    "weights of a branch elsewhere": (
        model_of([helper.make_node("If", ["x"], ["y"], then_branch=branch(), else_branch=ELSEWHERE)]),
        "its weights 'w' lie in another file",
    ),
    "a domain of its own": (model_of([identity(domain="own")]), "operator Identity of the domain 'own'"),
    "an unknown operator": (model_of([identity(op="Bogus")]), "operator Bogus, which its version 13 of ONNX"),
    "an operator that reads files": (model_of([identity(op="EPContext", domain="com.microsoft")]), "reads other files"),
    "one that onnxruntime has not": (model_of([identity(op="Bogus", domain="com.microsoft")]), "has not built in"),
    "an inner domain of onnxruntime": (model_of([identity(domain="com.microsoft.nchwc")]), "only standard operators"),
    "a loop without a count": (
        model_of([loop("")]),
        "the operator Loop with rounds whose number the file leaves open",
    ),
    "a loop of a count that is computed": (
        model_of([helper.make_node("Size", ["x"], ["M"]), loop()]),
        "Loop with rounds whose number the file leaves open; .* trust=SHA256",
    ),
    "a long loop": (model_of([loop()], initializers=[times(10_001)]), "Loop with 10,001 rounds; at most 10,000"),
    "loops in loops": (model_of([NESTED], initializers=[times(101)]), "Loop with 10,201 rounds"),
    "a loop in a branch": (
        model_of(
            [
                helper.make_node(
                    "If",
                    ["x"],
                    ["y"],
                    then_branch=branch(),
                    else_branch=helper.make_graph([loop("", result="b")], "branch", [], [value("b")]),
                )
            ]
        ),
        "operator Loop",
    ),
    "a count that is hidden": (model_of([loop("M", HIDING)], initializers=[times(3)]), "leaves open"),
    "a scan of unknown length": (
        model_of(
            [
                helper.make_node("Abs", ["x"], ["a"]),
                helper.make_node("Scan", ["a"], ["y"], body=scan_body(), num_scan_inputs=1),
            ]
        ),
        "operator Scan with rounds whose number the file leaves open",
    ),
    "a map over a sequence": (
        model_of([helper.make_node("SequenceMap", ["x"], ["y"], body=branch())]),
        "operator SequenceMap",
    ),
    "a graph in any operator": (model_of([identity(body=branch())]), "holds a graph of its own"),
    "a custom operator in a function": (model_of([CALL], functions=[function(identity(domain="other"))]), "'other'"),
    "a loop in a function": (model_of([CALL], functions=[function(loop(""))]), "operator Loop"),
    "a function that is not there": (
        model_of([CALL], functions=[function(name="G")]),
        "operator F of the domain 'own'",
    ),
    "nothing": (onnx.ModelProto(), "it has no graph"),
}
HONEST: dict[str, onnx.ModelProto] = {
    "a branch": model_of([helper.make_node("If", ["x"], ["y"], then_branch=branch(), else_branch=branch())]),
    "a loop": model_of([loop()], initializers=[times(10_000)]),
    "a loop of a constant of the graph": model_of([helper.make_node("Constant", [], ["M"], value=times(3)), loop()]),
    "loops in loops": model_of([NESTED], initializers=[times(100)]),
    "a scan": model_of([scan("x")]),
    "a function": model_of([CALL], functions=[function()]),
    "a function that calls another": model_of(
        [CALL], functions=[function(identity(op="G", domain="own")), function(name="G")]
    ),
    "an operator that onnxruntime has built in": model_of([identity(op="FastGelu", domain="com.microsoft")]),
}


@pytest.mark.parametrize("name", HONEST)
def test_control_flow_and_functions_that_end_are_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.onnx").write_bytes(HONEST[name].SerializeToString())
    check_model(tmp_path / "a.onnx")


@pytest.mark.parametrize("name", [name for name in HOSTILE if "Loop" in HOSTILE[name][1] or "Scan" in HOSTILE[name][1]])
def test_a_file_that_is_trusted_may_loop_but_nothing_else(tmp_path: Path, make_network: Network, name: str) -> None:
    path = make_network(tmp_path / "a.onnx")
    path.write_bytes(HOSTILE[name][0].SerializeToString())
    digest = sha256_of(path)
    check_stranger(path, digest, trust=digest)
    with pytest.raises(PrerollError, match=f"trust={'0' * 64}: detector .* has the sha256 {digest}"):
        check_stranger(path, digest, trust="0" * 64)


def test_a_file_that_is_trusted_still_may_not_read_others(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(HOSTILE["weights elsewhere"][0].SerializeToString())
    with pytest.raises(PrerollError, match="lie in another file"):
        check_stranger(path, sha256_of(path), trust=sha256_of(path))


def test_the_hint_makes_one_file_of_two(tmp_path: Path, make_network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = make_network(tmp_path / "two.onnx")
    model = onnx.load(str(path))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1024, np.float32), "w"))
    onnx.save(model, str(path), save_as_external_data=True, location="two.data", size_threshold=0)
    with pytest.raises(PrerollError) as caught:
        check_model(path)
    command = str(caught.value).split('python -c "')[1].split('" makes one file')[0]
    exec(command)
    check_model(tmp_path / "one.onnx")


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


def test_a_network_that_does_not_come_to_an_end_is_given_up_before_the_work(
    tmp_path: Path, make_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_network(tmp_path / "long.onnx")
    model = onnx.load(str(path))
    model.graph.initializer.extend([times(1 << 62), numbers("one")])
    model.graph.node.insert(0, loop(state="one", result="many"))
    model.graph.node[-1].output[0] = "shares"
    model.graph.node.append(helper.make_node("Add", ["shares", "many"], ["scores"]))
    path.write_bytes(model.SerializeToString())
    monkeypatch.setattr(pool, "_OPENING", 0.5)
    card = find_card(make_network(tmp_path / "other.onnx")).model_copy(update={"sha256": sha256_of(path)})
    with pytest.raises(PrerollError, match=r"long\.onnx: it has the operator Loop"):
        ModelFile.find(path, card)
    trusted = ModelFile.find(path, card, trust=card.sha256)
    with pytest.raises(
        PrerollError, match=r"long\.onnx: a worker process could not start: it does not answer"
    ) as caught:
        VideoPool(trusted, workers=1, limits=Limits(seconds=0.5)).check()
    assert "\n" not in str(caught.value)
