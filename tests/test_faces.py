"""The `__init__` of each room is its public interface: complete, documented, and the only one that pages use."""

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT

FACES = ("preroll.envs", "preroll.agents", "preroll.perception", "preroll.perception.prediction", "preroll.simulations")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
EXAMPLES = sorted([*(ROOT / "examples").rglob("*.py"), *(ROOT / "docs").rglob("*.py")])


def exported(face: str) -> list[tuple[str, Any]]:
    module: Any = importlib.import_module(face)
    return [(name, getattr(module, name)) for name in module.__all__]


@pytest.mark.parametrize("face", FACES)
def test_every_name_of_a_face_can_be_had_and_is_listed(face: str) -> None:
    module: Any = importlib.import_module(face)
    assert list(module.__all__) == sorted(module.__all__)
    assert dir(module) == sorted(module.__all__)
    assert not [name for name, value in exported(face) if isinstance(value, ModuleType)]
    with pytest.raises(AttributeError):
        _ = module.no_such_name


@pytest.mark.parametrize("face", FACES)
def test_everything_in_a_face_is_documented(face: str) -> None:
    """The public methods of a class too, where they are its own."""
    bare = []
    for name, value in exported(face):
        if inspect.isclass(value):
            own = {f"{name}.{key}": member for key, member in vars(value).items() if is_public(key, member)}
            bare += [key for key, member in own.items() if not inspect.getdoc(member)]
        if callable(value) and not inspect.getdoc(value):
            bare.append(name)
    assert bare == []


def is_public(name: str, member: object) -> bool:
    return not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property | classmethod))


@pytest.mark.parametrize("face", FACES)
def test_every_class_of_a_face_has_an_example(face: str) -> None:
    """It is run with the other doctests."""
    without = [name for name, value in exported(face) if inspect.isclass(value) and ">>> " not in (value.__doc__ or "")]
    assert without == []


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_and_examples_import_through_faces_alone(page: Path) -> None:
    wrong = [module for module in imported(page) if module.startswith("preroll.") and module not in FACES]
    assert not wrong


def imported(page: Path) -> list[str]:
    """Modules that the Python of a page, or of a program, imports from."""
    text = page.read_text("utf8")
    if page.suffix == ".py":
        found = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.append(node.module)
            elif isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
        return found
    return re.findall(r"^\s*(?:>>> |\.\.\. )?(?:from|import) (preroll\S*)", text, flags=re.MULTILINE)
