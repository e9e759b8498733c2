"""What is called long or empty is the same in every table, exact or simulated, and in TensorBoard."""

import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from preroll.agents import make_agent
from preroll.commands.cli import app
from preroll.envs import Tables
from preroll.envs.optimum.reference_values import reference_values
from preroll.envs.policies.simple import fixed_policy
from preroll.perception.catalog.catalog import Catalog
from preroll.simulations.evaluation.agent_evaluation import evaluate_agent
from preroll.simulations.evaluation.evaluation import evaluate
from preroll.simulations.evaluation.table import COLUMNS, comparison_table
from preroll.simulations.training.training import fit, train
from tests.simulations.conftest import LENGTHS, of_lengths

AD = {"seconds": 10, "view_probability": 0.5, "reward": 1}
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
        (measured.shares["long"], measured.empty_share, slots),
        (row.shares["long"], row.empty_share, slots),
        *((long, empty, 50 * exact.slots * 0.8) for long, empty in zip(
            curve.values["session/share.long"], curve.values["session/empty_share"], strict=True)),
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
        assert rows[name].shares["long"] == pytest.approx(exact[name].shares["long"], abs=wide)
        assert rows[name].empty_share == pytest.approx(exact[name].empty_share, abs=wide)


def test_the_tables_use_the_same_words(small_catalog: Catalog, small_catalog_folder: Path) -> None:
    tables = Tables.compile("fatigue", small_catalog)
    command = ["optimum", "--scenario", "fatigue", "--catalog", str(small_catalog_folder)]
    printed = CliRunner().invoke(app, command).output.splitlines()[0].split()
    simulated, _ = comparison_table(evaluate({}, tables, sessions=100))
    assert {"long", "empty", "slots"} <= set(printed) & set(simulated)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_every_length_class_has_its_column_whatever_its_name(lengths: tuple[str, ...], small_catalog: Catalog) -> None:
    """Random shows each class equally often, and a policy of one class nothing else, in tables and in curves."""
    tables = Tables.compile(of_lengths(*lengths, session={"horizon": 3, "no_ad": True}), small_catalog)
    only = {f"always {length}": fixed_policy(tables, length) for length in lengths}
    evaluation = evaluate(only, tables, sessions=900)
    titles, rows = comparison_table(evaluation)
    assert titles == [*(column.title for column in COLUMNS), *lengths, "empty", "slots"]
    told = {row[0]: row[len(COLUMNS) :] for row in rows}
    for k, name in enumerate(only):
        assert evaluation[name].shares == {length: float(i == k) for i, length in enumerate(lengths)}
        assert told[name] == [*(f"{100.0 * (i == k)} %" for i in range(len(lengths))), "0.0 %", "3.0"]
    random = evaluation["random"]
    assert random.empty_share == pytest.approx(1 / (3 * len(lengths) + 1), abs=slack(1 / 4, 2700))
    columns = random.to_dict()
    curve = fit(make_agent("random", tables), tables, sessions=900)
    for length in lengths:
        equal = 1 / len(lengths)
        assert columns[f"share.{length}"] == pytest.approx(equal, abs=slack(equal, 2700 * 3 / 4))
        means = np.array(curve.values[f"session/share.{length}"], float)
        assert means @ np.diff([0, *curve.sessions]) / 900 == pytest.approx(equal, abs=2 * slack(equal, 2700 * 3 / 4))
    assert sum(columns[f"share.{length}"] for length in lengths) == pytest.approx(1)
    assert columns["empty_share"] == random.empty_share  # also beside a class of that name


def test_ads_of_one_class_are_counted_together_whatever_they_are_called(small_catalog: Catalog) -> None:
    ads = {"a": AD | {"length": "x"}, "b": AD | {"length": "x"}, "c": AD | {"length": "y"}}
    world = {"ads": dict.fromkeys(("cars", "cats", "concerts"), ads), "session": {"horizon": 3}}
    row = evaluate({}, Tables.compile(world, small_catalog), sessions=900)["random"]
    assert list(row.shares) == ["x", "y"]
    assert row.shares["x"] == pytest.approx(2 / 3, abs=slack(2 / 3, 2700))
