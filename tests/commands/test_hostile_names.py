"""Names of a catalog and a scenario that a stranger made: no command shows their control characters raw."""

from pathlib import Path

import pytest

from preroll.envs.session import SessionEnv
from preroll.perception.catalog.catalog import Catalog
from tests.commands.conftest import Run
from tests.conftest import make_catalog, write_catalog

pytestmark = pytest.mark.usefixtures("here")

#: A color by C1, text from right to left, and a line that is not ours. A scenario takes no C0, which classes have.
CATEGORIES = ("a\x9b31m", "b\u202etac", "c\x7f\u2028\u2066")
RAW = {"\x1b", "\x9b", "\u202e", "\x7f", "\u2028", "\u2066"}


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    usual = make_catalog()
    made = Catalog.from_arrays(
        categories=CATEGORIES,
        category=usual.category,
        neighbors=usual.neighbors,
        neighbor_scores=usual.neighbor_scores,
        importance=usual.importance,
        classes=tuple(f"{name}\x1b[2J" for name in usual.classes),
        category_probabilities=usual.category_probabilities,
        memorability=usual.memorability,
        memorability_quantile=usual.memorability_quantile,
        name="small",
    )
    return write_catalog(made, tmp_path / "catalog")


@pytest.mark.usefixtures("hostile")
def test_no_command_shows_a_control_character_and_a_scenario_is_read_back(run: Run, tmp_path: Path) -> None:
    status, scenario, errors = run("scenario", "new", "--catalog", "catalog", "--like", "classic")
    assert (status, errors) == (0, ""), errors
    assert not RAW & set(scenario)
    (tmp_path / "mine.yaml").write_text(scenario)
    on = ("--scenario", "mine.yaml", "--catalog", "catalog")
    for arguments in (
        ("catalog", "show", "catalog"),
        ("catalog", "similar", "catalog", "0"),
        ("scenario", "show", "mine.yaml"),
        ("scenario", "check", "mine.yaml", "--catalog", "catalog"),
        ("optimum", *on),
        ("train", "random", *on, "--sessions", "60", "--run", "r"),
        ("evaluate", "r", "--sessions", "200"),
        ("explain", "r"),
        ("explain", "r", "--csv"),
        ("train", "random", "--scenario", "classic", "--catalog", "catalog"),
        ("scenario", "check", "classic", "--catalog", "catalog"),
    ):
        status, told, errors = run(*arguments)
        assert status in (0, 2), errors
        assert "Traceback" not in errors
        assert not RAW & set(told + errors), arguments


@pytest.mark.usefixtures("hostile")
def test_a_session_as_text_shows_none_either(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(run("scenario", "new", "--catalog", "catalog", "--like", "classic")[1])
    env = SessionEnv("mine.yaml", "catalog", render_mode="ansi")
    env.reset(seed=1)
    lines = [env.render()]
    for _ in range(6):
        env.step(0)
        lines.append(env.render())
    assert all(isinstance(line, str) and line.isprintable() for line in lines)
    assert any("\\x" in str(line) for line in lines)
