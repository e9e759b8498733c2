"""The rooms stand at the repository's top and are installed below `preroll`."""

import functools
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("agents", "envs", "perception", "simulations")


@functools.cache
def modules_after(statement: str) -> set[str]:
    """Names of all modules that a fresh Python has loaded after ``statement``."""
    code = f"import sys; {statement}; print(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the repository, not an installed package")
def test_the_list_of_packages_equals_the_tree() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = set(tomllib.load(file)["tool"]["setuptools"]["packages"])
    found = {"preroll", "preroll.commands"}
    for room in ROOMS:
        for init in (ROOT / room).rglob("__init__.py"):
            found.add(".".join(("preroll", *init.parent.relative_to(ROOT).parts)))
    assert listed == found


def test_no_room_is_importable_at_the_top_level() -> None:
    loaded = modules_after("import preroll.envs, preroll.agents, preroll.perception, preroll.simulations")
    assert not loaded & set(ROOMS)


@pytest.mark.parametrize("heavy", ["torch", "onnxruntime", "av", "stable_baselines3", "pandas", "sklearn"])
def test_importing_preroll_loads_nothing_heavy(heavy: str) -> None:
    assert heavy not in modules_after("import preroll, preroll.agents, preroll.perception; import preroll.envs")


def test_the_links_lead_to_the_rooms() -> None:
    for room in ROOMS:
        link = ROOT / "preroll" / room
        assert link.is_symlink()
        assert link.resolve() == ROOT / room
