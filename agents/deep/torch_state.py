"""Conversion of torch modules and optimisers to named arrays and back, without pickle."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def module_arrays(module: torch.nn.Module, prefix: str) -> dict[str, NDArray[Any]]:
    """Returns copies of all parameters and buffers of ``module``, named ``prefix/name``."""
    return {f"{prefix}/{name}": tensor.detach().cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def load_module(module: torch.nn.Module, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Restores what :func:`module_arrays` returned; every name must exist."""
    state = {name: torch.from_numpy(arrays[f"{prefix}/{name}"].copy()) for name in module.state_dict()}
    module.load_state_dict(state)


def optimizer_arrays(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, NDArray[Any]]:
    """Returns copies of the state of every parameter (Adam: step, exp_avg, exp_avg_sq), named ``prefix/index/key``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}/{index}/{key}": torch.as_tensor(value).cpu().numpy().copy()
        for index, entries in state.items()
        for key, value in entries.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, arrays: Mapping[str, NDArray[Any]], prefix: str) -> None:
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


def to_tensor(observations: NDArray[np.float32]) -> torch.Tensor:
    """Returns ``observations`` as a float32 tensor that may share their memory."""
    return torch.from_numpy(np.ascontiguousarray(observations, dtype=np.float32))
