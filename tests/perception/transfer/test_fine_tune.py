import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from scipy.stats import binomtest

from preroll.errors import PrerollError
from preroll.files.hashing import sha256_of
from preroll.perception.analysis.detector import Detector
from preroll.perception.demo.objects import draw_object
from preroll.perception.onnx_models.model_card import EMBEDDED, find_card
from preroll.perception.transfer.backbone import cut_backbone, find_tap
from preroll.perception.transfer.fine_tune import fine_tune
from preroll.perception.transfer.head import HoldoutScore, fit_head, hold_out, measure_head
from preroll.perception.transfer.labeled_pictures import list_pictures

pytestmark = pytest.mark.usefixtures("without_processes")

Network = Callable[..., Path]


def write_pictures(folder: Path, classes: dict[str, str], count: int) -> Path:
    """Draws ``count`` objects for each class: its folder's name and the object class that is drawn."""
    for number, (name, shown) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            rng = np.random.default_rng([number, i])
            picture = Image.new("RGB", (96, 64), tuple(int(part) for part in rng.integers(60, 200, 3)))
            sprite = draw_object(shown, rng, 60)
            picture.paste(sprite, (18, 2), sprite)
            picture.save(folder / name / f"{i}.png")
    return folder


def test_the_embedded_network_learns_new_classes_and_is_one_file_with_its_card(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", {"feline": "cat", "vehicle": "car", "drums": "drum"}, 16)
    (pictures / "feline" / "broken.jpg").write_bytes(b"no picture")
    made = fine_tune(EMBEDDED, pictures, tmp_path / "new.onnx")
    assert made.counts == (16, 16, 16)
    assert [path.name for path, _ in made.unreadable] == ["broken.jpg"]
    # One guess in three is right: 11 of 12 by chance once in 20,000 times.
    assert made.held_out.total.tolist() == [4, 4, 4]
    assert made.held_out.right.sum() >= 11
    detector = Detector(tmp_path / "new.onnx")
    assert detector.card == find_card(tmp_path / "new.onnx") == made.card
    assert detector.card.classes == ("drums", "feline", "vehicle")
    assert (detector.card.activation, detector.card.fit, detector.card.dtype) == ("softmax", "letterbox", "uint8")
    detector.check()


def test_the_same_pictures_give_the_same_file(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 4)
    first, second = (fine_tune(EMBEDDED, pictures, tmp_path / name / "new.onnx") for name in ("one", "two"))
    assert first.card == second.card


def test_a_network_with_an_embedding_learns_new_classes_and_has_none(tmp_path: Path) -> None:
    model = onnx.load(str(EMBEDDED))
    inner = find_tap(model)[0]
    shapes = onnx.shape_inference.infer_shapes(model).graph.value_info
    model.graph.output.extend([value for value in shapes if value.name == inner])
    model.graph.ClearField("value_info")
    given, card = tmp_path / "given.onnx", find_card(EMBEDDED)
    given.write_bytes(model.SerializeToString())
    changed = card.model_copy(update={"embedding": inner, "sha256": sha256_of(given)})
    given.with_suffix(".json").write_text(changed.model_dump_json())
    pictures = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 4)
    made = fine_tune(given, pictures, tmp_path / "new.onnx")
    assert made.card.embedding is None
    Detector(tmp_path / "new.onnx").check()


def test_a_real_network_in_half_precision_learns_new_classes(tmp_path: Path, real: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car", "c": "yarn"}, 12)
    model = real / "weights" / "SqueezeNet_fp16.onnx"
    made = fine_tune(model, pictures, tmp_path / "new.onnx")
    assert made.layer == "conv10_1"
    # 8 of 9 by chance: once in 1,000 times.
    assert made.held_out.right.sum() >= 8
    assert (made.card.channels, made.card.mean, made.card.dtype) == ("BGR", (104, 117, 123), "float16")
    new, old = onnx.load(tmp_path / "new.onnx"), onnx.load(model)
    assert new.opset_import[0].version == old.opset_import[0].version
    assert (old.ir_version, new.ir_version) == (3, 4)
    assert [one.name for one in new.graph.input] == ["data_0"]
    head = {one.name: one.data_type for one in new.graph.initializer}
    assert head["preroll_weights"] == TensorProto.FLOAT
    detector = Detector(tmp_path / "new.onnx")
    scores = detector.scores([np.zeros((224, 224, 3), np.uint8)])
    assert scores.shape == (1, 3)


def network(nodes: list[onnx.NodeProto], weights: dict[str, NDArray[Any]], shape: list[Any]) -> onnx.ModelProto:
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    held = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "n", inputs, outputs, held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_the_tap_is_before_the_last_layer_with_weights_of_its_own() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Transpose", ["v"], ["vt"], perm=[1, 0]),
        helper.make_node("Gemm", ["b", "vt", "c"], ["d"], name="last"),
        helper.make_node("MatMul", ["d", "d"], ["y"]),
    ]
    weights = {"w": np.eye(4, dtype=np.float32), "v": np.eye(4, dtype=np.float32), "c": np.zeros(4, np.float32)}
    model = network(nodes, weights, [4, 4])
    assert find_tap(model) == ("b", "last")
    backbone = cut_backbone(model)
    assert {node.op_type for node in backbone.model.graph.node} == {"MatMul", "Relu", "Cast", "Identity"}
    assert [one.name for one in backbone.model.graph.initializer] == ["w"]
    session = onnxruntime.InferenceSession(backbone.model.SerializeToString())
    values = np.arange(-8, 8, dtype=np.float32).reshape(4, 4)
    np.testing.assert_array_equal(session.run(None, {"x": values})[0], np.maximum(values, 0))


