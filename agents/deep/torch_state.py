"""Conversion of torch modules and optimisers to named arrays and back, without pickle, and of layers to ONNX nodes."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from preroll.agents.deep.networks.flat_adam import FlatAdam
from preroll.agents.onnx_graph import OnnxGraph

Optimizer = torch.optim.Optimizer | FlatAdam


def module_arrays(module: torch.nn.Module, prefix: str) -> dict[str, NDArray[Any]]:
    """Returns copies of all parameters and buffers of ``module``, named ``prefix/name``."""
    return {f"{prefix}/{name}": tensor.detach().cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def load_module(module: torch.nn.Module, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Restores what :func:`module_arrays` returned; every name must exist."""
    state = {name: torch.from_numpy(arrays[f"{prefix}/{name}"].copy()) for name in module.state_dict()}
    module.load_state_dict(state)


def optimizer_arrays(optimizer: Optimizer, prefix: str) -> dict[str, NDArray[Any]]:
    """Returns copies of the state of every parameter (Adam: step, exp_avg, exp_avg_sq), named ``prefix/index/key``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}/{index}/{key}": torch.as_tensor(value).cpu().numpy().copy()
        for index, entries in state.items()
        for key, value in entries.items()
    }


def load_optimizer(optimizer: Optimizer, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Restores what :func:`optimizer_arrays` returned; the parameter groups (learning rate …) are not changed.

    Raises:
        ValueError: an array does not have the shape of its parameter.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, array in arrays.items():
        if name.startswith(f"{prefix}/"):
            _, index, key = name.rsplit("/", 2)
            if array.shape not in ((), parameters[int(index)].shape):
                raise ValueError(f"{name}: has shape {list(array.shape)}, its parameter another")
            state.setdefault(int(index), {})[key] = torch.from_numpy(np.array(array))
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def add_layers(graph: OnnxGraph, layers: Iterable[torch.nn.Module]) -> str:
    """Adds the ``layers`` (linear, ReLU or tanh) one after the other, in float32 as torch computes them.

    Returns:
        The name of the last one's output, converted to float64.
    """
    value = graph.observation
    for layer in layers:
        if isinstance(layer, torch.nn.Linear):
            weight, bias = (graph.constant(p.detach().cpu().numpy()) for p in (layer.weight, layer.bias))
            value = graph.node("Gemm", value, weight, bias, transB=1)
        else:
            value = graph.node({torch.nn.ReLU: "Relu", torch.nn.Tanh: "Tanh"}[type(layer)], value)
    return graph.cast(value, np.float64)


def to_tensor(observations: NDArray[np.float32], place: torch.device) -> torch.Tensor:
    """Returns ``observations`` as a float32 tensor that may share their memory on the CPU."""
    return torch.from_numpy(np.ascontiguousarray(observations, dtype=np.float32)).to(place)
