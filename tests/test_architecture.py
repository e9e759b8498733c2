"""Imports run one way, and rooms are seen through their faces: the plan of docs/design.md as a test.

A new sub-room gets a line in ``MAY_IMPORT`` in the commit that adds it, and a new public name its line in a face.
"""

import ast
import re
from functools import cache

import pytest

from benchmarks.architecture import ROOMS, Arrows, Modules, folder_of, imports, modules
from tests.conftest import ROOT

#: The floor, on which all stands: the files of ``preroll/`` itself, and folders of it.
FLOOR = {
    "preroll",
    "preroll.bounded",
    "preroll.console",
    "preroll.files",
    "preroll.html",
    "preroll.shown",
    "preroll.system",
}
#: What the files of each folder may import beside their own folder and the floor. A line names lines above it alone:
#: that is the order in which the code is read.
MAY_IMPORT = {
    "preroll.system": "",
    "preroll.console": "",
    "preroll.bounded": "",
    "preroll.files": "",
    "preroll.html": "",
    "preroll.shown": "",
    "preroll.workers": "",
    "perception.catalog": "",
    "perception.video": "",
    "perception.onnx_models": "",
    "perception.decoders": "perception.onnx_models perception.video",
    "perception.analysis": "perception.decoders perception.onnx_models perception.video",
    "perception.workers": "perception.analysis perception.decoders perception.onnx_models perception.video "
    "preroll.workers",
    "perception.features": "perception.catalog perception.decoders",
    "perception.ingest": "perception.analysis perception.catalog perception.decoders perception.features "
    "perception.onnx_models perception.video perception.workers preroll.workers",
    "perception.inspection": "perception.analysis perception.catalog perception.video",
    "perception.visualization": "perception.analysis perception.catalog perception.features perception.inspection "
    "perception.video preroll.workers",
    "perception.transfer": "perception.analysis perception.features perception.onnx_models perception.video "
    "perception.workers",
    "perception.demo": "perception.catalog perception.video preroll.workers",
    "perception.training": "perception.decoders perception.demo perception.onnx_models perception.video",
    "perception": "perception.analysis perception.catalog perception.ingest perception.onnx_models perception.video "
    "perception.workers preroll.workers",
    "perception.prediction.metrics": "",
    "perception.prediction.framework": "perception.features perception.prediction.metrics",
    "perception.prediction.formats": "perception.prediction.framework",
    "perception.prediction.formats.yt8m": "perception.prediction.formats perception.prediction.framework",
    "perception.prediction.generators": "perception.prediction.formats perception.prediction.formats.yt8m "
    "perception.prediction.metrics",
    "perception.prediction.networks": "perception.onnx_models perception.prediction.framework",
    "perception.prediction.tags": "perception.prediction.formats.yt8m perception.prediction.framework "
    "perception.prediction.metrics perception.prediction.networks",
    "perception.prediction.genres": "perception.prediction.formats perception.prediction.framework "
    "perception.prediction.metrics perception.prediction.networks",
    "perception.prediction.memorability": "perception perception.analysis perception.onnx_models "
    "perception.prediction.formats perception.prediction.framework perception.prediction.metrics perception.video",
    "perception.prediction": "perception.catalog perception.features perception.ingest perception.prediction.formats "
    "perception.prediction.framework perception.prediction.genres perception.prediction.memorability "
    "perception.prediction.metrics perception.prediction.tags",
    "envs.scenario": "perception.catalog",
    "envs.kernel": "",
    "envs.model": "envs.kernel envs.scenario perception.catalog",
    "envs.policies": "envs.kernel envs.model",
    "envs.optimum": "envs.kernel envs.model envs.policies",
    "envs.rendering": "envs.model envs.policies",
    "envs.lint": "envs.model envs.optimum envs.scenario perception.catalog",
    "envs.infos": "envs.kernel envs.model envs.scenario",
    "envs.conformance": "envs.infos envs.kernel envs.model envs.scenario perception.catalog",
    "envs": "envs.infos envs.kernel envs.model envs.rendering envs.scenario perception.catalog",
    "agents.propensities": "",
    "agents": "envs.model envs.policies envs.scenario perception.catalog",
    "agents.baselines": "agents envs.model envs.optimum envs.policies",
    "agents.bandits": "agents agents.propensities envs.model envs.policies",
    "agents.contextual": "agents agents.propensities envs.model envs.policies",
    "agents.deep.networks": "",
    "agents.deep": "agents agents.contextual agents.deep.networks envs.model envs.policies",
    "agents.interop": "agents envs envs.infos envs.model envs.policies",
    "simulations.statistics": "",
    "simulations.feedback": "agents envs.scenario",
    "simulations.training": "agents agents.interop envs envs.model envs.optimum envs.rendering envs.scenario "
    "perception.catalog preroll.workers simulations.feedback",
    "simulations.runs": "agents envs.model envs.optimum envs.scenario perception.catalog simulations.training",
    "simulations.evaluation": "agents agents.interop envs envs.model envs.optimum envs.policies simulations.runs "
    "simulations.statistics simulations.training",
    "simulations.experiment.design": "agents envs.model envs.scenario perception.catalog simulations.evaluation "
    "simulations.feedback",
    "simulations.experiment.execution": "agents envs.model envs.optimum envs.policies envs.rendering "
    "perception.catalog preroll.workers simulations.evaluation simulations.experiment.design simulations.feedback "
    "simulations.statistics simulations.training",
    "simulations.report": "agents envs envs.model envs.optimum envs.policies envs.rendering envs.scenario "
    "perception.catalog simulations.evaluation simulations.experiment.design simulations.experiment.execution "
    "simulations.feedback simulations.statistics simulations.training",
    "simulations.tuning": "agents envs.model envs.optimum simulations.evaluation simulations.experiment.execution "
    "simulations.training",
    "simulations": "agents envs.model envs.optimum envs.scenario perception perception.catalog perception.demo "
    "preroll.workers simulations.evaluation simulations.experiment.execution simulations.report simulations.runs "
    "simulations.training",
    "preroll.terminal": "envs.scenario perception perception.catalog perception.demo perception.ingest "
    "perception.inspection perception.onnx_models perception.workers preroll.workers",
}