def test_the_tap_may_be_an_output_too() -> None:
    """As the embedding of EfficientNet-Lite is."""
    nodes = [helper.make_node("Relu", ["x"], ["embedding"]), helper.make_node("MatMul", ["embedding", "w"], ["y"])]
    model = network(nodes, {"w": np.eye(4, dtype=np.float32)}, ["n", 4])
    model.graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4]))
    session = onnxruntime.InferenceSession(cut_backbone(model).model.SerializeToString())
    values = np.arange(-4, 4, dtype=np.float32).reshape(2, 4)
    np.testing.assert_array_equal(session.run(None, {"x": values})[0], np.maximum(values, 0))


def test_maps_are_averaged() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Conv", ["a", "w"], ["y"])]
    model = network(nodes, {"w": np.ones((5, 3, 1, 1), np.float32)}, ["n", 3, 2, 2])
    session = onnxruntime.InferenceSession(cut_backbone(model).model.SerializeToString())
    values = np.random.default_rng(0).random((2, 3, 2, 2), dtype=np.float32)
    np.testing.assert_allclose(session.run(None, {"x": values})[0], values.mean((2, 3)), rtol=1e-6)


def test_a_network_without_weights_cannot_be_adapted(tmp_path: Path, make_network: Network) -> None:
    pictures = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 4)
    with pytest.raises(PrerollError, match=r"n\.onnx: it has no Conv, Gemm or MatMul with constant weights"):
        fine_tune(make_network(tmp_path / "n.onnx"), pictures, tmp_path / "new.onnx")
    assert not (tmp_path / "new.onnx").exists()


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [({"a": "cat"}, 4, "1 folder; at least two classes"), ({"a": "cat", "b": "car"}, 3, "a: 3 pictures; at least 4")],
)
def test_too_few_pictures_are_told(tmp_path: Path, classes: dict[str, str], count: int, message: str) -> None:
    with pytest.raises(PrerollError, match=message):
        fine_tune(EMBEDDED, write_pictures(tmp_path / "pictures", classes, count), tmp_path / "new.onnx")


