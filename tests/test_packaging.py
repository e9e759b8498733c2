"""The rooms stand at the repository's top and are installed below `preroll`."""

import functools
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

QUIET: dict[str, Any] = {"check": True, "capture_output": True}
ROOMS = ("agents", "envs", "perception", "simulations")


@functools.cache
def modules_after(statement: str) -> set[str]:
    """Names of all modules that a fresh Python has loaded after ``statement``."""
    code = f"import sys; {statement}; print(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_a_wheel_out_of_the_sdist_holds_every_file_of_the_tree(tmp_path: Path) -> None:
    """Modules, stubs and data alike, each below `preroll` and nowhere else."""
    subprocess.run(
        [sys.executable, "-c", f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"],
        **QUIET,
        cwd=ROOT,
    )
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    source = sdist.with_name(sdist.name.removesuffix(".tar.gz"))
    subprocess.run(
        [sys.executable, "-c", f"from setuptools.build_meta import build_wheel; build_wheel({str(tmp_path)!r})"],
        **QUIET,
        cwd=source,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    rooms = {f"preroll/{file.relative_to(ROOT)}" for room in ROOMS for file in files_in(ROOT / room)}
    floor = {str(file.relative_to(ROOT)) for file in files_in(ROOT / "preroll") if not set(file.parts) & set(ROOMS)}
    assert packed == rooms | floor


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


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
