"""Docstrings have one mood: functions act in the third person, all else is named."""

import ast
from functools import cache

import pytest

from benchmarks.architecture import modules
from tests.conftest import ROOT

MODULES = modules(ROOT) | {f"examples.{path.stem}": path for path in sorted((ROOT / "examples").glob("*.py"))}
#: Words with which the docstring of a function would not say what it does in the field's words, or in another mood.
ELSEWHERE = {"Always", "As", "Gives", "Its", "Tells", "This", "Thus", "Says", "Names", "Numbers"}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module, parsed where a test asks for it, and not by every process that collects tests."""
    return {name: ast.parse(path.read_text("utf8")) for name, path in MODULES.items()}


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


def first_word(text: str) -> str:
    """The word with which a docstring begins."""
    return text.split()[0].rstrip(",").replace("-", "")


@cache
def verbs() -> set[str]:
    """Verbs with which the docstrings of functions begin."""
    told = [text for name, tree in trees().items() if "commands" not in name for _, text in functions(tree)]
    return set(map(first_word, told)) - ELSEWHERE


#: What follows a verb ("Uses the …"), but not a plural.
OBJECT = {"a", "all", "an", "any", "each", "every", "how", "its", "one", "the", "two", "what", "where", "whether"}
#: What follows a plural ("Limits of …", "Splits into …") that is also a verb.
OF = {"into", "of"}


def begins_with_a_verb(text: str) -> bool:
    """Whether a docstring says what is done, as a function's does, instead of naming a thing."""
    first, following = first_word(text), [*text.split(), ""][1]
    return (first in verbs() and following not in OF) or (first.endswith("s") and following in OBJECT)


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("preroll.commands")])
def test_the_docstring_of_a_function_begins_with_a_verb_in_the_third_person(name: str) -> None:
    wrong = []
    for node, text in functions(trees()[name]):
        first = first_word(text)
        if first in ELSEWHERE or not (first[0].isupper() and first.isalpha() and first.endswith("s")):
            wrong.append(f"{node.name}: {text.splitlines()[0]}")
    assert not wrong


@pytest.mark.parametrize("name", MODULES)
def test_the_docstring_of_a_class_or_a_module_names_a_thing(name: str) -> None:
    named = [node for node in ast.walk(trees()[name]) if isinstance(node, ast.Module | ast.ClassDef)]
    texts = [text for node in named if (text := ast.get_docstring(node))]
    assert not [text.splitlines()[0] for text in texts if begins_with_a_verb(text)]


@pytest.mark.parametrize("text", ["Draws ads in proportion to x.", "Uses the network.", "Supervises one process: …"])
def test_a_sentence_without_a_subject_is_no_name(text: str) -> None:
    assert begins_with_a_verb(text)


@pytest.mark.parametrize("text", ["Limits of a download.", "Splits into two.", "Scenarios: every reward.", "Jobs."])
def test_a_plural_is_a_name(text: str) -> None:
    assert not begins_with_a_verb(text)