def test_the_standardisation_is_folded_into_the_head() -> None:
    """Shifting and stretching the embeddings changes no answer; a value that never changes does no harm."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    embeddings = (rng.normal(size=(60, 5)) + 2 * np.eye(3, 5)[labels]).astype(np.float32)
    embeddings[:, 4] = 7
    plain = fit_head(embeddings, labels)
    moved = embeddings * np.array([100, 1, 0.01, 1, 1], np.float32) + 3
    stretched = fit_head(moved, labels)
    np.testing.assert_allclose(
        moved @ stretched.weights + stretched.bias, embeddings @ plain.weights + plain.bias, atol=1e-2
    )
    assert (plain.weights[4] == 0).all()


def test_two_classes_need_two_outputs_and_rare_ones_are_not_forgotten() -> None:
    rng = np.random.default_rng(1)
    labels = (np.arange(400) % 40 == 0).astype(np.int64)
    embeddings = (rng.normal(size=(400, 2)) + 1.5 * labels[:, None]).astype(np.float32)
    head = fit_head(embeddings, labels)
    assert head.weights.shape == (2, 2)
    assert (head.classify(embeddings)[labels == 1] == 1).mean() > 0.7
    assert measure_head(embeddings, labels).balanced > 0.6


@given(st.integers(1, 50), st.integers(1, 50))
def test_the_interval_is_the_exact_one(right: int, wrong: int) -> None:
    held = HoldoutScore(np.array([right, 0]), np.array([right, wrong]), 0.5)
    exact = binomtest(right, right + wrong).proportion_ci(0.95, method="exact")
    assert held.interval() == pytest.approx((exact.low, exact.high))


def test_frames_of_one_video_are_held_out_together_or_not_at_all() -> None:
    videos = np.repeat(np.arange(12), 4)
    labels = (videos % 2).astype(np.int64)
    for seed in range(5):
        taught, held = hold_out(labels, seed, videos)
        assert sorted((*taught, *held)) == list(range(48))
        assert not set(videos[taught]) & set(videos[held])
        assert set(labels[taught]) == set(labels[held]) == {0, 1}
    # Every video shows what no other shows: its frames are recognised by itself alone.
    shown = np.eye(12, dtype=np.float32)[videos]
    assert measure_head(shown, labels).accuracy == 1
    assert measure_head(shown, labels, groups=videos).accuracy <= 0.5
    with pytest.raises(PrerollError, match="group_by: no part of the groups can be held out"):
        hold_out(labels, 0, labels)


def test_a_class_of_one_video_cannot_be_measured(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 8)
    for path in sorted(folder.glob("*/*.png")):
        place = path.parent / f"video{int(path.stem) // 4 if path.parent.name == 'a' else 0}"
        place.mkdir(exist_ok=True)
        path.rename(place / path.name)
    with pytest.raises(PrerollError, match="a: 0 pictures; at least 4 of a class are needed"):
        list_pictures(folder)
    with pytest.raises(PrerollError, match="b: group_by= makes one group of its 8 pictures; at least 2"):
        list_pictures(folder, "folder")
    (folder / "b" / "video0").rename(folder / "b" / "video2")
    write_pictures(folder / "more", {"b": "car"}, 4)
    (folder / "more" / "b").rename(folder / "b" / "video3")
    (folder / "more").rmdir()
    found = list_pictures(folder, "folder")
    assert found.groups is not None
    assert found.groups.tolist() == [0] * 4 + [1] * 4 + [2] * 8 + [3] * 4
    with pytest.raises(PrerollError, match="group_by=clip: of pictures it must be folder or name"):
        list_pictures(folder, "clip")


def test_the_card_has_the_likeliest_class_beside_the_accuracy(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 8)
    for path in sorted(folder.glob("*/*.png")):
        path.rename(path.with_name(f"video{int(path.stem) // 4}_{path.name}"))
    made = fine_tune(EMBEDDED, folder, tmp_path / "new.onnx", group_by="name")
    assert made.held_out.total.tolist() == [4, 4]
    assert made.card.metrics is not None
    assert made.card.metrics["majority_accuracy"] == 0.5
    assert made.card.training is not None
    assert str(made.card.training["command"]).endswith("--seed 0 --group-by name")
    assert made.copies == ()
    for name in ("a", "b"):
        shutil.copyfile(folder / name / "video0_0.png", folder / name / "video1_4.png")
    again = fine_tune(EMBEDDED, folder, tmp_path / "new.onnx", group_by="name")
    assert {tuple(sorted(p.name for p in pair)) for pair in again.copies} == {("video0_0.png", "video1_4.png")}


def test_a_pair_that_was_torn_by_a_kill_is_told(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 4)
    fine_tune(EMBEDDED, pictures, tmp_path / "new.onnx")
    old = (tmp_path / "new.json").read_bytes()
    fine_tune(EMBEDDED, pictures, tmp_path / "new.onnx", seed=1)
    (tmp_path / "new.onnx").write_bytes((tmp_path / "new.onnx").read_bytes() + b"\x00")
    (tmp_path / "new.json").write_bytes(old)
    with pytest.raises(PrerollError, match=r"new\.json: sha256 .* is of another file"):
        find_card(tmp_path / "new.onnx")


def test_a_new_network_replaces_nothing_that_is_something_else(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures", {"a": "cat", "b": "car"}, 4)
    for name, told in (("new.onnx", "exists and is no ONNX file"), ("new.json", "exists and is no model card")):
        (tmp_path / name).write_text('{"mine": 1}')
        with pytest.raises(PrerollError, match=told):
            fine_tune(EMBEDDED, pictures, tmp_path / "new.onnx")
        assert (tmp_path / name).read_text() == '{"mine": 1}'
        (tmp_path / name).unlink()
    (tmp_path / "new.json").symlink_to(EMBEDDED)
    with pytest.raises(PrerollError, match="its card would replace the model"):
        fine_tune(EMBEDDED, pictures, tmp_path / "new.onnx")
