"""What docs/clients.md shows of a library runs as it stands."""

import re
from pathlib import Path

import pytest

from tests.clients.conftest import needs
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "clients.md").read_text("utf8")
NEEDED = {
    "CleanRL": (),
    "TorchRL": ("torchrl",),
    "Tianshou": ("tianshou",),
    "Minari": ("minari", "jax", "h5py"),
    "d3rlpy": ("d3rlpy",),
    "skrl": ("skrl",),
    "RLlib": ("ray", "tree", "lz4"),
}
SECTIONS = {title: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for title, text in
            re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)}  # fmt: skip


def test_every_section_is_tried() -> None:
    assert [title for title, blocks in SECTIONS.items() if blocks] == list(NEEDED)


@pytest.mark.parametrize("title", [pytest.param(title, marks=needs(*modules)) for title, modules in NEEDED.items()])
def test_the_lines_of_a_section_run(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    for block in SECTIONS[title]:
        exec(compile(block, f"docs/clients.md, {title}", "exec"), {"__name__": "page"})
