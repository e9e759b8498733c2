"""TensorBoard data of an experiment besides curves: the table of its cells."""

from collections.abc import Iterable, Mapping
from typing import Any

from preroll.simulations.evaluation.agent_result import AgentResult, share_column
from preroll.simulations.experiment.design.names import short_keys, value_text
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.training.curves import SHARE_MEANING
from preroll.tensorboard_writer import EventFile, meanings, plugin_value

#: Prefix of the metrics of the trained agent: charts of one point each, which TensorBoard puts behind all curves.
FINAL = "trained/"
#: Final metrics of a cell with their meaning, shown in the HPARAMS tab with the share of every length class.
METRICS = {
    "percent_of_optimum": "percent of the optimum: 100 · expected / optimum",
    "revenue": "revenue of a session: the mean sum of its rewards",
    "regret": "regret of a session: optimum − expected",
    "view_rate": "share of the ads shown that were viewed",
    "empty_share": "share of slots left without an ad",
    "session_length": "mean number of slots of a session",
    "terminated_share": "share of sessions that the user left before the horizon",
}


def write_settings_and_metrics(
    events: EventFile, cell: Cell, evaluation: AgentResult, shared: Mapping[str, Any]
) -> None:
    """Adds the data of the HPARAMS tab: its columns, settings of the cell, and its final metrics.

    Args:
        events: event file of the cell.
        cell: the cell, for its settings.
        evaluation: the cell's evaluation.
        shared: columns of :func:`columns_of`.
    """
    events.write_for_plugin(0, columns(shared))
    write_settings(events, cell.id, settings_of(cell))
    write_final(events, cell.sessions, evaluation.to_dict(), evaluation.shares)


def write_final(events: EventFile, sessions: int, numbers: Mapping[str, Any], lengths: Iterable[str]) -> None:
    """Adds the final metrics after so many training sessions, as far as there are numbers, and what they mean."""
    tags = METRICS | {share_column(one): SHARE_MEANING.replace("LENGTH", one) for one in lengths}
    told = {FINAL + name: meaning for name, meaning in tags.items() if name in numbers}
    events.write(sessions, {tag: float(numbers[tag.removeprefix(FINAL)]) for tag in told})
    note = "The agent after its training, evaluated as it was saved."
    events.write_for_plugin(0, meanings("what the final tags mean", note, told))


def write_settings(events: EventFile, name: str, settings: Mapping[str, Any]) -> None:
    """Adds a row of the table of HPARAMS."""
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

    start = SessionStartInfo(group_name=name)
    for key, value in settings.items():
        field = start.hparams[key]
        if isinstance(value, bool):
            field.bool_value = value
        elif isinstance(value, int | float):
            field.number_value = value
        else:
            field.string_value = value
    version = metadata.PLUGIN_DATA_VERSION
    for tag, content in (
        (metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start, version=version)),
        # 1 is STATUS_SUCCESS: only complete cells are written.
        (metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=SessionEndInfo(status=1), version=version)),
    ):
        events.write_for_plugin(0, plugin_value(tag, metadata.PLUGIN_NAME, content.SerializeToString()))


def settings_of(cell: Cell) -> Mapping[str, Any]:
    """Returns the settings of a cell by name, as the table of HPARAMS has them."""
    keys = short_keys(list(cell.values))
    varied = {keys[key]: _plain(value) for key, value in cell.values.items()}
    given = {f"{cell.agent}.{name}": _plain(value) for name, value in cell.settings.items()}
    # The seed is a name: as a number the table would show it as 0.0000.
    return {"agent": cell.label, "seed": str(cell.seed), "sessions": cell.sessions, **varied, **given}


def _plain(value: Any) -> Any:
    value = value["scale"] if isinstance(value, Mapping) and set(value) == {"scale"} else value
    return value if isinstance(value, str | int | float | bool) else value_text(value)


def columns_of(plan: Plan) -> dict[str, Any]:
    """Returns what the table of HPARAMS has columns for, as plain values."""
    kinds: dict[str, int] = {}
    for cell in plan.cells:
        for name, value in settings_of(cell).items():
            # of api_pb2.DataType: 1 string, 2 bool, 3 float64
            kind = 2 if isinstance(value, bool) else 3 if isinstance(value, int | float) else 1
            kinds[name] = kind if kinds.get(name, kind) == kind else 0  # 0: unset, for a name with values of two kinds
    titles = {name: name.replace("_", " ") for name in METRICS} | {n: n for n in map(share_column, plan.lengths)}
    return {"description": plan.description, "settings": kinds, "metrics": titles}


def columns(told: Mapping[str, Any]) -> Any:
    """Returns the columns of HPARAMS, which TensorBoard takes from any run of a logdir: so each of them has them.

    A run of their own would stand among the others without a curve.

    Args:
        told: columns of :func:`columns_of`.
    """
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo, MetricInfo, MetricName
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    experiment = Experiment(
        description=told["description"],
        hparam_infos=[HParamInfo(name=name, type=kind) for name, kind in told["settings"].items()],
        metric_infos=[
            MetricInfo(name=MetricName(tag=f"{FINAL}{name}"), display_name=title)
            for name, title in told["metrics"].items()
        ],
    )
    content = HParamsPluginData(experiment=experiment, version=metadata.PLUGIN_DATA_VERSION)
    return plugin_value(metadata.EXPERIMENT_TAG, metadata.PLUGIN_NAME, content.SerializeToString())
