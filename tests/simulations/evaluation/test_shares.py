"""What is called long or empty is the same in every table, exact or simulated, and in TensorBoard."""

import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from preroll.agents import make_agent
from preroll.cli import app
from preroll.envs import Tables
from preroll.envs.optimum.reference_values import reference_values
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.evaluation.table import comparison_table
from preroll.simulations.training.training import train

SESSIONS = 3_000


def slack(share: float, draws: float) -> float:
    """4.9 standard errors: a false alarm in a million, per share that is compared.

    Random chooses without regard to what was before, so that its choices less their share are a martingale also where
    the number of slots depends on them.
    """
    return 4.9 * math.sqrt(share * (1 - share) / draws)


def test_shares_of_random_are_those_it_has_by_definition_wherever_they_are_told(small_catalog: Catalog) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    exact = {row.name: row for row in reference_values(tables)}["random"]
    assert exact.shares == {"short": pytest.approx(1 / 2), "long": pytest.approx(1 / 2)}
    assert exact.empty_share == pytest.approx(1 / 7)
    slots = SESSIONS * exact.slots
    measured = evaluate_agent("random", make_agent("random", tables), tables, sessions=SESSIONS, seed=1)
    row = evaluate({}, tables, sessions=SESSIONS, seed=2)["random"]
    curve = train("random", scenario="fatigue", catalog=small_catalog, sessions=100, seed=3).curve
    told = [
        (measured.long_share, measured.empty_share, slots),
        (row.long_share, row.empty_share, slots),
        *((long, empty, 50 * exact.slots * 0.8) for long, empty in zip(
            curve.values["session/long_share"], curve.values["session/empty_share"], strict=True)),
    ]  # fmt: skip
    for long, empty, played in told:
        assert long == pytest.approx(1 / 2, abs=slack(1 / 2, played * 6 / 7))
        assert empty == pytest.approx(1 / 7, abs=slack(1 / 7, played))


def test_exact_and_simulated_shares_of_the_optimum_agree(small_catalog: Catalog) -> None:
    """An ad is followed by others of the same session, so the interval is that of whole sessions, taken twice."""
    tables = Tables.compile("fatigue", small_catalog)
    exact = {row.name: row for row in reference_values(tables)}
    rows = evaluate({}, tables, sessions=20_000)
    for name in ("optimum", "greedy"):
        wide = 2 * slack(1 / 2, 20_000)
        assert rows[name].long_share == pytest.approx(exact[name].shares["long"], abs=wide)
        assert rows[name].empty_share == pytest.approx(exact[name].empty_share, abs=wide)


def test_the_tables_use_the_same_words(small_catalog: Catalog, small_catalog_folder: Path) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    command = ["optimum", "--scenario", "fatigue", "--catalog", str(small_catalog_folder)]
    printed = CliRunner().invoke(app, command).output.splitlines()[0].split()
    simulated, _ = comparison_table(evaluate({}, tables, sessions=100))
    assert {"long", "empty", "slots"} <= set(printed) & set(simulated)
