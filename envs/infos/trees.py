"""Infos as nodes of the trees of other libraries."""

import sys
from typing import Any

from preroll.envs.infos.lazy import Lazy

#: Modules whose ``tree_map`` knows a dict by its exact type, each with what makes a plain dict of a node's two parts.
_TREES: dict[str, Any] = {
    "torch.utils._pytree": lambda values, names: dict(zip(names, values, strict=True)),
    "jax.tree_util": lambda names, values: dict(zip(names, values, strict=True)),
}
_known: set[tuple[str, type[Lazy]]] = set()


def make_known() -> None:
    """Lets the trees of the libraries that are loaded go into infos of all kinds, which else are leaves to them.

    TorchRL maps the infos of every step; without this it took last observations for tensors.
    """
    for name, unflatten in _TREES.items():
        if (trees := sys.modules.get(name)) is not None:
            for kind in Lazy.__subclasses__():
                if (name, kind) not in _known:
                    _known.add((name, kind))
                    trees.register_pytree_node(kind, _flatten, unflatten)


def _flatten(infos: Lazy) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    return tuple(infos.values()), tuple(infos)
