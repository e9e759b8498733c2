"""All results show themselves: on one screen, in a notebook, as a table and as a picture."""

import importlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from rich.cells import cell_len

from preroll import PrerollError
from preroll.agents import AGENTS, make_agent
from preroll.envs import Optimum, PhasedOptimum, Policy, Scenario, Tables, greedy_policy, random_policy, scenario_for
from preroll.envs.model.ad_colors import ad_colors
from preroll.palette import CATEGORIES, UNKNOWN
from preroll.perception import Catalog
from preroll.shown.card import LINES, WIDTH
from preroll.shown.shown import Shown
from preroll.simulations import Run, evaluate, run_experiment, train
from preroll.simulations.experiment.execution.runner import cell_pool
from preroll.simulations.training.curves import Curve, drawn_points
from tests.test_faces import FACES
from tests.workers.in_this_process import in_this_process

pytestmark = pytest.mark.filterwarnings("error::UserWarning")

EXPERIMENT = """
scenario: classic
catalog: demo
agents: [random, thompson: {num_envs: 10}]
sessions: 100
seeds: 2
evaluate: {sessions: 200}
"""


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One object of every class that shows itself, by the name of the class."""
    folder = tmp_path_factory.mktemp("shown")
    tables = Tables.compile("fatigue", "demo")
    result = train("thompson", scenario="fatigue", sessions=300, run=folder / "first")
    (folder / "own.yaml").write_text(EXPERIMENT, "utf8")
    with in_this_process():
        outcome = run_experiment(folder / "own.yaml", folder / "out", pool=cell_pool(1))
    found = [
        tables,
        tables.scenario,
        tables.catalog,
        Optimum(tables),
        greedy_policy(tables),
        result,
        result.curve,
        result.agent,
        Run.load(folder / "first"),
        evaluate({"mine": result.agent}, tables, sessions=200),
        Optimum(tables).explain(greedy_policy(tables)),
        evaluate({}, tables, sessions=200)["greedy"],
        outcome,
        PhasedOptimum(tables),
    ]
    return {type(one).__name__: one for one in found}


CLASSES = (
    "Tables", "Scenario", "Catalog", "Optimum", "Policy", "TrainingResult", "Curve", "Thompson", "Run",
    "Evaluation", "ExperimentOutcome", "Explanation", "AgentResult", "PhasedOptimum",
)  # fmt: skip


def test_every_class_of_a_face_that_draws_itself_is_tested_here(objects: dict[str, Any]) -> None:
    exported = [getattr(importlib.import_module(face), name) for face in FACES
                for name in importlib.import_module(face).__all__]  # fmt: skip
    drawing = {
        one.__name__ for one in exported if isinstance(one, type) and issubclass(one, Shown) and hasattr(one, "plot")
    }
    assert drawing - {"Agent", "OnnxAgent"} | {"Curve", type(objects["TrainingResult"].agent).__name__} == set(CLASSES)
    assert set(objects) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_it_fits_one_screen(objects: dict[str, Any], name: str) -> None:
    text = repr(objects[name])
    assert 4 <= len(text.splitlines()) <= LINES
    assert max(map(cell_len, text.splitlines())) <= WIDTH
    assert str(objects[name]) == text


@pytest.mark.parametrize("name", CLASSES)
def test_a_notebook_shows_its_table(objects: dict[str, Any], name: str) -> None:
    html = objects[name]._repr_html_()
    title = repr(objects[name]).splitlines()[0]
    assert all(part in html for part in title.split("…"))
    assert html.count("<tr>") >= 4
    assert "<script" not in html


def arguments(objects: dict[str, Any], name: str) -> tuple[Any, ...]:
    """A policy table does not know what its axes stand for, and an agent has one on any tables."""
    return (objects["Tables"],) if name in ("Policy", "Thompson") else ()


@pytest.mark.parametrize("name", CLASSES)
def test_it_is_a_table_of_flat_columns(objects: dict[str, Any], name: str) -> None:
    frame = objects[name].to_frame(*arguments(objects, name))
    assert len(frame) >= (1 if name == "AgentResult" else 3)
    assert all(isinstance(column, str) for column in frame.columns)
    assert not [name for name in frame if any(isinstance(entry, list | dict | tuple) for entry in frame[name])]
    if name != "Thompson":  # an agent has a table on tables alone
        rows = objects[name].to_frame()
        pd.testing.assert_frame_equal(pd.DataFrame(objects[name]), rows, check_dtype=False)


@pytest.mark.parametrize("name", CLASSES)
def test_it_draws_itself_on_new_axes_and_on_given_ones(objects: dict[str, Any], name: str) -> None:
    given = pyplot.figure().add_subplot()
    for axes in (None, given):
        drawn = objects[name].plot(*arguments(objects, name), ax=axes)
        assert isinstance(drawn, Axes)
        assert drawn.get_title()
        assert drawn.has_data()
        drawn.figure.canvas.draw()
    assert drawn is given
    pyplot.close("all")


def test_an_exported_agent_fits_one_screen(objects: dict[str, Any], tmp_path: Path) -> None:
    from preroll.agents import OnnxAgent, export_onnx
    from preroll.envs import SessionVectorEnv

    observations, _ = SessionVectorEnv(3, tables=objects["Tables"]).reset(seed=1)
    export_onnx(objects["Thompson"], tmp_path / "agent.onnx", observations)
    lines = repr(OnnxAgent.from_file(tmp_path / "agent.onnx")).splitlines()
    assert lines[0] == "Agent onnx"
    assert len(lines) <= LINES


@pytest.mark.parametrize(
    ("scenario", "phase", "of_one", "of_all"),
    [
        ("drift", 1, "(phase 2 of 3, from session 100)", "(phase 2 of 3, from session 100)"),
        ("hidden-users", 0, "(hasty users)", "(mean over 2 segments)"),
    ],
)
def test_what_is_of_one_phase_or_segment_says_of_which(scenario: str, phase: int, of_one: str, of_all: str) -> None:
    best = Optimum(scenario, phase)
    segment = best.tables.n_segments - 1
    for axes in (best.plot(segment=segment), best.policy.plot(best.tables, phase=phase, segment=segment)):
        assert axes.get_title().replace("\n", " ").endswith(of_one)
    assert repr(best).splitlines()[0].endswith(of_all)
    pyplot.close("all")


def test_what_is_the_same_in_all_phases_or_for_all_users_names_none() -> None:
    """A bug once: the best ads of the second phase were titled as those of the first."""
    best = Optimum("drift", 1)
    assert best.policy.plot(best.tables).get_title() == "drift: the ad shown most"
    assert "phase 1 of 3" in greedy_policy("drift").plot("drift").get_title()
    assert "patient users" in Optimum("hidden-users").policy.plot("hidden-users").get_title()
    pyplot.close("all")


@pytest.mark.parametrize("scenario", ["fatigue", "campaigns"])
def test_ads_have_one_order_everywhere(scenario: str) -> None:
    """By category, as catalogs list these, whatever the order in the file, by which actions are numbered."""
    tables = Tables.compile(scenario, "demo")
    listed = [tables.spec.labels[ad] for ad in tables.spec.listed]
    ads = [ad for ad in listed if ad != "none"]
    assert ads == sorted(ads, key=lambda ad: ad.split(".")[0])
    for one in (tables, tables.spec, Optimum(tables)):
        assert one.to_frame()["ad"].drop_duplicates().tolist() == listed
    assert tables.scenario.to_frame()["ad"].tolist() == ads
    assert [tables.spec.labels[action] for action in tables.scenario.to_frame()["action"]] == ads
    assert [text.get_text() for text in tables.scenario.plot().get_yticklabels()] == ads
    assert [text.get_text() for text in tables.plot().get_xticklabels()] == listed
    for card in (repr(tables), repr(tables.scenario)):
        lines = [line.split()[0] for line in card.splitlines() if line.split()[:1] and line.split()[0] in listed]
        assert [name for name in lines if name != "none"] == ads
    answers = tables.to_frame().query("fatigue == 0").groupby(["category", "ad"], sort=False)["expected"].first()
    for category, ad in answers.index:
        row, column = list(tables._earned_at_first()[category]), tables.spec.labels.index(ad)
        assert answers[category, ad] == pytest.approx(row[column])
    pyplot.close("all")


@pytest.mark.parametrize(
    ("scenario", "part"), [("drift", "phase 1 of 3, from session 0"), ("hidden-users", "mean over 2 segments")]
)
def test_tables_and_trainings_say_which_phase_or_segments_they_tell(scenario: str, part: str, tmp_path: Path) -> None:
    result = train("greedy", scenario=scenario, sessions=60, run=tmp_path / "run")
    for one in (result.tables, result, Run.load(tmp_path / "run")):
        assert part in " ".join(repr(one).split())
    assert part in result.tables.plot().get_title().replace("\n", " ")
    pyplot.close("all")


def test_a_scenario_of_ads_by_category_shows_the_range_of_each() -> None:
    scenario = Scenario.load("campaigns")
    lines = {words[0]: " ".join(words[3:6]) for line in repr(scenario).splitlines() if len(words := line.split()) > 5}
    assert (lines["soap.short"], lines["tickets.short"]) == ("0.45 … 0.75", "0.5 … 0.85")
    axes: Any = scenario.plot()
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.8, 1.25, 0.75, 1.125, 0.85, 0.75])
    assert "by category" in axes.get_xlabel().replace("\n", " ")
    pyplot.close("all")


@pytest.mark.parametrize("scenario", ["fatigue", "campaigns"])
def test_an_ad_has_one_colour_in_all_pictures(scenario: str) -> None:
    """A bug once: a scenario drew its groups as if they were categories, and no length by its shade."""
    tables = Tables.compile(scenario, "demo")
    bars: Any = tables.scenario.plot()
    labels = [text.get_text() for text in bars.get_yticklabels()]
    drawn = {label: to_hex(bar.get_facecolor()).upper() for label, bar in zip(labels, bars.patches, strict=True)}
    assert drawn.items() <= dict(zip(tables.spec.labels, ad_colors(tables.spec), strict=True)).items()
    legend: Any = Optimum(tables).plot().get_legend()
    shown = {
        text.get_text(): to_hex(patch.get_facecolor()).upper()
        for text, patch in zip(legend.get_texts(), legend.get_patches(), strict=True)
    }
    shown.pop("none", None)
    assert shown.items() <= drawn.items()
    pyplot.close("all")


def test_categories_have_their_colours_in_an_explanation_and_nothing_else_has_one(objects: dict[str, Any]) -> None:
    for split, colors in (("category", CATEGORIES[:3]), ("fatigue", [UNKNOWN] * 6)):
        bars: Any = objects["Explanation"].plot(split=split)
        assert [to_hex(bar.get_facecolor()).upper() for bar in bars.patches] == [color.upper() for color in colors]
    pyplot.close("all")


def test_ads_that_are_equally_likely_are_drawn_as_several(objects: dict[str, Any]) -> None:
    axes: Any = random_policy("fatigue").plot("fatigue")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["several alike"]
    assert np.unique(axes.images[0].get_array().reshape(-1, 3), axis=0).tolist() == [list(to_rgb(UNKNOWN))]
    pyplot.close("all")


def test_an_agent_shows_its_policy(objects: dict[str, Any]) -> None:
    agent, tables = objects["Thompson"], objects["Tables"]
    assert agent.to_frame(tables).equals(agent.policy(tables).to_frame(tables))


def test_an_evaluation_has_as_many_results_as_agents_and_names_those_it_has(objects: dict[str, Any]) -> None:
    evaluation = objects["Evaluation"]
    assert len(evaluation) == len(evaluation.rows)
    with pytest.raises(PrerollError, match="no agent 'gredy'; did you mean greedy"):
        evaluation["gredy"]


def test_nothing_of_one_phase_and_one_segment_names_them(objects: dict[str, Any]) -> None:
    assert "phase" not in repr(objects["Optimum"]) + repr(objects["TrainingResult"])
    assert objects["Optimum"].plot().get_title() == "fatigue: the best ad, exactly"
    pyplot.close("all")


def test_an_explanation_draws_the_split_that_is_asked_for(objects: dict[str, Any]) -> None:
    explanation = objects["Explanation"]
    axes = explanation.plot(split="fatigue")
    lost = [explanation.percent_of(value) for value in explanation.lost["fatigue"].values()]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(lost)
    pyplot.close("all")


@pytest.mark.parametrize("name", AGENTS)
def test_every_agent_fits_one_screen(objects: dict[str, Any], name: str) -> None:
    if name in ("qr-dqn", "recurrent-ppo"):
        pytest.importorskip("sb3_contrib")
    agent = make_agent(name, objects["Tables"])
    lines = repr(agent).splitlines()
    assert lines[0] == f"Agent {name}"
    assert len(lines) <= LINES
    assert max(map(cell_len, lines)) <= WIDTH


def test_an_agent_that_never_learns_does_not_say_that_it_has_not(objects: dict[str, Any]) -> None:
    for name in ("random", "greedy", "always-short"):
        assert "it only plays" in repr(make_agent(name, objects["Tables"]))
    assert "was trained on  nothing yet" in repr(make_agent("thompson", objects["Tables"]))


def test_a_frame_of_an_evaluation_holds_intervals(objects: dict[str, Any]) -> None:
    evaluation = objects["Evaluation"]
    frame = pd.DataFrame(evaluation).set_index("agent")
    mine = evaluation["mine"]
    assert frame.index.tolist() == [row.name for row in evaluation.rows]
    told = frame.to_dict("index")["mine"]
    ends = mine.revenue.low, mine.revenue.value, mine.revenue.high
    assert (told["revenue_low"], told["revenue"], told["revenue_high"]) == ends
    assert frame.equals(evaluation.to_frame().set_index("agent"))


def test_bars_of_an_evaluation_are_its_percents(objects: dict[str, Any]) -> None:
    axes = objects["Evaluation"].plot()
    names = [label.get_text() for label in axes.get_yticklabels()]
    widths = dict(zip(names, (bar.get_width() for bar in axes.patches), strict=True))
    assert widths == {row.name: pytest.approx(row.percent_of_optimum) for row in objects["Evaluation"].rows}
    assert names[0] == "optimum"
    pyplot.close("all")


def test_bars_have_the_same_decimals() -> None:
    texts = [text.get_text() for text in Scenario.load("campaigns").plot().texts]
    assert texts == ["0.800", "1.250", "0.750", "1.125", "0.850", "0.750"]
    pyplot.close("all")


def test_a_short_curve_has_several_numbers_below_it_and_a_single_point_is_seen() -> None:
    for sessions in ([50, 100, 150], [50]):
        axes = Curve(sessions, {"a": [1.0] * len(sessions)}).plot(tag="a")
        axes.figure.draw_without_rendering()  # type: ignore[union-attr]
        low, high = axes.get_xlim()
        assert sum(low <= tick <= high for tick in axes.get_xticks()) >= 2
        assert (axes.lines[0].get_marker() == "o") == (len(sessions) == 1)
    pyplot.close("all")


def test_slots_are_whole_numbers(objects: dict[str, Any]) -> None:
    for slots in (5, 8, 20, 40):
        scenario = objects["Scenario"].replace({"session.horizon": slots})
        axes = Optimum(Tables.compile(scenario, "demo")).plot()
        assert all(tick == round(tick) for tick in axes.get_xticks())
    pyplot.close("all")


def test_names_of_a_large_field_do_not_lie_on_each_other() -> None:
    counts = {f"category {i:02}": 5 for i in range(70)}
    catalog = Catalog.synthetic(counts)
    for axes in (None, pyplot.figure(figsize=(4, 3)).add_subplot()):
        drawn = Tables.compile(scenario_for(catalog), catalog).plot(axes)
        drawn.figure.draw_without_rendering()  # type: ignore[union-attr]
        for labels, (first, last) in ((drawn.get_xticklabels(), ("x0", "x1")), (drawn.get_yticklabels(), ("y0", "y1"))):
            boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: getattr(box, first))
            assert len(boxes) >= (70 if axes is None else 5)
            assert all(getattr(one, last) <= getattr(other, first) for one, other in pairwise(boxes))
    pyplot.close("all")


def test_curves_of_different_scenarios_have_a_title_of_none(objects: dict[str, Any]) -> None:
    axes = objects["TrainingResult"].plot()
    assert axes.get_title() == "fatigue: learning curve"
    assert objects["Run"].plot(axes).get_title() == "fatigue: learning curve"
    other = objects["Curve"].plot(axes, title="classic: learning curve")
    assert other.get_title() == "learning curves"
    pyplot.close("all")


def test_curves_on_the_same_axes_differ_in_colour_and_have_a_legend(objects: dict[str, Any]) -> None:
    axes = objects["TrainingResult"].plot()
    objects["Run"].plot(axes)
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    assert [line.get_label() for line in lines] == ["thompson", "first"]
    assert lines[0].get_color() != lines[1].get_color()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["thompson", "first"]
    sessions, (percent,) = drawn_points([objects["Curve"]], "session/percent_of_optimum")
    assert lines[0].get_xdata().tolist() == sessions
    assert lines[0].get_ydata().tolist() == percent.tolist()
    pyplot.close("all")


def test_a_curve_takes_the_end_of_a_tag_that_no_other_has(objects: dict[str, Any]) -> None:
    short, whole = (objects["Curve"].plot(tag=tag) for tag in ("revenue", "session/revenue"))
    assert short.get_ylabel() == whole.get_ylabel() == "revenue"
    assert short.lines[0].get_ydata().tolist() == whole.lines[0].get_ydata().tolist()
    pyplot.close("all")


def test_curves_of_the_same_name_or_of_none_are_numbered(objects: dict[str, Any]) -> None:
    axes = objects["TrainingResult"].plot(ax=objects["TrainingResult"].plot())
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["thompson", "thompson 2"]
    bare = objects["Curve"].plot()
    assert bare.get_legend() is None
    objects["Curve"].plot(ax=bare)
    assert [text.get_text() for text in bare.get_legend().get_texts()] == ["curve", "curve 2"]
    pyplot.close("all")


def test_a_title_that_a_user_sets_stands_alone(objects: dict[str, Any]) -> None:
    """A bug once: ours stood at the left, and another in the middle was printed over it."""
    axes = objects["Optimum"].plot()
    axes.set_title("mine")
    assert [axes.get_title(loc=place) for place in ("left", "center", "right")] == ["", "mine", ""]
    pyplot.close("all")


def test_the_table_of_a_scenario_is_its_answers(objects: dict[str, Any]) -> None:
    """P(view) in the demo, where all videos of a category answer alike, is p or m · p."""
    frame = objects["Tables"].to_frame().query("fatigue == 0").set_index(["category", "ad"])
    p, m = objects["Scenario"].ads[1].view_probability, objects["Scenario"].user.mismatch
    assert frame.loc[("cats", "cats.long"), "view_probability"] == pytest.approx(p)
    assert frame.loc[("cars", "cats.long"), "view_probability"] == pytest.approx(m * p)
    assert frame.loc[("cars", "none"), "expected"] == 0


def test_a_policy_without_categories_is_drawn_by_predictions() -> None:
    catalog = Catalog.load("demo")
    unknown = Catalog.from_arrays(
        categories=catalog.categories, category=np.where(np.arange(300) < 200, catalog.category, -1),
        neighbors=catalog.neighbors, importance=catalog.importance, classes=catalog.classes,
        category_probabilities=catalog.category_probabilities,
    )  # fmt: skip
    tables = Tables.compile("classic", unknown)
    assert "without category" in repr(unknown)
    assert "without category" in set(tables.to_frame()["category"])
    tables.plot()
    bars: Any = unknown.plot()
    colors = [to_hex(bar.get_facecolor()).upper() for bar in bars.patches]
    assert colors == [*(color for color in CATEGORIES[:3]), UNKNOWN]
    pyplot.close("all")


def test_names_with_two_dollars_are_no_formula() -> None:
    ads = {"a$b$c": {"x$y$z": {"seconds": 5, "view_probability": 0.5, "reward": 1}}}
    with pytest.raises(Exception, match="ads"):
        Scenario.load({"ads": ads})  # a name of an ad has no dollar; that of a category may
    ads["a$b$c"] = {"x": ads["a$b$c"]["x$y$z"]}
    axes = Scenario.load({"ads": ads}).plot()
    axes.figure.canvas.draw()
    assert axes.get_yticklabels()[0].get_text() == "a$b$c.x"
    assert not axes.get_yticklabels()[0].get_parse_math()
    pyplot.close("all")


def test_what_cannot_be_read_any_more_says_so_and_does_not_raise(tmp_path: Path) -> None:
    from tests.conftest import make_catalog, write_catalog

    folder = write_catalog(make_catalog(), tmp_path / "catalog")
    catalog = Catalog.load(folder)
    content = bytearray((folder / "category.npy").read_bytes())
    content[-1] ^= 1
    (folder / "category.npy").write_bytes(bytes(content))
    text = repr(catalog)
    assert text.startswith("Catalog\n")
    assert "cannot be shown" in text


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda: Curve([50], {"a": [1.0]}).plot(), "tags are a"),
        (lambda: Curve([50], {"a/revenue": [1.0]}).plot(tag="revenu"), r"did you mean revenue\?; tags are a/revenue$"),
        (lambda: Curve([50], {"a/b": [1.0], "c/b": [2.0]}).plot(tag="b"), "no tag 'b'; did you mean a/b or c/b"),
        (lambda: Optimum("hidden-users").plot(segment=2), "segment: 2: there are 2, numbered from 0 to 1"),
        (lambda: Optimum("drift").policy.to_frame("drift", phase=3), "phase: 3: there are 3"),
        (lambda: Optimum("drift", phase=7), "phase: 7: there are 3, numbered from 0 to 2"),
        (lambda: Policy(ads=np.zeros((3, 1), int)).plot(Tables.compile("classic", "demo")), "do not fit"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(ask: Callable[[], Any], named: str) -> None:
    with pytest.raises(PrerollError, match=named):
        ask()


def test_a_long_title_of_a_picture_is_folded_and_not_cut() -> None:
    axes = Optimum(Tables.compile("hidden-users", "demo")).plot()
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    title = axes.title
    assert title.get_window_extent().x1 <= axes.figure.bbox.x1
    pyplot.close("all")
