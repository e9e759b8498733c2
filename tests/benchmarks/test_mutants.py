"""The list of mutants follows the code: what it names exists."""

import shlex

from benchmarks.mutants import covered_and_equivalent, mutants
from tests.conftest import ROOT


def test_files_and_tests_of_the_list_exist() -> None:
    covered, _ = covered_and_equivalent()
    named = {word for tests in covered.values() for word in shlex.split(tests) if word.startswith("tests/")}
    assert [name for name in {*covered, *named} if not (ROOT / name).exists()] == []


def test_every_equivalent_is_a_mutant_of_the_code_as_it_is_and_has_a_reason() -> None:
    covered, equivalent = covered_and_equivalent()
    made = {mutant.change for file in covered for mutant in mutants(file)}
    assert set(equivalent) - made == set()
    assert all(equivalent.values())


def test_a_mutant_changes_one_place_and_can_be_compiled() -> None:
    for mutant in mutants("agents/selection.py"):
        assert mutant.before != mutant.after
        compile(mutant.source, mutant.file, "exec")
