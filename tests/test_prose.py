"""Docstrings have one mood: functions act in the third person, all else is named."""

import ast

import pytest

from benchmarks.architecture import modules
from tests.conftest import ROOT

MODULES = modules(ROOT)
#: Words with which the docstring of a function would not say what it does in the field's words, or in another mood.
ELSEWHERE = {"Always", "As", "Gives", "Its", "Tells", "This", "Thus", "Says", "Names", "Numbers"}


def functions(tree: ast.Module) -> list[tuple[ast.FunctionDef, str]]:
    """Every function with a docstring, properties and commands aside."""
    return [
        (node, text)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (text := ast.get_docstring(node)) and not is_named(node)
    ]


def is_named(node: ast.FunctionDef) -> bool:
    """Whether it reads as an attribute, or its docstring is the help of a command."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any("property" in decorator or decorator.startswith("app.") for decorator in decorators)


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("preroll.commands")])
def test_the_docstring_of_a_function_begins_with_a_verb_in_the_third_person(name: str) -> None:
    wrong = []
    for node, text in functions(ast.parse(MODULES[name].read_text("utf8"))):
        first = text.split()[0].rstrip(",").replace("-", "")
        if first in ELSEWHERE or not (first[0].isupper() and first.isalpha() and first.endswith("s")):
            wrong.append(f"{node.name}: {text.splitlines()[0]}")
    assert not wrong
