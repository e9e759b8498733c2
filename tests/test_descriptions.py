"""What a key of a file or a setting means stands where it is declared, and only there."""

import importlib

import pytest
from pydantic import BaseModel

from benchmarks.architecture import modules
from tests.conftest import ROOT

DECLARING = [name for name, path in modules(ROOT).items() if "from pydantic import" in path.read_text("utf8")]


def models(module: str) -> list[type[BaseModel]]:
    """The pydantic models that a module defines."""
    found = vars(importlib.import_module(module)).values()
    return [one for one in found if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module]


@pytest.mark.parametrize("module", DECLARING)
def test_every_key_has_a_description(module: str) -> None:
    """But those that hold other keys, whose classes say what they are for."""
    bare = [
        f"{model.__name__}.{key}"
        for model in models(module)
        for key, field in model.model_fields.items()
        if not field.description
        and not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
    ]
    assert bare == []


@pytest.mark.parametrize("module", DECLARING)
def test_no_docstring_describes_a_key_again(module: str) -> None:
    for model in models(module):
        _, _, listed = (model.__doc__ or "").partition("Attributes:")
        assert not [key for key in model.model_fields if f" {key}:" in listed], model.__name__