@cache
def known() -> Modules:
    return modules(ROOT)


#: Measures revisions that had other modules too.
NAMES_EARLIER_REVISIONS = {"architecture.py"}

#: The public interfaces. They only export; inside the package imports name the file, so that no arrow hides in them.
FACES = {*(f"preroll.{room}" for room in ROOMS), "preroll.perception.prediction"}


@cache
def arrows() -> Arrows:
    """Every import of one file by another, less those of the faces and of the command line, which uses all."""
    top = FACES | {"preroll", "preroll.__main__"}
    found = imports(known())
    return {(one, two) for one, two in found if one not in top and not one.startswith("preroll.commands")}


def room_of(module: str) -> str:
    """The line of a module: its folder, less the ``preroll.`` of the four rooms."""
    folder = folder_of(module, known())
    return folder if folder.split(".")[1:2] not in [[room] for room in ROOMS] else folder.removeprefix("preroll.")


@pytest.mark.parametrize("line", MAY_IMPORT)
def test_a_sub_room_imports_only_what_its_line_allows(line: str) -> None:
    """Eager, lazy and type-only imports alike."""
    allowed = {line, *FLOOR, *MAY_IMPORT[line].split()}
    wrong = {(one, two) for one, two in arrows() if room_of(one) == line and room_of(two) not in allowed}
    assert not wrong


def test_inside_the_package_imports_name_the_file() -> None:
    assert {(one, two) for one, two in arrows() if two in FACES} == set()


def test_the_floor_imports_no_room() -> None:
    wrong = {(one, two) for one, two in arrows() if room_of(one) in FLOOR and room_of(two) not in FLOOR}
    assert not wrong


def test_every_line_names_lines_above_it() -> None:
    lines = list(MAY_IMPORT)
    for i, line in enumerate(lines):
        assert set(MAY_IMPORT[line].split()) <= set(lines[:i]), line


def test_every_folder_has_its_line() -> None:
    folders = {room_of(name) for name in known()} - {"preroll", "preroll.commands"}
    assert folders - set(MAY_IMPORT) <= {"simulations.experiment"}  # holds two folders and no file


def test_no_file_imports_itself_through_others() -> None:
    """Lazy and type-only imports alike: files can be read in one order."""
    below: dict[str, set[str]] = {}
    for one, two in arrows():
        below.setdefault(one, set()).add(two)
    done: set[str] = set()

    def follow(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"circle: {' → '.join((*path, module))}"
        if module not in done:
            for other in below.get(module, ()):
                follow(other, (*path, module))
            done.add(module)

    for module in below:
        follow(module, ())


def test_folders_stay_small_enough_to_be_looked_through() -> None:
    """At most a dozen files of one idea; commands are one file each."""
    sizes: dict[str, int] = {}
    for name, path in known().items():
        if path.name != "__init__.py":
            sizes[room_of(name)] = sizes.get(room_of(name), 0) + 1
    del sizes["preroll.commands"]
    assert {folder: size for folder, size in sizes.items() if size > 12} == {}


def test_of_the_agents_only_the_deep_ones_import_torch() -> None:
    found = {
        room_of(name)
        for name, path in known().items()
        if name.startswith("preroll.agents.")
        for node in ast.walk(ast.parse(path.read_text("utf8")))
        if "torch" in imported_names(node)
    }
    assert found == {"agents.deep", "agents.deep.networks"}


def imported_names(node: ast.AST) -> set[str]:
    """The top-level packages that an import statement names."""
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return {alias.name.split(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()


def test_every_module_that_a_file_names_exists() -> None:
    """Also in strings, where no import error would tell: programs of the tests, jobs of workers, pages."""
    named = re.compile(r"(?:from|import) (preroll(?:\.\w+)+)|[\"'](preroll(?:\.\w+)+)(?::\w+)?[\"']")
    places = [ROOT / name for name in (*ROOMS, "preroll", "tests", "docs", "examples", "benchmarks")]
    files = [*ROOT.glob("*.md"), *(path for place in places for path in place.rglob("*.*"))]
    gone = set()
    for path in files:
        if path.suffix not in {".py", ".pyi", ".md", ".yaml"} or path.name in NAMES_EARLIER_REVISIONS:
            continue
        for match in named.finditer(path.read_text("utf8")):
            module = match[1] or match[2]
            if module not in known() and not (match[2] and module.rpartition(".")[0] in known()):
                gone.add((str(path.relative_to(ROOT)), module))
    assert gone == set()
